"""A PC on KVM: the kernel's processor, interrupt controllers and timer, and this project's other devices.

The memory map is the embedded PC's: memory to 640 KiB, a ROM area that is read-only unless the host bridge
was told otherwise, memory from 1 MiB; all else reads as ones and forgets stores. A store to the locked ROM
area ends the run. The ports of the interrupt controllers and of the timer never come here: KVM answers them
itself.

What the guest prints waits inside KVM, where it can, until the guest leaves for something else, at most for
a tenth of a second. A processor that halts with interrupts off waits inside KVM for ever: it is looked at now
and then.
"""

from __future__ import annotations

import datetime
import struct
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from vmirom.machine.devices import Request
from vmirom.machine.devices.bridge import HALF, HostBridge
from vmirom.machine.devices.bus import Bus
from vmirom.machine.devices.cmos import Cmos
from vmirom.machine.devices.power import KeyboardController, Power
from vmirom.machine.devices.uart import Uart
from vmirom.machine.kvm.interface import (
    CPUID_ENTRY,
    CPUID_HEAD,
    IO_EXIT,
    MMIO_EXIT,
    MP_HALTED,
    QUIRK_FIX_HYPERCALL,
    Capability,
    ExitReason,
    Io,
    RunPage,
)
from vmirom.machine.kvm.kernel import CpuidEntry, Device, KvmError
from vmirom.machine.kvm.registers import CODE, DATA, flat_segment
from vmirom.machine.kvm.vcpu import Vcpu, Vm
from vmirom.machine.memory import Memory
from vmirom.overlays.native import Uart as UartRegister

__all__ = ["Fault", "KvmPc", "OutOfTime", "Setting", "Stop", "Stopped"]

_SPEAKER: Final = 1
"""KVM_PIT_SPEAKER_DUMMY: port 0x61 shows the timer's third channel."""
_LOOK_NS: Final = 100_000_000
_IF: Final = 0x200
_PE: Final = 1
_OUT: Final = 1
_CONSOLE: Final = range(UartRegister.BASE, UartRegister.BASE + UartRegister.PORTS)
_INTERNAL: Final = {1: "an instruction that it can't emulate", 2: "two events at once", 3: "an event in vain"}


@dataclass(frozen=True, slots=True)
class Setting:
    """``cpuid`` decides what the guest sees of what KVM offers; ``enforce`` makes KVM refuse what it
    does not see; ``free_task_register`` is QEMU's own processor's need; ``keep_code`` keeps KVM from
    replacing the other maker's hypercall instruction in the guest's memory."""

    cpuid: Callable[[CpuidEntry], CpuidEntry | None] = lambda entry: entry
    enforce: bool = False
    free_task_register: bool = False
    keep_code: bool = False


@dataclass(frozen=True, slots=True)
class Stopped:
    """The guest asked for it, through a device."""

    request: Request


@dataclass(frozen=True, slots=True)
class Fault:
    """The guest can't go on: ``reason`` says why. ``halted``: it waits, with interrupts off."""

    reason: str
    halted: bool = False


@dataclass(frozen=True, slots=True)
class OutOfTime:
    """The deadline has passed."""


Stop = Stopped | Fault | OutOfTime


def _utc() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


