"""The interrupt flag, the ways that change it, and ports."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from vmirom.conform.model.serial import PORTS as SERIAL
from vmirom.conform.model.steps import ANYTHING, Expected, Result

if TYPE_CHECKING:
    from vmirom.conform.model.machine import Model

__all__ = ["LEARN", "ROUTINES"]

IF: Final = 0x200
_ENABLED, _DISABLED = Expected(IF, mask=IF), Expected(0, mask=IF)
_NOTHING_THERE: Final = Expected(0xFF, mask=0xFF)
_PORTS: Final = (0x20, 0x21, 0xA0, 0xA1)
_MASTER: Final = 0x20
_NOBODY: Final = range(0x2F8, 0x300)


def _EnableInterrupts(model: Model, a: Mapping[str, int]) -> Expected:  # noqa: N802
    model.enabled = True
    return ANYTHING


def _DisableInterrupts(model: Model, a: Mapping[str, int]) -> Expected:  # noqa: N802
    model.enabled = False
    return ANYTHING


def _SetInterruptMask(model: Model, a: Mapping[str, int]) -> Expected:  # noqa: N802
    model.enabled = bool(a["mask"] & IF)
    return ANYTHING


def _GetInterruptMask(model: Model, a: Mapping[str, int]) -> Expected:  # noqa: N802
    return _ENABLED if model.enabled else _DISABLED


def _iret(model: Model, a: Mapping[str, int]) -> Expected:
    model.enabled = bool(a["flags"] & IF)
    return ANYTHING


def _halt(model: Model, a: Mapping[str, int]) -> Expected:
    model.enabled = True
    return _ENABLED


def _OUTB(model: Model, a: Mapping[str, int]) -> Expected:  # noqa: N802
    port, value = a["port"] & 0xFFFF, a["value"] & 0xFF
    if port in _PORTS:
        model.pair.out(port, value)
    elif port in SERIAL:
        model.serial.out(port - SERIAL.start, value)
    return ANYTHING


def _OUTW(model: Model, a: Mapping[str, int]) -> Expected:  # noqa: N802
    return ANYTHING


def _INB(model: Model, a: Mapping[str, int]) -> Expected:  # noqa: N802
    port = a["port"] & 0xFFFF
    if port in _NOBODY:
        return _NOTHING_THERE
    if port in SERIAL:
        return model.serial.read(port - SERIAL.start)
    if port not in _PORTS:
        return ANYTHING
    mask = 0xFF
    if port == _MASTER and model.traits.timer_shows:
        mask = 0xFE | model.pair.read(port) & 1
    return Expected(model.pair.read(port), mask=mask)


def _INW(model: Model, a: Mapping[str, int]) -> Expected:  # noqa: N802
    return Expected(0xFFFF, mask=0xFFFF) if a["port"] & 0xFFFF in _NOBODY else ANYTHING


def _INL(model: Model, a: Mapping[str, int]) -> Expected:  # noqa: N802
    return Expected(0xFFFFFFFF) if a["port"] & 0xFFFF in _NOBODY else ANYTHING


def _string_in(model: Model, a: Mapping[str, int], width: int) -> Expected:
    length = a["count"] * width
    model.memory.pop(a["addr"], None)
    peek = (1 << 8 * min(length, 8)) - 1
    return Expected(peek=peek, peek_mask=peek, registers=(("edi", a["addr"] + length), ("ecx", 0)))


def _INSB(model: Model, a: Mapping[str, int]) -> Expected:  # noqa: N802
    return _string_in(model, a, 1)


def _INSW(model: Model, a: Mapping[str, int]) -> Expected:  # noqa: N802
    return _string_in(model, a, 2)


def _INSL(model: Model, a: Mapping[str, int]) -> Expected:  # noqa: N802
    return _string_in(model, a, 4)


def _OUTSB(model: Model, a: Mapping[str, int]) -> Expected:  # noqa: N802
    return Expected(registers=(("esi", a["addr"] + a["count"]), ("ecx", 0)))


def _OUTSW(model: Model, a: Mapping[str, int]) -> Expected:  # noqa: N802
    return Expected(registers=(("esi", a["addr"] + 2 * a["count"]), ("ecx", 0)))


def _OUTSL(model: Model, a: Mapping[str, int]) -> Expected:  # noqa: N802
    return Expected(registers=(("esi", a["addr"] + 4 * a["count"]), ("ecx", 0)))


def _pace(model: Model, a: Mapping[str, int]) -> Expected:
    return ANYTHING


def _wait(model: Model, a: Mapping[str, int]) -> Expected:
    model.pair.out(_MASTER, 0x0A)
    return Expected(1)


ROUTINES: Final[Mapping[str, Callable[[Model, Mapping[str, int]], Expected]]] = {
    "EnableInterrupts": _EnableInterrupts,
    "DisableInterrupts": _DisableInterrupts,
    "SetInterruptMask": _SetInterruptMask,
    "GetInterruptMask": _GetInterruptMask,
    "iret": _iret,
    "halt": _halt,
    "OUTB": _OUTB,
    "OUTW": _OUTW,
    "INB": _INB,
    "INW": _INW,
    "INL": _INL,
    "INSB": _INSB,
    "INSW": _INSW,
    "INSL": _INSL,
    "OUTSB": _OUTSB,
    "OUTSW": _OUTSW,
    "OUTSL": _OUTSL,
    "pace": _pace,
    "wait": _wait,
    "Halt": _halt,
    "IRET": _iret,
    "OUTL": _OUTW,
}
"""What each call or routine promises."""
LEARN: Final[Mapping[str, Callable[[Model, Mapping[str, int], int, Result], None]]] = {}
"""What an answer fixes."""
