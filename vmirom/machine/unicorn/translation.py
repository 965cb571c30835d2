"""Between unicorn's translator and what it translates: two things by which a guest could end the process.

LOCK before a bit test of a register: the translator takes a memory operand for granted. It then stores to
wherever the last operand of the block was, or, if there was none, ends the process by abort(). A processor
raises #UD, for BT of memory too. Those blocks are never run: the engine stops in front of the instruction.
Whatever the guest does to its code, it is translated before it runs, so that each block is looked at when
it has just been translated.

Some 500 instructions in a row that each leave a temporary behind, such as AAD: nothing counts them, and the
translator writes behind its tables. A block is given 64 instructions at most.

Nothing of unicorn's interface is called at that moment, so the entry of the translator is: the slot of the
library's procedure linkage table through which it is called leads to a few instructions (``stub``) that
call it and go over the block's bytes for LOCK's. Only a block that may have one costs a call of Python.
Where that slot can't be had (another platform, another processor), such code does what unicorn does.
"""

from __future__ import annotations

import ctypes
import re
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

__all__ = ["Seen", "first_refused", "watch_translation"]

_TRANSLATE: Final = "gen_intermediate_code_x86_64"
_TO_HOST: Final = "tlb_vaddr_to_host_x86_64"
_LEAVE: Final = "cpu_loop_exit_x86_64"
_LOOK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)
_SIZE_AT: Final = 20
_SUSPECT: Final = re.compile(rb"\xf0[\x26\x2e\x36\x3e\x64-\x67\xf0\xf2\xf3]*\x0f[\xa3\xab\xb3\xba\xbb]")
_BIT_TEST: Final = re.compile(
    rb"([\x26\x2e\x36\x3e\x64-\x67\xf0\xf2\xf3]+)\x0f([\xa3\xab\xb3\xba\xbb])(.)", re.DOTALL
)
_BT, _BY_NUMBER, _BT_BY_NUMBER = 0xA3, 0xBA, 4
_LOCK: Final = 0xF0

Seen = Callable[[int, int], bool]
"""(linear address, bytes) of a block that has a LOCK's byte or could not be gone over; True not to run it."""


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


def first_refused(code: bytes, wide: bool) -> int | None:
    """Where in ``code`` the first instruction begins that is a bit test with LOCK, but does not write to
    memory. ``wide`` code has 32-bit operands."""
    if not _SUSPECT.search(code):
        return None
    import capstone

    decoder = capstone.Cs(capstone.CS_ARCH_X86, capstone.CS_MODE_32 if wide else capstone.CS_MODE_16)
    at = 0
    while at < len(code):
        found = _BIT_TEST.match(code, at)
        if found and _LOCK in found[1] and _is_refused(found[2][0], found[3][0]):
            return at
        # unicorn passes over LOCK where else it is wrong, capstone does not
        locks = 0
        while at + locks < len(code) and code[at + locks] == _LOCK:
            locks += 1
        length = next((size for _, size, _, _ in decoder.disasm_lite(code[at + locks :], 0, 1)), 0)
        if not length:
            return None
        at += locks + length
    return None


def _is_refused(opcode: int, modrm: int) -> bool:
    reads = opcode == _BT or (opcode == _BY_NUMBER and modrm >> 3 & 7 == _BT_BY_NUMBER)
    return reads or modrm >> 6 == 3


def _look(processor: int, block: int) -> int:
    """The stub's callback."""
    watcher = _watchers.get(processor)
    if watcher is None:
        return 0
    at = ctypes.c_uint64.from_address(block).value
    return int(watcher.seen(at, ctypes.c_uint16.from_address(block + _SIZE_AT).value))


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
    """Whether a block of five bytes, in which a LOCK's and a prefix stand, is told of as such."""
    told: list[tuple[int, int]] = []

    def seen(at: int, length: int) -> bool:
        told.append((at, length))
        return False

    probe = Probe(b"\x89\xf0\x66\x90\xf4")  # mov eax, esi; xchg ax, ax; hlt
    try:
        handle = probe.machine.handle.value
        assert handle is not None
        processor = ctypes.c_uint64.from_address(handle + LIVE_STATE[0]).value
        watcher = _watchers[processor] = _Watcher(seen)
        probe.run()
        del watcher
    finally:
        probe.close()
    return told == [(PROBE_CODE, 5)]


_kept: Final[list[HostCode]] = []
_CALLED: Final = (_TRANSLATE, _TO_HOST, _LEAVE)
