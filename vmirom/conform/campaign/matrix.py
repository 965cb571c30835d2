"""What came out of a campaign: guest x backend x host x version, each cell over its seeds.

A cell is *flaky* if the same boot ended in more than one way: another outcome, or another transcript, by
seed. Cells of one guest and version are compared with each other, as ``vmirom boot`` does with its boots.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from vmirom.conform.campaign.store import Group, Store
from vmirom.hosts.outcomes import Outcome, worst
from vmirom.hosts.request import label

__all__ = ["Cell", "Matrix", "Variant", "read_matrix"]


@dataclass(frozen=True, slots=True)
class Variant:
    """One way in which boots of a cell ended. ``first`` is the lowest number of such a job, for a replay."""

    outcome: Outcome
    transcript: str
    reason: str
    count: int
    first: int


@dataclass(frozen=True, slots=True)
class Cell:
    """``variants`` in the order of their first jobs; ``pending`` jobs have no result yet."""

    guest: str
    backend: str
    host: str
    abi: str
    variants: tuple[Variant, ...]
    pending: int
    seconds: float

    @property
    def label(self) -> str:
        """Where."""
        return label(self.backend, self.host)

    @property
    def outcome(self) -> Outcome | None:
        """The worst; None while nothing has ended."""
        return worst(variant.outcome for variant in self.variants) if self.variants else None

    @property
    def flaky(self) -> bool:
        """Whether boots that should be alike were not."""
        return len({(variant.outcome, variant.transcript) for variant in self.variants}) > 1

    @property
    def counts(self) -> Counter[Outcome]:
        """Jobs by outcome."""
        found: Counter[Outcome] = Counter()
        for variant in self.variants:
            found[variant.outcome] += variant.count
        return found

    @property
    def done(self) -> int:
        """Jobs that have a result."""
        return sum(variant.count for variant in self.variants)

    @property
    def usual(self) -> Variant | None:
        """The way in which most boots ended, successful ones first; skips have none."""
        told = [variant for variant in self.variants if variant.outcome is not Outcome.SKIP]
        return max(told, key=lambda v: (v.outcome is Outcome.SUCCESS, v.count), default=None)


@dataclass(frozen=True, slots=True)
class Matrix:
    """All cells. ``differing`` are those whose usual transcript is not the one that most cells of their guest
    and version have: (cell, the cell it is compared with)."""

    cells: tuple[Cell, ...]
    differing: tuple[tuple[Cell, Cell], ...]

    @property
    def pending(self) -> int:
        """Jobs without a result."""
        return sum(cell.pending for cell in self.cells)

    @property
    def done(self) -> int:
        """Jobs with one."""
        return sum(cell.done for cell in self.cells)

    @property
    def counts(self) -> Counter[Outcome]:
        """Jobs by outcome."""
        return sum((cell.counts for cell in self.cells), Counter())

    @property
    def flaky(self) -> tuple[Cell, ...]:
        """Flaky cells."""
        return tuple(cell for cell in self.cells if cell.flaky)

    @property
    def outcome(self) -> Outcome:
        """The worst of all jobs; transcripts that differ, by seed or by place, are a failure."""
        found = [cell.outcome for cell in self.cells if cell.outcome is not None]
        if self.flaky or self.differing:
            found.append(Outcome.FAILURE)
        return worst(found)


def read_matrix(store: Store) -> Matrix:
    """The matrix as of now. Raises CampaignError."""
    by_cell: dict[tuple[str, str, str, str], list[Group]] = {}
    for group in store.groups():
        by_cell.setdefault((group.guest, group.abi, group.host, group.backend), []).append(group)
    cells = [_cell(groups) for groups in by_cell.values()]
    order = sorted(cells, key=lambda cell: (cell.guest, cell.abi))
    differing = [
        pair
        for _, some in groupby(order, key=lambda cell: (cell.guest, cell.abi))
        for pair in _differing(list(some))
    ]
    return Matrix(tuple(cells), tuple(differing))


def _cell(groups: Sequence[Group]) -> Cell:
    first = groups[0]
    variants = tuple(
        Variant(group.outcome, group.transcript, group.reason, group.count, group.first)
        for group in groups
        if group.outcome is not None
    )
    pending = sum(group.count for group in groups if group.outcome is None)
    seconds = sum(group.seconds for group in groups)
    return Cell(first.guest, first.backend, first.host, first.abi, variants, pending, seconds)


def _differing(cells: Sequence[Cell]) -> list[tuple[Cell, Cell]]:
    told = [(cell, usual) for cell in cells if (usual := cell.usual) is not None]
    trusted = [pair for pair in told if pair[1].outcome is Outcome.SUCCESS] or told
    if not trusted:
        return []
    common = Counter(usual.transcript for _, usual in trusted).most_common(1)[0][0]
    reference = next(cell for cell, usual in trusted if usual.transcript == common)
    return [(cell, reference) for cell, usual in told if usual.transcript != common]
