"""Stores to pages that hold no code go the short way.

Where unicorn 2.1.4 has a translation that may be written and fetched through, which without NX is every page
of a guest's memory, it takes each store for one that may change code: it looks the page up, its lock and its
blocks, some 70 ns a store. QEMU does that until it has seen that there are no blocks in the page. The same is
had here. The slot of the function that looks for blocks leads to a few instructions (``stub``): if the page
has never held code, they take the right to fetch, and the mark of what is to be looked at, from the entry of
the TLB. A fetch finds no entry then, and walks the tables again. Whoever looks on at stores still sees all:
code that is translated meanwhile takes the long way for each.

What must not happen is that a block is made from a page and a store to it, by that address or another, goes
unseen. So the slot through which a page is told to have its first block notes the page for good and flushes
the TLB.

Notes are by address in RAM and for all engines of a process: what holds code in one may be slow in another.
Where that can't be had (another platform, another build), stores go unicorn's way.
"""

from __future__ import annotations

import ctypes
import re
import struct
import sys
from functools import cache
from pathlib import Path
from typing import Final

from vmirom.machine.unicorn.calibration import PROBE_CODE, Probe
from vmirom.machine.unicorn.hostcode import HostCode, placed
from vmirom.machine.unicorn.library import constants
from vmirom.machine.unicorn.linkage import address_of, slot
from vmirom.machine.unicorn.stub import protected, stored

__all__ = ["long_stores", "short_stores"]

_LOOK: Final = "tb_invalidate_phys_page_fast_x86_64"
_FIRST: Final = "tlb_protect_code_x86_64"
_FLUSH: Final = "tcg_flush_softmmu_tlb_x86_64"
_BEFORE: Final = "tlb_set_dirty_x86_64"
_BEHIND: Final = "tlb_set_page_with_attrs_x86_64"
"""Functions around notdirty_write, which has no name of its own."""
_ENTRY: Final = b"\x4c\x89\xcd"
"""mov %r9,%rbp: notdirty_write keeps the entry in RBP."""
_FETCH: Final = b"\x48\x83\x7d\x10\xff\x74"
"""cmpq $-1,0x10(%rbp); je: where the entry says what may be fetched through it."""
_WRITE: Final = b"\x48\x83\x7d\x08\xff"
"""cmpq $-1,0x8(%rbp): and where what may be stored to."""
_CALL: Final = re.compile(rb"\xe8(?=(....))", re.DOTALL)
_JUMP: Final = b"\xff\x25"
_PAGES: Final = 1 << 20
"""4 GiB."""
_notes: Final = (ctypes.c_uint8 * (8 + _PAGES))()
"""How many stores went the long way, 64 bits, and a byte for each page: whether it ever held code."""
_kept: Final[list[HostCode]] = []


@cache
def short_stores() -> bool:
    """See to it, once a process, before the first engine runs; whether it could be done."""
    if sys.platform != "linux":
        return False
    try:
        look, first = slot(_LOOK), slot(_FIRST)
        behind = _behind_call(ctypes.addressof(look))
        originals = address_of(_LOOK), address_of(_FIRST)
        flush = address_of(_FLUSH)
    except (AttributeError, OSError, ValueError, struct.error):
        return False
    notes = ctypes.addressof(_notes)
    store = placed(stored(behind, originals[0], notes, _PAGES))
    protect = placed(protected(flush, originals[1], notes, _PAGES))
    if store is None or protect is None:
        return False
    _kept.extend((store, protect))
    return _lead(look, first, store, protect)


def long_stores() -> int:
    """How many stores of all engines of this process went the long way."""
    return ctypes.c_uint64.from_buffer(_notes).value


def _lead(look: ctypes.c_uint64, first: ctypes.c_uint64, store: HostCode, protect: HostCode) -> bool:
    """Both slots lead to ours from now on; as before if that turns out not to work."""
    before = look.value, first.value
    first.value, look.value = protect.address, store.address  # in this order: what is not noted is data
    if _works():
        return True
    look.value, first.value = before
    return False


def _behind_call(place: int) -> int:
    """The address behind the call in notdirty_write that goes through the slot at ``place``. Raises
    ValueError if that is not as known, AttributeError if a function is not there."""
    begin = address_of(_BEFORE)
    length = address_of(_BEHIND) - begin
    code = ctypes.string_at(begin, length) if 0 < length < 0x4000 else b""
    text = _mapping(begin)
    found = []
    for call in _CALL.finditer(code):
        at = begin + call.start() + 5
        to = at + struct.unpack("<i", call[1])[0]
        if text.start <= to <= text.stop - 6 and _leads_through(to, place):
            found.append(at)
    if len(found) != 1 or any(known not in code for known in (_ENTRY, _FETCH, _WRITE)):
        raise ValueError("another build of unicorn")
    return found[0]


def _mapping(address: int) -> range:
    """The addresses that are mapped together with one. Raises OSError."""
    for line in Path("/proc/self/maps").read_text().splitlines():
        begin, _, end = line.split(" ", 1)[0].partition("-")
        if int(begin, 16) <= address < int(end, 16):
            return range(int(begin, 16), int(end, 16))
    return range(0)


def _leads_through(at: int, place: int) -> bool:
    """Whether a jump through the slot at ``place`` stands there."""
    jump = ctypes.string_at(at, 6)
    return jump[:2] == _JUMP and at + 6 + struct.unpack("<i", jump[2:])[0] == place


def _works() -> bool:
    """Whether stores to a page of data go the short way, and code that is written over is seen to be."""
    at = 0x3000
    # mov $1000,%ecx; 1: mov %eax,AT+800h; loop 1b
    data = b"\xb9\xe8\x03\x00\x00" + b"\xa3\x00\x38\x00\x00" + b"\xe2\xf9"
    write = b"".join(
        b"\xc7\x05" + struct.pack("<II", at + byte, word)  # movl $word,AT+byte
        for byte, word in ((0, 0x000001B8), (4, 0x9090C300))  # mov $1,%eax; ret
    )
    call = b"\xe8" + struct.pack("<i", at - (PROBE_CODE + len(data) + len(write) + 5))
    change = b"\xc6\x05" + struct.pack("<IB", at + 1, 2)  # movb $2,AT+1
    code = data + write + call + change
    again = b"\xe8" + struct.pack("<i", at - (PROBE_CODE + len(code) + 5))
    probe = Probe(code + again + b"\xf4")
    try:
        x = constants("x86_const")
        probe.machine.write_register(x.UC_X86_REG_ESP, 0x3C00)
        _notes[8 + (at >> 12)] = 0
        before = long_stores()
        probe.run()
        return probe.machine.read_register(x.UC_X86_REG_EAX) == 2 and long_stores() - before < 100
    finally:
        probe.close()
