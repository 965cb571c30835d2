"""One boot of a conform run, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass

from vmirom.hosts.outcomes import BootResult, Outcome
from vmirom.hosts.request import BootRequest
from vmirom.hypervisors.hypervisor import EndKind
from vmirom.overlays.vmi import ExitStatus

__all__ = ["Boot", "Booted", "end_of"]


@dataclass(frozen=True, slots=True)
class Boot:
    """One boot to be made. ``guest`` names the table of its checks (``reference``, ``conform-irq``), ``abi``
    is the version of the ROM (``3.1``). ``ends`` are the ends of which one is promised, as
    :func:`end_of` calls them; empty for a guest that reports success."""

    guest: str
    abi: str
    request: BootRequest
    ends: tuple[str, ...] = ()

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What tells it apart within a run: (guest, backend, host, abi)."""
        return self.guest, self.request.backend, self.request.host, self.abi

    @property
    def label(self) -> str:
        """How tables call it."""
        return f"{self.guest} on {self.request.label}"


def end_of(result: BootResult) -> str:
    """How a boot ended: the status that the guest reported (``success``), ``off``, ``reboot``, ``crash``, or
    what the host calls it; empty where it never ran."""
    if result.ending != EndKind.SHUTDOWN.value:
        return result.ending
    if result.status is None:
        return "off"
    known = {int(status): status.name.lower() for status in ExitStatus}
    return known.get(result.status, str(result.status))


@dataclass(frozen=True, slots=True)
class Booted:
    """A boot that was made, and its result."""

    boot: Boot
    result: BootResult

    @property
    def outcome(self) -> Outcome:
        """The result's outcome; an end that was promised is a success, and any other one then a failure."""
        if not self.boot.ends:
            return self.result.outcome
        if self.as_promised:
            return Outcome.SUCCESS
        if self.result.outcome is Outcome.SUCCESS:
            return Outcome.FAILURE
        return self.result.outcome

    @property
    def as_promised(self) -> bool:
        """Whether it ended in a way that was promised."""
        return end_of(self.result) in self.boot.ends

    @property
    def reason(self) -> str:
        """Why the outcome is what it is."""
        if self.boot.ends and not self.as_promised:
            return f"it should have ended by {' or '.join(self.boot.ends)}: {self.result.reason}"
        return self.result.reason
