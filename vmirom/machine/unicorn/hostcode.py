"""A few instructions of the host's own, where Python would be called thousands of times for nothing.

Routines that are position independent: RDTSC, an answer to the guest's, and filters in front of a block's or
a store's hook, that call it only where an interrupt can be taken, once in a number of blocks, where code of
another kind begins, or for a store that somebody wants to hear of. Those that look at no argument need of a
calling convention only that RAX is the callee's; the others are for the System V ABI. On a processor that is
no x86-64, or where no page may be executed, there are none, and the slower roads are taken.
"""

from __future__ import annotations

import ctypes
import mmap
import platform
import struct
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

__all__ = [
    "HostCode",
    "countdown",
    "counter",
    "in_window",
    "of_another_kind",
    "placed",
    "stepped",
    "ticks_of_steps",
    "wanted_store",
]

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
_STEPPED: Final = (
    b"\x48\xb8%b"  # mov $steps,%rax
    b"\x4c\x8b\x10"  # mov (%rax),%r10
    b"\x49\xff\xc2"  # inc %r10
    b"\x4c\x89\x10"  # mov %r10,(%rax)
    b"\x4c\x3b\x50\x08"  # cmp 8(%rax),%r10
    b"\x7f\x23"  # jg slow
    # watched:
    b"\x48\xb8%b"  # mov $map,%rax
    b"\x41\x89\xf2"  # mov %esi,%r10d
    b"\x41\xc1\xea\x05"  # shr $5,%r10d
    b"\x41\x81\xe2\xff\x7f\x00\x00"  # and $0x7fff,%r10d
    b"\x46\x8b\x14\x90"  # mov (%rax,%r10,4),%r10d
    b"\x41\x0f\xa3\xf2"  # bt %esi,%r10d
    b"\x72\x28"  # jc ask
    b"\xc3"  # ret
    # slow:
    b"\x4c\x3b\x50\x18"  # cmp 24(%rax),%r10
    b"\x7f\x21"  # jg ask
    b"\x48\xb8%b"  # mov $flags,%rax
    b"\xf7\x00\x00\x02\x00\x00"  # testl $IF,(%rax)
    b"\x74\xc5"  # jz watched
    b"\x48\xb8%b"  # mov $hidden,%rax
    b"\xf6\x00\x08"  # testb $INHIBIT,(%rax)
    b"\x75\xb6"  # jnz watched
    # ask:
    b"\x48\xb8%b"  # mov $callback,%rax
    b"\xff\xe0"  # jmp *%rax
)
"""Entry: RSI = the block's linear address. Clobbers RAX, R10, flags."""
_TICKS: Final = (
    b"\x48\xb8%b"  # mov $steps,%rax
    b"\x48\x81\x00%b"  # addq $cost,(%rax)
    b"\x48\x69\x10%b"  # imul $ticks,(%rax),%rdx
    b"\x48\x03\x50\x10"  # add 16(%rax),%rdx
    b"\x48\xb9%b"  # mov $registers,%rcx
    b"\x89\xd0"  # mov %edx,%eax
    b"\x48\x89\x01"  # mov %rax,(%rcx)
    b"\x48\xc1\xea\x20"  # shr $32,%rdx
    b"\x48\x89\x51\x10"  # mov %rdx,16(%rcx)
    b"\xb8\x01\x00\x00\x00"  # mov $1,%eax
    b"\xc3"  # ret
)
"""Exit: EAX = 1. Clobbers RCX, RDX, flags."""
_ANOTHER_KIND: Final = (
    b"\x48\xb8%b"  # mov $kinds,%rax
    b"\x41\x89\xf0"  # mov %esi,%r8d
    b"\x41\xc1\xe8\x0c"  # shr $12,%r8d
    b"\x46\x8a\x04\x00"  # mov (%rax,%r8),%r8b
    b"\x48\xb8%b"  # mov $kind,%rax
    b"\x44\x38\x00"  # cmp %r8b,(%rax)
    b"\x74\x0c"  # je out
    b"\x48\xb8%b"  # mov $callback,%rax
    b"\xff\xe0"  # jmp *%rax
    b"\xc3"  # out: ret
)
"""Entry: RSI = the block's linear address. Clobbers RAX, R8, flags."""
_WANTED_STORE: Final = (
    b"\x48\xb8%b"  # mov $kind,%rax
    b"\x80\x38%c"  # cmpb $wanted,(%rax)
    b"\x75\x3a"  # jne out
    b"\x49\x89\xd2"  # mov %rdx,%r10
    b"\x49\xc1\xea\x0c"  # shr $12,%r10
    b"\x48\xb8%b"  # mov $quiet,%rax
    b"\x42\x80\x3c\x10\x00"  # cmpb $0,(%rax,%r10)
    b"\x75\x22"  # jne out
    b"\x48\xb8%b"  # mov $window,%rax
    b"\x49\x89\xd2"  # mov %rdx,%r10
    b"\x4c\x2b\x10"  # sub (%rax),%r10
    b"\x4c\x3b\x50\x08"  # cmp 8(%rax),%r10
    b"\x72\x0c"  # jb out
    b"\x48\xb8%b"  # mov $callback,%rax
    b"\xff\xe0"  # jmp *%rax
    b"\xb8\x01\x00\x00\x00"  # out: mov $1,%eax
    b"\xc3"  # ret
)
"""Entry: RDX = the store's physical address. Clobbers RAX, R10, flags."""


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


