"""Arguments for a call from its declaration: boundary values, named ones and their neighbours, and any other.

Pointers lead to memory that is there (a wild pointer is the guest's own fault), and what would end the
machine instead of the call is left out: the exit port, the 8259's set-up, an interrupt that the guest has no
stub for, page tables in use, an alarm that never lets the guest go on. Everything else comes as it is drawn.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

from vmirom.overlays.native import Efer
from vmirom.overlays.vmi import Layout, Port, ffi
from vmirom.schema.calls import Call, stack_words, width
from vmirom.schema.calls import registers as _registers
from vmirom.schema.tree import load_abi

__all__ = [
    "WITHOUT_RETURN",
    "Given",
    "Places",
    "Span",
    "Values",
    "boundaries",
    "draw",
    "give",
    "named",
    "placed",
    "tame",
    "values_of",
    "zeros",
]

Values = dict[str, int]
"""By argument name, 64-bit ones whole."""
WITHOUT_RETURN: Final = frozenset({"IRET", "SYSEXIT", "Halt", "Reboot", "Shutdown"})
"""Calls that do not simply come back."""
_NOT_WRITTEN: Final = frozenset({int(Port.EXIT), 0x20, 0x21, 0xA0, 0xA1})
_LONGEST: Final = 9
_SHORTEST_PERIOD: Final = 1 << 36
_APIC_BASE: Final = 0x1B  # an MSR that a guest of Xen may read
_EFER: Final = 0xC0000080  # and one that it may write with what it holds
_EFER_VALUE: Final = int(Efer.NXE | Efer.SCE)
_LINEAR: Final = {"va": int(Layout.LINEAR_BASE), "pages": 4096, "ppn": 0}
_MAPPED_FROM: Final = 0xE0000000
"""Mappings that are told of lie above all that calls are given: a wrong word about those is the guest's own
fault."""
_FIRST_VECTOR, _VECTORS = 0x40, 8
_UNITS: Final = {"B": 1, "W": 2, "L": 4}
_DF: Final = 0x400
_BOUNDARY_SHARE: Final = 0.6


@dataclass(frozen=True, slots=True)
class Places:
    """Where a machine has what arguments lead to, as gvas. ``operand``: 6 bytes for tables' registers;
    ``data``: 256 bytes on either side; ``target``: a page that calls may fill; ``entry``: a page-table entry
    of nobody's; ``table``: where an entry of a descriptor table that is in nobody's use is stored; ``gdt``
    and ``idt``: valid tables, ready to be loaded; ``root``: what SetCR3 may get; ``nowhere``: mapped by
    nobody; ``reserved``: frames that no call on pages may name."""

    operand: int
    data: int
    target: int
    entry: int
    table: int
    gdt: tuple[int, int]
    idt: tuple[int, int]
    root: int
    nowhere: int
    reserved: Collection[int]


@dataclass(frozen=True, slots=True)
class Given:
    """Registers by capital name, and stack words, the first pushed last."""

    registers: Mapping[str, int]
    stack: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Span:
    """Bytes that an argument names, from a gva on."""

    start: int
    length: int


@cache
def boundaries(call: Call, name: str) -> tuple[int, ...]:
    """Values of an argument that matter: both ends, the sign, the named ones and their neighbours."""
    argument = next(a for a in call.arguments or () if a.name == name)
    bits = width(argument.type)
    top = (1 << bits) - 1
    enums = {row.name: row.members for row in load_abi().resolve("vmi3").enums}
    found = {0, 1, 2, top >> 1, (top >> 1) + 1, top - 1, top, top - 0xFFF}
    found |= {value + n & top for e in argument.values for _, value in enums[e] for n in (-1, 0, 1)}
    return tuple(sorted(found))


def draw(call: Call, rng: random.Random) -> Values:
    """Values as they come."""
    drawn = {}
    for argument in call.arguments or ():
        edge = rng.random() < _BOUNDARY_SHARE
        drawn[argument.name] = (
            rng.choice(boundaries(call, argument.name)) if edge else rng.getrandbits(width(argument.type))
        )
    return drawn


def zeros(call: Call) -> Values:
    """Every argument 0."""
    return {argument.name: 0 for argument in call.arguments or ()}


def tame(call: Call, values: Values, reserved: Collection[int], ports: tuple[int, ...] = ()) -> Values:
    """Values that leave the machine as one in which calls can be made. ``ports`` are the only ones allowed,
    if any are named."""
    values = dict(values)
    if "port" in values:
        port = values["port"]
        if ports:
            port = ports[port % len(ports)]
        elif call.name.startswith("OUT") and not _NOT_WRITTEN.isdisjoint(
            range(port & 0xFFFF, (port & 0xFFFF) + 4)
        ):
            port ^= 0x4000
        values["port"] = port
    if "count" in values and "addr" in values:
        values["count"] %= _LONGEST + 1
    for name in ("pfn", "clonePfn"):
        while values.get(name) in reserved:
            values[name] += len(reserved)
    if values.get("period"):
        values["period"] |= _SHORTEST_PERIOD
    if call.name == "SetLinearMapping":
        values |= _LINEAR if values["slot"] == 0 else {"va": values["va"] | _MAPPED_FROM}
    if call.name == "APICWrite":
        values["value"] = values["value"] & ~0xFF | _FIRST_VECTOR + values["value"] % _VECTORS
    if call.name == "RDMSR":
        values["msr"] = (_APIC_BASE, _EFER)[values["msr"] & 1]
    if call.name == "WRMSR":
        values["msr"], values["value"] = _EFER, _EFER_VALUE
    return values


def give(call: Call, values: Values, places: Places, put: Callable[[int, bytes], None]) -> Values:
    """The values, pointers made to lead to memory that is prepared through ``put``."""
    values = dict(values)
    if "dtr" in values:
        values["dtr"] = places.operand
        base, size = places.idt if call.name == "SetIDT" else places.gdt
        put(places.operand, struct.pack("<HI", size - 1, base))
    if "table" in values:  # the entry is as hostile as it comes, the place of the store is not
        values["table"] = places.table - 8 * values["entry"] & 0xFFFFFFFF
    if "ptep" in values:
        put(places.entry, bytes(8))
        values["ptep"] = places.entry
        if "flags" in values:
            values["flags"] = values["flags"] & 0xFFF | places.nowhere
    if "addr" in values:
        values["addr"] = places.data
    if "dest" in values:
        values["dest"] = places.target
    if call.name == "SetCR3":
        values["value"] = places.root | values["value"] & 0x18
    return values


def placed(call: Call, values: Values) -> Given:
    """The values where the declaration wants them."""
    found: dict[str, int] = {}
    stack = [0] * (call.stack_bytes // 4)
    for argument in call.arguments or ():
        value = values[argument.name]
        for n, name in enumerate(_registers(argument.place)):
            found[name] = value >> 32 * n & 0xFFFFFFFF
        for n, word in enumerate(stack_words(argument.place, argument.type)):
            stack[word] = value >> 32 * n & 0xFFFFFFFF
    return Given(found, tuple(stack))


def values_of(call: Call, registers: Mapping[str, int], stack: Sequence[int] = ()) -> Values:
    """What a call was given, by registers (capital names) and stack words; 0 where nobody says."""
    found = {}
    for argument in call.arguments or ():
        words = [registers[name] for name in _registers(argument.place)]
        for n in stack_words(argument.place, argument.type):
            words.append(stack[n] if n < len(stack) else 0)
        found[argument.name] = sum(one << 32 * n for n, one in enumerate(words))
    return found


def named(call: Call, values: Values, eflags: int = 0) -> tuple[Span, ...]:
    """What a call may store to because its arguments name it."""
    spans = []
    if call.name in ("GetGDT", "GetIDT"):
        spans.append(Span(values["dtr"], 6))
    if "table" in values:
        spans.append(Span(values["table"] + 8 * values["entry"] & 0xFFFFFFFF, 8))
    if "ptep" in values:
        spans.append(Span(values["ptep"], 8 if call.name.endswith("Long") else 4))
    if call.name.startswith("INS"):
        unit, count = _UNITS[call.name[-1]], values["count"]
        start = values["addr"] - unit * (count - 1) if eflags & _DF and count else values["addr"]
        spans.append(Span(start, unit * count))
    if "dest" in values:
        spans.append(Span(values["dest"], min(values["size"], ffi.sizeof("struct vmi_rom_info"))))
    if "array" in values:
        spans.append(Span(values["array"], 4 * min(values.get("entries", 0), 1 << 20)))
    return tuple(spans)
