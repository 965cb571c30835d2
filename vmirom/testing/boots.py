"""What a test gets of a boot: one, or one a backend."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from vmirom.hosts.outcomes import BootResult, Outcome
from vmirom.report.agreement import Agreement, Difference, compare, overall

__all__ = ["Boot", "Boots", "NotSeen", "Outcome"]

_TAIL = 20
"""Lines of the transcript in a report of a failed test."""


class NotSeen(Exception):
    """A test asks for what the host does not see, such as the calls that a guest makes on a real machine."""


@dataclass(frozen=True, slots=True, repr=False)
class Boot:
    """One boot of ``guest``. ``replay`` is the command that makes it again; ``result`` holds all the rest."""

    guest: str
    replay: str
    result: BootResult

    @property
    def ok(self) -> bool:
        """Whether the guest ended well: powered off, rebooted, or reported success."""
        return self.result.outcome is Outcome.SUCCESS

    @property
    def outcome(self) -> Outcome:
        """One of the five."""
        return self.result.outcome

    @property
    def reason(self) -> str:
        """One line: why the outcome is what it is."""
        return self.result.reason

    @property
    def transcript(self) -> tuple[str, ...]:
        """Lines that the guest printed, its notes left out."""
        return self.result.transcript

    @property
    def notes(self) -> tuple[str, ...]:
        """Lines that began with ``~ ``, without that: what may differ between backends."""
        return self.result.notes

    @property
    def calls(self) -> Counter[str]:
        """Paravirt calls by name (``SetCR3``); 0 for one that was not made. Raises NotSeen."""
        return self._counted(self.result.calls, "calls")

    @property
    def hypercalls(self) -> Counter[str]:
        """Hypercalls by the hypervisor's own names. Raises NotSeen."""
        return self._counted(self.result.hypercalls, "hypercalls")

    @property
    def refused(self) -> Counter[str]:
        """Hypercalls that were answered with an error, by name and why. Raises NotSeen."""
        return self._counted(self.result.refused, "refused hypercalls")

    @property
    def backend(self) -> str:
        """``xen``, ``kvm``, ..."""
        return self.result.backend

    @property
    def host(self) -> str:
        """``embedded``, ``qemu``, ..."""
        return self.result.host

    @property
    def seconds(self) -> float:
        """Wall time of load and run."""
        return self.result.seconds

    @property
    def registers(self) -> str:
        """Registers at a bad end, as lines; empty after a good one and where the host does not see them."""
        return self.result.registers

    @property
    def last_call(self) -> str:
        """Name of the paravirt call that was made last; empty if none was seen."""
        return self.result.last_call

    def report(self) -> str:
        """What is shown of it below a failed test."""
        result = self.result
        lines = [f"{self.guest} on {result.label}: {result.outcome.value}: {result.reason}"]
        if skipped := len(result.transcript) - _TAIL:
            lines += [f"  ({skipped} lines before)"] if skipped > 0 else []
        lines += [f"  | {line}" for line in result.transcript[-_TAIL:]]
        lines += [f"  ~ {line}" for line in result.notes[-_TAIL:]]
        if result.last_call:
            lines.append(f"last call: {result.last_call}")
        lines += [f"refused {hits} x {what}" for what, hits in (result.refused or {}).items()]
        lines += result.registers.splitlines()
        return "\n".join([*lines, f"again: {self.replay}"])

    def _counted(self, hits: dict[str, int] | None, what: str) -> Counter[str]:
        if hits is None:
            raise NotSeen(f"host {self.host} does not see {what}: ask on another, such as embedded")
        return Counter(hits)

    def __repr__(self) -> str:
        return f"<Boot of {self.guest} on {self.result.label}: {self.outcome.value}: {self.reason}>"


@dataclass(frozen=True, slots=True, repr=False)
class Boots:
    """One guest on several backends. A sequence of :class:`Boot`, and a mapping by backend."""

    boots: tuple[Boot, ...]

    @property
    def ok(self) -> bool:
        """Whether every boot ended well and all transcripts agree."""
        return self.outcome is Outcome.SUCCESS

    @property
    def outcome(self) -> Outcome:
        """The worst; a failure where all succeeded and their transcripts differ."""
        return overall([boot.result for boot in self.boots], self.agreement)

    @property
    def agreement(self) -> Agreement:
        """All transcripts against the one that most printed."""
        return compare([boot.result for boot in self.boots])

    @property
    def differences(self) -> tuple[Difference, ...]:
        """The first line in which each backend differs; empty where all printed the same."""
        return self.agreement.differences

    def __getitem__(self, backend: str) -> Boot:
        for boot in self.boots:
            if boot.backend == backend:
                return boot
        raise KeyError(backend)

    def __iter__(self) -> Iterator[Boot]:
        return iter(self.boots)

    def __len__(self) -> int:
        return len(self.boots)

    def __repr__(self) -> str:
        told = [f"{boot.result.label} {boot.outcome.value}" for boot in self.boots]
        told += [
            f"{d.backend} differs in line {d.line}: {d.printed!r} instead of {d.expected!r}"
            for d in self.differences
        ]
        return f"<Boots: {', '.join(told)}>"
