"""Names for places in a ROM, as far as they can be told from outside: slots and where they lead."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from typing import Final

from vmirom.bundle.inspect import BundleFile
from vmirom.overlays import vmi

__all__ = ["RomPlaces"]

_ROUTINE_MAX: Final = 0x180
"""Bytes behind an entry in which a place is still called after it; farther on are nameless routines."""
_JUMP: Final = b"\xe9"


class RomPlaces:
    """Of the ROM in a bundle, under each of its aliases."""

    def __init__(self, bundle: BundleFile) -> None:
        self._aliases = bundle.rom_aliases
        self._length = bundle.rom.image.length
        self._routines = sorted(_routines(bundle))

    def place(self, gva: int) -> str:
        """``ROM SetPxE+0x12``, or empty for an address outside."""
        for base in self._aliases:
            if 0 <= gva - base < self._length:
                return self._routine(gva - base)
        return ""

    def _routine(self, offset: int) -> str:
        at = bisect_right(self._routines, (offset, "~")) - 1
        if at < 0 or offset - self._routines[at][0] > _ROUTINE_MAX:
            return f"ROM+{offset:#x}"
        start, name = self._routines[at]
        return f"ROM {name}+{offset - start:#x}" if offset > start else f"ROM {name}"


def _routines(bundle: BundleFile) -> Iterator[tuple[int, str]]:
    image, names = bundle.rom.image, {int(call): call.name for call in vmi.Call}
    first, size = bundle.rom.private.slots_offset, bundle.rom.private.slot_size
    for number in range(bundle.rom.private.slots_count):
        name = names.get(number, f"call {number}")
        offset = first + size * number
        yield offset, f"slot of {name}"
        jump = image.data[offset : offset + 5]
        if jump[:1] == _JUMP:
            target = offset + 5 + int.from_bytes(jump[1:], "little", signed=True)
            if 0 <= target < image.length:
                yield target, name
        fast = image.fast(number)
        if fast is not None:
            yield fast, name
