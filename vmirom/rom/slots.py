"""The generated part of a ROM: slots, answers of get_reloc, and counting thunks, as one assembly file."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from vmirom.overlays.vmi import Answer, Reloc
from vmirom.rom.errors import BuildError
from vmirom.schema.calls import Call, Kind

__all__ = ["Slot", "plan_slots", "slots_text"]

_WITHOUT_NATIVE = frozenset(
    {
        "MachineToPhysical",
        "PhysicalToMachine",
        "SetCallbacks",
        "GetCycleFrequency",
        "GetCycleCounter",
        "SetAlarm",
        "CancelAlarm",
        "GetWallclockTime",
        "WallclockUpdated",
        "GetRomInfo",
        "GetCallInfo",
        "SetCounters",
    }
)
"""Calls that no instruction or habit of a bare machine stands for: without a routine they are absent."""


@dataclass(frozen=True, slots=True)
class Slot:
    """What a ROM has for one call: the types of get_reloc and of GetCallInfo, and its symbols, if any."""

    number: int
    name: str
    type: Reloc
    answer: Answer
    symbol: str | None
    fast: str | None


def plan_slots(calls: Sequence[Call], symbols: Collection[str]) -> tuple[Slot, ...]:
    """One slot for each number from 0 to the last, from the global symbols that the objects define.

    ``vmi_<call>`` makes CALL_REL (JUMP_REL for a call that never returns), ``nop_<call>`` NOP, neither NONE;
    ``fast_<call>`` is a second entry for the linear map at its usual place. Raises BuildError for symbols
    that contradict each other.
    """
    by_number = {call.number: call for call in calls}
    if sorted(by_number) != list(range(len(by_number))):
        raise BuildError("the calls' numbers leave a gap, a ROM's slots can't")
    return tuple(_slot(by_number[number], symbols) for number in range(len(by_number)))


def _slot(call: Call, symbols: Collection[str]) -> Slot:
    symbol, nop, fast = f"vmi_{call.name}", f"nop_{call.name}", f"fast_{call.name}"
    if symbol in symbols and nop in symbols:
        raise BuildError(f"call {call.name} is both {symbol} and {nop}")
    if fast in symbols and symbol not in symbols:
        raise BuildError(f"call {call.name} has {fast} but no {symbol} to stand in for it")
    if symbol in symbols:
        kind = Reloc.JUMP_REL if call.kind is Kind.JUMP else Reloc.CALL_REL
        return Slot(
            call.number, call.name, kind, Answer.TRANSLATED, symbol, fast if fast in symbols else None
        )
    if nop in symbols:
        return Slot(call.number, call.name, Reloc.NOP, Answer.NOTHING, None, None)
    answer = Answer.ABSENT if call.name in _WITHOUT_NATIVE else Answer.NATIVE
    return Slot(call.number, call.name, Reloc.NONE, answer, None, None)


def _label(name: str) -> list[str]:
    return [f"\t.globl {name}", f"\t.hidden {name}", f"{name}:"]


def slots_text(slots: Sequence[Slot]) -> str:
    """The assembly file. Every gap has its fill, so that all assemblers make the same bytes."""
    lines = ['\t.section .rom.slots, "ax", @progbits', "\t.balign 16, 0xcc", *_label("rom_slots")]
    for slot in slots:
        code = f"jmp {slot.symbol}" if slot.symbol else "ud2"
        lines += [f"\t{code}\t/* {slot.number} {slot.name} */", "\t.balign 16, 0xcc"]
    lines += _label("rom_count_thunks")
    for slot in slots:
        lines += [f"\t.byte 0x6a, {slot.number}", "\tjmp rom_count", "\t.balign 8, 0xcc"]
    lines += ['\t.section .rodata.rom_slots, "a", @progbits', "\t.balign 4, 0", *_label("rom_call_fast")]
    lines += [f"\t.long {slot.fast} - ." if slot.fast else "\t.long 0" for slot in slots]
    lines += _label("rom_call_types") + [f"\t.byte {int(slot.type)}" for slot in slots]
    lines += _label("rom_call_answers") + [f"\t.byte {int(slot.answer)}" for slot in slots]
    return "\n".join([*lines, "\t.balign 4, 0", ""])
