"""Which clauses a run is about: those of one version of the ABI, all or selected."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from vmirom.schema import AbiError
from vmirom.schema.clauses import Clause, ClauseSet

__all__ = ["Selection", "SelectionError", "select"]


class SelectionError(AbiError):
    """A word that selects nothing."""


@dataclass(frozen=True, slots=True)
class Selection:
    """``chosen`` in order; ``left_out`` tells for every other clause why it is not among them."""

    version: str
    chosen: tuple[Clause, ...]
    left_out: dict[str, str]
    words: tuple[str, ...] = ()


def select(clauses: ClauseSet, version: str, words: Sequence[str] = ()) -> Selection:
    """Clauses that bind ``version`` and match one of ``words``: an id (``VMI-IRQ-01``), a pattern of ids
    (``VMI-TIME-2*``), an area (``IRQ``) or a call (``SetCR3``); none means all.

    Raises SelectionError for a word that matches nothing in that version.
    """
    left_out: dict[str, str] = {}
    bound = []
    for clause in clauses.clauses.values():
        if clause.binds(version):
            bound.append(clause)
        else:
            left_out[clause.id] = f"holds in {', '.join(clause.revision.stated)}, not in {version}"
    for word in words:
        if not any(_matches(clause, word) for clause in bound):
            raise SelectionError(f"{word!r} is neither a clause, an area nor a call that VMI {version} has")
    chosen = []
    for clause in bound:
        if not words or any(_matches(clause, word) for word in words):
            chosen.append(clause)
        else:
            left_out[clause.id] = f"matches none of {', '.join(words)}"
    return Selection(version, tuple(chosen), left_out, tuple(words))


def _matches(clause: Clause, word: str) -> bool:
    upper = word.upper()
    if upper in (clause.area, f"VMI-{clause.area}") or fnmatchcase(clause.id, upper):
        return True
    return _is_call(word, clause.calls)


def _is_call(word: str, calls: Iterable[str]) -> bool:
    return any(word.lower() == call.lower() for call in calls)
