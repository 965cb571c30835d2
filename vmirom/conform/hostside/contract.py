"""What a call may change in the processor, by its declaration: everything else is a fault of the ROM.

Pure: registers before and after in, what is wrong in words out. Whoever calls a ROM, in whatever machine, can
hold the call against this.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from vmirom.overlays.native import Eflags
from vmirom.schema.calls import GENERAL, Call, registers

__all__ = [
    "ARITHMETIC",
    "DF",
    "IF",
    "Processor",
    "flag_after",
    "wrong_entry",
    "wrong_registers",
    "wrong_state",
]

IF: Final = int(Eflags.IF)
DF: Final = int(Eflags.DF)
ARITHMETIC: Final = 0x8D5
"""CF, PF, AF, ZF, SF, OF."""
_SYSTEM: Final = 0x3000 | 0x4000 | 0x20000 | 0x40000 | DF
"""IOPL, NT, VM, AC, and DF: no call is about them but SetIOPLMask."""
_PRESERVED: Final = ("EBX", "ESI", "EDI", "EBP")
_SEGMENTS: Final = ("ES", "CS", "SS", "DS", "FS", "GS")


@dataclass(frozen=True, slots=True)
class Processor:
    """``general`` by capital name, ESP, flags as the processor has them; ``segments`` are selectors in the
    order of their encoding (ES CS SS DS FS GS), empty where nobody looked."""

    general: Mapping[str, int]
    esp: int
    eflags: int
    segments: tuple[int, ...] = ()

    def __str__(self) -> str:
        words = [f"{name} {self.general[name]:08X}" for name in GENERAL]
        return " ".join([*words, f"ESP {self.esp:08X}", f"EFLAGS {self.eflags:08X}"])


def wrong_registers(call: Call, before: Processor, after: Processor) -> Iterator[str]:
    """General registers, arithmetic flags and the stack pointer. ``before`` is the moment before the call
    instruction, its stack arguments pushed, ``after`` the one behind it. A string call's ECX, EDI and ESI are
    its results, and its callers know what they come to."""
    given = {name for argument in call.arguments or () for name in registers(argument.place)}
    for name in call.preserved or ():
        if after.general[name] != before.general[name]:
            what = f"{name}, its argument" if name in given else name
            yield f"{what}: {before.general[name]:08X} -> {after.general[name]:08X}"
    if after.esp != before.esp:
        yield f"ESP is {after.esp - before.esp:+d} bytes off"
    if "flags" not in (call.clobbers or ()) and (after.eflags ^ before.eflags) & ARITHMETIC:
        yield f"flags {before.eflags & ARITHMETIC:03X} -> {after.eflags & ARITHMETIC:03X}"


def wrong_state(call: Call, before: Processor, after: Processor) -> Iterator[str]:
    """Segment registers, the direction flag and the flags of the system."""
    for name, was, now in zip(_SEGMENTS, before.segments, after.segments, strict=False):
        if was != now:
            yield f"{name} {was:04X} -> {now:04X}"
    system = _SYSTEM & (~0x3000 if call.name == "SetIOPLMask" else ~0)
    if (after.eflags ^ before.eflags) & system:
        yield f"flags of the system {before.eflags & system:05X} -> {after.eflags & system:05X}"


def wrong_entry(before: Processor, after: Processor) -> Iterator[str]:
    """Of vmi_init and get_reloc, which are called as standard calls are. Behind vmi_init a selector may have
    another RPL."""
    for name in _PRESERVED:
        if after.general[name] != before.general[name]:
            yield f"{name}: {before.general[name]:08X} -> {after.general[name]:08X}"
    if after.esp != before.esp:
        yield f"ESP is {after.esp - before.esp:+d} bytes off"
    for name, was, now in zip(_SEGMENTS, before.segments, after.segments, strict=True):
        if was & ~3 != now & ~3:
            yield f"{name} {was:04X} -> {now:04X}"
    if (after.eflags ^ before.eflags) & (_SYSTEM | IF):
        yield f"flags {before.eflags:05X} -> {after.eflags:05X}"


def flag_after(call: Call, enabled: bool, arguments: Mapping[str, int]) -> bool:
    """The virtual interrupt flag behind a call that was made with it ``enabled``."""
    if call.name == "SetInterruptMask":
        return bool(arguments["mask"] & IF)
    return {"EnableInterrupts": True, "DisableInterrupts": False, "Halt": True}.get(call.name, enabled)