def stepped(steps: int, watched: int, flags: int, hidden: int, callback: int) -> HostCode | None:
    """A hook that counts in the 64-bit word at ``steps`` and goes on to ``callback``, with its arguments, if
    that is more than the fourth word there; or if it is more than the second, the word at ``flags`` has IF
    and the one at ``hidden`` no interrupt shadow; or if the low 20 bits of the block's address number a bit
    that is set in the map at ``watched``. None where there is no such code."""
    at = tuple(struct.pack("<Q", one) for one in (steps, watched, flags, hidden, callback))
    return placed(_STEPPED % at) if _system_v() else None


def ticks_of_steps(steps: int, cost: int, ticks: int, registers: int) -> HostCode | None:
    """An RDTSC: ``cost`` is added to the 64-bit word at ``steps``, and EDX:EAX of the register file at
    ``registers`` become ``ticks`` times that and the third word there. None where there is no such code."""
    address, file = struct.pack("<Q", steps), struct.pack("<Q", registers)
    return placed(_TICKS % (address, struct.pack("<i", cost), struct.pack("<i", ticks), file))


def in_window(flags: int, hidden: int, callback: int) -> HostCode | None:
    """A hook that goes on to ``callback``, with its arguments, only if the word at ``flags`` has IF and the
    one at ``hidden`` no interrupt shadow; all three are addresses. None where there is no such code."""
    return placed(_WINDOW % tuple(struct.pack("<Q", at) for at in (flags, hidden, callback)))


def _system_v() -> bool:
    return sys.platform != "win32"


def of_another_kind(kinds: int, kind: int, callback: int) -> HostCode | None:
    """A block's hook that goes on to ``callback``, with its arguments, only if the byte at ``kinds`` for the
    page of the block is not the one at ``kind``. None where there is no such code."""
    return (
        placed(_ANOTHER_KIND % tuple(struct.pack("<Q", at) for at in (kinds, kind, callback)))
        if _system_v()
        else None
    )


def wanted_store(kind: int, wanted: int, quiet: int, window: int, callback: int) -> HostCode | None:
    """A store's hook that goes on to ``callback``, with its arguments, only if the byte at ``kind`` is
    ``wanted``, the byte at ``quiet`` for the frame is 0, and the address is not within the two 64-bit words,
    begin and length, at ``window``. None where there is no such code."""
    at = [struct.pack("<Q", one) for one in (kind, quiet, window, callback)]
    return placed(_WANTED_STORE % (at[0], wanted, *at[1:])) if _system_v() else None
