"""A host like lguest's, with a clock, under a guest whose handlers count: for the lguest ROM's C on the host.

One clock, whose interrupt is held back while the virtual flag is clear, and then told of in irq_pending at
every hypercall; HALT sleeps until that clock; SHUTDOWN ends the machine.
"""

from __future__ import annotations

import struct
from typing import Final

from tests.rom.hostc import Library
from tests.rom.lguest_model import LINEAR, LguestHost
from vmirom.overlays import lguest as abi
from vmirom.overlays.lguest import Constants, Hcall
from vmirom.overlays.native import Apic
from vmirom.overlays.vmi import Layout

__all__ = [
    "ABSENT",
    "BASE",
    "DTR",
    "HANDLERS",
    "IF",
    "INTERRUPT",
    "LOOKED_AT",
    "PLACES",
    "STUBS",
    "TABLE",
    "TEXT",
    "TOP",
    "TRAP",
    "ClockHost",
]

IF: Final = int(Constants.IRQ_ENABLED)
TOP: Final = 290 << 12
TABLE: Final = 600 << 12
DTR: Final = 601 << 12
HANDLERS: Final = 0xC0280000
BASE: Final = 0x30
"""Vector of IRQ 0."""
STUBS: Final = 0xC00C1000
PLACES: Final = {
    name: STUBS + 0x1000 * n for n, name in enumerate(("start", "end", "traps", "clock", "call", "fault"))
}
TEXT: Final = int(Layout.STATE_GPA) + 0x1000 * (int(Layout.STATE_BACKEND) + 1)
ABSENT, INTERRUPT, TRAP = 0, 0x8E00, 0x8F00
LOOKED_AT: Final = {6, 7, 13}
"""Vectors that the host emulates something at before the guest gets them."""


class ClockHost(LguestHost):
    """A host with a clock, under a guest whose handlers count and end the interrupt."""

    def __init__(self, lib: Library) -> None:
        super().__init__(lib, True, TOP)
        self.lib.answer("host_interrupt", self.serve)
        self.lib.answer("host_exit", self.exit)
        self.lib.answer("host_cpuid", lambda leaf, which: self.leaves.get(leaf, (0, 0, 0, 0))[which])
        self.leaves: dict[int, tuple[int, int, int, int]] = {}
        self.due: int | None = None
        self.held = self.halted = False
        self.handled: list[int] = []
        self.gates: dict[int, tuple[int, int]] = {}
        self.printed = bytearray()
        self.ends: list[tuple[bytes, int]] = []
        self.reserve = 1 << 22
        self.tsc_khz = 1_000_000

    # the host

    def _perform(self, call: tuple[int, ...]) -> None:
        number, a, b, c, _ = call
        match abi.Hcall(number):
            case Hcall.LGUEST_INIT:
                self.data.reserve_mem, self.data.tsc_khz, self.data.pgdir = self.reserve, self.tsc_khz, TOP
            case Hcall.SEND_INTERRUPTS:
                pass
            case Hcall.SET_CLOCKEVENT:
                assert a == 0 or a >= Constants.CLOCK_DELTA_MIN
                self.due = None if a == 0 else self.now + -(-a * self.true_khz // 10**6)
            case Hcall.HALT:
                self.halted = True
            case Hcall.LOAD_IDT_ENTRY:
                self.gates[a] = (b, c)
            case Hcall.NOTIFY:
                self.printed += self.text(a)
            case Hcall.SHUTDOWN:
                self.ends.append((self.text(a)[: int(Constants.MESSAGE_SIZE)], b))
                self.lib.end_machine()
            case _:
                super()._perform(call)

    true_khz = 1_000_000

    @property
    def now(self) -> int:
        return int(self.lib.lguest_tsc())

    @now.setter
    def now(self, value: int) -> None:
        self.lib.set_counter(value, 0)

    def text(self, gpa: int) -> bytes:
        return bytes(self.memory[gpa : gpa + 4096]).split(b"\0", 1)[0]

    def hypercall(self, number: int, a: int, b: int, c: int, d: int) -> None:
        super().hypercall(number, a, b, c, d)
        if self.ends:
            return
        if self.halted and not self.held:
            assert self.due is not None, "sleeps for ever"
            self.now = max(self.now, self.due)
        self.look()

    def look(self) -> None:
        """What the host does before it goes back to the guest."""
        if self.due is not None and self.now >= self.due:
            self.due, self.held = None, True
        if not self.held:
            return
        if self.halted:
            self.halted = False
            self.data.irq_enabled = IF
        if not self.data.irq_enabled:
            self.data.irq_pending = IF
            return
        self.held = False
        self.data.irq_enabled = 0  # through an interrupt gate, its frame shows the flag set
        self.data.time_sec, self.data.time_nsec = divmod(self.now * 10**6 // self.true_khz, 10**9)
        handler = self.lib.clock_stub()
        if handler:
            self.serve(handler)
        self.data.irq_enabled = IF

    def exit(self) -> None:
        """The processor leaves the guest by itself, at the moment that the clock is due."""
        if self.due is not None:
            self.now = max(self.now, self.due)
        self.look()

    # the guest

    def serve(self, address: int) -> None:
        """A handler and the IRET at its end, to a place with the flag set."""
        self.handler(address)
        self.iret()

    def handler(self, address: int) -> None:
        """Ends the interrupt at the controller that it came from."""
        vector = address - HANDLERS
        assert 0 <= vector < 256
        self.handled.append(vector)
        if BASE <= vector < BASE + 8:
            self.lib.port_out(0x20, 1, 0x20)
        else:
            self.lib.vmi_APICWrite(int(Apic.EOI), 0)

    def settle(self, kind: int = INTERRUPT) -> None:
        """A gate for every vector, and IRQ 0 open at BASE."""
        for vector in range(256):
            at = HANDLERS + vector
            struct.pack_into(
                "<II", self.memory, TABLE + 8 * vector, 0x610000 | at & 0xFFFF, at & 0xFFFF0000 | kind
            )
        self.set_idt(8 * 256 - 1)
        for port, value in ((0x20, 0x11), (0x21, BASE), (0x21, 4), (0x21, 1), (0x21, 0xFE)):
            self.lib.port_out(port, 1, value)

    def set_idt(self, limit: int) -> None:
        struct.pack_into("<HI", self.memory, DTR, limit, LINEAR + TABLE)
        self.lib.vmi_SetIDT(LINEAR + DTR)

    def enable(self) -> None:
        """EnableInterrupts, as flags.S has it."""
        self.data.irq_enabled = IF
        if self.data.irq_pending:
            self.lib.lguest_deliver()

    def iret(self) -> None:
        """IRET to a place with the flag set, as flags.S has it."""
        self.data.irq_enabled = IF
        if self.data.irq_pending:
            self.data.irq_enabled = 0
            handler = self.lib.iret_stub()
            if handler:
                self.serve(handler)
            self.data.irq_enabled = IF

    def interrupt_oneself(self, vector: int) -> None:
        """An IPI with the shorthand "self"."""
        self.lib.vmi_APICWrite(int(Apic.ICR_LOW), 1 << 18 | vector)

    def set_alarm(self, expiry: int, flags: int = 0) -> None:
        self.lib.vmi_SetAlarm(flags, expiry & 0xFFFFFFFF, expiry >> 32, 0, 0)

    def run_to(self, target: int) -> None:
        """The guest computes until then; the host looks at its clock when that is due."""
        while self.due is not None and self.due <= target:
            self.now = max(self.now, self.due)
            before = self.due
            self.look()
            if self.due == before or self.held:
                break
        self.now = max(self.now, target)
        self.look()
