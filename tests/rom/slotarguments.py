"""Arguments for a call from its declaration, as near to nothing as the call can stand.

Pointers lead to memory that is there (a wild pointer is the guest's own fault, on every backend), and what
would end the test instead of the call is left out: an interrupt below 32, a register that is not there.
"""

from __future__ import annotations

import struct
from typing import Final

from tests.rom.bare_machine import DATA, GDT, IDT, SCRATCH
from tests.rom.slotcall import Arguments, SlotMachine
from vmirom.overlays.native import Efer
from vmirom.schema.calls import Call, registers, stack_words

__all__ = ["CALLS_WITHOUT_RETURN", "Values", "give", "zeros_for"]

Values = dict[str, int]
CALLS_WITHOUT_RETURN: Final = frozenset({"IRET", "SYSEXIT", "Halt", "Reboot", "Shutdown"})
ENTRY: Final = DATA + 0x800
"""A page-table entry of nobody's."""
NOWHERE: Final = 0xD8000000
"""Not mapped: what a page-table call may say an entry is for."""
_LEAST_VECTOR: Final = 0x20
_APIC_BASE: Final = 0x1B  # an MSR that a guest of Xen may read
_EFER: Final = 0xC0000080  # and one that it may write with what it holds
_EFER_VALUE: Final = int(Efer.NXE | Efer.SCE)


def zeros_for(call: Call) -> Values:
    """Every argument 0, or the nearest that the call can stand."""
    values = {argument.name: 0 for argument in call.arguments or ()}
    if "flags" in values and "ptep" in values:
        values["flags"] = NOWHERE
    if call.name == "APICWrite":
        values["value"] = _LEAST_VECTOR
    if call.name == "RDMSR":
        values["msr"] = _APIC_BASE
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
