"""Kernels for the native and the KVM machine, written byte by byte, in a Multiboot ELF file."""

from __future__ import annotations

import struct
import time
from collections.abc import Callable
from typing import Any

from vmirom.hypervisors.hypervisor import Ending
from vmirom.hypervisors.native import Machine
from vmirom.machine.unicorn import UnicornEngine

BASE = 0x100000
DATA = 0x108000
"""Where a kernel keeps its tables and results."""
GDT, IDT = DATA, DATA + 0x100
RESULT = DATA + 0x1000
STACK = 0x10F000
MULTIBOOT = struct.pack("<III", 0x1BADB002, 3, -(0x1BADB002 + 3) & 0xFFFFFFFF)
EAX, ECX, EDX, EBX, ESP, EBP, ESI, EDI = range(8)


class Code:
    """Machine code at BASE + 12, behind the Multiboot header; labels are resolved by :meth:`finish`."""

    def __init__(self) -> None:
        self.data = bytearray(MULTIBOOT)
        self.labels: dict[str, int] = {}
        self.wanted: list[tuple[int, str, bool]] = []

    @property
    def here(self) -> int:
        return BASE + len(self.data)

    def raw(self, data: bytes | str) -> Code:
        self.data += bytes.fromhex(data) if isinstance(data, str) else data
        return self

    def label(self, name: str) -> Code:
        self.labels[name] = self.here
        return self

    def mov(self, register: int, value: int | str) -> Code:
        self.data.append(0xB8 + register)
        return self._word(value, relative=False)

    def jump(self, name: str, opcode: str = "e9") -> Code:
        """jmp, or call with e8, or a conditional jump with 0f 8x."""
        return self.raw(opcode)._word(name, relative=True)

    def store(self, gpa: int, register: int = EAX) -> Code:
        """mov %register,gpa"""
        return self.raw(bytes((0x89, register << 3 | 5)) + struct.pack("<I", gpa))

    def load(self, register: int, gpa: int) -> Code:
        """mov gpa,%register"""
        return self.raw(bytes((0x8B, register << 3 | 5)) + struct.pack("<I", gpa))

    def out(self, port: int, value: int) -> Code:
        """outb of a constant"""
        return self.mov(EDX, port).raw(bytes((0xB0, value))).raw("ee")

    def exit(self, status: int) -> Code:
        return self.out(0x501, status).raw("f4")

    def text(self, text: str) -> Code:
        for byte in text.encode():
            self.out(0x3F8, byte)
        return self

    def tables(self, **handlers: str) -> Code:
        """A stack, a flat GDT (0x08, 0x10; 0x1b, 0x23 for ring 3; TSS 0x28) and an IDT with gates to labels:
        ``v32="tick"``; ``u128`` makes one that ring 3 may use."""
        descriptors = ("00cf9b000000ffff", "00cf93000000ffff", "00cffb000000ffff", "00cff3000000ffff")
        self.mov(ESP, STACK)
        for i, text in enumerate(descriptors, 1):
            high, low = int(text[:8], 16), int(text[8:], 16)
            self.mov(EAX, low).store(GDT + 8 * i).mov(EAX, high).store(GDT + 8 * i + 4)
        tss = DATA + 0xC00
        self.mov(EAX, (tss & 0xFFFF) << 16 | 0x67).store(GDT + 0x28)
        self.mov(EAX, 0x8900 | tss >> 16 & 0xFF).store(GDT + 0x2C)
        self.mov(EAX, STACK + 0x800).store(tss + 4).mov(EAX, 0x10).store(tss + 8)
        self.mov(EAX, 0x00680000).store(tss + 0x64)  # no I/O bitmap
        for name, label in handlers.items():
            gate = IDT + 8 * int(name[1:])
            flags = struct.pack("<I", 0xEE00 if name[0] == "u" else 0x8E00)
            self.mov(EAX, label).raw("89c1").raw("81e1ffff0000").raw("81c900000800").store(gate, ECX)
            self.raw("250000ffff").raw("0d").raw(flags).store(gate + 4)  # and, or: offset and kind
        self.raw("68").raw(struct.pack("<I", GDT)).raw("66682f00").raw("0f011424").raw("83c406")
        self.raw("68").raw(struct.pack("<I", IDT)).raw("6668ff07").raw("0f011c24").raw("83c406")
        self.raw("ea")._word(len(self.data) + 6 + BASE, relative=False).raw("0800")
        self.raw("66b810008ed88ec08ed0").raw("66b828000f00d8")
        return self

    def pic(self, mask: int) -> Code:
        """8259 pair at vectors 0x20 and 0x28."""
        for port, value in ((0x20, 0x11), (0x21, 0x20), (0x21, 4), (0x21, 1), (0x21, mask)):
            self.out(port, value)
        for port, value in ((0xA0, 0x11), (0xA1, 0x28), (0xA1, 2), (0xA1, 1), (0xA1, 0xFF)):
            self.out(port, value)
        return self

    def _word(self, value: int | str, relative: bool) -> Code:
        if isinstance(value, str):
            self.wanted.append((len(self.data), value, relative))
            value = 0
        self.data += struct.pack("<I", value & 0xFFFFFFFF)
        return self

    def finish(self, at: int = BASE, memsz: int = 0x10000) -> bytes:
        """The ELF file."""
        for where, name, relative in self.wanted:
            target = self.labels[name]
            value = target - (BASE + where + 4) if relative else target
            struct.pack_into("<I", self.data, where, value & 0xFFFFFFFF)
        return elf([(at, bytes(self.data), memsz, 7)], at + len(MULTIBOOT))


def elf(segments: list[tuple[int, bytes, int, int]], entry: int, vaddr: int = 0) -> bytes:
    """An ELF file of (paddr, data, memsz, flags) segments, with p_vaddr = p_paddr + vaddr."""
    head = 52 + 32 * len(segments)
    at = head
    headers = b""
    for paddr, data, memsz, flags in segments:
        headers += struct.pack("<8I", 1, at, paddr + vaddr, paddr, len(data), memsz, flags, 4)
        at += len(data)
    ident = b"\x7fELF\x01\x01\x01" + bytes(9)
    ehdr = struct.pack("<16sHHIIIIIHHHHHH", ident, 2, 3, 1, entry, 52, 0, 0, 52, 32, len(segments), 0, 0, 0)
    return ehdr + headers + b"".join(data for _, data, _, _ in segments)


class Recorder:
    """A console and a trace that remember."""

    def __init__(self) -> None:
        self.printed = b""
        self.calls: list[tuple[str, tuple[int, ...], int | None, str]] = []
        self.events: list[tuple[str, str]] = []

    def console(self, data: bytes) -> None:
        self.printed += data

    def hypercall(self, name: str, arguments: tuple[int, ...], result: int | None, why: str = "") -> None:
        self.calls.append((name, arguments, result, why))

    def event(self, kind: str, detail: str) -> None:
        self.events.append((kind, detail))


def boot(
    make: Callable[..., Machine],
    bundle: bytes,
    seconds: float = 5,
    command_line: str = "",
    before: Callable[[Machine], None] | None = None,
    **options: Any,
) -> tuple[Ending, Machine, Recorder]:
    """Run a bundle to its end; the machine is closed, its memory can still be read."""
    recorder = Recorder()
    machine = make(UnicornEngine, 4, recorder.console, recorder, **options)
    try:
        machine.load(bundle, command_line)
        if before is not None:
            before(machine)
        ending = machine.run(time.monotonic_ns() + int(seconds * 1e9))
        machine.describe()
    finally:
        machine.close()
    return ending, machine, recorder
