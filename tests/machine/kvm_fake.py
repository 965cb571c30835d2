"""A KVM that follows a script: what is said of devices that refuse things is tested without one."""

from __future__ import annotations

import errno
import mmap
import os
import struct
from collections.abc import Callable, Iterator

from vmirom.machine.kvm.interface import CPUID_ENTRY, IO_EXIT, Capability, ExitReason, Io, RunPage

Run = Callable[["FakeKernel"], None]
"""What a KVM_RUN does; raises OSError or leaves an exit."""

_PG = 1 << 31
_PAGE = 3 * mmap.PAGESIZE
DATA_AT = 2 * mmap.PAGESIZE
"""Where the data of a port exit lies: behind the run page and the ring of stores that wait."""
_CR0 = 224


class FakeKernel:
    """Satisfies ``Kernel``. ``runs`` are what successive KVM_RUNs do; after the last it fails with EFAULT.
    ``version``, ``capabilities``, ``vendor`` are what it answers; ``keeps_paging`` False drops CR0.PG from
    what is set; ``refuses`` are requests answered with EINVAL."""

    def __init__(self, runs: Iterator[Run] | None = None) -> None:
        self.runs = runs or iter(())
        self.version = 12
        self.capabilities = {
            Capability.SYNC_REGS: 7,
            Capability.IMMEDIATE_EXIT: 1,
            Capability.READONLY_MEM: 1,
        }
        self.vendor = b"AuthenticAMD"
        self.keeps_paging = True
        self.refuses: set[int] = set()
        self.open_error: int | None = None
        self.regs = bytearray(144)
        self.sregs = bytearray(312)
        self.page = mmap.mmap(-1, _PAGE)
        self.asked: list[tuple[int, bytes | int]] = []
        self.opened = 0
        self.halted = False

    def open(self, path: str) -> int:
        if self.open_error is not None:
            raise OSError(self.open_error, os.strerror(self.open_error))
        self.opened += 1
        return 100

    def close(self, handle: int) -> None:
        self.opened -= 1

    def map(self, handle: int, length: int) -> mmap.mmap:
        return self.page

    def ioctl(self, handle: int, request: int, argument: int | bytes | bytearray = 0) -> int:
        self.asked.append((request, bytes(argument) if isinstance(argument, bytearray) else argument))
        if request in self.refuses:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        if request == Io.RUN:
            self._run()
        elif request in (Io.CREATE_VM, Io.CREATE_VCPU):
            self.opened += 1
        elif request in (Io.SET_REGS, Io.SET_SREGS):
            assert isinstance(argument, bytes)
            self._set(request, argument)
        elif isinstance(argument, bytearray):
            self._fill(request, argument)
        return {
            Io.GET_API_VERSION: self.version,
            Io.CHECK_EXTENSION: self.capabilities.get(argument, 0) if isinstance(argument, int) else 0,
            Io.GET_VCPU_MMAP_SIZE: _PAGE,
        }.get(request, 0)  # type: ignore[call-overload, no-any-return]

    def _run(self) -> None:
        if self.page[RunPage.IMMEDIATE_EXIT]:
            self.page[RunPage.REGS : RunPage.REGS + 144] = bytes(self.regs)
            self.page[RunPage.SREGS : RunPage.SREGS + 312] = bytes(self.sregs)
            raise InterruptedError(errno.EINTR, "stopped")
        step = next(self.runs, None)
        if step is None:
            raise OSError(errno.EFAULT, os.strerror(errno.EFAULT))
        step(self)

    def _set(self, request: int, argument: bytes) -> None:
        if request == Io.SET_REGS:
            self.regs[:] = argument
            return
        self.sregs[:] = argument
        if not self.keeps_paging:
            cr0 = struct.unpack_from("<Q", self.sregs, _CR0)[0]
            struct.pack_into("<Q", self.sregs, _CR0, cr0 & ~_PG)

    def _fill(self, request: int, room: bytearray) -> None:
        if request == Io.GET_REGS:
            room[:] = self.regs
        elif request == Io.GET_SREGS:
            room[:] = self.sregs
        elif request == Io.GET_SUPPORTED_CPUID:
            ebx, edx, ecx = struct.unpack("<III", self.vendor)
            struct.pack_into("<I", room, 0, 1)
            CPUID_ENTRY.pack_into(room, 8, 0, 0, 0, 1, ebx, ecx, edx)
        elif request == Io.GET_MP_STATE:
            struct.pack_into("<I", room, 0, 3 if self.halted else 0)

    # what runs leave behind

    def leave(self, reason: int) -> None:
        struct.pack_into("<I", self.page, RunPage.EXIT_REASON, reason)

    def leave_for_port(self, port: int, data: bytes = b"\0", out: bool = True, size: int = 1) -> None:
        self.leave(ExitReason.IO)
        IO_EXIT.pack_into(self.page, RunPage.EXIT, int(out), size, port, len(data) // size, DATA_AT)
        self.page[DATA_AT : DATA_AT + len(data)] = data


def port(number: int, data: bytes = b"\0", out: bool = True, size: int = 1) -> Run:
    """A run that leaves for a port."""
    return lambda kernel: kernel.leave_for_port(number, data, out, size)


def ends(reason: int) -> Run:
    """A run that leaves for another reason."""
    return lambda kernel: kernel.leave(reason)


def fails(number: int) -> Run:
    """A run that fails with an errno."""

    def run(kernel: FakeKernel) -> None:
        raise OSError(number, os.strerror(number))

    return run
