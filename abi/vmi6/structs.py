"""Structures of VMI 6.1. Packed, little endian."""

from collections.abc import Mapping

from vmirom.schema import AnyConstruct, Bytes, Fixed, Reserved, s8, struct, u8, u16, u32

from .constants import RomHeader

rom_header = struct(
    "vmi_rom_header",
    "rom_signature" / Fixed(u16, RomHeader.ROM_SIGNATURE) * "bytes 55 AA",
    "rom_length" / s8 * "length of the image in units of 512 bytes",
    "rom_entry" / Bytes(4) * "16-bit code that a BIOS enters by a far call",
    "rom_pad0" / Reserved(1),
    "vrom_signature" / Fixed(u32, RomHeader.VROM_SIGNATURE) * "the bytes cVmi",
    "api_version_minor" / u8,
    "api_version_major" / u8,
    "data_pages" / u8 * "pages of the data area whose address Init is given",
    "reserved0" / Reserved(1),
    "reserved1" / Reserved(4),
    "reserved2" / Reserved(4, zero=False) * "for private use",
    "pci_header_offset" / u16,
    "pnp_header_offset" / u16,
    "rom_pad3" / Reserved(4),
    "reserved" / Reserved(32),
    "elf_header" / Bytes(64) * "ELF header of the code behind",
    doc="The ROM's header, at its first byte; slot 4, the first that can be called, follows it.",
)

dtr = struct(
    "vmi_dtr",
    "limit" / u16,
    "base" / u32,
    doc="Limit and base of a descriptor table, as LGDT reads and SGDT stores them.",
)

STRUCTS: Mapping[str, tuple[AnyConstruct, ...]] = {"6.1": (rom_header, dtr)}
