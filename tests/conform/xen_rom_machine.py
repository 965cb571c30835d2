"""The Xen ROM on the embedded Xen, called from outside: a guest that is one page of code.

As for lguest: calls return to an undefined instruction that the harness knows. The guest's handler of every
vector counts, ends the interrupt at the virtual PIC and returns, all through the ROM.
"""

from __future__ import annotations

import struct
import time
from collections.abc import Sequence

from tests.bundle.images import GuestRecipe, Segment
from tests.rom.bare_machine import (
    CODE,
    COUNTS,
    GDT,
    GENERAL,
    GUEST,
    IDT,
    KERNEL_CS,
    KERNEL_DS,
    LINEAR,
    RETURN,
    SCRATCH,
    STACK,
    TSS,
    TSS_SELECTOR,
    Registers,
)
from vmirom.bundle.compose import compose
from vmirom.bundle.elf import PF_R, PF_W, PF_X
from vmirom.hypervisors.xen import make
from vmirom.machine.memory import Memory
from vmirom.machine.unicorn import UnicornEngine
from vmirom.overlays import vmi

HANDLER = CODE + 0x800
PAGE = 4096


class Returned(Exception):
    """The guest came to RETURN."""


class Silence:
    """A trace that nobody reads."""

    def hypercall(self, name: str, arguments: tuple[int, ...], result: int | None, why: str = "") -> None:
        """Ignored."""

    def event(self, kind: str, detail: str) -> None:
        """Ignored."""


class XenRomMachine:
    """``rom`` booted to the guest's first instruction; ``settle`` gives it GDT, IDT and PICs."""

    def __init__(self, rom: bytes) -> None:
        recipe = GuestRecipe(
            segments=(
                Segment(GUEST, b"\x0f\x0b" * 0x800, 0x1000, PF_R | PF_X),
                Segment(GUEST + 0x1000, b"", 0x8000, PF_R | PF_W),
            ),
            entry=RETURN,
        )
        self.rom = LINEAR + int(vmi.Layout.ROM_GPA)
        self.console = bytearray()
        self.frames: dict[int, int] = {}
        self.host = make(self._engine, 16, self.console.extend, Silence())
        self.host.load(compose(recipe.build(), rom, "xen", (3, 1)), "quiet")
        self.domain = self.host.domain
        self._undefined = self.domain.privileged.undefined
        self.domain.privileged.undefined = self._watched  # type: ignore[method-assign]
        self.run()

    def _engine(self, memory: Memory) -> UnicornEngine:
        self.engine = UnicornEngine(memory)
        return self.engine

    def _watched(self) -> None:
        if self.engine.eip == RETURN:
            raise Returned
        self._undefined()

    def close(self) -> None:
        """Give the engine back."""
        self.engine.close()

    # memory: the guest's frames are scattered

    def _machine(self, gva: int) -> int:
        page, offset = gva & -PAGE, gva % PAGE
        if page not in self.frames:
            at = self.domain.space.entry_address(page)
            assert at is not None, f"{gva:#x} is not mapped"
            self.frames[page] = self.engine.memory.u64(at) & 0x000FFFFFFFFFF000
        return self.frames[page] + offset

    def get(self, gva: int, length: int) -> bytes:
        """Bytes of one page."""
        return self.engine.memory.read(self._machine(gva), length)

    def put(self, gva: int, data: bytes) -> None:
        """Store bytes, page by page."""
        while data:
            room = PAGE - gva % PAGE
            self.engine.memory.write(self._machine(gva), data[:room])
            gva, data = gva + room, data[room:]

    @property
    def interrupts(self) -> int:
        """How often the handler has run."""
        return int(struct.unpack("<I", self.get(COUNTS, 4))[0])

    @property
    def root(self) -> int:
        """gpa of the page tables in use, as the guest knows it."""
        return self.call("GetCR3")["EAX"]

    # running

    def run(self, seconds: float = 10.0) -> None:
        """Until RETURN. Raises AssertionError with the ending if the machine ends instead."""
        try:
            ending = self.host.run(time.monotonic_ns() + int(seconds * 1e9))
        except Returned:
            return
        raise AssertionError(f"{ending}\n{self.host.describe()}")

    def relocation(self, name: str) -> tuple[int, int]:
        """eip and type that get_reloc answers."""
        found = self.run_code(self.rom + int(vmi.RomHeader.GET_RELOC_OFFSET), eax=int(vmi.Call[name]))
        return found["EAX"], found["EDX"]

    def entry(self, name: str) -> int:
        """Where a call is entered."""
        eip, kind = self.relocation(name)
        assert kind in (vmi.Reloc.CALL_REL, vmi.Reloc.JUMP_REL), f"{name} has no entry"
        return eip

    def call(self, name: str, stack: Sequence[int] = (), **registers: int) -> Registers:
        """Make a call through its entry."""
        return self.run_code(self.entry(name), stack, **registers)

    def run_code(self, eip: int, stack: Sequence[int] = (), flags: int = 2, **registers: int) -> Registers:
        """Call an address with these registers (others 0) and stack words, until it returns."""
        engine = self.engine
        for name in GENERAL:
            setattr(engine, name, registers.get(name, 0))
        words = (RETURN, *stack)
        engine.esp = STACK - 0x100 - 4 * len(words)
        self.put(engine.esp, struct.pack(f"<{len(words)}I", *words))
        engine.eflags = flags | 0x200
        engine.eip = eip
        self.run()
        values = {name.upper(): getattr(engine, name) for name in (*GENERAL, "esp")}
        return Registers({**values, "EFLAGS": engine.eflags})

    # the guest

    def settle(self) -> None:
        """GDT, IDT, TSS, and the PICs with IRQ 0 open; interrupts stay off."""
        code = bytearray(b"\x50\x52\x36\xff\x05" + struct.pack("<I", COUNTS))
        code += b"\xb8\x20\x00\x00\x00\xba\x20\x00\x00\x00"
        for opcode, name, before in ((0xE8, "OUTB", b""), (0xE9, "IRET", b"\x5a\x58")):
            code += before
            code += bytes((opcode,)) + struct.pack("<i", self.entry(name) - (HANDLER + len(code) + 5))
        self.put(HANDLER, bytes(code))
        gdt = bytearray(8 * 32)
        for access, selector in ((0x9B, KERNEL_CS), (0x93, KERNEL_DS), (0xFB, 0x70), (0xF3, 0x78)):
            gdt[selector : selector + 8] = struct.pack("<II", 0xFFFF, 0x00CF0000 | access << 8)
        low, high = (TSS & 0xFFFF) << 16 | 0x67, TSS & 0xFF000000 | 0x8900 | TSS >> 16 & 0xFF
        gdt[TSS_SELECTOR : TSS_SELECTOR + 8] = struct.pack("<II", low, high)
        self.put(GDT, bytes(gdt))
        gate = struct.pack("<II", KERNEL_CS << 16 | HANDLER & 0xFFFF, HANDLER & 0xFFFF0000 | 0x8E00)
        self.put(IDT, gate * 256)
        self.put(SCRATCH, struct.pack("<HI", 8 * 32 - 1, GDT))
        self.call("SetGDT", eax=SCRATCH)
        self.put(SCRATCH, struct.pack("<HI", 8 * 256 - 1, IDT))
        self.call("SetIDT", eax=SCRATCH)
