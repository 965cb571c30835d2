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
_IDENTITY = ("pci_header.vendor_id", "licence")
"""Rules of an image that only say who made it."""


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
    """A ROM of the executable line. One that only shows another identity is compared, not refused."""
    from vmirom.rom.image import violations

    for error in violations(data, name):
        if not error.field.startswith(_IDENTITY):
            raise CompatError(" ".join(str(error).split()))
    base = _named(name, major, minor, abi_dir)
    identity = dict(base.identity)
    pci = _read(base, "vmi_rom_header", "pci_header_offset", data, 0)
    identity["pci_vendor"] = f"{_read(base, 'vmi_pci_header', 'vendor_id', data, pci):#x}"
    identity["pci_device"] = f"{_read(base, 'vmi_pci_header', 'device_id', data, pci):#x}"
    licence = _read(base, "vmi_rom_header", "license_offset", data, 0)
    identity["licence"] = data[licence : max(data.find(b"\0", licence), licence)].decode(
        "ascii", "backslashreplace"
    )
    slots = _slots(data, name)
    calls = base.calls if slots is None else tuple(call for call in base.calls if call.number < slots)
    told = f"{name}: a ROM of {base.line} {base.version}; contracts are those the tree declares"
    return replace(base, source=name, calls=calls, identity=identity, notes=(*base.notes, told))


def _read(base: Declaration, struct: str, field: str, data: bytes, at: int) -> int:
    """A number of the image, where the declared layout has it. Raises CompatError."""
    for layout in (base.header, *base.structs):
        for each in layout.fields if layout is not None and layout.name == struct else ():
            if each.name == field and at + each.end <= len(data):
                return int.from_bytes(data[at + each.offset : at + each.end], "little")
    raise CompatError(f"{base.source}: struct {struct}, field {field}: not declared, or beyond the image")


def _slots(data: bytes, name: str) -> int | None:
    """How many slots a ROM of ours has; None for another's, or for one whose identity is another."""
    from vmirom.rom.errors import RomError
    from vmirom.rom.image import parse_rom

    try:
        private = parse_rom(data, name).private
    except RomError:
        return None
    return None if private is None else private.slots_count


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
