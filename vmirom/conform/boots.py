"""One boot of a conform run, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass

from vmirom.hosts.outcomes import BootResult, Outcome
from vmirom.hosts.request import BootRequest

__all__ = ["Boot", "Booted"]


@dataclass(frozen=True, slots=True)
class Boot:
    """One boot to be made. ``guest`` names the table of its checks (``reference``, ``conform-irq``), ``abi``
    is the version of the ROM (``3.1``). ``ends`` is how the boot is promised to end (``reboot``, ``crash``,
    ``shutdown``); empty for a guest that reports success."""

    guest: str
    abi: str
    request: BootRequest
    ends: str = ""

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What tells it apart within a run: (guest, backend, host, abi)."""
        return self.guest, self.request.backend, self.request.host, self.abi

    @property
    def label(self) -> str:
        """How tables call it."""
        return f"{self.guest} on {self.request.label}"


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
        if self.result.ending == self.boot.ends:
            return Outcome.SUCCESS
        if self.result.outcome is Outcome.SUCCESS:
            return Outcome.FAILURE
        return self.result.outcome

    @property
    def reason(self) -> str:
        """Why the outcome is what it is."""
        if self.boot.ends and self.result.ending != self.boot.ends:
            return f"it should have ended by {self.boot.ends}: {self.result.reason}"
        return self.result.reason
