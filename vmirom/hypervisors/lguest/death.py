"""The ways an lguest guest stops running.

They are exceptions, because each of them ends whatever the host was doing for the guest at that moment;
the run loop turns them into an ``Ending``. The first one counts, as the real host keeps its first reason.
"""

__all__ = ["BadNotify", "HostBug", "Killed", "ShutDown", "c_hex"]


class Killed(Exception):
    """The host killed the guest; the text is the reason the launcher prints after ``lguest: ``."""


class ShutDown(Exception):
    """The guest asked to stop: ``message`` as it was in its memory, ``restart`` for reason 2."""

    def __init__(self, message: bytes, restart: bool) -> None:
        super().__init__(message)
        self.message = message
        self.restart = restart


class BadNotify(Exception):
    """The launcher gave up on a NOTIFY outside memory; the text is what it prints."""


class HostBug(Exception):
    """The host's own kernel stops at a bug and kills the launcher without a word; the text says over what."""


def c_hex(value: int) -> str:
    """``value`` as ``%#lx`` of the host's kernel prints it: with the prefix on zero, which C leaves out."""
    return f"{value:#x}"
