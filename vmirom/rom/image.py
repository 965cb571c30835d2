"""Reading a ROM image: the header and everything it points to, against the rules of the ABI.

The reader is total: any bytes give either a :class:`RomImage` or a :class:`RomError` that names file, field
and rule.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from vmirom.overlays.vmi import Backend, Call, Const, RomHeader, ffi
from vmirom.rom.errors import RomError
from vmirom.schema.errors import AbiError
from vmirom.schema.places import source_tree

__all__ = ["LICENCES", "PrivateArea", "RomError", "RomImage", "load_rom", "parse_rom", "violations"]

LICENCES = ("GPL", "GPL v2")
"""What stock guests accept, to the letter."""

_HEADER = ffi.sizeof("struct vmi_rom_header")
_PCI = ffi.sizeof("struct vmi_pci_header")
_PNP = ffi.sizeof("struct vmi_pnp_header")
_PRIVATE_AT = ffi.offsetof("struct vmi_rom_header", "reserved")
_ENTRIES_END = _HEADER


@dataclass(frozen=True, slots=True)
class PrivateArea:
    """What our own ROMs keep in the header's reserved bytes; addresses are gpas, entries are offsets."""

    state_gpa: int
    state_pages: int
    rom_gpa: int
    backend: Backend
    boot_entry: int
    pvh_entry: int
    slots_offset: int
    slots_count: int
    slot_size: int
    features: int
    build_id: bytes
    fast_offset: int = 0


@dataclass(frozen=True, slots=True)
class RomImage:
    """A ROM that keeps every rule. ``private`` is None for a ROM that is not ours."""

    name: str
    data: bytes
    abi: tuple[int, int]
    jump_slots: int
    virtual_top: int
    licence: str
    manufacturer: str
    product: str
    rom_version: tuple[int, int]
    pci_header: int
    pnp_header: int
    private: PrivateArea | None

    @property
    def length(self) -> int:
        """Bytes."""
        return len(self.data)

    def slot(self, call: int) -> int:
        """Offset of a call's slot. Raises RomError if there is none, or if it is not a ROM of ours."""
        if self.private is None:
            raise RomError(self.name, "private area", "not a ROM whose slots are known")
        if not 0 <= call < self.private.slots_count:
            raise RomError(self.name, f"slot {call}", f"the ROM has {self.private.slots_count}")
        return self.private.slots_offset + call * self.private.slot_size

    def fast(self, call: int) -> int | None:
        """Offset of a call's second entry, which get_reloc answers at the usual alias; None if none, or
        one outside the image. Raises RomError as :meth:`slot` does."""
        self.slot(call)
        if self.private is None or not self.private.fast_offset:
            return None
        at = self.private.fast_offset + 4 * call
        distance = int.from_bytes(self.data[at : at + 4], "little", signed=True)
        return at + distance if distance and 0 <= at + distance < self.length else None


