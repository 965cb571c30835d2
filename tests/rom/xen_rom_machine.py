"""The Xen ROM on the embedded Xen, called from outside: a guest that is one page of code.

As lguest_rom_machine: the test sets the processor's registers at the ROM's entry, and calls return to an
undefined instruction that the harness knows. Gates below 32 are absent, so that a fault which the ROM does
not answer itself ends the domain; the guest's interrupts are counted by a handler of its own.
"""

from __future__ import annotations

import struct
import time
from collections.abc import Sequence
from typing import Any, Final

from tests.bundle.images import GuestRecipe, Segment
from tests.rom.bare_machine import (
    CODE,
    COUNTS,
    GDT,
    GENERAL,
    GUEST,
    IDT,
    KERNEL_CS,
    LINEAR,
    RETURN,
    SCRATCH,
    STACK,
    TSS,
    TSS_SELECTOR,
    USER_CODE,
    USER_FRAMES,
    Registers,
)
from vmirom.bundle.compose import compose
from vmirom.bundle.elf import PF_R, PF_W, PF_X
from vmirom.hypervisors.hypervisor import Ending, NoTrace
from vmirom.hypervisors.xen.hypervisor import XenHypervisor, make
from vmirom.hypervisors.xen.pages import Owner
from vmirom.machine.engine import Exit, SegmentName, Trap
from vmirom.machine.unicorn import UnicornEngine
from vmirom.overlays import vmi

HANDLER: Final = CODE + 0x800
"""Of all interrupt gates: counts one at COUNTS, ends the interrupt, returns."""
_SECONDS: Final = 5.0


class Returned(Exception):
    """The guest came to RETURN, at whatever privilege."""


