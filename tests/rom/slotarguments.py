"""Arguments for a call from its declaration: whatever the rows allow, hostile values among them.

Pointers lead to memory that is there (a wild pointer is the guest's own fault, on every backend), and what
would end the test instead of the call is left out: the exit port, the 8259's set-up, an interrupt below 32,
page tables in use, an alarm that never lets the guest go on. Everything else comes as it is drawn.
"""

from __future__ import annotations

import struct
from typing import Final

from hypothesis import strategies as st

from tests.rom.bare_machine import DATA, GDT, IDT, SCRATCH
from tests.rom.slotcall import Arguments, SlotMachine
from tests.strategies import arguments_of
from vmirom.overlays.native import Efer
from vmirom.overlays.vmi import Port
from vmirom.schema.calls import Call, registers, stack_words

__all__ = ["CALLS_WITHOUT_RETURN", "Values", "arguments_for", "give", "zeros_for"]

Values = dict[str, int]
CALLS_WITHOUT_RETURN: Final = frozenset({"IRET", "SYSEXIT", "Halt", "Reboot", "Shutdown"})
ENTRY: Final = DATA + 0x800
"""A page-table entry of nobody's."""
NOWHERE: Final = 0xD8000000
"""Not mapped: what a page-table call may say an entry is for."""
_NOT_WRITTEN: Final = frozenset({Port.EXIT, 0x20, 0x21, 0xA0, 0xA1})
_BOOT_TABLES: Final = range(0x100, 0x400)
_LONGEST: Final = 9
_SHORTEST_PERIOD: Final = 1 << 24
_APIC_BASE: Final = 0x1B  # an MSR that a guest of Xen may read
_EFER: Final = 0xC0000080  # and one that it may write with what it holds
_EFER_VALUE: Final = int(Efer.NXE | Efer.SCE)


def arguments_for(call: Call, ports: tuple[int, ...] = ()) -> st.SearchStrategy[Values]:
    """Values by argument name. ``ports`` are the only ones allowed, if any are named."""
    return arguments_of(call).map(lambda values: _tame(call, dict(values), ports))


def zeros_for(call: Call) -> Values:
    """Every argument 0, or the nearest that ``arguments_for`` would give."""
    return _tame(call, {argument.name: 0 for argument in call.arguments or ()}, ())


def _tame(call: Call, values: Values, ports: tuple[int, ...]) -> Values:
    if "port" in values:
        port = values["port"]
        if ports:
            port = ports[port % len(ports)]
        elif call.name.startswith("OUT") and port & 0xFFFF in _NOT_WRITTEN:
            port ^= 0x4000
        values["port"] = port
    if "count" in values and "addr" in values:
        values["count"] %= _LONGEST + 1
    if "pfn" in values and values["pfn"] in _BOOT_TABLES:
        values["pfn"] += len(_BOOT_TABLES)
    if "flags" in values and "ptep" in values:
        values["flags"] = values["flags"] & 0xFFF | NOWHERE
    if values.get("period"):
        values["period"] |= _SHORTEST_PERIOD
    if call.name == "APICWrite":
        values["value"] |= 0x20
    if call.name == "RDMSR":
        values["msr"] = (_APIC_BASE, _EFER)[values["msr"] & 1]
    if call.name == "WRMSR":
        values["msr"], values["value"] = _EFER, _EFER_VALUE
    return values


def give(machine: SlotMachine, call: Call, values: Values) -> Arguments:
    """The values in their registers and stack words, pointers made to lead to memory that is prepared."""
    values = dict(values)
    if "dtr" in values:
        values["dtr"] = SCRATCH + 0x20
        base, limit = (IDT, 8 * 256 - 1) if call.name == "SetIDT" else (GDT, 8 * 32 - 1)
        machine.put(SCRATCH + 0x20, struct.pack("<HI", limit, base))
    if "table" in values:  # the entry is as hostile as it comes, the place of the store is not
        values["table"] = DATA + 0x900 - 8 * values["entry"] & 0xFFFFFFFF
    if "ptep" in values:
        machine.put(ENTRY, bytes(8))
        values["ptep"] = ENTRY
    if "addr" in values:
        values["addr"] = DATA + 0x100
    if "dest" in values:
        values["dest"] = DATA
    if call.name == "SetCR3":
        values["value"] = machine.root | values["value"] & 0x18
    return place(call, values)


def place(call: Call, values: Values) -> Arguments:
    """As they are."""
    given = Arguments({}, ())
    stack = [0] * (call.stack_bytes // 4)
    for argument in call.arguments or ():
        value = values[argument.name]
        for n, name in enumerate(registers(argument.place)):
            given.registers[name] = value >> 32 * n & 0xFFFFFFFF
        for n, word in enumerate(stack_words(argument.place, argument.type)):
            stack[word] = value >> 32 * n & 0xFFFFFFFF
    given.stack = tuple(stack)
    return given
