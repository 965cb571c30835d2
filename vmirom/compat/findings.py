"""What a comparison finds: plain frozen values, that every report, gate and file format is made from.

A severity is told from the view of a guest that is in the field already and meets the new ROM. A new guest
on an old ROM is protected by the version rule (it asks for the minor it needs), so what only concerns
that pair is compatible; ``Finding.breaks`` names the pair all the same.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass, field

__all__ = ["Breaks", "Finding", "Identity", "Report", "RuleInfo", "Severity", "worst"]


class Severity(enum.Enum):
    """How bad a change is; ordered, COMPATIBLE < RISKY < BREAKING."""

    COMPATIBLE = "compatible"
    RISKY = "risky"
    BREAKING = "breaking"

    @property
    def rank(self) -> int:
        """0 compatible, 1 risky, 2 breaking."""
        return _RANKS[self.value]

    def __lt__(self, other: Severity) -> bool:
        return self.rank < other.rank

    def __le__(self, other: Severity) -> bool:
        return self.rank <= other.rank

    def __gt__(self, other: Severity) -> bool:
        return self.rank > other.rank

    def __ge__(self, other: Severity) -> bool:
        return self.rank >= other.rank


_RANKS = {"compatible": 0, "risky": 1, "breaking": 2}


class Breaks(enum.Enum):
    """Which pair of guest and ROM a change can break."""

    OLD_GUEST = "old guest on new ROM"
    NEW_GUEST = "new guest on old ROM"
    BOTH = "both"
    NONE = "none"

    @property
    def mirrored(self) -> Breaks:
        """The pair seen from the other side of the comparison."""
        if self is Breaks.OLD_GUEST:
            return Breaks.NEW_GUEST
        return Breaks.OLD_GUEST if self is Breaks.NEW_GUEST else self


@dataclass(frozen=True, slots=True)
class RuleInfo:
    """One rule. ``id`` never changes once given out; ``severity`` is that of most findings of the rule."""

    id: str
    title: str
    severity: Severity
    breaks: Breaks
    explanation: str
    reverse: str = ""
    """Rule under which the same change is found when the sides are exchanged (its own, if empty)."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One change. ``place`` is stable and exact, e.g. ``call/SetPxE/argument/ptep``: what a suppression
    names. ``old`` and ``new`` are text for people, None where that side has nothing."""

    rule: str
    severity: Severity
    place: str
    old: str | None
    new: str | None
    why: str
    breaks: Breaks


@dataclass(frozen=True, slots=True)
class Identity:
    """Which declaration a side is: line, version, and where it was read (``vmi3@3.0``, a path)."""

    line: str
    version: str
    source: str

    def __str__(self) -> str:
        return f"{self.line} {self.version}"


@dataclass(frozen=True, slots=True)
class Report:
    """A comparison. ``findings`` are sorted, worst first, then by place; ``notes`` are sentences about the
    comparison itself (across lines, backwards, how calls were matched, what a side doesn't tell)."""

    left: Identity
    right: Identity
    findings: tuple[Finding, ...]
    notes: tuple[str, ...] = field(default=())

    @property
    def severity(self) -> Severity | None:
        """The worst severity, None where nothing was found."""
        return worst(self.findings)

    @property
    def same_line(self) -> bool:
        """Are both sides versions of one line? Only then are their versions compared."""
        return self.left.line == self.right.line

    def count(self, severity: Severity) -> int:
        """Number of findings of one severity."""
        return sum(finding.severity is severity for finding in self.findings)


def worst(findings: Iterable[Finding]) -> Severity | None:
    """The worst severity among findings, None where there are none."""
    return max((finding.severity for finding in findings), default=None, key=lambda each: each.rank)
