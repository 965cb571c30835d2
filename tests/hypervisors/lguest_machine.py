"""A small lguest guest for tests: one ELF segment of hand-assembled code, and a harness around it.

``Machine.call`` makes a hypercall as the guest's kernel would, without executing anything; ``Machine.run``
lets the guest execute.
"""

from __future__ import annotations

import struct
import threading
import time
from typing import Any

from vmirom.hypervisors.hypervisor import Ending
from vmirom.hypervisors.lguest import Lguest
from vmirom.machine.addresses import Gpa
from vmirom.machine.clock import Clock, HostClock
from vmirom.machine.engine import SegmentName
from vmirom.machine.unicorn import UnicornEngine
from vmirom.overlays import lguest as abi

CODE = 0x100000
DATA = 0x200000
STRINGS = 0x210000
STACK = 0x240000
RESULT = 0x250000
MIB = 8
KERNEL = 0xC0000000
LOW = 0x40000000  # a gva below kernel_address that the boot tables leave free


def elf(code: bytes, at: int = CODE, **fields: int) -> bytes:
    """An ET_EXEC file with ``code`` at gpa ``at``; ``fields`` spoil the header (kind, machine, phentsize)."""
    kind, machine = fields.get("kind", 2), fields.get("machine", 3)
    size = fields.get("phentsize", 32)
    head = struct.pack(
        "<16sHHIIIIIHHHHHH", b"\x7fELF\1\1\1", kind, machine, 1, at, 52, 0, 0, 52, size, 1, 0, 0, 0
    )
    length = fields.get("filesz", len(code))
    return (head + struct.pack("<8I", 1, 0x1000, at, at, length, length, 7, 4096)).ljust(0x1000, b"\0") + code


def mov(register: int, value: int) -> bytes:
    return bytes((0xB8 + register,)) + struct.pack("<I", value & 0xFFFFFFFF)


EAX, ECX, EDX, EBX, ESP, EBP, ESI, EDI = range(8)


def load(gva: int) -> bytes:
    """mov gva, %eax"""
    return b"\xa1" + struct.pack("<I", gva)


def store(gva: int) -> bytes:
    """mov %eax, gva"""
    return b"\xa3" + struct.pack("<I", gva)


def put(gva: int, value: int) -> bytes:
    """movl $value, gva"""
    return b"\xc7\x05" + struct.pack("<II", gva, value & 0xFFFFFFFF)


def hypercall(number: int, *arguments: int) -> bytes:
    registers = (EBX, ECX, EDX, ESI)
    return (
        mov(EAX, number)
        + b"".join(mov(r, a) for r, a in zip(registers, arguments, strict=False))
        + b"\xcd\x1f"
    )


def leave(status: int = 16) -> bytes:
    """SHUTDOWN with one of the messages that Machine puts at STRINGS."""
    return hypercall(abi.Hcall.SHUTDOWN, STRINGS + 256 * (status - 16), abi.ShutdownReason.POWEROFF)


SPIN = b"\xeb\xfe"


