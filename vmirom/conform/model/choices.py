"""What sequences are drawn from: each move with the values of its arguments and how often it comes.

Arguments are the declaration's boundary values, but for those that would end the guest or leave the
contract's ground where nothing is promised; then they are listed here. Both valid and invalid ones are meant.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from typing import Final

from vmirom.conform.model.arena import (
    DESTINATION,
    FRAMES,
    GDTS,
    IDLE_TABLE,
    IDTS,
    NOWHERE,
    USER_PAGE,
)
from vmirom.conform.model.moves import Move
from vmirom.conform.model.tables import SWAPPED
from vmirom.conform.model.window import NX, RW, US, A, D, P
from vmirom.overlays.native import Apic
from vmirom.overlays.vmi import Alarm
from vmirom.schema.calls import Call
from vmirom.schema.tree import load_abi

__all__ = ["Choice", "boundaries", "choices", "draw", "fault_of", "simpler"]

_REGISTERS: Final = (0x175, 0x176)
"""SYSENTER_ESP and SYSENTER_EIP, which SYSEXIT does not look at."""
_NO_REGISTER: Final = 0x12345678
FAR: Final = 1 << 62
_PIC: Final = (0x20, 0x21, 0xA0, 0xA1)
_NOBODY: Final = (0x2F8, 0x2FB, 0x2FF, 0x2F9 | 0xABCD0000)
_BITS: Final = {"u8": 8, "u16": 16, "u32": 32, "u64": 64, "s8": 8, "s16": 16, "s32": 32, "s64": 64}
_CR0: Final = 0x80010011
_PIC_BASES: Final = (0x30, 0x38)
_PAGES: Final = tuple(page for page in range(8) if page != USER_PAGE)
_ENTRY_FLAGS: Final = (
    0,
    P,
    P | RW,
    P | RW | A,
    P | RW | A | D,
    P | A,
    P | RW | NX,
    P | US | RW,
    0xABC00 & ~P,
)
_UNUSED_FRAMES: Final = (0x380, 0x381, 0xFFFFF, 0xFFFFFFFF)
_FLAT: Final = 0x00C0F200 | 0xF0000
"""Data for ring 3."""


def _segment(base: int, limit: int, attributes: int) -> tuple[int, int]:
    return (
        base << 16 & 0xFFFF0000 | limit & 0xFFFF,
        base & 0xFF000000 | limit & 0xF0000 | base >> 16 & 0xFF | attributes,
    )


_DATA, _BYTES, _ABSENT, _KERNELS, _UNREADABLE, _SYSTEM = (
    0x00C0F200,
    0x0040F200,
    0x00407200,
    0x00409200,
    0x0040F800,
    0x0000E200,
)
_DESCRIPTORS: Final = (
    *tuple(
        _segment(FRAMES[number], limit, attributes)
        for number, limit, attributes in (
            (0, 4095, _BYTES),
            (1, 7, _BYTES),
            (2, 1, _DATA),
            (3, 4095, _ABSENT),
            (0, 4095, _KERNELS),
            (0, 4095, _UNREADABLE),
            (4, 128, 4258304),
        )
    ),
    (0, 0),
)


@dataclass(frozen=True, slots=True)
class Choice:
    """A move, the values of each argument, and its weight."""

    name: str
    arguments: Mapping[str, tuple[int, ...]]
    weight: int = 4


@cache
def boundaries(ctype: str, labels: tuple[int, ...] = ()) -> tuple[int, ...]:
    """Values of a C integer type: its edges, and the named values with their neighbours."""
    bits = _BITS[ctype]
    low, high = (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if ctype[0] == "s" else (0, (1 << bits) - 1)
    edges = {low, low + 1, -1, 0, 1, high >> 1, (high >> 1) + 1, high - 1, high}
    edges |= {value + step for value in labels for step in (-1, 0, 1)}
    return tuple(sorted(value & (1 << bits) - 1 for value in edges if low <= value <= high))


def _declared(call: Call) -> dict[str, tuple[int, ...]]:
    enums = {row.name: tuple(value for _, value in row.members) for row in load_abi().resolve("vmi3").enums}
    return {
        argument.name: boundaries(argument.ctype, tuple(v for name in argument.values for v in enums[name]))
        for argument in call.arguments or ()
    }


def _call(name: str, weight: int = 4, **changed: Sequence[int]) -> Choice:
    values = _declared(_CALLS[name]) | {argument: tuple(some) for argument, some in changed.items()}
    return Choice(name, values, weight)


_CALLS: Final = {call.name: call for call in load_abi().resolve("vmi3").calls}
_LVTT: Final = (0x45, 0x41, 0x45 | 0x10000)
_TABLE_FLAGS: Final = (1, 2, 4, 0xE8800011, 0xE8800031)


def _interrupts() -> tuple[Choice, ...]:
    return (
        _call("EnableInterrupts", 20),
        _call("DisableInterrupts", 14),
        _call("GetInterruptMask", 16),
        _call("SetInterruptMask", 16, mask=(0, 2, 0x46, 0x200, 0x202, 0x246, 0xAD7, 0x8D7)),
        Choice("fire", {"counter": (0, 1)}, 3),
        Choice("fire", {"counter": (0, 1), "expiry": (1,)}, 1),
        Choice("initialise", {"base": _PIC_BASES}, 1),
        Choice("halt", {}, 1),
        Choice("iret", {"flags": (0, 0x200, 0x45, 0x2C5)}, 8),
        Choice("enter", {"how": (0, 0, 1, 2)}, 4),
        Choice("stack", {"which": (0, 1)}, 4),
        _call("OUTB", 8, port=(0x21, 0xA1, 0x21 | 0xFFFF0000), value=(0, 1, 0xFE, 0xFF, 0xFB, 0xFA)),
        _call("OUTB", 6, port=(0x20, 0xA0), value=(0x20, 0x60, 0x61, 0x67, 0x0A, 0x0B)),
        _call("INB", 12, port=(*_PIC, 0x20 | 0xABCD0000)),
        _call("APICWrite", 3, reg=(int(Apic.LVTT),), value=_LVTT),
        _call("APICWrite", 3, reg=(int(Apic.TPR),), value=(0, 0x20, 0x40, 0xFF, 0x100)),
        _call("APICWrite", 1, reg=(int(Apic.SPURIOUS),), value=(0x1FF, 0xFF, 0x133)),
        _call("APICRead", 4, reg=(int(Apic.LVTT), int(Apic.TPR), int(Apic.SPURIOUS))),
    )


def _time() -> tuple[Choice, ...]:
    return (
        _call("GetCycleCounter", 10),
        _call("GetCycleFrequency", 3),
        _call("GetWallclockTime", 3),
        _call("WallclockUpdated", 3),
        _call("RDTSC", 3),
        _call("SetAlarm", 6, expiry=(FAR, FAR + 1, (1 << 64) - 1), period=(0, 1, 2, 1 << 32, (1 << 64) - 1)),
        _call("SetAlarm", 4, flags=(2, 3, 0xFF, int(Alarm.PERIODIC) | 2), expiry=(0, 1, FAR)),
        _call("CancelAlarm", 8),
    )


def _descriptors() -> tuple[Choice, ...]:
    descriptors = tuple(
        Choice("descriptor", {"entry": (9, 25, 26, 27), "low": (low,), "high": (high,)}, 1)
        for low, high in _DESCRIPTORS
    )
    return (
        *descriptors,
        Choice("segment", {"entry": (9, 25, 26, 27)}, 4),
        Choice("table", {"idt": (0,), "which": (0, 1), "limit": (0xFF, 0xFE, 0xCF, 0xD7)}, 1),
        Choice("table", {"idt": (1,), "which": (0, 1), "limit": (0x7FF, 0x800, 0xFFF)}, 1),
        Choice("task", {}, 2),
        Choice("handler", {"which": (0, 1), "vector": SWAPPED, "handler": SWAPPED, "trap": (0, 1)}, 6),
        *(Choice(name, {}, 2) for name in ("breakpoint", "undefined", "gate", "divide")),
        _call("GetGDT", 4, dtr=(DESTINATION, DESTINATION + 1, NOWHERE)),
        _call("GetIDT", 4, dtr=(DESTINATION, DESTINATION + 3, NOWHERE)),
        _call("SetGDT", 1, dtr=(NOWHERE,)),
        Choice("astray", {}, 1),
        _call("GetTR", 8),
        _call("GetLDT", 8),
        _call("SetLDT", 2, selector=(0,)),
        _call("WriteLDTEntry", 3, table=(IDLE_TABLE,), entry=(0, 1, 31)),
        _call(
            "WriteGDTEntry",
            3,
            table=(IDLE_TABLE, *GDTS),
            entry=(0, 1, 6, 8, 24, 30),
            descLo=(0, 0xFFFF),
            descHi=(0, 0x00CFF300),
        ),
        _call("WriteIDTEntry", 3, table=(IDLE_TABLE, *IDTS), entry=(0x90, 0xEF, 0xFF)),
    )


def _memory() -> tuple[Choice, ...]:
    return (
        Choice(
            "page",
            {
                "space": (0, 0, 1),
                "page": _PAGES,
                "frame": tuple(range(7)),
                "flags": _ENTRY_FLAGS,
                "how": (1, 2, 1, 2, 5, 6, 5, 6, 0, 4),
            },
            30,
        ),
        Choice("access", {"page": _PAGES, "kind": (0, 1, 2), "value": (0, 1, 0xFFFFFFFF, 0x12345678)}, 45),
        Choice("flush", {"page": _PAGES}, 10),
        _call("FlushTLB", 1, how=(1, 3)),
        _call("InvalPage", 2),
        _call("SetLazyMode", 10, mode=(0, 0, 1, 2)),
        Choice("root", {"space": (0, 1), "bits": (0, 0x08, 0x10, 0x18)}, 3),
        Choice("load", {"address": FRAMES[:7]}, 6),
        Choice("lost", {}, 2),
        _call(
            "SetPxELong",
            3,
            ptep=(IDLE_TABLE + 8, IDLE_TABLE + 0x800),
            pte=(0, 0x100067, 0x100067 | NX),
            flags=_TABLE_FLAGS,
        ),
        _call("SetPxELong", 1, ptep=(NOWHERE,), pte=(0, 0x67), flags=(1,)),
        _call("SetPxE", 3, ptep=(IDLE_TABLE + 4, IDLE_TABLE + 0x804), pte=(0, 0x100067), flags=_TABLE_FLAGS),
        _call("UpdatePxELong", 2, ptep=(IDLE_TABLE + 8, IDLE_TABLE + 0x800), flags=_TABLE_FLAGS),
        _call("UpdatePxE", 2, ptep=(IDLE_TABLE + 4, IDLE_TABLE + 0x804), flags=_TABLE_FLAGS),
        _call(
            "AllocatePage",
            2,
            pfn=_UNUSED_FRAMES,
            flags=(1, 2, 4, 0x51, 0x12),
            clonePfn=(0,),
            start=(0,),
            count=(0,),
        ),
        _call("ReleasePage", 2, pfn=_UNUSED_FRAMES, flags=(1, 2, 4, 0x51, 0x12)),
        _call("SetLinearMapping", 1, va=(0xEA000000,), pages=(0, 1), ppn=(0, 0x380)),
    )


def _registers() -> tuple[Choice, ...]:
    return (
        _call("SetCR0", 6, value=(_CR0, _CR0 | 8, _CR0 | 2, _CR0 | 10)),
        _call("CLTS", 6),
        Choice("fpu", {}, 8),
        _call("GetCR0", 11),
        _call("SetCR2", 11),
        _call("GetCR2", 13),
        _call("GetCR3", 10),
        _call("SetCR4", 2, value=(0x20,)),
        _call("GetCR4", 3),
        _call("SetDR", 3, num=(0, 1, 2, 3)),
        _call("GetDR", 3, num=(0, 1, 2, 3)),
        Choice("debug", {"num": (0, 1, 2, 3), "value": (0x1000, 0x7FFFFFF0)}, 2),
        _call("CPUID", 4, function=(0, 1, 0x80000000, 0x80000001), sub=(0,)),
        _call("RDMSR", 4, msr=_REGISTERS, dummy=(0, _NO_REGISTER)),
        _call("WRMSR", 3, msr=_REGISTERS, value=(0, 1, 0x7FFFFFF0)),
        _call("RDMSR", 1, msr=(_NO_REGISTER,), dummy=(0,)),
        _call("SetIOPLMask", 3, mask=(0, 0x3000)),
    )


def _ports() -> tuple[Choice, ...]:
    return (
        _call("INB", 4, port=(*_NOBODY, *range(0x3FB, 0x400))),
        _call("INW", 2, port=_NOBODY),
        _call("INL", 2, port=_NOBODY),
        _call("OUTB", 2, port=_NOBODY),
        _call("OUTW", 1, port=_NOBODY),
        _call("OUTL", 1, port=_NOBODY),
        _call("OUTB", 3, port=(0x3FF, 0x3FB, 0x3FC), value=(0, 3, 0x55, 0x07)),
        Choice("read_string", {"width": (0, 1, 2), "count": (0, 1, 2, 3)}, 3),
        Choice("write_string", {"width": (0, 1, 2), "count": (0, 1, 2, 3)}, 2),
        _call("IODelay", 2),
        _call("WBINVD", 1),
        _call("GetCallInfo", 4, number=(*range(80), 0x100, 0xFFFFFFFF)),
        _call("GetRomInfo", 1, dest=(DESTINATION,), size=(0,)),
        Choice("info", {"size": (0, 1, 2, 3, 4)}, 3),
        _call("SetCounters", 2, array=(0, 1, 2, 0xFFFFFFFF)),
        _call("SetCounters", 2, array=(0xFFFFFFFC,), entries=(0, 2, 0x40000000, 0x80000000, 0xFFFFFFFF)),
    )


@cache
def choices() -> tuple[Choice, ...]:
    """All."""
    return (*_interrupts(), *_time(), *_descriptors(), *_memory(), *_registers(), *_ports())


@cache
def _weights() -> tuple[int, ...]:
    return tuple(accumulate(choice.weight for choice in choices()))


@dataclass(frozen=True, slots=True)
class _Form:
    """A choice, its arguments' values with how many there are, and the moves that were drawn of it so far, by
    which values they have: one that comes again is the same object."""

    choice: Choice
    values: tuple[tuple[str, tuple[int, ...]], ...]
    counts: tuple[int, ...]
    drawn: dict[int, Move]

    def made(self, number: int) -> Move:
        """The move whose values have these numbers, which are one number with a digit for each argument."""
        arguments: dict[str, int] = {}
        left = number
        for name, some in reversed(self.values):
            left, digit = divmod(left, len(some))
            arguments[name] = some[digit]
        given = {name: arguments[name] for name, _ in self.values}
        move = self.drawn[number] = Move(self.choice.name, given)
        return move


@cache
def _forms() -> tuple[_Form, ...]:
    return tuple(
        _Form(one, tuple(one.arguments.items()), tuple(map(len, one.arguments.values())), {})
        for one in choices()
    )


def draw(rng: random.Random, length: int) -> list[Move]:
    """A sequence of ``length`` moves: each choice by its weight, and of each argument any value alike."""
    pick = rng.random
    moves = []
    for form in rng.choices(_forms(), cum_weights=_weights(), k=length):
        number = 0
        for count in form.counts:
            number = number * count + int(pick() * count)
        moves.append(form.drawn.get(number) or form.made(number))
    return moves


def simpler(move: Move) -> list[Move]:
    """The same move with simpler arguments, the simplest first: values that stand before its own."""
    found: list[Move] = []
    for choice in choices():
        if choice.name != move.name or choice.arguments.keys() != move.arguments.keys():
            continue
        if all(move.arguments[name] in some for name, some in choice.arguments.items()):
            plainest = {name: some[0] for name, some in choice.arguments.items()}
            if plainest != dict(move.arguments):
                found.append(Move(move.name, plainest))
            found += [
                Move(move.name, {**move.arguments, name: some[0]})
                for name, some in choice.arguments.items()
                if some[0] != move.arguments[name]
            ]
            break
    return found


def fault_of(name: str, arguments: Mapping[str, int]) -> str:
    """Why something is no move of a sequence; empty if it is. Calls take any value, moves those they know."""
    forms = [choice.arguments for choice in choices() if choice.name == name]
    if not forms:
        return f"name: nobody draws a move {name!r}"
    given = arguments.keys()
    known = {argument for form in forms for argument in form}
    if unknown := sorted(given - known):
        return f"arguments: {name} has no {', '.join(unknown)}"
    if not any(form.keys() <= given for form in forms):
        return f"arguments: {name} lacks {', '.join(sorted(known - given))}"
    for argument, value in arguments.items():
        some = {one for form in forms for one in form.get(argument, ())}
        if not 0 <= value < 1 << 64 or (name not in _CALLS and value not in some):
            return f"arguments.{argument}: {value} is out of range"
    return ""
