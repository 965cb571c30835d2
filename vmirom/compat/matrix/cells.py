"""The table itself: which cells there are, and what is predicted for each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from vmirom.compat.findings import Report
from vmirom.compat.load import from_resolved
from vmirom.compat.matrix.eras import Era, eras
from vmirom.compat.matrix.predict import Prediction, predict
from vmirom.compat.matrix.verdict import Verdict
from vmirom.compat.model import Declaration
from vmirom.compat.policy.check import compare_all
from vmirom.schema.tree import AbiTree
from vmirom.schema.versions import Version

__all__ = ["Cell", "Verdict", "guest_versions", "matrix"]

ROM_LINE = "vmi3"
"""The line that ROMs are made of."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One guest version on one ROM version on one age of a hypervisor. ``observed`` is None until a boot
    was tried, and stays so where none could be; ``seen`` says what was seen, or why nothing was."""

    guest: str
    line: str
    rom: str
    era: Era
    predicted: Verdict
    reason: str
    observed: Verdict | None = None
    seen: str = ""
    beyond: str = ""
    """What would become of the calls of a guest that is refused, had it gone on."""

    @property
    def differs(self) -> bool:
        """Whether what was seen is not what was predicted: a fault of ours."""
        return self.observed is not None and self.observed is not self.predicted


def guest_versions(tree: AbiTree) -> tuple[tuple[str, str], ...]:
    """(line, version) of every guest ABI declared, in the order of versions."""
    found = [(line.name, version) for line in tree.lines.values() for version in line.versions]
    return tuple(sorted(found, key=lambda each: Version.parse(each[1])))


def matrix(
    tree: AbiTree,
    *,
    guests: Iterable[str] = (),
    roms: Sequence[str] = (),
    backends: Iterable[str] = (),
    compare: Callable[[Declaration, Declaration], Report] | None = None,
) -> tuple[Cell, ...]:
    """Every cell with its prediction. ``guests``, ``roms`` and ``backends`` limit the table (default: all
    guest versions declared, all versions of the executable line, all ages). Raises AbiError."""
    judge = compare or compare_all
    wanted, only = set(guests), set(backends)
    versions = [each for each in guest_versions(tree) if not wanted or each[1] in wanted]
    known = {each: _declaration(tree, *each) for each in versions}
    rom_versions = roms or tree.line(ROM_LINE).versions
    made = {rom: _declaration(tree, ROM_LINE, rom) for rom in rom_versions}
    cells = []
    for era in eras():
        if only and era.backend not in only:
            continue
        for line, guest in versions:
            for rom in rom_versions:
                found: Prediction = predict(known[line, guest], made[rom], era, judge)
                cells.append(Cell(guest, line, rom, era, found.verdict, found.reason, beyond=found.beyond))
    return tuple(cells)


def _declaration(tree: AbiTree, line: str, version: str) -> Declaration:
    return from_resolved(tree.resolve(line, version), tree)
