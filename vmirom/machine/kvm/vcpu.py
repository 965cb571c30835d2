"""One virtual machine with one virtual CPU, and how a run of it is ended from outside.

Promised: a run can always be ended. The signal that does it is blocked in the running thread and let in by
KVM_RUN alone, so that one which comes too early is not lost but ends the run before it begins; no handler is
installed, and no other thread sees it. The byte ``immediate_exit`` says the same where the kernel knows it.

After an exit for a port or for memory that is a device the instruction is not finished: the next run
finishes it. :meth:`Vcpu.registers` therefore lets KVM finish it first, without executing another one.
"""

from __future__ import annotations

import ctypes
import errno
import mmap
import signal
import struct
import threading
from typing import Any, Final

from vmirom.machine.kvm.interface import (
    MEMORY_SLOT,
    QUEUE_HEAD,
    QUEUE_ZONE,
    QUEUED_STORE,
    READ_ONLY_SLOT,
    Capability,
    ExitReason,
    Io,
    RunPage,
)
from vmirom.machine.kvm.kernel import Device, KvmError
from vmirom.machine.kvm.registers import REGS_SIZE, SREGS_SIZE, Registers
from vmirom.machine.ticker import ticker

__all__ = ["Vcpu", "Vm"]

_STOP: Final = signal.SIGUSR1
_TSS_AREA: Final = 0xE1000
_IDENTITY_MAP: Final = 0xE0000
"""Four pages where a PC has no memory; only processors without unrestricted guests make use of them."""
_SIGNALS: Final = 64
_BOTH: Final = int(RunPage.SYNC_REGS_BIT | RunPage.SYNC_SREGS_BIT)
_INTERRUPTED: Final = (errno.EINTR, errno.EAGAIN)


class Vm:
    """A virtual machine without memory. Raises KvmError."""

    def __init__(self, device: Device) -> None:
        self.device = device
        self._kernel = device.kernel
        self._pins: list[Any] = []
        self._slots: list[tuple[int, int, int]] = []
        self._present: set[int] = set()
        try:
            self.handle = self._kernel.ioctl(device.handle, Io.CREATE_VM)
        except OSError as error:
            raise KvmError(f"KVM makes no virtual machine: {error.strerror}") from None
        for request, argument in (
            (Io.SET_IDENTITY_MAP_ADDR, struct.pack("<Q", _IDENTITY_MAP)),
            (Io.SET_TSS_ADDR, _TSS_AREA),
        ):
            self.try_ioctl(request, argument)  # Intel's virtualisation needs both, AMD's neither

    def ioctl(self, request: Io, argument: int | bytes | bytearray = 0) -> int:
        """A request to the machine. Raises KvmError."""
        try:
            return self._kernel.ioctl(self.handle, request, argument)
        except OSError as error:
            raise KvmError(f"KVM refuses {request.name}: {error.strerror}") from None

    def try_ioctl(self, request: Io, argument: int | bytes | bytearray = 0) -> bool:
        """A request that the machine can do without."""
        try:
            self._kernel.ioctl(self.handle, request, argument)
        except OSError:
            return False
        return True

    def enable(self, capability: Capability, argument: int) -> bool:
        """Switch a capability on."""
        return self.try_ioctl(Io.ENABLE_CAP, struct.pack("<II4Q64x", capability, 0, argument, 0, 0, 0))

    def add_memory(self, raw: mmap.mmap, gpa: int, length: int, read_only: bool = False) -> int:
        """Let ``raw[gpa:gpa+length]`` be physical memory at ``gpa``; answers its slot. Raises KvmError."""
        pin = ctypes.c_char.from_buffer(raw, gpa)
        self._pins.append(pin)
        slot = len(self._slots)
        self._slots.append((gpa, length, ctypes.addressof(pin)))
        self.set_read_only(slot, read_only)
        return slot

    def set_read_only(self, slot: int, read_only: bool) -> None:
        """Let a slot be read-only, or memory like any other: KVM takes that of new slots only, so it is made
        anew. Between runs. Raises KvmError."""
        gpa, length, address = self._slots[slot]
        flags = READ_ONLY_SLOT if read_only else 0
        if slot in self._present:
            self.ioctl(Io.SET_USER_MEMORY_REGION, MEMORY_SLOT.pack(slot, 0, gpa, 0, address))
        self.ioctl(Io.SET_USER_MEMORY_REGION, MEMORY_SLOT.pack(slot, flags, gpa, length, address))
        self._present.add(slot)

    def queue_stores(self, port: int, on: bool) -> bool:
        """Let byte stores to a port wait (see :meth:`Vcpu.queued`), or no more; False where KVM can't."""
        request = Io.REGISTER_COALESCED_MMIO if on else Io.UNREGISTER_COALESCED_MMIO
        return self.try_ioctl(request, QUEUE_ZONE.pack(port, 1, 1))

    def close(self) -> None:
        """Give machine and memory back; its virtual CPU goes first."""
        self._kernel.close(self.handle)
        self._pins.clear()


