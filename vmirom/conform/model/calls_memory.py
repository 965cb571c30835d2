"""Memory and page tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from vmirom.conform.model import arena
from vmirom.conform.model.steps import ANYTHING, Expected, Result, faults
from vmirom.conform.model.window import SHOWN
from vmirom.overlays.vmi import PteFlag

if TYPE_CHECKING:
    from vmirom.conform.model.machine import Model

__all__ = ["LEARN", "ROUTINES"]

_NOWHERE: Final = range(arena.NOWHERE, arena.NOWHERE + arena.PAGE)
_FRAMES: Final = arena.FRAME_NUMBERS
_DEFER: Final = int(PteFlag.DEFER)


def _load(model: Model, a: Mapping[str, int]) -> Expected:
    address = a["address"]
    if address in SHOWN:
        return model.window.access(address, "load")
    if (number := _FRAMES.get(address)) is not None:
        return Expected(model.window.words[number])
    if address in _NOWHERE:
        return faults(address, 0)
    return Expected(model.memory.get(address))


def _store(model: Model, a: Mapping[str, int]) -> Expected:
    address, value = a["address"], a["value"]
    if address in SHOWN:
        return model.window.access(address, "store")
    if address in _NOWHERE:
        return faults(address, 2)
    if (number := _FRAMES.get(address)) is not None:
        model.window.words[number] = value
    elif (entry := model.window.entry_at(address)) is not None:
        space, page, byte = entry
        shift = 8 * byte
        now = model.window.tables[space][page] & ~(0xFFFFFFFF << shift) | value << shift
        model.window.change(space, page, now, waits=False)
    model.memory[address] = value
    return ANYTHING


def _execute(model: Model, a: Mapping[str, int]) -> Expected:
    return model.window.access(a["address"], "execute")


def _learn_access(model: Model, kind: str, a: Mapping[str, int], result: Result) -> None:
    if a["address"] in SHOWN:
        model.window.seen(a["address"], kind, a.get("value", 0), result)


def _learn_load(model: Model, a: Mapping[str, int], answer: int, result: Result) -> None:
    _learn_access(model, "load", a, result)


def _learn_store(model: Model, a: Mapping[str, int], answer: int, result: Result) -> None:
    _learn_access(model, "store", a, result)


def _learn_execute(model: Model, a: Mapping[str, int], answer: int, result: Result) -> None:
    _learn_access(model, "execute", a, result)


def _SetPxELong(model: Model, a: Mapping[str, int]) -> Expected:  # noqa: N802
    if a["ptep"] in _NOWHERE:
        return faults(a["ptep"], None)
    if (entry := model.window.entry_at(a["ptep"])) is not None:
        model.window.change(*entry[:2], a["pte"], waits=bool(a["flags"] & _DEFER))
    return Expected(peek=a["pte"])


def _SetPxE(model: Model, a: Mapping[str, int]) -> Expected:  # noqa: N802
    if model.window.two_level and (entry := model.window.entry_at(a["ptep"])) is not None:
        model.window.change(*entry[:2], a["pte"], waits=bool(a["flags"] & _DEFER))
    return Expected(peek=a["pte"], peek_mask=0xFFFFFFFF)


def _nothing_shown(model: Model, a: Mapping[str, int]) -> Expected:
    return ANYTHING


def _InvalPage(model: Model, a: Mapping[str, int]) -> Expected:  # noqa: N802
    page = model.window.page_of(a["va"])
    if page is None:
        model.window.settle()
    else:
        model.window.flush(page)
    return ANYTHING


def _FlushTLB(model: Model, a: Mapping[str, int]) -> Expected:  # noqa: N802
    if a["how"] & 1:
        model.window.flush()
    return ANYTHING


def _SetLazyMode(model: Model, a: Mapping[str, int]) -> Expected:  # noqa: N802
    model.window.set_lazy(a["mode"] != 0)
    return ANYTHING


ROUTINES: Final[Mapping[str, Callable[[Model, Mapping[str, int]], Expected]]] = {
    "load": _load,
    "store": _store,
    "execute": _execute,
    "SetPxELong": _SetPxELong,
    "SetPxE": _SetPxE,
    "InvalPage": _InvalPage,
    "FlushTLB": _FlushTLB,
    "SetLazyMode": _SetLazyMode,
    "UpdatePxELong": _nothing_shown,
    "UpdatePxE": _nothing_shown,
    "AllocatePage": _nothing_shown,
    "ReleasePage": _nothing_shown,
    "SetLinearMapping": _nothing_shown,
    "IODelay": _nothing_shown,
    "WBINVD": _nothing_shown,
}
"""What each call or routine promises."""
LEARN: Final[Mapping[str, Callable[[Model, Mapping[str, int], int, Result], None]]] = {
    "load": _learn_load,
    "store": _learn_store,
    "execute": _learn_execute,
}
"""What an answer fixes."""
