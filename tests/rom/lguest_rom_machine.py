"""The lguest ROM on the embedded lguest host, called from outside: a guest that is one page of code.

Calls are made by setting the processor's registers at the ROM's entry; they return to an undefined
instruction that the harness knows. The guest's interrupt handlers count, end the interrupt at the virtual
PIC and return, all through the ROM.
"""

from __future__ import annotations

import struct
import time
from collections.abc import Sequence
from typing import Any

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
    USER_CODE,
    Registers,
    user_tables,
)
from vmirom.bundle.compose import compose
from vmirom.bundle.elf import PF_R, PF_W, PF_X
from vmirom.hypervisors.hypervisor import Ending
from vmirom.hypervisors.lguest import Lguest
from vmirom.machine.engine import SegmentName, Trap
from vmirom.machine.unicorn import UnicornEngine
from vmirom.overlays import lguest as abi
from vmirom.overlays import vmi

HANDLER = CODE + 0x800
"""Of all gates: counts one at COUNTS, ends the interrupt, returns."""
STATE = LINEAR + int(vmi.Layout.STATE_GPA)
SHARED = STATE + 0x1000 * int(vmi.Layout.STATE_SHARED)


class Returned(Exception):
    """The guest came to RETURN, or its user to USER_CODE."""


class Calls:
    """The hypercalls since the last look."""

    def __init__(self) -> None:
        self.seen: list[tuple[Any, ...]] = []

    def hypercall(self, name: str, arguments: tuple[int, ...], result: int | None, why: str = "") -> None:
        self.seen.append((name, *arguments))

    def event(self, kind: str, detail: str) -> None:
        pass

    def take(self) -> list[tuple[Any, ...]]:
        taken, self.seen = self.seen, []
        return taken


class LguestRomMachine:
    """``rom`` booted to the guest's first instruction; ``settle`` gives it GDT, IDT and PICs."""

    def __init__(self, rom: bytes, **options: Any) -> None:
        recipe = GuestRecipe(
            segments=(
                Segment(GUEST, b"\x0f\x0b" * 0x800, 0x1000, PF_R | PF_X),
                Segment(GUEST + 0x1000, b"", 0x8000, PF_R | PF_W),
            ),
            entry=RETURN,
        )
        self.rom = LINEAR + int(vmi.Layout.ROM_GPA)
        self.console = bytearray()
        self.calls = Calls()
        self.host = Lguest(UnicornEngine, 16, self.console.extend, self.calls, **options)
        self.engine = self.host.engine
        self.memory = self.engine.memory
        self._handle = self.host.traps.handle
        self.host.traps.handle = self._watched  # type: ignore[method-assign]
        self.host.load(compose(recipe.build(), rom, "lguest", (3, 1)), "quiet")
        self.run()

    def close(self) -> None:
        self.engine.close()

    def _watched(self, trap: Trap) -> bool:
        if trap.vector == 6 and self.engine.eip in (RETURN, USER_CODE):
            raise Returned
        return self._handle(trap)

    # memory

    @property
    def root(self) -> int:
        return self.host.shadows.current_top

    def u32(self, gva: int) -> int:
        return self.memory.u32(gva - LINEAR)

    def put(self, gva: int, data: bytes) -> None:
        self.memory.write(gva - LINEAR, data)

    @property
    def data(self) -> Any:
        return self.memory.view(SHARED - LINEAR, abi.ffi, "struct lguest_data")

    @property
    def interrupts(self) -> int:
        return self.u32(COUNTS)

    # running

    def run(self, seconds: float = 5.0) -> None:
        """Until RETURN. Raises AssertionError with the ending if the machine ends instead."""
        try:
            ending = self.host.run(time.monotonic_ns() + int(seconds * 1e9))
        except Returned:
            return
        raise AssertionError(f"{ending}\n{self.host.describe()}")

    def ending(self, name: str, **registers: int) -> Ending:
        """Make a call that does not come back."""
        self._enter(self.entry(name), (), 2, registers)
        return self.host.run(time.monotonic_ns() + 5_000_000_000)

    def entry(self, name: str) -> int:
        answer = self.run_code(self.rom + int(vmi.RomHeader.GET_RELOC_OFFSET), eax=int(vmi.Call[name]))
        assert answer["EDX"] in (vmi.Reloc.CALL_REL, vmi.Reloc.JUMP_REL), f"{name} has no entry"
        return answer["EAX"]

    def slot(self, name: str) -> int:
        """The position-independent entry."""
        private = self.memory.view(self.rom - LINEAR + 32, vmi.ffi, "struct vmi_rom_private")
        return self.rom + int(private.slots_offset) + int(private.slot_size) * int(vmi.Call[name])

    def call(self, name: str, stack: Sequence[int] = (), **registers: int) -> Registers:
        return self.run_code(self.entry(name), stack, **registers)

    def run_code(self, eip: int, stack: Sequence[int] = (), flags: int = 2, **registers: int) -> Registers:
        """Call an address with these registers (others 0) and stack words, until it returns."""
        self._enter(eip, stack, flags, registers)
        self.run()
        values = {name.upper(): getattr(self.engine, name) for name in (*GENERAL, "esp")}
        return Registers({**values, "EFLAGS": self.engine.eflags})

    def jump(self, eip: int, frame: Sequence[int], flags: int, registers: dict[str, int]) -> None:
        """Go to an address with ESP at ``frame`` until RETURN or USER_CODE."""
        self._enter(eip, (), flags, registers)
        self.engine.esp = STACK - 0x100 - 4 * len(frame)
        self.put(self.engine.esp, struct.pack(f"<{len(frame)}I", *frame))
        self.run()

    @property
    def enabled(self) -> bool:
        """The virtual interrupt flag."""
        return bool(self.data.irq_enabled)

    @enabled.setter
    def enabled(self, value: bool) -> None:
        self.data.irq_enabled = 0x200 if value else 0

    def open_user(self) -> None:
        """Pages of user code and stack at USER_CODE."""
        for gpa, data in user_tables(self.root).items():
            self.memory.write(gpa, data)
        self.call("FlushTLB", eax=3)
        self.call("UpdateKernelStack", eax=KERNEL_DS, edx=STACK)

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
        """GDT, IDT, TSS, and the PICs with IRQ 0 open; interrupts stay off."""
        self._write_handler()
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
        for port, value in (
            *((0x20, 0x11), (0x21, 0x30), (0x21, 4), (0x21, 1)),
            *((0xA0, 0x11), (0xA1, 0x38), (0xA1, 2), (0xA1, 1)),
            *((0x21, 0xFE), (0xA1, 0xFF)),
        ):
            self.call("OUTB", eax=value, edx=port)
        for name in SegmentName:
            if name not in (SegmentName.FS, SegmentName.GS):
                wanted = abi.Constants.KERNEL_CS if name is SegmentName.CS else abi.Constants.KERNEL_DS
                assert self.engine.segment(name).selector == wanted
        self.calls.take()

    def _write_handler(self) -> None:
        """push eax, edx; incl counts; OUTB(0x20, 0x20); pop edx, eax; IRET"""
        code = bytearray(b"\x50\x52\x36\xff\x05" + struct.pack("<I", COUNTS))
        code += b"\xb8\x20\x00\x00\x00\xba\x20\x00\x00\x00"
        for opcode, name, before in ((0xE8, "OUTB", b""), (0xE9, "IRET", b"\x5a\x58")):
            code += before
            code += bytes((opcode,)) + struct.pack("<i", self.entry(name) - (HANDLER + len(code) + 5))
        self.put(HANDLER, bytes(code))
