"""Small machines for engine tests: code bytes by hand, flat segments, page tables in a known place."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager

from vmirom.machine.clock import Clock
from vmirom.machine.engine import Segment
from vmirom.machine.memory import Memory
from vmirom.machine.unicorn import UnicornEngine

CODE = 0x1000
WINDOWS = [
    (b"\x90\xfb\x90\x90\xfa", 3),  # sti; nop | nop: the shadow covers one instruction
    (b"\xfb\xfb\x90\xfa", 2),  # a second sti has no shadow
    (b"\x68\x02\x02\0\0\x9d\x90\xfa", 6),  # popf has none
    (b"\xfb\xeb\x02\x90\x90\xfa", 5),  # sti; jmp
    (b"\x8c\xd0\x9c\x80\x4c\x24\x01\x02\x9d\x90\xfa", 9),  # or $0x200,(%esp); popf
]
"""Code, and the offset in it at which an interrupt can first be taken."""
STACK = 0x8000
MS = 1_000_000
FOREVER = 30.0
"""Seconds after which something hangs, however busy the machine: no measure of speed."""

HALT = b"\xf4\xeb\xfd"
"""1: hlt; jmp 1b. Where unicorn's state can't be looked at ("context"), a stop in the moment of HLT counts as
what woke it, as an NMI would: the guest goes on, and must not into the unknown."""


def code_segment(ring: int) -> Segment:
    return Segment(0x08 * (ring + 1) | ring, 0, 0xFFFFFFFF, 0x00C09B00 | ring << 13)


def data_segment(ring: int) -> Segment:
    return Segment(0x40 + 0x08 * ring | ring, 0, 0xFFFFFFFF, 0x00C09300 | ring << 13)


def descriptor(segment: Segment) -> bytes:
    """The eight bytes of a segment's descriptor."""
    limit = segment.limit >> 12 if segment.attributes & 0x800000 else segment.limit
    low = segment.base & 0xFFFF
    return struct.pack(
        "<II",
        (limit & 0xFFFF) | low << 16,
        segment.attributes | limit & 0xF0000 | segment.base >> 16 & 0xFF | segment.base & 0xFF000000,
    )


def gate(selector: int, offset: int, kind: int, dpl: int = 0, present: bool = True) -> bytes:
    """A gate of an IDT, or with kind 0xC a call gate."""
    high = offset & 0xFFFF0000 | (0x8000 if present else 0) | dpl << 13 | kind << 8
    return struct.pack("<II", selector << 16 | offset & 0xFFFF, high)


@contextmanager
def machine(
    code: bytes,
    ring: int = 0,
    size: int = 1 << 20,
    live: bool = True,
    window_hook: bool = True,
    clock: Clock | None = None,
) -> Iterator[UnicornEngine]:
    """An engine with ``code`` at CODE in ``ring``, ESP at STACK."""
    memory = Memory(size)
    engine = UnicornEngine(memory, clock, live=live, window_hook=window_hook)
    try:
        memory.write(CODE, code)
        engine.enter(code_segment(ring), data_segment(ring), STACK, CODE)
        yield engine
    finally:
        engine.close()


def identity_2level(memory: Memory, at: int = 0x10000, flags: int = 7) -> int:
    """Two-level tables that map the first 4 MiB one to one; the answer is CR3."""
    memory.put32(at, at + 0x1000 | 7)
    for i in range(1024):
        memory.put32(at + 0x1000 + 4 * i, i << 12 | flags)
    return at


def mov(register: int, value: int) -> bytes:
    """mov $value, %register by number (eax ecx edx ebx esp ebp esi edi)."""
    return bytes((0xB8 + register,)) + struct.pack("<I", value)
