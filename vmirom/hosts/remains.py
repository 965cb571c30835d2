"""What can be told of a machine that is gone and left its registers as text: a scene without calls.

The ROM's code is known from the bundle, because nobody writes to a ROM. A guest's own code is not shown:
its call sites were patched.
"""

from __future__ import annotations

import re
from typing import Final

from vmirom.bundle.inspect import BundleFile, read_bundle
from vmirom.bundle.refused import Refused
from vmirom.hosts.rom_places import RomPlaces
from vmirom.hosts.scene import Scene, Site

__all__ = ["scene_of_text"]

_IP: Final = re.compile(r"\b[er]ip[:=]?\s*(?:[0-9a-f]{4}:)?(?:\[<)?0*([0-9a-f]{1,8})\b", re.IGNORECASE)
_AROUND: Final = 48


def scene_of_text(registers: str, bundle: bytes) -> tuple[Scene, ...]:
    """The scene of a bad end; none where nothing was left. ``registers`` are lines that name EIP or RIP."""
    if not registers:
        return ()
    found = _IP.search(registers)
    sites: tuple[Site, ...] = ()
    if found is not None:
        try:
            sites = (_site(int(found[1], 16), read_bundle(bundle)),)
        except Refused:
            sites = (Site(int(found[1], 16), int(found[1], 16), ""),)
    return (Scene("", registers, sites),)


def _site(gva: int, bundle: BundleFile) -> Site:
    data = bundle.rom.image.data
    for base in bundle.rom_aliases:
        if 0 <= gva - base < len(data):
            start = max(gva - base - _AROUND, 0)
            code = data[start : gva - base + _AROUND]
            return Site(gva, base + start, code.hex(), RomPlaces(bundle).place(gva))
    return Site(gva, gva, "", "")