class XenRomMachine:
    """``rom`` booted to the guest's first instruction; ``settle`` gives it GDT, IDT and PICs."""

    def __init__(self, rom: bytes, trace: Any = None) -> None:
        recipe = GuestRecipe(
            segments=(
                Segment(GUEST, b"\x0f\x0b" * 0x800, 0x1000, PF_R | PF_X),
                Segment(GUEST + 0x1000, b"", 0x8000, PF_R | PF_W),
            ),
            entry=RETURN,
        )
        self.rom = LINEAR + int(vmi.Layout.ROM_GPA)
        self.console = bytearray()
        self.host: XenHypervisor = make(UnicornEngine, 16, self.console.extend, trace or NoTrace(), seed=1)
        self._answer = self.host._answer
        self.host._answer = self._watched  # type: ignore[method-assign]
        self.host.load(compose(recipe.build(), rom, "xen", (3, 1)), "quiet")
        domain = self.host.domain
        self.engine = domain.engine
        frames = [mfn for mfn, owner in enumerate(domain.tables.owner) if owner == Owner.DOMAIN]
        self._mfn = {domain.m2p(mfn): mfn for mfn in frames}
        self.run()
        self.root = self.call("GetCR3")["EAX"]

    def close(self) -> None:
        self.engine.close()

    def _watched(self, stop: Exit) -> None:
        if isinstance(stop, Trap) and stop.vector == 6 and self.engine.eip in (RETURN, USER_CODE):
            raise Returned
        self._answer(stop)

    # memory: guest-physical frames are scattered

    def _at(self, gva: int) -> int:
        gpa = gva - LINEAR
        return self._mfn[gpa >> 12] << 12 | gpa & 0xFFF

    def read(self, gva: int, length: int) -> bytes:
        parts = []
        while length:
            part = min(length, 4096 - gva % 4096)
            parts.append(self.host.domain.memory.read(self._at(gva), part))
            gva, length = gva + part, length - part
        return b"".join(parts)

    def put(self, gva: int, data: bytes) -> None:
        while data:
            part = min(len(data), 4096 - gva % 4096)
            self.host.domain.memory.write(self._at(gva), data[:part])
            gva, data = gva + part, data[part:]

    def u32(self, gva: int) -> int:
        return int.from_bytes(self.read(gva, 4), "little")

    def u64(self, gva: int) -> int:
        return int.from_bytes(self.read(gva, 8), "little")

    @property
    def interrupts(self) -> int:
        return self.u32(COUNTS)

    @property
    def enabled(self) -> bool:
        """The virtual interrupt flag."""
        return not self.host.domain.shared.vcpu.evtchn_upcall_mask

    @enabled.setter
    def enabled(self, value: bool) -> None:
        self.host.domain.shared.vcpu.evtchn_upcall_mask = int(not value)

    # running

    def run(self, seconds: float = _SECONDS) -> None:
        """Until RETURN. Raises AssertionError with the ending if the machine ends instead."""
        try:
            ending = self.host.run(time.monotonic_ns() + int(seconds * 1e9))
        except Returned:
            return
        raise AssertionError(f"{ending}\n{self.host.describe()}\n{self.console.decode('latin-1')}")

    def ending(self, name: str, **registers: int) -> Ending:
        """Make a call that does not come back."""
        self._enter(self.entry(name), (), 2, registers)
        return self.host.run(time.monotonic_ns() + int(_SECONDS * 1e9))

    def entry(self, name: str) -> int:
        answer = self.run_code(self.rom + int(vmi.RomHeader.GET_RELOC_OFFSET), eax=int(vmi.Call[name]))
        assert answer["EDX"] in (vmi.Reloc.CALL_REL, vmi.Reloc.JUMP_REL), f"{name} has no entry"
        return answer["EAX"]

    def slot(self, name: str) -> int:
        """The position-independent entry."""
        area = vmi.ffi.new("struct vmi_rom_private *")
        size = vmi.ffi.sizeof("struct vmi_rom_private")
        vmi.ffi.buffer(area)[:] = self.read(self.rom + 32, size)
        return self.rom + int(area.slots_offset) + int(area.slot_size) * int(vmi.Call[name])

    def call(self, name: str, stack: Sequence[int] = (), **registers: int) -> Registers:
        return self.run_code(self.entry(name), stack, **registers)

    def run_code(self, eip: int, stack: Sequence[int] = (), flags: int = 2, **registers: int) -> Registers:
        """Call an address with these registers (others 0) and stack words, until it returns."""
        self._enter(eip, stack, flags, registers)
        self.run()
        return self.registers()

    def registers(self) -> Registers:
        values = {name.upper(): getattr(self.engine, name) for name in (*GENERAL, "esp")}
        return Registers({**values, "EFLAGS": self.engine.eflags})

    def jump(self, eip: int, frame: Sequence[int], flags: int, registers: dict[str, int]) -> None:
        """Go to an address with ESP at ``frame`` until RETURN or USER_CODE."""
        self._enter(eip, (), flags, registers)
        self.engine.esp = STACK - 0x100 - 4 * len(frame)
        self.put(self.engine.esp, struct.pack(f"<{len(frame)}I", *frame))
        self.run()

    def _enter(self, eip: int, stack: Sequence[int], flags: int, registers: dict[str, int]) -> None:
        engine = self.engine
        for name in GENERAL:
            setattr(engine, name, registers.get(name, 0))
        words = (RETURN, *stack)
        engine.esp = STACK - 0x100 - 4 * len(words)
        self.put(engine.esp, struct.pack(f"<{len(words)}I", *words))
        engine.eflags = flags | 0x200
        engine.eip = eip

    # the guest

    def settle(self) -> None:
        """GDT, IDT, TSS, the PICs with IRQ 0 open, the guest's own segments; interrupts stay off."""
        self._write_handler()
        gdt = bytearray(8 * 32)
        for access, selector in ((0x9B, KERNEL_CS), (0x93, KERNEL_CS + 8), (0xFB, 0x70), (0xF3, 0x78)):
            gdt[selector : selector + 8] = struct.pack("<II", 0xFFFF, 0x00CF0000 | access << 8)
        low, high = (TSS & 0xFFFF) << 16 | 0x67, TSS & 0xFF000000 | 0x8900 | TSS >> 16 & 0xFF
        gdt[TSS_SELECTOR : TSS_SELECTOR + 8] = struct.pack("<II", low, high)
        self.put(GDT, bytes(gdt))
        gate = struct.pack("<II", KERNEL_CS << 16 | HANDLER & 0xFFFF, HANDLER & 0xFFFF0000 | 0x8E00)
        self.put(IDT, bytes(8 * 32) + gate * 224)
        self.put(SCRATCH, struct.pack("<HI", 8 * 32 - 1, GDT))
        self.call("SetGDT", eax=SCRATCH)
        self.put(SCRATCH, struct.pack("<HI", 8 * 256 - 1, IDT))
        self.call("SetIDT", eax=SCRATCH)
        for port, value in (
            *((0x20, 0x11), (0x21, 0x30), (0x21, 4), (0x21, 1)),
            *((0xA0, 0x11), (0xA1, 0x38), (0xA1, 2), (0xA1, 1)),
            *((0x21, 0xFE), (0xA1, 0xFF)),
        ):
            self.call("OUTB", eax=value, edx=port)
        self.reload()

    def reload(self) -> None:
        """CS, SS, DS, ES from the guest's own table, FS and GS null."""
        cs, ds = KERNEL_CS | 1, KERNEL_CS + 8 | 1
        code = b"\xb8" + struct.pack("<I", ds) + b"\x8e\xd8\x8e\xc0\x8e\xd0\x31\xc0\x8e\xe0\x8e\xe8"
        code += b"\xea" + struct.pack("<IH", RETURN, cs)
        self.put(CODE + 0x40, code)
        self._enter(CODE + 0x40, (), 2, {})
        self.run()
        assert self.engine.segment(SegmentName.CS).selector == cs

    def open_user(self) -> None:
        """A page of user code (undefined instructions) at USER_CODE with its stack above it, by the calls."""
        top = self.root & ~0x1F
        directory, table, code, stack = (USER_FRAMES + 0x1000 * n for n in range(4))
        for gpa in (directory, table, stack):
            self.put(LINEAR + gpa, bytes(4096))
        self.put(LINEAR + code, b"\x0f\x0b" * 0x800)
        everything = 0x67
        for at, entry, level in (
            (table + (USER_CODE >> 12 & 511) * 8, code | everything, vmi.PageType.PT),
            (table + ((USER_CODE >> 12 & 511) + 1) * 8, stack | everything, vmi.PageType.PT),
            (directory + (USER_CODE >> 21 & 511) * 8, table | everything, vmi.PageType.PD),
            (top + (USER_CODE >> 30) * 8, directory | 1, vmi.PageType.PDP),
        ):
            self.call("SetPxELong", (int(level),), eax=entry, ecx=LINEAR + at)
        self.call("SetCR3", eax=self.root)
        self.call("UpdateKernelStack", eax=KERNEL_CS + 8, edx=STACK)

    def _write_handler(self) -> None:
        """push eax, edx, ds, es; flat ds, es; incl counts; OUTB(0x20, 0x20); pop es, ds, edx, eax; IRET"""
        code = bytearray(b"\x50\x52\x1e\x06\x8c\xd0\x8e\xd8\x8e\xc0\xff\x05" + struct.pack("<I", COUNTS))
        code += b"\xb8\x20\x00\x00\x00\xba\x20\x00\x00\x00"
        for opcode, name, before in ((0xE8, "OUTB", b""), (0xE9, "IRET", b"\x07\x1f\x5a\x58")):
            code += before
            code += bytes((opcode,)) + struct.pack("<i", self.entry(name) - (HANDLER + len(code) + 5))
        self.put(HANDLER, bytes(code))
