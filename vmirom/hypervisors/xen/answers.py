"""How code deep inside the hypervisor answers: by an errno, by a fault in guest memory, by death, by an end.

Handlers return the value a hypercall leaves in EAX and raise one of these otherwise; only the dispatcher
and the run loop catch them.
"""

from vmirom.hypervisors.hypervisor import Ending

__all__ = ["DomainCrash", "Ended", "GuestFault", "Refused"]


class Refused(Exception):
    """A hypercall refuses: EAX becomes ``-errno``; ``why`` goes to the trace."""

    def __init__(self, errno: int, why: str) -> None:
        super().__init__(why)
        self.errno = int(errno)
        self.why = why


class GuestFault(Exception):
    """An access to guest-virtual memory that the guest's tables forbid: address and #PF error code."""

    def __init__(self, gva: int, error: int) -> None:
        super().__init__(f"guest address {gva:#x} faults, error {error:#x}")
        self.gva = gva
        self.error = error


class DomainCrash(Exception):
    """The hypervisor kills the domain; one line says why."""


class Ended(Exception):
    """The machine ends here."""

    def __init__(self, ending: Ending) -> None:
        super().__init__(ending.reason)
        self.ending = ending
