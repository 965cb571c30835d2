"""Where code stands, and how it came there, read from memory as an oops of Linux does it: without frame
pointers, by every word on the stack that is an address behind a call instruction in the guest's or the
ROM's code.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from vmirom.bundle.inspect import BundleFile
from vmirom.hosts.rom_places import RomPlaces
from vmirom.hosts.scene import Site
from vmirom.machine.addresses import PAGE_SIZE
from vmirom.overlays import vmi

__all__ = ["Read", "Stack"]

Read = Callable[[int, int], bytes]
"""Up to so many bytes at a gva, as far as they are there."""

_STACK_BYTES: Final = 4 * 384
_SITES_MAX: Final = 8
_BEFORE, _AFTER = 48, 48
_CALL_MAX: Final = 7
_PF_X: Final = 1


class Stack:
    """Of a machine that runs ``bundle``."""

    def __init__(self, bundle: BundleFile) -> None:
        self._bundle = bundle
        self._rom = RomPlaces(bundle)

    def sites(self, read: Read, at: int, stack: int) -> Iterator[Site]:
        """The place ``at``, then where return addresses lead that lie from ``stack`` on, innermost first."""
        yield self._site(read, at)
        words = read(stack & 0xFFFFFFFC, _STACK_BYTES)
        found = 0
        for offset in range(0, len(words) - 3, 4):
            gva = int.from_bytes(words[offset : offset + 4], "little")
            if self._place(gva) and _follows_call(read((gva - _CALL_MAX) & 0xFFFFFFFF, _CALL_MAX)):
                yield self._site(read, gva)
                found += 1
                if found == _SITES_MAX:
                    return

    def _site(self, read: Read, gva: int) -> Site:
        before = _read_back(read, gva, _BEFORE)
        code = before + read(gva, _AFTER)
        return Site(gva, gva - len(before), code.hex(), self._place(gva))

    def _place(self, gva: int) -> str:
        if in_rom := self._rom.place(gva):
            return in_rom
        guest = (int(vmi.Layout.LINEAR_BASE), 0)
        for segment in self._bundle.segments:
            start = segment.paddr
            executable = segment.flags & _PF_X and start >= vmi.Layout.GUEST_GPA
            if executable and any(start <= gva - base < start + segment.memsz for base in guest):
                return "guest"
        return ""


def _follows_call(before: bytes) -> bool:
    """Whether these seven bytes end with a near call: relative, or through a register or memory."""
    if len(before) < _CALL_MAX:
        return False
    if before[-5] == 0xE8:
        return True
    # FF /2 with as many bytes behind it as its ModRM asks for; a plain one without SIB
    lengths = {2: (0xD0, 0xD7), 3: (0x50, 0x57), 6: (0x90, 0x97)}
    return any(before[-n] == 0xFF and low <= before[1 - n] <= high for n, (low, high) in lengths.items()) or (
        before[-6:-4] == b"\xff\x15"
    )


def _read_back(read: Read, gva: int, length: int) -> bytes:
    """Up to ``length`` bytes that end at ``gva``: all, or those of its own page."""
    for wanted in (length, min(length, gva % PAGE_SIZE)):
        if wanted <= gva and len(found := read(gva - wanted, wanted)) == wanted:
            return found
    return b""
