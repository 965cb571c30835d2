"""Structures of VMI 13.0. Packed, little endian."""

from collections.abc import Mapping

from vmirom.schema import AnyConstruct, Bytes, Fixed, Reserved, s8, struct, u8, u16, u32, u64

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
    "reserved0" / Reserved(1),
    "reserved1" / Reserved(1),
    "reserved2" / Reserved(4),
    "reserved3" / Reserved(4, zero=False) * "for private use",
    "pci_header_offset" / u16,
    "pnp_header_offset" / u16,
    "rom_pad3" / Reserved(4),
    "reserved_slots" / Reserved(96, zero=False) * "slots 1 to 3, which can't be called",
    doc="The ROM's header, at its first byte; slot 4, the first that can be called, follows it.",
)

ap_state = struct(
    "vmi_ap_state",
    "cr0" / u32,
    "cr2" / u32,
    "cr3" / u32,
    "cr4" / u32,
    "efer" / u64,
    "eip" / u32,
    "eflags" / u32,
    "eax" / u32,
    "ebx" / u32,
    "ecx" / u32,
    "edx" / u32,
    "esp" / u32,
    "ebp" / u32,
    "esi" / u32,
    "edi" / u32,
    "cs" / u16,
    "ss" / u16,
    "ds" / u16,
    "es" / u16,
    "fs" / u16,
    "gs" / u16,
    "ldtr" / u16,
    "gdtr_limit" / u16,
    "gdtr_base" / u32,
    "idtr_base" / u32,
    "idtr_limit" / u16,
    "pad" / Reserved(2, zero=False),
    doc="Registers an application processor starts with.",
)

dtr = struct(
    "vmi_dtr",
    "limit" / u16,
    "base" / u32,
    doc="Limit and base of a descriptor table, as LGDT reads and SGDT stores them.",
)

STRUCTS: Mapping[str, tuple[AnyConstruct, ...]] = {"13.0": (rom_header, ap_state, dtr)}
