"""A ROM as composing sees it: one of ours, for the backend that was asked for, told where its state is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from vmirom.bundle.refused import BundleError, RomRefused
from vmirom.overlays import vmi
from vmirom.rom.errors import RomError
from vmirom.rom.image import PrivateArea, RomImage, parse_rom

__all__ = ["RomFile", "backend_number", "read_rom"]

_PRIVATE_AT: Final[int] = vmi.ffi.offsetof("struct vmi_rom_header", "reserved")


@dataclass(frozen=True, slots=True)
class RomFile:
    """A ROM that kept every rule, with the private area that only ours have."""

    image: RomImage
    private: PrivateArea

    @property
    def data(self) -> bytes:
        """The blob."""
        return self.image.data

    @property
    def build_id(self) -> str:
        """The build id in hex."""
        return self.private.build_id.hex()

    def placed(self) -> bytes:
        """The bytes as they go to memory: told where ROM and state are, checksum right again.

        The build leaves the last byte to the checksum.
        """
        layout, private = vmi.Layout, self.private
        if (private.state_gpa, private.state_pages, private.rom_gpa) == (
            layout.STATE_GPA,
            layout.STATE_PAGES,
            layout.ROM_GPA,
        ):
            return self.data
        size = vmi.ffi.sizeof("struct vmi_rom_private")
        area: Any = vmi.ffi.new("struct vmi_rom_private *")
        vmi.ffi.memmove(area, self.data[_PRIVATE_AT : _PRIVATE_AT + size], size)
        area.state_gpa, area.state_pages, area.rom_gpa = layout.STATE_GPA, layout.STATE_PAGES, layout.ROM_GPA
        patched = bytearray(self.data)
        patched[_PRIVATE_AT : _PRIVATE_AT + size] = bytes(vmi.ffi.buffer(area))
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
    number = None if backend is None else backend_number(backend)
    try:
        image = parse_rom(bytes(data))
    except RomError as error:
        raise RomRefused(error.field, error.rule) from None
    if image.private is None:
        raise RomRefused("private area", "not made by vmirom: it does not say where to keep its state")
    if image.length > vmi.Layout.ROM_MAX:
        raise RomRefused(
            "rom_length", f"{image.length} bytes; at most {int(vmi.Layout.ROM_MAX)} have a place"
        )
    if number is not None and image.private.backend != number:
        raise RomRefused("backend", f"{image.private.backend.name.lower()}, not {backend}")
    return RomFile(image, image.private)
