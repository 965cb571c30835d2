"""Bundles with the ROM that is shipped for a backend: what callers without a ROM of their own make."""

from __future__ import annotations

from pathlib import Path

from vmirom.bundle.compose import compose
from vmirom.bundle.guest import read_guest
from vmirom.rom.image import load_rom

__all__ = ["guest_bundle", "read_guest_file"]


def read_guest_file(path: Path, abi: tuple[int, int]) -> bytes:
    """The guest in a file, checked for ``abi``. Raises GuestError and OSError."""
    data = path.read_bytes()
    read_guest(data, abi)
    return data


def guest_bundle(guest: bytes, backend: str, abi: tuple[int, int]) -> bytes:
    """``guest`` with the ROM that is shipped for ``backend`` at ``abi``. Raises RomError and Refused."""
    return compose(guest, load_rom(backend, f"{abi[0]}.{abi[1]}").data, backend, abi)
