"""A guest that runs machine code which a test writes into it: any instruction, on any backend."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Final

import pytest

from vmirom.bundle.compose import compose
from vmirom.guest.build import build_guest, guest_toolchain
from vmirom.rom.errors import ToolchainMissing
from vmirom.rom.image import load_rom

__all__ = ["HOSTS", "OPEN_UP", "PLACE", "PLACES", "TICKS", "WORDS", "bundle_of", "guest_of", "hypercall"]

SOURCE: Final = Path(__file__).with_name("guests") / "snippets.c"
HOSTS: Final = {
    "native": ("native", ""),
    "kvm-2026": ("kvm", "2026"),
    "kvm-2008": ("kvm", "2008"),
    "xen": ("xen", ""),
    "lguest": ("lguest", ""),
}
"""Every backend, and every age of it: name of the backend and ``host_era``."""
PLACES: Final = 256
PLACE: Final = 64
"""Bytes of a place; the code in it must end by itself or leave room for a RET."""
WORDS: Final = 8192
"""Bytes of data that a place finds at EBP and ESI."""
OPEN_UP: Final = 1
TICKS: Final = 4
_RET: Final = b"\xc3"
_CALLS: Final = {"xen": b"\xcd\x82", "lguest": b"\xcd\x1f", "kvm": b"\x0f\x01\xd9", "native": b"\x0f\x0b"}


def hypercall(backend: str) -> bytes:
    """The backend's hypercall instruction; ud2 where there is none."""
    return _CALLS[backend]


@cache
def _guest() -> bytes:
    try:
        guest_toolchain("zig")
    except ToolchainMissing as missing:
        pytest.skip(str(missing))
    return build_guest([SOURCE], "zig").data


def guest_of(places: Sequence[bytes], words: bytes = b"", flags: int = 0) -> bytes:
    """A guest that runs ``places`` with ``words`` as its data; skips without a toolchain."""
    assert len(places) <= PLACES and len(words) <= WORDS
    assert all(len(place) <= PLACE for place in places)
    guest = bytearray(_guest())
    code = b"".join(place.ljust(PLACE, _RET) for place in places)
    for mark, data in (
        (b"VMI-SNIPPET-PLACES", code),
        (b"VMI-SNIPPET-WORDS", words),
        (b"USETUSET", struct.pack("<2I", len(places), flags)),
    ):
        at = guest.index(mark)
        guest[at : at + len(data)] = data
    return bytes(guest)


def bundle_of(backend: str, places: Sequence[bytes], words: bytes = b"", flags: int = 0) -> bytes:
    """The same guest's bundle for ``backend``."""
    return compose(guest_of(places, words, flags), load_rom(backend).data, backend, (3, 1))
