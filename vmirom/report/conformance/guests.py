"""What lies where in a boot: names from the shipped guest's symbols and from the ROM in the bundle."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cache

from vmirom.bundle.inspect import read_bundle
from vmirom.bundle.refused import Refused
from vmirom.conform.boots import Boot
from vmirom.hosts.rom_places import RomPlaces
from vmirom.report.conformance.symbols import NO_SYMBOLS, Symbols, read_symbols
from vmirom.schema import AbiError
from vmirom.schema.places import source_tree

__all__ = ["BootNames"]


class BootNames:
    """Of one boot. A guest that is not shipped has no symbols, and a boot without a bundle no ROM."""

    def __init__(self, boot: Boot) -> None:
        self.symbols = _symbols(boot.request.bundle, boot.guest)
        self._rom = _rom(boot.request.bundle)

    def __call__(self, gva: int) -> str:
        """A paravirt call, a routine of the ROM, a text or a symbol of the guest; else empty."""
        symbols = self.symbols
        return symbols.call(gva) or self._rom(gva) or symbols.words(gva) or symbols.place(gva)


@cache
def _symbols(bundle: bytes, guest: str) -> Symbols:
    """Of the shipped guest that is in the bundle; without a bundle, of the one of that name."""
    try:
        blobs = source_tree("romsrc") / "blobs"
        if not bundle:
            return read_symbols((blobs / f"{guest}.elf").read_bytes())
        wanted = read_bundle(bundle).guest_sha256
        images = (path.read_bytes() for path in sorted(blobs.glob("*.elf")))
        found = next((data for data in images if hashlib.sha256(data).hexdigest() == wanted), b"")
        return read_symbols(found)
    except (OSError, AbiError, Refused):
        return NO_SYMBOLS


@cache
def _rom(bundle: bytes) -> Callable[[int], str]:
    try:
        return RomPlaces(read_bundle(bundle)).place
    except Refused:
        return lambda gva: ""
