"""A virtual CPU's registers as KVM lays them out: struct kvm_regs and struct kvm_sregs of asm/kvm.h."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

__all__ = ["CODE", "DATA", "REGS_SIZE", "SREGS_SIZE", "Flat", "Registers", "flat_segment"]

REGS_SIZE: Final = 144
SREGS_SIZE: Final = 312
_REGS: Final = struct.Struct("<18Q")
_NAMES: Final = ("rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rsp", "rbp")
_RIP: Final = 16
_FLAGS: Final = 17
_SEGMENT: Final = struct.Struct("<QIHBBBBBBBBBB")
_SEGMENTS: Final = {"cs": 0, "ds": 24, "es": 48, "fs": 72, "gs": 96, "ss": 120, "tr": 144, "ldt": 168}
_TABLES: Final = {"gdt": 192, "idt": 208}
_TABLE: Final = struct.Struct("<QH6x")
_CONTROLS: Final = {"cr0": 224, "cr2": 232, "cr3": 240, "cr4": 248, "efer": 264}
_TR_TYPE: Final = 158
_BUSY: Final = 2
CODE: Final = 11
"""Descriptor type: code, readable, accessed."""
DATA: Final = 3
"""Descriptor type: data, writable, accessed."""


@dataclass(frozen=True, slots=True)
class Flat:
    """A segment register: ``kind`` is the descriptor's type, ``system`` false for LDT and TSS."""

    selector: int
    kind: int
    dpl: int = 0
    base: int = 0
    limit: int = 0xFFFFFFFF
    code_or_data: bool = True
    big: bool = True

    def pack(self) -> bytes:
        """struct kvm_segment."""
        s, big = int(self.code_or_data), int(self.big)
        grain = int(self.limit > 0xFFFFF)
        return _SEGMENT.pack(
            self.base, self.limit, self.selector, self.kind, 1, self.dpl, big, s, 0, grain, 0, 0, 0
        )


def flat_segment(selector: int, kind: int) -> Flat:
    """All of the address space, at the privilege of the selector."""
    return Flat(selector, kind, selector & 3)


class Registers:
    """Both structs. :meth:`vmirom.machine.kvm.vcpu.Vcpu.set_registers` loads them."""

    def __init__(self, regs: bytes | bytearray, sregs: bytes | bytearray) -> None:
        self.regs = bytearray(regs)
        self.sregs = bytearray(sregs)

    def general(self, name: str) -> int:
        """``eax`` and its like, ``eip``, ``eflags``; the low 32 bits."""
        value: int = _REGS.unpack(self.regs)[self._index(name)]
        return value & 0xFFFFFFFF

    def set_general(self, **values: int) -> None:
        """Set some of the registers that :meth:`general` reads."""
        fields = list(_REGS.unpack(self.regs))
        for name, value in values.items():
            fields[self._index(name)] = value
        self.regs[:] = _REGS.pack(*fields)

    @staticmethod
    def _index(name: str) -> int:
        if name == "eip":
            return _RIP
        if name == "eflags":
            return _FLAGS
        return _NAMES.index("r" + name[1:])

    def selector(self, name: str) -> int:
        """Of ``cs`` and its like, ``tr``, ``ldt``."""
        value: int = _SEGMENT.unpack_from(self.sregs, _SEGMENTS[name])[2]
        return value

    def set_segment(self, name: str, segment: Flat) -> None:
        """Set a segment register, ``tr`` or ``ldt``."""
        at = _SEGMENTS[name]
        self.sregs[at : at + _SEGMENT.size] = segment.pack()

    def table(self, name: str) -> tuple[int, int]:
        """(base, limit) of ``gdt`` or ``idt``."""
        base, limit = _TABLE.unpack_from(self.sregs, _TABLES[name])
        return base, limit

    def set_table(self, name: str, base: int, limit: int) -> None:
        """Set ``gdt`` or ``idt``."""
        _TABLE.pack_into(self.sregs, _TABLES[name], base, limit)

    def control(self, name: str) -> int:
        """``cr0``, ``cr2``, ``cr3``, ``cr4``, ``efer``."""
        value: int = struct.unpack_from("<Q", self.sregs, _CONTROLS[name])[0]
        return value

    def set_control(self, **values: int) -> None:
        """Set some of the registers that :meth:`control` reads."""
        for name, value in values.items():
            struct.pack_into("<Q", self.sregs, _CONTROLS[name], value)

    @property
    def cpl(self) -> int:
        """Current privilege level: SS's DPL."""
        value: int = _SEGMENT.unpack_from(self.sregs, _SEGMENTS["ss"])[5]
        return value

    def free_task_register(self) -> None:
        """Make TR's segment available instead of busy."""
        self.sregs[_TR_TYPE] &= ~_BUSY

    def describe(self) -> str:
        """A few lines, as the embedded machine gives them."""
        general = ("eax", "ebx", "ecx", "edx", "esi", "edi", "ebp", "esp")
        gdt, idt = self.table("gdt"), self.table("idt")
        controls = " ".join(f"{name} {self.control(name):08x}" for name in ("cr0", "cr2", "cr3", "cr4"))
        segments = ("es", "cs", "ss", "ds", "fs", "gs")
        return "\n".join(
            (
                " ".join(f"{name} {self.general(name):08x}" for name in general),
                f"eip {self.general('eip'):08x} eflags {self.general('eflags'):08x} cpl {self.cpl}",
                controls,
                " ".join(f"{name} {self.selector(name):04x}" for name in segments),
                f"gdt {gdt[0]:08x}+{gdt[1]:04x} idt {idt[0]:08x}+{idt[1]:04x}",
            )
        )
