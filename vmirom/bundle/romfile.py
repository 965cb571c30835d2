"""The few fields of a ROM that composing needs, read strictly from the blob.

An option ROM says its length in 512-byte units in its third byte and sums to zero over it (PCI Firmware
Specification 3.0, 5.1.1); what else a loader wants stands in the private area of the header.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from vmirom.bundle.refused import BundleError, RomRefused
from vmirom.overlays import vmi

__all__ = ["RomFile", "backend_number", "read_rom"]

_PRIVATE_AT: Final[int] = vmi.ffi.offsetof("struct vmi_rom_header", "reserved")


@dataclass(frozen=True, slots=True)
class RomFile:
    """A ROM that kept every rule. Entries are offsets into ``data``; ``length`` is in bytes."""

    data: bytes
    abi: tuple[int, int]
    backend: int
    length: int
    boot_entry: int
    pvh_entry: int
    slots_offset: int
    slots_count: int
    slot_size: int
    state_gpa: int
    state_pages: int
    rom_gpa: int
    build_id: str

    def placed(self) -> bytes:
        """The bytes as they go to memory: told where their state is, checksum right again."""
        layout = vmi.Layout
        if (self.state_gpa, self.state_pages, self.rom_gpa) == (
            layout.STATE_GPA,
            layout.STATE_PAGES,
            layout.ROM_GPA,
        ):
            return self.data
        patched = bytearray(self.data)
        private = _private(patched)
        private.state_gpa, private.state_pages = layout.STATE_GPA, layout.STATE_PAGES
        private.rom_gpa = layout.ROM_GPA
        patched[-1] = (patched[-1] - sum(patched)) & 0xFF
        return bytes(patched)


def backend_number(backend: str) -> int:
    """The number that ROM headers and bundles use for a backend. Raises BundleError."""
    names = {member.name.lower(): int(member) for member in vmi.Backend}
    if backend not in names:
        raise BundleError("backend", f"'{backend}' is unknown; there are {', '.join(names)}")
    return names[backend]


def read_rom(data: bytes, backend: str | None = None) -> RomFile:
    """The ROM in ``data``; with ``backend``, it must speak to that one. Raises RomRefused, BundleError."""
    header_size = vmi.ffi.sizeof("struct vmi_rom_header")
    if len(data) < header_size:
        raise RomRefused("length", f"{len(data)} bytes; a ROM header alone has {header_size}")
    header: Any = vmi.ffi.from_buffer("struct vmi_rom_header *", data)
    if header.rom_signature != vmi.RomHeader.ROM_SIGNATURE:
        raise RomRefused("signature", "not an option ROM (no 55 AA)")
    if header.vrom_signature != vmi.RomHeader.VROM_SIGNATURE:
        raise RomRefused("signature", "an option ROM, but not a VMI one")
    length = header.rom_length * vmi.RomHeader.LENGTH_UNIT
    if not header_size <= length <= vmi.Layout.ROM_MAX:
        raise RomRefused("length", f"{length:#x} in the header; at most {int(vmi.Layout.ROM_MAX):#x}")
    if len(data) != length:
        raise RomRefused("length", f"file has {len(data)} bytes, its header says {length}")
    if sum(data) & 0xFF:
        raise RomRefused("checksum", f"bytes sum to {sum(data) & 0xFF:#04x}, not 0")
    private = _private(data)
    if private.magic != vmi.Const.PRIVATE_MAGIC:
        raise RomRefused("private area", "not made by vmirom: it does not say where to keep its state")
    if backend is not None and private.backend != backend_number(backend):
        raise RomRefused("backend", f"{_name(private.backend)}, not {backend}")
    for field in ("boot_entry", "pvh_entry"):
        if getattr(private, field) >= length:
            raise RomRefused(field, "lies outside the ROM")
    if private.slot_size != vmi.Const.SLOT_SIZE:
        raise RomRefused("slot_size", f"{private.slot_size}, not {int(vmi.Const.SLOT_SIZE)}")
    if private.slots_offset + private.slots_count * private.slot_size > length:
        raise RomRefused("slots_offset", "the slot table reaches outside the ROM")
    return RomFile(
        data=bytes(data),
        abi=(header.api_version_major, header.api_version_minor),
        backend=private.backend,
        length=length,
        boot_entry=private.boot_entry,
        pvh_entry=private.pvh_entry,
        slots_offset=private.slots_offset,
        slots_count=private.slots_count,
        slot_size=private.slot_size,
        state_gpa=private.state_gpa,
        state_pages=private.state_pages,
        rom_gpa=private.rom_gpa,
        build_id=bytes(private.build_id).hex(),
    )


def _private(data: bytes | bytearray) -> Any:
    """The private area of 3.1, an overlay on ``data``."""
    return vmi.ffi.from_buffer("struct vmi_rom_private *", memoryview(data)[_PRIVATE_AT:])


def _name(number: int) -> str:
    return next((m.name.lower() for m in vmi.Backend if m == number), f"backend {number}")