class Vcpu:
    """The virtual CPU of ``vm``. It runs in one thread; :meth:`stop` may come from any.

    ``free_task_register``: a loaded TR is made available instead of busy, which is what QEMU's own
    processor wants and real ones do not.
    """

    def __init__(self, vm: Vm, free_task_register: bool = False) -> None:
        self._kernel = vm.device.kernel
        self._free_task_register = free_task_register
        self._sync = vm.device.capability(Capability.SYNC_REGS) & _BOTH == _BOTH
        self._early = bool(vm.device.capability(Capability.IMMEDIATE_EXIT))
        self.handle = vm.ioctl(Io.CREATE_VCPU, 0)
        try:
            size = self._kernel.ioctl(vm.device.handle, Io.GET_VCPU_MMAP_SIZE)
            self.page = self._kernel.map(self.handle, size)
        except OSError as error:
            self._kernel.close(self.handle)
            raise KvmError(f"KVM shares no run page: {error.strerror}") from None
        self._queue = vm.device.capability(Capability.COALESCED_MMIO) * mmap.PAGESIZE
        self.can_queue = 0 < self._queue < size and bool(vm.device.capability(Capability.COALESCED_PIO))
        """Whether :meth:`Vm.queue_stores` has a ring."""
        self.stop_at_ns = 0
        """For the ticker: ``time.monotonic_ns`` value from which a run is to end."""
        self._thread: int | None = None
        self._mask: set[int] = set()

    def ioctl(self, request: Io, argument: int | bytes | bytearray = 0) -> int:
        """A request to the virtual CPU. Raises KvmError."""
        try:
            return self._kernel.ioctl(self.handle, request, argument)
        except OSError as error:
            raise KvmError(f"KVM refuses {request.name}: {error.strerror}") from None

    # runs

    def begin(self) -> None:
        """This thread will run the virtual CPU, under the ticker's eyes, until :meth:`end`."""
        self._mask = signal.pthread_sigmask(signal.SIG_BLOCK, {_STOP})
        inside = self._mask - {_STOP}
        bits = sum(1 << number - 1 for number in map(int, inside) if number <= _SIGNALS)
        self.ioctl(Io.SET_SIGNAL_MASK, struct.pack("<IQ", 8, bits))
        self._thread = threading.get_ident()
        ticker.enter(self)

    def end(self) -> None:
        """No more runs; a stop that is still under way is taken back."""
        ticker.leave(self)
        with ticker.lock:
            self._thread = None
        self.calm()
        signal.pthread_sigmask(signal.SIG_SETMASK, self._mask)

    def stop(self) -> None:
        """End the run that lasts, or the next one; harmless when there is none."""
        with ticker.lock:
            if self._thread is not None:
                self.page[RunPage.IMMEDIATE_EXIT] = 1
                signal.pthread_kill(self._thread, _STOP)

    def calm(self) -> None:
        """Take back stops that have come."""
        self.page[RunPage.IMMEDIATE_EXIT] = 0
        while signal.sigtimedwait({_STOP}, 0) is not None:
            pass

    def run(self) -> int:
        """Execute until something happens; INTR if it was stopped. The answer is an exit reason.

        Raises KvmError, and KeyboardInterrupt when that is pending.
        """
        try:
            self._kernel.ioctl(self.handle, Io.RUN)
        except OSError as error:
            if error.errno in _INTERRUPTED:
                return ExitReason.INTR
            raise KvmError(f"KVM_RUN fails: {error.strerror}") from None
        reason: int = struct.unpack_from("<I", self.page, RunPage.EXIT_REASON)[0]
        return reason

    def queued(self) -> list[tuple[int, int]]:
        """(port, value) of the byte stores that waited, oldest first; the ring is empty then. To be asked
        before any exit is answered, so that devices see what happened in its order."""
        first, last = QUEUE_HEAD.unpack_from(self.page, self._queue)
        if first == last:
            return []
        start = self._queue + QUEUE_HEAD.size
        room = (mmap.PAGESIZE - QUEUE_HEAD.size) // QUEUED_STORE.size
        stores = []
        while first != last:
            port, _, _, data = QUEUED_STORE.unpack_from(self.page, start + first * QUEUED_STORE.size)
            stores.append((port, data[0]))
            first = (first + 1) % room
        QUEUE_HEAD.pack_into(self.page, self._queue, first, last)
        return stores

    def _finish(self) -> None:
        """Let KVM finish the instruction that left for a device, and execute nothing else."""
        exit_ = self.page[RunPage.EXIT_REASON : RunPage.VALID_REGS]
        self.page[RunPage.IMMEDIATE_EXIT] = 1
        if not self._early:
            self.stop()
        self.run()
        self.page[RunPage.IMMEDIATE_EXIT] = 0
        if not self._early:
            self.calm()
        self.page[RunPage.EXIT_REASON : RunPage.VALID_REGS] = exit_

    # registers

    def registers(self) -> Registers:
        """All of them, at an instruction's edge. Raises KvmError."""
        if self._sync and self._early:
            struct.pack_into("<Q", self.page, RunPage.VALID_REGS, _BOTH)
            self._finish()
            struct.pack_into("<Q", self.page, RunPage.VALID_REGS, 0)
            regs = self.page[RunPage.REGS : RunPage.REGS + REGS_SIZE]
            return Registers(regs, self.page[RunPage.SREGS : RunPage.SREGS + SREGS_SIZE])
        if self._early or self._thread is not None:
            self._finish()
        return self.standing_registers()

    def standing_registers(self) -> Registers:
        """The same by system calls, and as they stand: before the first run, or if no instruction is open."""
        regs, sregs = bytearray(REGS_SIZE), bytearray(SREGS_SIZE)
        self.ioctl(Io.GET_REGS, regs)
        self.ioctl(Io.GET_SREGS, sregs)
        return Registers(regs, sregs)

    def set_registers(self, registers: Registers) -> None:
        """Load all of them. That KVM takes them is no proof that it keeps them. Raises KvmError."""
        if self._free_task_register:
            registers.free_task_register()
        self.ioctl(Io.SET_SREGS, bytes(registers.sregs))
        self.ioctl(Io.SET_REGS, bytes(registers.regs))

    def close(self) -> None:
        """Give the virtual CPU back."""
        if hasattr(self.page, "close"):
            self.page.close()
        self._kernel.close(self.handle)
