"""Declarations with one change each, made by a seed: what the comparison's speed is measured with."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from random import Random
from typing import Final

from vmirom.compat.assemble import RELOC_ENUM
from vmirom.compat.model import Call, Declaration

__all__ = ["variants"]

_Change = Callable[[Random, Declaration], Declaration]


def variants(start: Declaration, count: int, seed: int = 0) -> Iterator[Declaration]:
    """``count`` declarations that differ from ``start`` in one thing; the same for the same seed."""
    rng = Random(seed)
    for at in range(count):
        yield _CHANGES[at % len(_CHANGES)](rng, start)


def _with(start: Declaration, old: Call, *new: Call) -> Declaration:
    calls = tuple(each for call in start.calls for each in (new if call is old else (call,)))
    return replace(start, calls=calls, version=f"{start.version}.1")


def _removed(rng: Random, start: Declaration) -> Declaration:
    return _with(start, rng.choice(start.calls))


def _added(rng: Random, start: Declaration) -> Declaration:
    call = rng.choice(start.calls)
    number = max(each.number for each in start.calls) + 1
    return _with(start, call, call, replace(call, number=number, name=f"{call.name}Too"))


def _renamed(rng: Random, start: Declaration) -> Declaration:
    call = rng.choice(start.calls)
    return _with(start, call, replace(call, name=f"{call.name}Now"))


def _renumbered(rng: Random, start: Declaration) -> Declaration:
    call = rng.choice(start.calls)
    return _with(start, call, replace(call, number=max(each.number for each in start.calls) + 1))


def _moved(rng: Random, start: Declaration) -> Declaration:
    call = rng.choice([each for each in start.calls if each.arguments])
    assert call.arguments is not None
    arguments = (replace(call.arguments[0], place="EBP"), *call.arguments[1:])
    return _with(start, call, replace(call, arguments=arguments))


def _destroying(rng: Random, start: Declaration) -> Declaration:
    call = rng.choice([each for each in start.calls if each.clobbers is not None])
    assert call.clobbers is not None
    return _with(start, call, replace(call, clobbers=call.clobbers ^ {"ESI"}))


def _resized(rng: Random, start: Declaration) -> Declaration:
    layout = rng.choice(start.structs)
    field = rng.choice(layout.fields)
    fields = tuple(
        replace(each, size=each.size + 4)
        if each is field
        else replace(each, offset=each.offset + 4 * (each.offset > field.offset))
        for each in layout.fields
    )
    new = replace(layout, fields=fields, size=layout.size + 4)
    return replace(start, structs=tuple(new if each is layout else each for each in start.structs))


def _revalued(rng: Random, start: Declaration) -> Declaration:
    kind = rng.choice([each for each in start.enums if each.name not in ("RomHeader", RELOC_ENUM)])
    (name, _), *rest = kind.members
    new = replace(kind, members=((name, 1 << 29), *rest))
    return replace(start, enums=tuple(new if each is kind else each for each in start.enums))


_CHANGES: Final[tuple[_Change, ...]] = (
    _removed,
    _added,
    _renamed,
    _renumbered,
    _moved,
    _destroying,
    _resized,
    _revalued,
)
