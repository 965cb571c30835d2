"""Between unicorn's translator and what it translates: LOCK where it may not stand, and blocks too long.

LOCK before an instruction that doesn't take it is #UD (``lockprefix``). unicorn passes over most of these; at
a bit test of a register it stores to wherever the last operand of the block was or, if there was none, ends
the process by abort(). Such blocks are never run: the engine stops in front of the instruction. Whatever the
guest does to its code, it is translated before it runs, so that each block is looked at when it has just been
translated.

Some 500 instructions in a row that each leave a temporary behind, such as AAD: nothing counts them, and the
translator writes behind its tables. A block is given 64 instructions at most.

Nothing of unicorn's interface is called at that moment, so the entry of the translator is: the slot of the
library's procedure linkage table through which it is called leads to a few instructions (``stub``) that
call it and go over the block's bytes for LOCK's. Only a block that has that byte costs a call of Python.
Where that slot can't be had (another platform, another processor), such code does what unicorn does.
"""

from __future__ import annotations

import ctypes
import struct
import sys
from collections.abc import Callable
from functools import cache
from typing import Final
from weakref import WeakValueDictionary

from vmirom.machine.unicorn.calibration import LIVE_STATE, PROBE_CODE, Layout, Probe
from vmirom.machine.unicorn.hostcode import HostCode, placed
from vmirom.machine.unicorn.linkage import address_of, leads_to, slot
from vmirom.machine.unicorn.stub import filled

__all__ = ["Seen", "watch_translation"]

_TRANSLATE: Final = "gen_intermediate_code_x86_64"
_TO_HOST: Final = "tlb_vaddr_to_host_x86_64"
_LEAVE: Final = "cpu_loop_exit_x86_64"
_LOOK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p)
_SIZE_AT: Final = 20

Seen = Callable[[int, int, bytes | None], bool]
"""(linear address, length, bytes if they lie in one page) of a block that has a LOCK's byte or could not be
gone over; True not to run it."""


class _Watcher:
    """What is told of one processor's blocks."""

    def __init__(self, seen: Seen) -> None:
        self.seen = seen


_watchers: WeakValueDictionary[int, _Watcher] = WeakValueDictionary()


def watch_translation(processor: int, layout: Layout, seen: Seen) -> object | None:
    """Tell ``seen`` of the blocks of the CPUState at ``processor`` as long as the answer is kept; None where
    that can't be. It must not raise, and of unicorn's functions call emu_stop alone."""
    if not processor or not layout.live or not _installed(layout.hflags - layout.regs):
        return None
    watcher = _watchers[processor] = _Watcher(seen)
    return watcher


def _look(processor: int, block: int, code: int | None) -> int:
    """The stub's callback."""
    watcher = _watchers.get(processor)
    if watcher is None:
        return 0
    at = ctypes.c_uint64.from_address(block).value
    length = ctypes.c_uint16.from_address(block + _SIZE_AT).value
    return int(watcher.seen(at, length, ctypes.string_at(code, length) if code else None))


_callback: Final = _LOOK(_look)


@cache
def _installed(hflags: int) -> bool:
    """Put the stub in the translator's place, once a process; whether it works there. ``hflags`` is their
    offset in the processor's state."""
    if sys.platform != "linux":
        return False
    try:
        translate, to_host, leave = (address_of(name) for name in _CALLED)
        place = slot(_TRANSLATE)
    except (AttributeError, OSError, ValueError, struct.error):
        return False
    look = ctypes.cast(_callback, ctypes.c_void_p).value or 0
    code = placed(filled(translate, to_host, look, leave, LIVE_STATE[1], hflags))
    if code is None:
        return False
    _kept.append(code)
    return leads_to(place, code.address, _works)


def _works() -> bool:
    """Whether a block of five bytes, in which a LOCK's stands, is told of as such."""
    told: list[tuple[int, int, bytes | None]] = []

    def seen(at: int, length: int, code: bytes | None) -> bool:
        told.append((at, length, code))
        return False

    block = b"\x89\xf0\x66\x90\xf4"  # mov eax, esi; xchg ax, ax; hlt
    probe = Probe(block)
    try:
        handle = probe.machine.handle.value
        assert handle is not None
        processor = ctypes.c_uint64.from_address(handle + LIVE_STATE[0]).value
        watcher = _watchers[processor] = _Watcher(seen)
        probe.run()
        del watcher
    finally:
        probe.close()
    return told == [(PROBE_CODE, len(block), block)]


_kept: Final[list[HostCode]] = []
_CALLED: Final = (_TRANSLATE, _TO_HOST, _LEAVE)
