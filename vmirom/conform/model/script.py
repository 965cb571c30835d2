"""Moves made into steps for the player, each of them once.

The same moves come again and again, in other orders. What a move is made of depends on itself and on a little
of what the moves before have left; which part of that, is found out by looking on while it is expanded. So
what was made once is found again, and a long sequence is put together from known pieces.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any, Final, NamedTuple

from vmirom.conform.model.coding import Coded, coded
from vmirom.conform.model.moves import Expander, Move, Standing

__all__ = ["Script", "Scripts"]

_KEPT: Final = 1 << 16
"""Moves that are remembered, before all are forgotten: a run draws some 15,000 different ones."""


@dataclass(frozen=True, slots=True)
class _Part:
    """What a move was made into, what the player is given of it, and what of the standing it changed."""

    steps: tuple[Coded, ...]
    data: bytes
    changes: dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Known:
    """A move (this object, not one that equals it), the fields of the standing that decide what it is made
    into, and what it was made into by their values."""

    move: Move
    fields: frozenset[str]
    values: Callable[[Standing], Any]
    """Of those fields."""
    parts: dict[Any, _Part] = field(default_factory=dict)


class Script(NamedTuple):
    """A sequence made into steps: those, what the player is given, how many steps there are up to the end of
    each move, and what the sequence leaves."""

    steps: list[Coded]
    data: bytes
    ends: list[int]
    left: Standing


@dataclass(slots=True)
class Scripts:
    """Makes sequences into steps. ``expander`` is used by nobody else."""

    expander: Expander
    _known: dict[int, _Known] = field(default_factory=dict)

    def of(self, moves: Iterable[Move]) -> Script:
        """A sequence from its beginning on. Raises KeyError for a move that nobody knows."""
        known = self._known
        at = Standing()
        steps: list[Coded] = []
        data: list[bytes] = []
        ends: list[int] = []
        for move in moves:
            found = known.get(id(move))
            if found is None or found.move is not move:
                part = self._made(move, at, frozenset())
            else:
                part = found.parts.get(found.values(at)) or self._made(move, at, found.fields)
            steps += part.steps
            data.append(part.data)
            ends.append(len(steps))
            if part.changes:
                at = at._replace(**part.changes)
        return Script(steps, b"".join(data), ends, at)

    def _made(self, move: Move, at: Standing, fields: frozenset[str]) -> _Part:
        """Expand a move, of which ``fields`` are known to decide, and remember what came of it."""
        expander = self.expander
        expander.at, expander.looked_at, expander.changes = at, set(), {}
        steps = tuple(map(coded, expander.expand(move)))
        part = _Part(steps, b"".join([step.data for step in steps]), expander.changes)
        known = self._known.get(id(move))
        fields |= expander.looked_at
        if known is None or known.move is not move or known.fields != fields:
            if len(self._known) >= _KEPT:
                self._known.clear()
            values = attrgetter(*sorted(fields)) if fields else _none
            known = self._known[id(move)] = _Known(move, fields, values)
        known.parts[known.values(at)] = part
        return part


def _none(at: Standing) -> None:
    """Of no fields."""