class KvmPc:
    """``low_end`` and ``rom`` give the memory map; ``console`` takes what the guest prints. ``heeds`` says
    which requests of the guest end the run. Raises KvmError."""

    def __init__(
        self,
        device: Device,
        memory: Memory,
        holes: Sequence[tuple[int, int]],
        rom: tuple[int, int],
        console: Callable[[bytes], None],
        heeds: Callable[[Request], bool],
        setting: Setting,
    ) -> None:
        self.memory = memory
        self._rom = rom
        self._heeds = heeds
        self._asked: Request | None = None
        self._vm = Vm(device)
        try:
            self._make(device, holes, setting)
        except KvmError:
            self._vm.close()
            raise
        self.bus = Bus()
        self._queueing = False
        self._attach(console)
        self._queue_console()

    def _make(self, device: Device, holes: Sequence[tuple[int, int]], setting: Setting) -> None:
        vm = self._vm
        if setting.keep_code:
            vm.enable(Capability.DISABLE_QUIRKS2, QUIRK_FIX_HYPERCALL)
        vm.ioctl(Io.CREATE_IRQCHIP)
        vm.ioctl(Io.CREATE_PIT2, struct.pack("<I60x", _SPEAKER))
        self._locks = bool(device.capability(Capability.READONLY_MEM))
        at = 0
        for start, end in (*sorted((*holes, self._rom)), (self.memory.size, self.memory.size)):
            if at < start:
                vm.add_memory(self.memory.raw, at, start - at)
            if (start, end) == self._rom:
                halves = range(start, end, HALF)
                self._halves = [vm.add_memory(self.memory.raw, gpa, HALF, self._locks) for gpa in halves]
            at = end
        self._vcpu = Vcpu(vm, setting.free_task_register)
        offered = [seen for entry in device.supported_cpuid() if (seen := setting.cpuid(entry)) is not None]
        leaves = b"".join(CPUID_ENTRY.pack(*entry) for entry in offered)
        self._vcpu.ioctl(Io.SET_CPUID2, bytearray(CPUID_HEAD.pack(len(offered), 0) + leaves))
        if setting.enforce:
            enable = struct.pack("<II4Q64x", Capability.ENFORCE_PV_FEATURE_CPUID, 0, 1, 0, 0, 0)
            self._vcpu.ioctl(Io.ENABLE_CAP, enable)

    def _attach(self, console: Callable[[bytes], None]) -> None:
        self.uart = Uart(console, self._serial_line)
        for device in (
            self.uart,
            Cmos(_utc, self.memory.size),
            KeyboardController(self._ask),
            Power(self._ask, time.monotonic_ns),
            HostBridge(self._unlock),
        ):
            device.attach(self.bus)

    def _queue_console(self) -> None:
        """Let what the guest prints wait inside KVM while nothing can come of it for the guest: to leave for
        each byte costs more than all else that a guest does."""
        wanted = self._vcpu.can_queue and not self.uart.answers
        if wanted != self._queueing:
            done = self._vm.queue_stores(UartRegister.BASE + UartRegister.DATA, wanted)
            self._queueing = wanted if done else self._queueing

    def _serial_line(self, level: bool) -> None:
        self._vm.ioctl(Io.IRQ_LINE, struct.pack("<II", UartRegister.IRQ, level))

    def _unlock(self, half: int, writable: bool) -> None:
        if self._locks:
            self._vm.set_read_only(self._halves[half], not writable)

    def _ask(self, request: Request) -> None:
        if self._asked is None and self._heeds(request):
            self._asked = request

    def enter(self, eip: int, eax: int, ebx: int, cs: int, ds: int) -> None:
        """Start in 32-bit protected mode without paging, flat segments, interrupts off. Raises KvmError."""
        registers = self._vcpu.standing_registers()
        registers.set_segment("cs", flat_segment(cs, CODE))
        for name in ("ds", "es", "fs", "gs", "ss"):
            registers.set_segment(name, flat_segment(ds, DATA))
        registers.set_control(cr0=0x11, cr2=0, cr3=0, cr4=0, efer=0)
        registers.set_general(eip=eip, eax=eax, ebx=ebx, ecx=0, edx=0, esi=0, edi=0, ebp=0, esp=0, eflags=2)
        self._vcpu.set_registers(registers)

    # running

    def run(self, deadline_ns: int) -> Stop:
        """Run until something of :data:`Stop`; the deadline is a ``time.monotonic_ns`` value. Raises KvmError
        when KVM itself gives up, and KeyboardInterrupt."""
        vcpu = self._vcpu
        vcpu.stop_at_ns = min(deadline_ns, time.monotonic_ns() + _LOOK_NS)
        vcpu.begin()
        try:
            while True:
                stop = self._answer(vcpu.run(), deadline_ns)
                if stop is not None:
                    return stop
        finally:
            vcpu.end()

    def _answer(self, reason: int, deadline_ns: int) -> Stop | None:
        if self._queueing:
            for port, value in self._vcpu.queued():
                self.bus.port_out(port, 1, value)
        if reason == ExitReason.IO:
            self._port()
            return None if self._asked is None else Stopped(self._asked)
        if reason == ExitReason.MMIO:
            return self._stray()
        if reason == ExitReason.INTR:
            return self._look(deadline_ns)
        if reason == ExitReason.SHUTDOWN:
            return Fault("triple fault")
        return Fault(self._told(reason))

    def _told(self, reason: int) -> str:
        if reason == ExitReason.INTERNAL_ERROR:
            kind = struct.unpack_from("<I", self._vcpu.page, RunPage.EXIT)[0]
            return f"KVM gives up on {_INTERNAL.get(kind, f'internal error {kind}')}"
        if reason == ExitReason.FAIL_ENTRY:
            why = struct.unpack_from("<Q", self._vcpu.page, RunPage.EXIT)[0]
            return f"the processor refuses this guest's state ({why:#x})"
        return f"KVM leaves with reason {reason}"

    def _port(self) -> None:
        page = self._vcpu.page
        direction, size, port, count, offset = IO_EXIT.unpack_from(page, RunPage.EXIT)
        for at in range(offset, offset + size * count, size):
            if direction == _OUT:
                self.bus.port_out(port, size, int.from_bytes(page[at : at + size], "little"))
            else:
                page[at : at + size] = self.bus.port_in(port, size).to_bytes(size, "little")
        if port in _CONSOLE:
            self._queue_console()

    def _stray(self) -> Fault | None:
        """An access to what is not memory: stores are forgotten, loads give ones; the ROM ends the run."""
        page = self._vcpu.page
        gpa, _, length, write = MMIO_EXIT.unpack_from(page, RunPage.EXIT)
        if write:
            return Fault(f"store to ROM at gpa {gpa:#x}") if self._rom[0] <= gpa < self._rom[1] else None
        at = RunPage.EXIT + 8
        page[at : at + length] = b"\xff" * length
        return None

    def _look(self, deadline_ns: int) -> Stop | None:
        """The ticker ended a run: is it time, or does the guest sleep for good?"""
        self._vcpu.calm()
        now = time.monotonic_ns()
        if now >= deadline_ns:
            return OutOfTime()
        self._vcpu.stop_at_ns = min(deadline_ns, now + _LOOK_NS)
        state = bytearray(4)
        self._vcpu.ioctl(Io.GET_MP_STATE, state)
        if int.from_bytes(state, "little") == MP_HALTED and not self._flags() & _IF:
            return Fault("halted with interrupts off", halted=True)
        return None

    def _flags(self) -> int:
        return self._vcpu.standing_registers().general("eflags")

    def eip(self) -> int:
        """Where the guest stands: behind a store to ROM, too, which KVM tells of when it is done. Raises
        KvmError."""
        return self._vcpu.registers().general("eip")

    def reset(self) -> bool:
        """Whether KVM has reset the processor, as it does on AMD's after a triple fault; what it did last is
        then lost. Raises KvmError."""
        return not self._vcpu.registers().control("cr0") & _PE

    def describe(self) -> str:
        """Registers as a few lines; none if KVM has reset them. Raises KvmError."""
        return "" if self.reset() else self._vcpu.registers().describe()

    def close(self) -> None:
        """Give everything back; the memory stays."""
        self._vcpu.close()
        self._vm.close()
