"""What every format is made from: findings, what was settled about them, and the rules they fall under.

A comparison is one section. The gate (``vmirom abi check``) has one section for each lock it compares with.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from vmirom.compat.findings import Finding, Identity, Report, RuleInfo, Severity, worst
from vmirom.compat.rulebook import RULES

__all__ = ["Entry", "Section", "Settled", "Sheet", "Spot", "sheet_of"]


class Settled(enum.Enum):
    """Why a finding no longer counts."""

    SUPPRESSED = "suppressed"
    BUMPED = "bumped"


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a finding's declaration stands: a file (as a relative path where that can be) and a line from
    1."""

    file: str
    line: int = 1


@dataclass(frozen=True, slots=True)
class Entry:
    """A finding, where it stands if that is known, and if it is settled how and why."""

    finding: Finding
    spot: Spot | None = None
    settled: Settled | None = None
    reason: str = ""

    @property
    def counts(self) -> bool:
        """Whether it bears on the verdict."""
        return self.settled is None


@dataclass(frozen=True, slots=True)
class Section:
    """One comparison."""

    left: Identity
    right: Identity
    entries: tuple[Entry, ...]
    notes: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """``vmi3 3.0 (locks/vmi3-3.0.json) -> vmi3 3.0 (abi)``"""
        return f"{_side(self.left)} -> {_side(self.right)}"


def _side(identity: Identity) -> str:
    return f"{identity} ({identity.source})" if identity.source else str(identity)


@dataclass(frozen=True, slots=True)
class Sheet:
    """All that is to be told. ``rules`` explains every rule that occurs."""

    command: str
    sections: tuple[Section, ...]
    rules: Mapping[str, RuleInfo] = field(default_factory=lambda: RULES)

    @property
    def entries(self) -> tuple[Entry, ...]:
        """The entries of all sections."""
        return tuple(entry for section in self.sections for entry in section.entries)

    @property
    def severity(self) -> Severity | None:
        """The worst that counts; None where nothing does."""
        return worst(entry.finding for entry in self.entries if entry.counts)

    def count(self, severity: Severity) -> int:
        """Findings of one severity that count."""
        return sum(e.counts and e.finding.severity is severity for e in self.entries)

    @property
    def settled(self) -> int:
        """Findings that no longer count."""
        return sum(not entry.counts for entry in self.entries)

    @property
    def used_rules(self) -> tuple[RuleInfo, ...]:
        """The rules that occur, sorted by id."""
        names = sorted({entry.finding.rule for entry in self.entries})
        return tuple(self.rules[name] for name in names)

    @property
    def verdict(self) -> str:
        """One sentence."""
        counts = [f"{self.count(s)} {s.value}" for s in reversed(Severity)]
        more = f", {self.settled} settled" if self.settled else ""
        if not self.entries:
            return "identical"
        word = "compatible" if self.severity is None else self.severity.value
        return f"{word}: {', '.join(counts)}{more}"


def sheet_of(command: str, reports: Iterable[Report]) -> Sheet:
    """Reports as they are, nothing settled."""
    return Sheet(
        command,
        tuple(
            Section(report.left, report.right, tuple(Entry(f) for f in report.findings), report.notes)
            for report in reports
        ),
    )
