"""A few instructions of the host's own, where Python would be called thousands of times for nothing.

Three routines, all position independent and free of any calling convention but that RAX is the callee's:
RDTSC, and two filters in front of a block hook, that call it only where an interrupt can be taken, or once in
a number of blocks. On a processor that is no x86-64, or where no page may be executed, there are none, and
the slower roads are taken.
"""

from __future__ import annotations

import ctypes
import mmap
import platform
import struct
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

__all__ = ["HostCode", "countdown", "counter", "in_window", "placed"]

_RDTSC: Final = b"\x0f\x31\x48\xc1\xe2\x20\x48\x09\xd0\xc3"  # rdtsc; shl $32,%rdx; or %rdx,%rax; ret
_WINDOW: Final = (
    b"\x48\xb8%b"  # mov $flags,%rax
    b"\xf7\x00\x00\x02\x00\x00"  # testl $IF,(%rax)
    b"\x74\x1b"  # jz out
    b"\x48\xb8%b"  # mov $hidden,%rax
    b"\xf6\x00\x08"  # testb $INHIBIT,(%rax)
    b"\x75\x0c"  # jnz out
    b"\x48\xb8%b"  # mov $callback,%rax
    b"\xff\xe0"  # jmp *%rax
    b"\xc3"  # out: ret
)


_COUNTDOWN: Final = (
    b"\x48\xb8%b"  # mov $counter,%rax
    b"\x48\xff\x08"  # decq (%rax)
    b"\x7f\x0c"  # jg out
    b"\x48\xb8%b"  # mov $callback,%rax
    b"\xff\xe0"  # jmp *%rax
    b"\xc3"  # out: ret
)


@dataclass(frozen=True, slots=True)
class HostCode:
    """A routine at ``address``, for as long as this is kept."""

    address: int
    page: Any


def placed(code: bytes) -> HostCode | None:
    """``code`` in a page of its own; None where it can't be executed."""
    if platform.machine() not in ("x86_64", "AMD64") or ctypes.sizeof(ctypes.c_void_p) != 8:
        return None
    try:
        page = mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    except (AttributeError, OSError):
        return None
    page.write(code)
    pin = ctypes.c_char.from_buffer(page)
    return HostCode(ctypes.addressof(pin), pin)


@lru_cache(maxsize=1)
def counter() -> Callable[[], int] | None:
    """The host's time-stamp counter; None if it can't be read like this."""
    code = placed(_RDTSC)
    if code is None:
        return None
    read = ctypes.CFUNCTYPE(ctypes.c_uint64)(code.address)

    def ticks(_page: HostCode = code) -> int:
        return int(read())

    return ticks


def countdown(counter: int, callback: int) -> HostCode | None:
    """A hook that takes one off the 64-bit word at ``counter`` and goes on to ``callback``, with its
    arguments, when nothing is left. None where there is no such code."""
    return placed(_COUNTDOWN % tuple(struct.pack("<Q", at) for at in (counter, callback)))


def in_window(flags: int, hidden: int, callback: int) -> HostCode | None:
    """A hook that goes on to ``callback``, with its arguments, only if the word at ``flags`` has IF and the
    one at ``hidden`` no interrupt shadow; all three are addresses. None where there is no such code."""
    return placed(_WINDOW % tuple(struct.pack("<Q", at) for at in (flags, hidden, callback)))
