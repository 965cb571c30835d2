"""The device, and the one place that makes system calls for it.

Whoever tests what is said of a KVM that refuses things puts another :class:`Kernel` in its place.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import struct
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Protocol

from vmirom.machine.kvm.interface import API_VERSION, CPUID_ENTRY, CPUID_HEAD, Capability, Io

__all__ = ["DEVICE", "CpuidEntry", "Device", "Kernel", "KvmError", "LinuxKernel", "device_sentence"]

DEVICE: Final = "/dev/kvm"
_MOST_LEAVES: Final = 256

CpuidEntry = tuple[int, int, int, int, int, int, int]
"""leaf, subleaf, flags, EAX, EBX, ECX, EDX."""


class KvmError(Exception):
    """KVM can't be used, or gave up; the text is one sentence."""


class Kernel(Protocol):
    """What is needed of the operating system. All raise OSError."""

    def open(self, path: str) -> int:
        """A handle for reading and writing."""

    def ioctl(self, handle: int, request: int, argument: int | bytes | bytearray = 0) -> int:
        """A ``bytearray`` receives what the kernel answers."""

    def map(self, handle: int, length: int) -> mmap.mmap:
        """``length`` bytes of the handle, shared."""

    def close(self, handle: int) -> None:
        """Give a handle back."""


class LinuxKernel:
    """The real one."""

    def open(self, path: str) -> int:
        """See :class:`Kernel`."""
        return os.open(path, os.O_RDWR | os.O_CLOEXEC)

    def ioctl(self, handle: int, request: int, argument: int | bytes | bytearray = 0) -> int:
        """See :class:`Kernel`."""
        if isinstance(argument, bytearray):
            return int(fcntl.ioctl(handle, request, argument, True))
        result = fcntl.ioctl(handle, request, argument)
        return result if isinstance(result, int) else 0

    def map(self, handle: int, length: int) -> mmap.mmap:
        """See :class:`Kernel`."""
        return mmap.mmap(handle, length)

    def close(self, handle: int) -> None:
        """See :class:`Kernel`."""
        os.close(handle)


class Device:
    """An open KVM device. Raises KvmError when it is absent, forbidden, or speaks another version."""

    def __init__(self, kernel: Kernel | None = None, path: str = DEVICE) -> None:
        self.kernel: Kernel = kernel or LinuxKernel()
        self.path = path
        try:
            self.handle = self.kernel.open(path)
        except FileNotFoundError:
            raise KvmError(
                f"{path} is absent: no virtualisation here, or the module is not loaded (modprobe kvm)"
            ) from None
        except OSError as error:
            raise KvmError(f"{path} can't be opened: {error.strerror} (be in the group kvm)") from None
        try:
            self._check_version()
        except KvmError:
            self.close()
            raise

    def _check_version(self) -> None:
        try:
            version = self.kernel.ioctl(self.handle, Io.GET_API_VERSION)
        except OSError as error:
            raise KvmError(f"{self.path} does not answer as KVM does: {error.strerror}") from None
        if version != API_VERSION:
            raise KvmError(f"{self.path} speaks API {version}, not {API_VERSION}")

    def close(self) -> None:
        """Give the handle back."""
        self.kernel.close(self.handle)

    def capability(self, number: Capability) -> int:
        """0 where it is missing."""
        try:
            return self.kernel.ioctl(self.handle, Io.CHECK_EXTENSION, int(number))
        except OSError:
            return 0

    def supported_cpuid(self) -> list[CpuidEntry]:
        """What KVM can answer for CPUID. Raises OSError."""
        room = bytearray(CPUID_HEAD.size + CPUID_ENTRY.size * _MOST_LEAVES)
        CPUID_HEAD.pack_into(room, 0, _MOST_LEAVES, 0)
        self.kernel.ioctl(self.handle, Io.GET_SUPPORTED_CPUID, room)
        count = min(CPUID_HEAD.unpack_from(room)[0], _MOST_LEAVES)
        first = CPUID_HEAD.size
        return [
            CPUID_ENTRY.unpack_from(room, at)
            for at in range(first, first + count * CPUID_ENTRY.size, CPUID_ENTRY.size)
        ]

    def vendor(self) -> bytes:
        """The twelve letters of CPUID leaf 0. Raises OSError."""
        for leaf, _, _, _, ebx, ecx, edx in self.supported_cpuid():
            if leaf == 0:
                return struct.pack("<III", ebx, edx, ecx)
        return b""


@contextmanager
def _opened(kernel: Kernel | None, path: str) -> Iterator[Device]:
    device = Device(kernel, path)
    try:
        yield device
    finally:
        device.close()


def device_sentence(path: Path | str = DEVICE, kernel: Kernel | None = None) -> str:
    """One sentence on a KVM device: that it answers, or why not. Takes microseconds."""
    if sys.platform != "linux":
        return "KVM is Linux's"
    try:
        with _opened(kernel, str(path)):
            return f"{path} opens and speaks API {API_VERSION}"
    except KvmError as refused:
        return str(refused)
