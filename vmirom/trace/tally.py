"""Counts of what a guest did, and its last steps: what hypervisors and the slot watch talk to, and all that
an ordinary boot pays for. A :class:`vmirom.trace.recorder.Recorder` writes it down as well."""

from __future__ import annotations

from collections import Counter

from vmirom.trace.recent import Recent

__all__ = ["MOST_NAMES", "OTHERS", "OUTSIDE", "TRACE_LIMIT", "Tally"]

OUTSIDE = "-"
"""Stands for the call where hypercalls were made by none."""

OTHERS = "others"
"""Stands for all names behind the first MOST_NAMES: a guest can make up names and reasons without end."""

MOST_NAMES = 1000

TRACE_LIMIT = 64 << 20
"""Bytes of a run's trace where nobody says otherwise: more than any guest of good will needs."""


class Tally:
    """Counts calls and hypercalls by name. Satisfies the hypervisors' ``Trace``."""

    def __init__(self, names: dict[int, str]) -> None:
        self._names = names
        self.by_number: Counter[int] = Counter()
        self.by_hypercall: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.recent = Recent(names)
        self.last = -1

    def begin(self, abi: str, guest_sha256: str, rom_sha256: str) -> None:
        """A run begins."""

    def end(self, outcome: str, reason: str) -> None:
        """It is over."""

    def call(self, number: int) -> None:
        """The guest entered slot ``number``."""
        self.by_number[number] += 1
        self.last = number
        self.recent.call(number)

    def hypercall(self, name: str, arguments: tuple[int, ...], result: int | None, why: str = "") -> None:
        """A hypervisor answered a hypercall."""
        _count(self.by_hypercall, name)
        self.recent.other((name, arguments, result, why))
        if why:
            _count(self.refused, f"{name}: {why}")

    def event(self, kind: str, detail: str) -> None:
        """Anything else; not counted."""
        self.recent.other((kind, detail))

    def name(self, number: int) -> str:
        """A call's name, or its number where it has none."""
        return self._names.get(number, OUTSIDE if number < 0 else f"call {number}")

    @property
    def calls(self) -> dict[str, int]:
        """Hits of each call by name, in order of number."""
        return {self.name(n): hits for n, hits in sorted(self.by_number.items())}

    @property
    def call_total(self) -> int:
        """All calls so far."""
        return sum(self.by_number.values())

    @property
    def hypercall_total(self) -> int:
        """All hypercalls so far."""
        return sum(self.by_hypercall.values())


def _count(counter: Counter[str], name: str) -> None:
    counter[name if name in counter or len(counter) < MOST_NAMES else OTHERS] += 1
