"""Where guests and ROMs come from: a file that was named, or what is shipped."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from vmirom.bundle.compose import compose
from vmirom.bundle.guest import read_guest
from vmirom.bundle.inspect import is_bundle
from vmirom.bundle.refused import BundleError, GuestError, RomRefused
from vmirom.cli.failing import Fault, about, read_file, shown

__all__ = ["Guest", "bundle_for", "guest_source", "shipped_rom"]


@dataclass(frozen=True, slots=True)
class Guest:
    """A guest's bytes and the name by which messages call it."""

    name: str
    data: bytes


def guest_source(path: Path | None, abi: tuple[int, int]) -> Guest:
    """The guest at ``path``, or the reference guest; a fault where it is none for ``abi``."""
    if path is None:
        return _reference()
    guest = Guest(shown(path), read_file(path))
    if is_bundle(guest.data):
        raise Fault(guest.name, "note VMI", "is a bundle already; give the guest that it was made from")
    with about(guest.name):
        read_guest(guest.data, abi)
    return guest


def _reference() -> Guest:
    from vmirom.schema.errors import AbiError
    from vmirom.schema.places import source_tree

    try:
        path = source_tree("romsrc") / "blobs" / "reference.elf"
    except AbiError as error:
        raise Fault(str(error)) from None
    return Guest("reference guest", read_file(path))


def shipped_rom(backend: str, abi: tuple[int, int]) -> tuple[str, bytes]:
    """Name and bytes of the ROM that is shipped for ``backend`` at ``abi``."""
    from vmirom.rom.errors import RomError
    from vmirom.rom.image import load_rom

    try:
        image = load_rom(backend, f"{abi[0]}.{abi[1]}")
    except RomError as error:
        raise Fault(str(error)) from None
    return image.name, image.data


def bundle_for(guest: Guest, backend: str, abi: tuple[int, int], rom_path: Path | None = None) -> bytes:
    """The bundle of ``guest`` and a ROM (default: the shipped one). Faults name the file to blame."""
    if rom_path is None:
        rom_name, rom = shipped_rom(backend, abi)
    else:
        rom_name, rom = shown(rom_path), read_file(rom_path)
    try:
        return compose(guest.data, rom, backend, abi)
    except RomRefused as refused:
        raise Fault(rom_name, refused.field, refused.rule) from None
    except (GuestError, BundleError) as refused:
        raise Fault(guest.name, refused.field, refused.rule) from None