class Events:
    """A trace that keeps everything."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, tuple[int, ...], str]] = []
        self.events: list[tuple[str, str]] = []

    def hypercall(self, name: str, arguments: tuple[int, ...], result: int | None, why: str = "") -> None:
        assert result is None
        self.calls.append((name, arguments, why))

    def event(self, kind: str, detail: str) -> None:
        self.events.append((kind, detail))


class HandClock(HostClock):
    """Stands still unless slept on or turned."""

    def __init__(self) -> None:
        super().__init__(lambda: self.now, lambda: 1_000_000_000)
        self.now = 0
        self.now_ns = lambda: self.now
        self.wall_ns = self.wall

    def wall(self) -> int:
        return 1_600_000_000_123_456_789 + self.now

    def sleep(self, until_ns: int, woken: threading.Event | None = None) -> None:
        self.now = max(until_ns, self.now + 1)


class Machine:
    """An lguest host with ``code`` loaded at CODE."""

    def __init__(self, code: bytes = SPIN, clock: Clock | None = None, **options: Any) -> None:
        self.printed: list[bytes] = []
        self.trace = Events()
        self.host = Lguest(UnicornEngine, MIB, self.printed.append, self.trace, clock=clock, **options)
        self.engine = self.host.engine
        self.memory = self.engine.memory
        self.host.load(elf(code))
        for number in range(8):
            self.memory.write(STRINGS + 256 * number, b"vmi exit %d\0" % (16 + number))
        self.pae = bool(options.get("pae", True))

    @property
    def data(self) -> Any:
        return self.memory.view(Gpa(DATA), abi.ffi, "struct lguest_data")

    def prepare(self, kernel_address: int = KERNEL, syscall: int = 0x80) -> None:
        """What a guest fills in before INIT."""
        self.memory.write(DATA + abi.ffi.offsetof("struct lguest_data", "hcall_status"), b"\xff" * 64)
        self.data.kernel_address = kernel_address
        self.data.syscall_vec = syscall

    def init(self) -> Machine:
        self.prepare()
        self.call(abi.Hcall.LGUEST_INIT, DATA)
        return self

    def call(self, number: int, *arguments: int) -> None:
        """Make a hypercall now. Raises what the host dies of."""
        e = self.engine
        e.eax = number
        for name, value in zip(("ebx", "ecx", "edx", "esi"), arguments, strict=False):
            setattr(e, name, value & 0xFFFFFFFF)
        self.host.hypercalls.serve()

    def place(self, number: int, *arguments: int, at: int = 0) -> None:
        """Put a hypercall into ring entry ``at``."""
        words = [number, *arguments, 0, 0, 0, 0][:5]
        for name, value in zip(("arg0", "arg1", "arg2", "arg3", "arg4"), words, strict=True):
            setattr(self.data.hcalls[at], name, value & 0xFFFFFFFF)
        self.data.hcall_status[at] = 0

    def gate(self, vector: int, offset: int, kind: int = 0xE, dpl: int = 0) -> None:
        self.call(
            abi.Hcall.LOAD_IDT_ENTRY,
            vector,
            offset & 0xFFFF,
            offset & 0xFFFF0000 | 0x8000 | dpl << 13 | kind << 8,
        )

    def user(self, esp: int = LOW) -> None:
        """Put the processor into ring 3, with flat segments."""
        self.call(abi.Hcall.LOAD_GDT_ENTRY, 14, 0xFFFF, 0x00CFFB00)
        self.call(abi.Hcall.LOAD_GDT_ENTRY, 15, 0xFFFF, 0x00CFF300)
        self.engine.enter(
            self.host.segments.segment(0x73), self.host.segments.segment(0x7B), esp, self.engine.eip
        )

    def run(self, seconds: float = 5.0) -> Ending:
        return self.host.run(time.monotonic_ns() + int(seconds * 1e9))

    def settle(self, seconds: float = 10.0) -> None:
        """Run until the guest spins where code is mapped one to one, which it does as long as it is let."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self.run(0.02)
            eip = self.engine.eip
            if eip + 2 <= self.memory.size and self.memory.read(eip, 2) == SPIN:
                return
        raise AssertionError(f"the guest does not come to rest; last at {self.engine.eip:#x}")

    def words(self, gpa: int, count: int) -> list[int]:
        return list(struct.unpack(f"<{count}I", self.memory.read(gpa, 4 * count)))

    # the guest's own tables

    @property
    def top(self) -> int:
        return self.host.shadows.current_top

    def entry_gpa(self, gva: int, top: int | None = None) -> int:
        """gpa of the lowest-level entry for ``gva``; upper levels are made of frames from 3 MiB on."""
        at = self.top if top is None else top
        shifts = (30, 21) if self.pae else (22,)
        size, mask = (8, 511) if self.pae else (4, 1023)
        for shift in shifts:
            link = at + (gva >> shift & mask) * size
            if not self.memory.u32(link) & 1:
                flags = 1 if shift == 30 else 7
                self.memory.put32(link, self.fresh_frame() | flags)
            at = self.memory.u32(link) & 0xFFFFF000
        return at + (gva >> 12 & mask) * size

    def fresh_frame(self) -> int:
        self._frame = getattr(self, "_frame", 0x300000) + 0x1000
        self.memory.write(self._frame, bytes(0x1000))
        return self._frame

    def map(self, gva: int, gpa: int, flags: int = 7, top: int | None = None) -> int:
        """Map in the guest's tables without telling the host; the entry's gpa."""
        at = self.entry_gpa(gva, top)
        self.set_entry(at, gpa | flags)
        return at

    def set_entry(self, at: int, value: int) -> None:
        if self.pae:
            self.memory.put64(at, value)
        else:
            self.memory.put32(at, value)

    def new_top(self) -> int:
        """A copy of the current top table, its lower half empty apart from the boot mapping at 0."""
        top = self.fresh_frame()
        self.memory.write(top, self.memory.read(self.top, 0x1000))
        return top

    def fault(self, gva: int, error: int = 0) -> bool:
        """Whether the host fills a fault at ``gva``."""
        return self.host.shadows.fill(gva, error)

    def shadow(self, gva: int) -> int:
        return self.host.shadows.shadowed(gva)

    @property
    def cs(self) -> int:
        return self.engine.segment(SegmentName.CS).selector

    @property
    def ss(self) -> int:
        return self.engine.segment(SegmentName.SS).selector
