"""Multiboot 1 and PVH: the protocols a native bundle can be entered by."""

import enum

from vmirom.schema import (
    AnyConstruct,
    Array,
    Bytes,
    Fixed,
    Flags,
    Reserved,
    struct,
    u8,
    u16,
    u32,
    u64,
)


class Multiboot(enum.IntEnum):
    """Magic numbers of multiboot 1; the image's header lies in its first HEADER_SEARCH bytes."""

    HEADER_MAGIC = 0x1BADB002
    BOOTLOADER_MAGIC = 0x2BADB002
    HEADER_SEARCH = 8192
    HEADER_ALIGN = 4


class MultibootHeaderFlag(enum.IntFlag):
    """Flags of a multiboot header."""

    PAGE_ALIGN = 0x1
    MEMORY_INFO = 0x2
    VIDEO_MODE = 0x4
    ADDRESSES = 0x10000


class MultibootInfoFlag(enum.IntFlag):
    """Which fields of multiboot_info are there."""

    MEMORY = 0x001
    BOOT_DEVICE = 0x002
    COMMAND_LINE = 0x004
    MODULES = 0x008
    AOUT_SYMBOLS = 0x010
    ELF_SECTIONS = 0x020
    MEMORY_MAP = 0x040
    DRIVES = 0x080
    CONFIG_TABLE = 0x100
    BOOT_LOADER_NAME = 0x200
    APM_TABLE = 0x400
    VBE = 0x800
    FRAMEBUFFER = 0x1000


class Pvh(enum.IntEnum):
    """Magic of hvm_start_info, which EBX points to at a PVH entry."""

    MAGIC = 0x336EC578


class ElfNote(enum.IntEnum):
    """ELF note (owner ``Xen``) that names the PVH entry point."""

    PHYS32_ENTRY = 18


class MemoryType(enum.IntEnum):
    """Types of memory map entries, alike in multiboot, PVH and e820."""

    RAM = 1
    RESERVED = 2
    ACPI = 3
    NVS = 4
    UNUSABLE = 5


ENUMS: tuple[type[enum.IntEnum] | type[enum.IntFlag], ...] = (
    Multiboot,
    MultibootHeaderFlag,
    MultibootInfoFlag,
    Pvh,
    ElfNote,
    MemoryType,
)

multiboot_header = struct(
    "multiboot_header",
    "magic" / Fixed(u32, Multiboot.HEADER_MAGIC),
    "flags" / Flags(u32, MultibootHeaderFlag),
    "checksum" / u32 * "makes the sum of the first three words 0",
    "header_addr" / u32,
    "load_addr" / u32,
    "load_end_addr" / u32,
    "bss_end_addr" / u32,
    "entry_addr" / u32,
    "mode_type" / u32,
    "width" / u32,
    "height" / u32,
    "depth" / u32,
    doc="Header in a multiboot image; words from header_addr on count only if a flag says so.",
)

multiboot_info = struct(
    "multiboot_info",
    "flags" / Flags(u32, MultibootInfoFlag),
    "mem_lower" / u32 * "KiB from address 0",
    "mem_upper" / u32 * "KiB from 1 MiB",
    "boot_device" / u32,
    "cmdline" / u32 * "gpa",
    "mods_count" / u32,
    "mods_addr" / u32 * "gpa of multiboot_module",
    "syms" / Array(4, u32),
    "mmap_length" / u32 * "bytes",
    "mmap_addr" / u32 * "gpa of multiboot_mmap_entry",
    "drives_length" / u32,
    "drives_addr" / u32,
    "config_table" / u32,
    "boot_loader_name" / u32,
    "apm_table" / u32,
    "vbe_control_info" / u32,
    "vbe_mode_info" / u32,
    "vbe_mode" / u16,
    "vbe_interface_seg" / u16,
    "vbe_interface_off" / u16,
    "vbe_interface_len" / u16,
    "framebuffer_addr" / u64,
    "framebuffer_pitch" / u32,
    "framebuffer_width" / u32,
    "framebuffer_height" / u32,
    "framebuffer_bpp" / u8,
    "framebuffer_type" / u8,
    "color_info" / Bytes(6),
    doc="What EBX points to at a multiboot entry.",
)

multiboot_module = struct(
    "multiboot_module",
    "mod_start" / u32,
    "mod_end" / u32 * "first byte after it",
    "string" / u32 * "gpa of its command line",
    "reserved" / Reserved(4),
    doc="A module.",
)

multiboot_mmap_entry = struct(
    "multiboot_mmap_entry",
    "size" / u32 * "of the rest of the entry",
    "addr" / u64,
    "len" / u64,
    "type" / u32,
    doc="An entry of the memory map.",
)

hvm_start_info = struct(
    "hvm_start_info",
    "magic" / Fixed(u32, Pvh.MAGIC),
    "version" / u32 * "1; the memory map is missing in 0",
    "flags" / u32,
    "nr_modules" / u32,
    "modlist_paddr" / u64,
    "cmdline_paddr" / u64,
    "rsdp_paddr" / u64,
    "memmap_paddr" / u64,
    "memmap_entries" / u32,
    "reserved" / Reserved(4),
    doc="What EBX points to at a PVH entry.",
)

hvm_modlist_entry = struct(
    "hvm_modlist_entry",
    "paddr" / u64,
    "size" / u64,
    "cmdline_paddr" / u64,
    "reserved" / Reserved(8),
    doc="A module.",
)

hvm_memmap_table_entry = struct(
    "hvm_memmap_table_entry",
    "addr" / u64,
    "size" / u64,
    "type" / u32,
    "reserved" / Reserved(4),
    doc="An entry of the memory map.",
)

STRUCTS: tuple[AnyConstruct, ...] = (
    multiboot_header,
    multiboot_info,
    multiboot_module,
    multiboot_mmap_entry,
    hvm_start_info,
    hvm_modlist_entry,
    hvm_memmap_table_entry,
)
