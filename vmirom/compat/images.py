"""What a binary tells of its ABI: a ROM by its header, a guest by its note.

Neither carries a declaration. Both name a line and version, which is looked up in the tree; what the
binary says beyond that (signature, licence, vendor, how many slots there are) replaces what the tree says.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from vmirom.compat.errors import CompatError
from vmirom.compat.load import from_tree
from vmirom.compat.model import Declaration

__all__ = ["from_guest", "from_rom"]

_HEADER_LEAST = 32
_VERSION_AT = 12
_UNIT = 512
_EXECUTABLE_MAJOR = 3


def from_rom(data: bytes, name: str, abi_dir: Path | None = None) -> Declaration:
    """The declaration of a ROM. Raises CompatError."""
    if len(data) < _HEADER_LEAST:
        raise CompatError(f"{name}: size: {len(data)} bytes hold no ROM header")
    length = data[2] * _UNIT
    if len(data) < length or not length:
        raise CompatError(f"{name}: rom_length: {length} bytes are announced, {len(data)} are there")
    minor, major = data[_VERSION_AT], data[_VERSION_AT + 1]
    if major != _EXECUTABLE_MAJOR:
        base = _named(name, major, minor, abi_dir)
        note = f"{name}: a ROM of line {base.line} tells its version only; the rest is what the tree declares"
        return replace(base, source=name, notes=(*base.notes, note))
    return _executable(data, name, major, minor, abi_dir)


def _executable(data: bytes, name: str, major: int, minor: int, abi_dir: Path | None) -> Declaration:
    from vmirom.rom.errors import RomError
    from vmirom.rom.image import parse_rom

    try:
        image = parse_rom(data, name)
    except RomError as error:
        raise CompatError(" ".join(str(error).split())) from None
    base = _named(name, major, minor, abi_dir)
    calls = base.calls
    if image.private is not None:
        calls = tuple(call for call in calls if call.number < image.private.slots_count)
    at = image.pci_header
    identity = dict(base.identity)
    identity["pci_vendor"] = f"{int.from_bytes(data[at + 4 : at + 6], 'little'):#x}"
    identity["pci_device"] = f"{int.from_bytes(data[at + 6 : at + 8], 'little'):#x}"
    identity["licence"] = image.licence
    notes = (
        *base.notes,
        f"{name}: a ROM of {base.line} {base.version}; contracts are those the tree declares",
    )
    return replace(base, source=name, calls=calls, identity=identity, notes=notes)


def from_guest(data: bytes, name: str, abi_dir: Path | None = None) -> Declaration:
    """What a guest was made for. Raises CompatError."""
    from vmirom.bundle.guest import read_guest
    from vmirom.bundle.refused import GuestError

    try:
        note = read_guest(data).note
    except GuestError as error:
        raise CompatError(f"{name}: {error.field}: {error.rule}") from None
    base = _named(name, note.major, note.minor, abi_dir)
    told = f"{name}: a guest made for {base.line} {base.version}; contracts are those the tree declares"
    return replace(base, source=name, notes=(*base.notes, told))


def _named(name: str, major: int, minor: int, abi_dir: Path | None) -> Declaration:
    try:
        return from_tree(f"vmi{major}", f"{major}.{minor}", abi_dir)
    except CompatError as error:
        raise CompatError(
            f"{name}: api_version: {major}.{minor} is of no line that is declared ({error})"
        ) from None
