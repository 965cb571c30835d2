"""Descriptor tables, traps, and going to ring 3 and back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from vmirom.conform.model import arena
from vmirom.conform.model.steps import ANYTHING, Expected, Result, faults

if TYPE_CHECKING:
    from vmirom.conform.model.machine import Model

__all__ = ["LEARN", "ROUTINES"]

IF: Final = 0x200
_IOPL: Final = 0x3000
_NOWHERE: Final = range(arena.NOWHERE, arena.NOWHERE + arena.PAGE)
_UNDEFINED: Final = 6
_NM: Final = 7
_PROTECTION: Final = 13
_SYSTEM_CALL: Final = 0x80


def _operand(model: Model, address: int) -> bytes:
    low, high = model.memory.get(address, 0), model.memory.get(address + 4, 0)
    return low.to_bytes(4, "little") + (high & 0xFFFF).to_bytes(2, "little")


def _SetGDT(model: Model, a: Mapping[str, int]) -> Expected:  # noqa: N802
    if a["dtr"] in _NOWHERE:
        return faults(a["dtr"], 0)
    model.tables.gdt = _operand(model, a["dtr"])
    return ANYTHING


def _SetIDT(model: Model, a: Mapping[str, int]) -> Expected:  # noqa: N802
    if a["dtr"] in _NOWHERE:
        return faults(a["dtr"], 0)
    model.tables.idt = _operand(model, a["dtr"])
    return ANYTHING


def _GetGDT(model: Model, a: Mapping[str, int]) -> Expected:  # noqa: N802
    return model.tables.told(model.tables.gdt) if a["dtr"] not in _NOWHERE else faults(a["dtr"], 2)


def _GetIDT(model: Model, a: Mapping[str, int]) -> Expected:  # noqa: N802
    return model.tables.told(model.tables.idt) if a["dtr"] not in _NOWHERE else faults(a["dtr"], 2)


def _WriteGDTEntry(model: Model, a: Mapping[str, int]) -> Expected:  # noqa: N802
    return model.tables.write(a["table"], a["entry"], a["descLo"], a["descHi"])


def _WriteIDTEntry(model: Model, a: Mapping[str, int]) -> Expected:  # noqa: N802
    expected = model.tables.write(a["table"], a["entry"], a["descLo"], a["descHi"])
    if (gate := model.handlers.get((a["descLo"], a["descHi"]))) is not None:
        model.tables.write_gate(a["table"], a["entry"], gate)
    return expected


def _SetTR(model: Model, a: Mapping[str, int]) -> Expected:  # noqa: N802
    model.tables.tr = a["selector"]
    return ANYTHING


def _GetTR(model: Model, a: Mapping[str, int]) -> Expected:  # noqa: N802
    return model.tables.selector(model.tables.tr)


def _SetLDT(model: Model, a: Mapping[str, int]) -> Expected:  # noqa: N802
    model.tables.ldt = a["selector"]
    return ANYTHING


def _GetLDT(model: Model, a: Mapping[str, int]) -> Expected:  # noqa: N802
    return model.tables.selector(model.tables.ldt)


def _segment(model: Model, a: Mapping[str, int]) -> Expected:
    return model.tables.load(a["selector"], model.window.words)


def _UpdateKernelStack(model: Model, a: Mapping[str, int]) -> Expected:  # noqa: N802
    model.stack = a["esp0"]
    return ANYTHING


def _trap(model: Model, vector: int) -> Expected:
    gate = model.tables.gate(vector)
    inside = IF if gate.trap and model.enabled else 0
    return Expected(trap=gate.vector, error=0, registers=(("edi", IF * model.enabled), ("ebp", inside)))


def _undefined(model: Model, a: Mapping[str, int]) -> Expected:
    return _trap(model, _UNDEFINED)


def _divide(model: Model, a: Mapping[str, int]) -> Expected:
    return _trap(model, 0)


def _gate(model: Model, a: Mapping[str, int]) -> Expected:
    return _trap(model, _SYSTEM_CALL)


def _breakpoint(model: Model, a: Mapping[str, int]) -> Expected:
    return Expected(trap=3)


def _user(model: Model, a: Mapping[str, int]) -> Expected:
    """Ring 3 and back: the frame that its trap leaves lies on the stack that was named."""
    code, data = model.user_selectors
    frame = (("edx", model.stack), ("ecx", data << 16 | code), ("ebx", a["esp"]))
    allowed = a.get("flags", 0) & _IOPL == _IOPL
    model.enabled = True
    model.deliver()
    if a["eip"] & 7 == 4 and not allowed:
        model.enabled = False  # by the gate of #GP
        return Expected(trap=_PROTECTION, error=0, registers=(*frame, ("esi", a["eip"])))
    back = a["eip"] + (3 if a["eip"] & 7 == 4 else 2)
    return Expected(trap=_SYSTEM_CALL, error=0, registers=(*frame, ("esi", back)))


def _fpu(model: Model, a: Mapping[str, int]) -> Expected:
    caught = Expected(trap=_NM, error=0)
    if model.control.ts is None:
        return Expected(others=(caught,))
    if model.control.ts:
        model.control.ts = None  # some hypervisors clear it on the way to the handler
        return caught
    return ANYTHING


ROUTINES: Final[Mapping[str, Callable[[Model, Mapping[str, int]], Expected]]] = {
    "SetGDT": _SetGDT,
    "SetIDT": _SetIDT,
    "GetGDT": _GetGDT,
    "GetIDT": _GetIDT,
    "WriteGDTEntry": _WriteGDTEntry,
    "WriteIDTEntry": _WriteIDTEntry,
    "SetTR": _SetTR,
    "GetTR": _GetTR,
    "SetLDT": _SetLDT,
    "GetLDT": _GetLDT,
    "segment": _segment,
    "UpdateKernelStack": _UpdateKernelStack,
    "undefined": _undefined,
    "divide": _divide,
    "gate": _gate,
    "breakpoint": _breakpoint,
    "user": _user,
    "fpu": _fpu,
    "WriteLDTEntry": _WriteGDTEntry,
    "sysexit": _user,
    "SYSEXIT": _user,
}
"""What each call or routine promises."""
LEARN: Final[Mapping[str, Callable[[Model, Mapping[str, int], int, Result], None]]] = {}
"""What an answer fixes."""