class _Reader:
    """Walks one image and collects what is wrong with it, in the order of the header."""

    def __init__(self, data: bytes, name: str) -> None:
        self.data = data
        self.name = name
        self.wrong: list[RomError] = []

    def error(self, field: str, rule: str) -> None:
        self.wrong.append(RomError(self.name, field, rule))

    def overlay(self, ctype: str, at: int) -> Any:
        """A copy of ``ctype`` at an offset that was checked to hold one."""
        made = ffi.new(f"{ctype} *")
        size = ffi.sizeof(ctype)
        ffi.memmove(made, self.data[at : at + size], size)
        return made

    def text(self, field: str, offset: int) -> str:
        """NUL-terminated ASCII at ``offset``; a rule broken gives an empty text."""
        end = self.data.find(b"\0", offset) if 0 < offset < len(self.data) else -1
        if end < 0:
            self.error(field, f"offset {offset:#x} leads to no text that ends inside the image")
            return ""
        try:
            return self.data[offset:end].decode("ascii")
        except UnicodeDecodeError:
            self.error(field, "is not ASCII")
            return ""

    def head(self) -> Any | None:
        """The header, if the image is long enough to have one, its signatures right."""
        if len(self.data) < _HEADER:
            self.error("size", f"{len(self.data)} bytes are too few for a header of {_HEADER}")
            return None
        header = self.overlay("struct vmi_rom_header", 0)
        if header.rom_signature != RomHeader.ROM_SIGNATURE:
            self.error("rom_signature", f"is {header.rom_signature:#06x}, must be the bytes 55 AA")
        if header.vrom_signature != RomHeader.VROM_SIGNATURE:
            self.error("vrom_signature", f"is {header.vrom_signature:#010x}, must be the bytes cVmi")
        return header

    def frame(self, header: Any) -> None:
        """Length, checksum, version, entries."""
        length = header.rom_length * int(RomHeader.LENGTH_UNIT)
        if length == 0:
            self.error("rom_length", "must not be zero")
        elif length != len(self.data):
            self.error("rom_length", f"says {length} bytes, the file has {len(self.data)}")
        if sum(self.data[:length]) & 0xFF:
            self.error("checksum", f"the bytes sum to {sum(self.data[:length]) & 0xFF:#04x}, must be zero")
        if not any(header.rom_entry):
            self.error("rom_entry", "holds no 16-bit code")
        if header.api_version_major != RomHeader.API_MAJOR:
            wanted = int(RomHeader.API_MAJOR)
            self.error("api_version_major", f"is {header.api_version_major}, must be {wanted}")
        for entry in ("vmi_init", "get_reloc"):
            if not any(getattr(header, entry)):
                self.error(entry, "holds no code")

    def pci(self, header: Any) -> tuple[int, int]:
        """ROM version from the PCI header."""
        at = header.pci_header_offset
        if at == 0:
            self.error("pci_header_offset", "must not be zero")
            return 0, 0
        if at + _PCI > len(self.data):
            self.error("pci_header_offset", f"{at:#x}: the PCI header must lie inside the image")
            return 0, 0
        pci = self.overlay("struct vmi_pci_header", at)
        if pci.signature != RomHeader.PCI_SIGNATURE:
            self.error("pci_header.signature", "must be the bytes PCIR")
        if (pci.vendor_id, pci.device_id) != (RomHeader.PCI_VENDOR, RomHeader.PCI_DEVICE):
            wanted = f"{int(RomHeader.PCI_VENDOR):04x}:{int(RomHeader.PCI_DEVICE):04x}"
            found = f"{pci.vendor_id:04x}:{pci.device_id:04x}"
            self.error("pci_header.vendor_id", f"is {found}, must be {wanted}")
        return pci.rom_version_major, pci.rom_version_minor

    def licence(self, header: Any) -> str:
        if header.license_offset == 0:
            self.error("license_offset", "must not be zero: stock guests refuse an unspecified licence")
            return ""
        licence = self.text("license_offset", header.license_offset)
        if licence and licence not in LICENCES:
            self.error("licence", f"is {licence[:40]!r}, must be {' or '.join(map(repr, LICENCES))}")
        return licence

    def pnp(self, header: Any) -> tuple[str, str]:
        """Manufacturer and product."""
        at = header.pnp_header_offset
        if at == 0:
            return "", ""
        if at + _PNP > len(self.data):
            self.error("pnp_header_offset", f"{at:#x}: the PnP header must lie inside the image")
            return "", ""
        pnp = self.overlay("struct vmi_pnp_header", at)
        if pnp.signature != RomHeader.PNP_SIGNATURE:
            self.error("pnp_header.signature", "must be the bytes $PnP")
        names = []
        for field in ("manufacturer_offset", "product_offset"):
            offset = getattr(pnp, field)
            names.append(self.text(f"pnp_header.{field}", offset) if offset else "")
        return names[0], names[1]

    def private(self, header: Any) -> PrivateArea | None:
        area = self.overlay("struct vmi_rom_private", _PRIVATE_AT)
        if area.magic != Const.PRIVATE_MAGIC:
            return None
        for field, rule in _private_faults(area, header.jump_slots, len(self.data)):
            self.error(f"private.{field}", rule)
        if area.backend not in set(Backend):
            return None
        return PrivateArea(
            area.state_gpa,
            area.state_pages,
            area.rom_gpa,
            Backend(area.backend),
            area.boot_entry,
            area.pvh_entry,
            area.slots_offset,
            area.slots_count,
            area.slot_size,
            area.features,
            bytes(area.build_id),
            area.fast_offset,
        )

    def image(self) -> RomImage | None:
        header = self.head()
        if header is None:
            return None
        self.frame(header)
        version, licence = self.pci(header), self.licence(header)
        manufacturer, product = self.pnp(header)
        return RomImage(
            self.name,
            self.data,
            (header.api_version_major, header.api_version_minor),
            header.jump_slots,
            header.virtual_top,
            licence,
            manufacturer,
            product,
            version,
            header.pci_header_offset,
            header.pnp_header_offset,
            self.private(header),
        )


