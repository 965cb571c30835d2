"""Structures of the VMI line. Packed, little endian; offsets follow from the order."""

from collections.abc import Mapping

from vmirom.schema import (
    AnyConstruct,
    Array,
    Bytes,
    Choice,
    Fixed,
    Flags,
    Reserved,
    Text,
    struct,
    u8,
    u16,
    u32,
    u64,
)

from .constants import Backend, Const, RomHeader, SegmentFlag

rom_header = struct(
    "vmi_rom_header",
    "rom_signature" / Fixed(u16, RomHeader.ROM_SIGNATURE) * "bytes 55 AA",
    "rom_length" / u8 * "length of the image in units of 512 bytes",
    "rom_entry" / Bytes(4) * "16-bit code that a BIOS enters by a far call",
    "rom_pad0" / Reserved(1),
    "vrom_signature" / Fixed(u32, RomHeader.VROM_SIGNATURE) * "the bytes cVmi",
    "api_version_minor" / u8 * "a guest needs at least the minor it was made for",
    "api_version_major" / u8 * "a guest needs the major it was made for",
    "jump_slots" / u8 * "number of jump slots; nobody reads it",
    "reserved1" / Reserved(1),
    "virtual_top" / u32 * "first linear address the hypervisor uses; 0 if it uses none",
    "reserved2" / Reserved(2),
    "license_offset" / u16 * "offset of the licence string, exactly GPL or GPL v2",
    "pci_header_offset" / u16 * "offset of the PCI header; 0 makes Linux refuse the ROM",
    "pnp_header_offset" / u16 * "offset of the PnP header, or 0",
    "rom_pad3" / Reserved(4),
    "reserved" / Reserved(96, zero=False) * "3.1 keeps struct vmi_rom_private here",
    "vmi_init" / Bytes(8) * "code: initialise; EAX 0 on success",
    "get_reloc" / Bytes(8) * "code: EAX call number; returns eip in EAX, Reloc in DL",
    doc="The ROM's header, at its first byte.",
)

pci_header = struct(
    "vmi_pci_header",
    "signature" / Fixed(u32, RomHeader.PCI_SIGNATURE) * "the bytes PCIR",
    "vendor_id" / u16,
    "device_id" / u16,
    "vpd_data" / u16,
    "length" / u16 * "of this structure",
    "revision" / u8,
    "class_code" / u8,
    "subclass" / u8,
    "interface" / u8,
    "chunks" / u16 * "length of the image in units of 512 bytes",
    "rom_version_minor" / u8,
    "rom_version_major" / u8,
    "code_type" / u8 * "0: PC BIOS code",
    "last_rom" / u8 * "bit 7: no image follows",
    "reserved" / Reserved(2),
    doc="PCI data structure of the ROM; vendor and device identify it as a VMI ROM.",
)

pnp_header = struct(
    "vmi_pnp_header",
    "signature" / Fixed(u32, RomHeader.PNP_SIGNATURE) * "the bytes $PnP",
    "revision" / u8,
    "length" / u8 * "of the whole expansion header in units of 16 bytes",
    "next" / u16 * "offset of the next header, or 0",
    "reserved" / Reserved(2, zero=False),
    "device_id" / u32,
    "manufacturer_offset" / u16 * "offset of a NUL-terminated name, or 0",
    "product_offset" / u16 * "offset of a NUL-terminated name, or 0",
    doc="First 18 bytes of the PnP expansion header, as far as a VMI guest reads it.",
)

