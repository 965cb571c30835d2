"""What a conform run judges by: clauses, the selected ones among them, the checks, the ROMs' answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from vmirom.conform.checks import Checks, load_checks
from vmirom.conform.clauses import Selection, select
from vmirom.conform.expected import ExpectedFailure
from vmirom.rom.image import load_rom, violations
from vmirom.rom.lock import read_lock
from vmirom.schema.calls import Call
from vmirom.schema.clauses import ClauseSet, load_clauses
from vmirom.schema.tree import load_abi

__all__ = ["Suite", "broken_rules", "load_suite"]


@dataclass(frozen=True)
class Suite:
    """``answers`` says for each backend what its ROM answers to each call (native, translated, nothing);
    a call that is not among them is absent. ``expected`` are failures that are known.
    ``images`` are, by backend, the rules that its ROM's image breaks, by field."""

    clauses: ClauseSet
    checks: Checks
    selection: Selection
    calls: tuple[Call, ...]
    answers: Mapping[str, Mapping[str, str]]
    expected: tuple[ExpectedFailure, ...] = ()
    images: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @property
    def version(self) -> str:
        """The version of the ABI (``3.1``)."""
        return self.selection.version


def load_suite(version: str, words: Sequence[str] = ()) -> Suite:
    """The project's own declarations and tables, and the answers of the shipped ROMs.

    ``words`` select clauses, see :func:`~vmirom.conform.clauses.select`. Raises AbiError (SelectionError for
    a word that matches nothing), RomError.
    """
    clauses = load_clauses()
    calls = load_abi().resolve("vmi3", version).calls
    checks = load_checks(clauses)
    shipped = [rom for rom in read_lock().roms if rom.abi == version]
    answers = {rom.backend: rom.answers for rom in shipped}
    images = {rom.backend: broken_rules(load_rom(rom.backend, version).data) for rom in shipped}
    return Suite(clauses, checks, select(clauses, version, words), calls, answers, images=images)


def broken_rules(rom: bytes) -> dict[str, str]:
    """The rules of the image that a ROM breaks, by field."""
    return {error.field: error.rule for error in reversed(violations(rom))}