def _private_faults(area: Any, jump_slots: int, length: int) -> Iterator[tuple[str, str]]:
    """Fields of the private area that break a rule."""
    if area.backend not in set(Backend):
        yield "backend", f"{area.backend} is none of {', '.join(each.name.lower() for each in Backend)}"
    if area.state_gpa % 4096 or area.state_pages == 0 or area.state_gpa + 4096 * area.state_pages > 1 << 32:
        yield "state_gpa", f"{area.state_gpa:#x} with {area.state_pages} pages is not a range of whole pages"
    scan = range(RomHeader.SCAN_START, RomHeader.SCAN_END, RomHeader.SCAN_STEP)
    if area.rom_gpa not in scan:
        yield "rom_gpa", f"{area.rom_gpa:#x} is no place where guests look for a ROM"
    for field in ("boot_entry", "pvh_entry"):
        offset = getattr(area, field)
        if not _ENTRIES_END <= offset < length and (offset or field == "boot_entry"):
            yield field, f"offset {offset:#x} is not behind the header and inside the image"
    if area.slot_size != Const.SLOT_SIZE:
        yield "slot_size", f"is {area.slot_size}, must be {int(Const.SLOT_SIZE)}"
    if area.slots_count != jump_slots:
        yield "slots_count", f"is {area.slots_count}, the header's jump_slots is {jump_slots}"
    if area.fast_offset and not _ENTRIES_END <= area.fast_offset <= length - 4 * area.slots_count:
        yield "fast_offset", f"{area.fast_offset:#x}: the table does not lie inside the image"
    end = area.slots_offset + area.slots_count * area.slot_size
    if area.slots_offset < _ENTRIES_END or end > length:
        yield "slots_offset", f"{area.slots_offset:#x}: {area.slots_count} slots do not lie inside the image"


def violations(data: bytes, name: str = "ROM") -> tuple[RomError, ...]:
    """Every rule that an image breaks, in the order of the header."""
    reader = _Reader(data, name)
    reader.image()
    return tuple(reader.wrong)


def parse_rom(data: bytes, name: str = "ROM") -> RomImage:
    """Read an image. Raises RomError for the first rule it breaks."""
    reader = _Reader(data, name)
    image = reader.image()
    if reader.wrong:
        raise reader.wrong[0]
    assert image is not None  # without a header something was wrong
    return image


def load_rom(backend: str, abi: str = "3.1") -> RomImage:
    """The shipped ROM of a backend (``native``, ``kvm``, ``xen``, ``lguest``). Raises RomError."""
    known = {each.name.lower() for each in Backend}
    if backend not in known:
        raise RomError("ROM", "backend", f"{backend!r} is none of {', '.join(sorted(known))}")
    name = f"vmi3-{abi}-{backend}.rom"
    try:
        folder = source_tree("romsrc") / "blobs"
        data = (folder / name).read_bytes()
    except FileNotFoundError:
        there = sorted(path.name.split("-")[1] for path in folder.glob(f"vmi3-*-{backend}.rom"))
        raise RomError(name, "ABI", f"no ROM of {abi} is shipped; there are {', '.join(there)}") from None
    except (OSError, AbiError, ValueError) as error:
        raise RomError(name, "file", f"can't be read: {error}") from None
    image = parse_rom(data, name)
    if image.private is None or image.private.backend.name.lower() != backend:
        raise RomError(name, "private.backend", f"is not {backend}")
    if f"{image.abi[0]}.{image.abi[1]}" != abi:
        raise RomError(name, "api_version", f"is {image.abi[0]}.{image.abi[1]}, not {abi}")
    return image


def call_name(number: int) -> str:
    """Name of a call by number, or ``call N``."""
    try:
        return Call(number).name
    except ValueError:
        return f"call {number}"
