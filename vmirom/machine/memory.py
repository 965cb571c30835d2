"""Guest memory and the one checked gate to it.

Everything on the host that touches guest memory comes through :class:`Memory`. An address outside
it raises :class:`BadAddress`, which hypervisors turn into the error code, or the death, that the
real one would give.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Callable
from typing import Any, Final

from vmirom.machine.addresses import PAGE_SIZE, Gpa

__all__ = ["BadAddress", "Memory"]

_U32: Final = struct.Struct("<I")
_U64: Final = struct.Struct("<Q")


class BadAddress(Exception):
    """An access outside guest memory: ``gpa`` and ``length`` say which."""

    def __init__(self, gpa: int, length: int) -> None:
        super().__init__(f"gpa {gpa:#x} length {length:#x} is outside guest memory")
        self.gpa = gpa
        self.length = length


class Memory:
    """``size`` bytes of guest-physical memory from address 0, shared with the engine without copying.

    ``size`` must be a multiple of 4096. Writes through :meth:`write` tell the engine, so that code
    that was already translated is dropped; plain stores through :meth:`view` or :attr:`raw` do not,
    and are for frames that never held code.
    """

    def __init__(self, size: int) -> None:
        if size <= 0 or size % PAGE_SIZE:
            raise ValueError(f"memory size {size:#x} is not a positive multiple of {PAGE_SIZE}")
        self.size = size
        self.raw = mmap.mmap(-1, size)
        self.words: memoryview[int] = memoryview(self.raw).cast("I")
        """Of 32 bits, by gpa // 4, for tables whose place has been checked."""
        self.quads: memoryview[int] = memoryview(self.raw).cast("Q")
        """The same of 64 bits, by gpa // 8."""
        self.on_write: Callable[[int, int], None] | None = None

    def check(self, gpa: int, length: int) -> None:
        """Raise :class:`BadAddress` unless all of [gpa, gpa+length) is memory."""
        if gpa < 0 or length < 0 or gpa + length > self.size:
            raise BadAddress(gpa, length)

    def read(self, gpa: int, length: int) -> bytes:
        """Bytes at ``gpa``. Raises BadAddress."""
        if gpa < 0 or length < 0 or gpa + length > self.size:
            raise BadAddress(gpa, length)
        return self.raw[gpa : gpa + length]

    def write(self, gpa: int, data: bytes) -> None:
        """Store ``data`` at ``gpa`` and let the engine forget code there. Raises BadAddress."""
        end = gpa + len(data)
        if gpa < 0 or end > self.size:
            raise BadAddress(gpa, len(data))
        self.raw[gpa:end] = data
        if self.on_write is not None:
            self.on_write(gpa, len(data))

    def u32(self, gpa: int) -> int:
        """Little-endian 32-bit word at ``gpa``. Raises BadAddress."""
        if gpa < 0 or gpa + 4 > self.size:
            raise BadAddress(gpa, 4)
        return _U32.unpack_from(self.raw, gpa)[0]  # type: ignore[no-any-return]

    def u64(self, gpa: int) -> int:
        """Little-endian 64-bit word at ``gpa``. Raises BadAddress."""
        if gpa < 0 or gpa + 8 > self.size:
            raise BadAddress(gpa, 8)
        return _U64.unpack_from(self.raw, gpa)[0]  # type: ignore[no-any-return]

    def put32(self, gpa: int, value: int) -> None:
        """Store a 32-bit word in a frame that holds no code. Raises BadAddress."""
        if gpa < 0 or gpa + 4 > self.size:
            raise BadAddress(gpa, 4)
        _U32.pack_into(self.raw, gpa, value & 0xFFFFFFFF)

    def put64(self, gpa: int, value: int) -> None:
        """Store a 64-bit word in a frame that holds no code. Raises BadAddress."""
        if gpa < 0 or gpa + 8 > self.size:
            raise BadAddress(gpa, 8)
        _U64.pack_into(self.raw, gpa, value & 0xFFFFFFFFFFFFFFFF)

    def view(self, gpa: Gpa | int, ffi: Any, ctype: str) -> Any:
        """A cffi overlay ``ctype *`` on guest memory, in place. Raises BadAddress.

        ``ffi`` is the one of a generated overlay module, ``ctype`` a struct such as
        ``"struct xen_vcpu_info"``. The overlay stays valid as long as the memory object lives.
        """
        self.check(gpa, ffi.sizeof(ctype))
        return ffi.cast(f"{ctype} *", ffi.from_buffer(self.raw) + gpa)