relocation_info = struct(
    "vmi_relocation_info",
    "eip" / u32 * "address to call or jump to",
    "type" / u8 * "a Reloc value",
    "reserved" / Reserved(3, zero=False),
    doc="What get_reloc returns, seen as the eight bytes of EDX:EAX.",
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

rom_private = struct(
    "vmi_rom_private",
    "magic" / Fixed(u32, Const.PRIVATE_MAGIC) * "the bytes VPRV",
    "state_gpa" / u32 * "first of the pages the ROM keeps its state in",
    "state_pages" / u32,
    "rom_gpa" / u32 * "where the ROM was placed",
    "backend" / Choice(u32, Backend),
    "boot_entry" / u32 * "offset of the code that the backend's boot protocol enters",
    "pvh_entry" / u32 * "offset of the code a PVH loader enters, or 0",
    "slots_offset" / u32 * "offset of slot 0",
    "slots_count" / u16,
    "slot_size" / Fixed(u16, Const.SLOT_SIZE),
    "features" / u32 * "bits without a meaning yet",
    "build_id" / Bytes(20) * "SHA-1 over the ROM's code",
    "fast_offset"
    / u32
    * "offset of the table of second entries, one s32 a slot: from that word to the entry, 0 if none",
    doc="What our ROMs keep in the header bytes that 3.0 left reserved, from offset 32 on.",
)

boot_info = struct(
    "vmi_boot_info",
    "magic" / Fixed(u32, Const.BOOT_INFO_MAGIC) * "the bytes VMIB",
    "size" / u32 * "bytes of this structure; later versions append",
    "abi_minor" / u16,
    "abi_major" / u16,
    "flags" / u32 * "bits without a meaning yet",
    "mem_pages" / u32 * "frames of guest memory, from frame 0 on",
    "first_free_pfn" / u32 * "from here on memory is free; below, only the guest's image is its own",
    "root_gpa" / u32 * "root of the first page tables, what GetCR3 returns",
    "rom_gpa" / u32,
    "rom_length" / u32 * "bytes",
    "state_gpa" / u32 * "the ROM's state pages, not for the guest",
    "state_pages" / u32,
    "command_line_gpa" / u32 * "NUL-terminated text",
    "command_line_length" / u32 * "without the NUL",
    "initrd_gpa" / u32,
    "initrd_length" / u32 * "bytes; 0 if there is none",
    "virtual_top" / u32 * "first linear address the guest must leave alone; 0 if none",
    "backend" / Choice(u32, Backend),
    doc="What ESI points to when the ROM enters a guest: version, memory, command line, initrd.",
)

segment = struct(
    "vmi_segment",
    "gpa" / u32,
    "length" / u32 * "bytes",
    "flags" / Flags(u32, SegmentFlag),
    doc="A segment of the guest's image; pages of memory outside all of them are mapped RW NX.",
)

bundle = struct(
    "vmi_bundle",
    "magic" / Fixed(u32, Const.BUNDLE_MAGIC) * "the bytes VMBD",
    "size" / u32 * "bytes of this structure",
    "entry" / u32 * "gva of the guest's entry point",
    "image_start_gpa" / u32,
    "image_end_gpa" / u32 * "first byte after the image",
    "nr_segments" / u32 * "entries used of ``segments``",
    "segments" / Array(8, segment),
    doc="What compose tells the ROM's boot code about the guest, in the first state page.",
)

rom_info = struct(
    "vmi_rom_info",
    "size" / u32 * "bytes of the whole structure",
    "abi_minor" / u16,
    "abi_major" / u16,
    "backend" / Choice(u32, Backend),
    "features" / u32 * "bits without a meaning yet",
    "rom_gpa" / u32,
    "rom_length" / u32 * "bytes",
    "build_id" / Bytes(20) * "SHA-1 over the ROM's code",
    doc="What GetRomInfo copies out; later versions append.",
)

guest_note = struct(
    "vmi_guest_note",
    "line" / Fixed(u32, Const.LINE) * "the ABI line the guest was made for",
    "abi_major" / u16,
    "abi_minor" / u16 * "least minor the guest needs",
    "entry" / u32 * "gva of the entry point",
    "features" / u32 * "bits without a meaning yet",
    doc="Descriptor of the ELF note (owner VMI, type GUEST) that a guest carries.",
)

bundle_note = struct(
    "vmi_bundle_note",
    "backend" / Choice(u32, Backend),
    "abi_major" / u16,
    "abi_minor" / u16,
    "guest_sha256" / Bytes(32) * "of the guest's ELF file",
    "rom_sha256" / Bytes(32) * "of the ROM",
    doc="Descriptor of the ELF note (owner VMI, type BUNDLE) that a bundle carries.",
)

note_header = struct(
    "vmi_note_header",
    "name_size" / u32 * "with the NUL",
    "descriptor_size" / u32,
    "type" / u32,
    "name" / Text(4) * "the owner, VMI and a NUL",
    doc="Head of an ELF note whose owner is VMI.",
)

STRUCTS: Mapping[str, tuple[AnyConstruct, ...]] = {
    "3.0": (rom_header, pci_header, pnp_header, relocation_info, ap_state, dtr),
    "3.1": (
        rom_private,
        boot_info,
        segment,
        bundle,
        rom_info,
        guest_note,
        bundle_note,
        note_header,
    ),
}
