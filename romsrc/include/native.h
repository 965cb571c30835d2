/* Generated from abi/ by `python -m vmirom.generate`; do not edit. */
#ifndef VMIROM_NATIVE_H
#define VMIROM_NATIVE_H

#include "native_asm.h"
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int8_t s8;
typedef int16_t s16;
typedef int32_t s32;
typedef int64_t s64;

/* Header in a multiboot image; words from header_addr on count only if a flag says so. */
struct multiboot_header {
	u32 magic;
	u32 flags;
	u32 checksum; /* makes the sum of the first three words 0 */
	u32 header_addr;
	u32 load_addr;
	u32 load_end_addr;
	u32 bss_end_addr;
	u32 entry_addr;
	u32 mode_type;
	u32 width;
	u32 height;
	u32 depth;
} __attribute__((packed));
_Static_assert(sizeof(struct multiboot_header) == 48, "multiboot_header");
_Static_assert(__builtin_offsetof(struct multiboot_header, magic) == 0, "multiboot_header.magic");
_Static_assert(__builtin_offsetof(struct multiboot_header, flags) == 4, "multiboot_header.flags");
_Static_assert(__builtin_offsetof(struct multiboot_header, checksum) == 8, "multiboot_header.checksum");
_Static_assert(__builtin_offsetof(struct multiboot_header, header_addr) == 12, "multiboot_header.header_addr");
_Static_assert(__builtin_offsetof(struct multiboot_header, load_addr) == 16, "multiboot_header.load_addr");
_Static_assert(__builtin_offsetof(struct multiboot_header, load_end_addr) == 20, "multiboot_header.load_end_addr");
_Static_assert(__builtin_offsetof(struct multiboot_header, bss_end_addr) == 24, "multiboot_header.bss_end_addr");
_Static_assert(__builtin_offsetof(struct multiboot_header, entry_addr) == 28, "multiboot_header.entry_addr");
_Static_assert(__builtin_offsetof(struct multiboot_header, mode_type) == 32, "multiboot_header.mode_type");
_Static_assert(__builtin_offsetof(struct multiboot_header, width) == 36, "multiboot_header.width");
_Static_assert(__builtin_offsetof(struct multiboot_header, height) == 40, "multiboot_header.height");
_Static_assert(__builtin_offsetof(struct multiboot_header, depth) == 44, "multiboot_header.depth");

/* What EBX points to at a multiboot entry. */
struct multiboot_info {
	u32 flags;
	u32 mem_lower; /* KiB from address 0 */
	u32 mem_upper; /* KiB from 1 MiB */
	u32 boot_device;
	u32 cmdline; /* gpa */
	u32 mods_count;
	u32 mods_addr; /* gpa of multiboot_module */
	u32 syms[4];
	u32 mmap_length; /* bytes */
	u32 mmap_addr; /* gpa of multiboot_mmap_entry */
	u32 drives_length;
	u32 drives_addr;
	u32 config_table;
	u32 boot_loader_name;
	u32 apm_table;
	u32 vbe_control_info;
	u32 vbe_mode_info;
	u16 vbe_mode;
	u16 vbe_interface_seg;
	u16 vbe_interface_off;
	u16 vbe_interface_len;
	u64 framebuffer_addr;
	u32 framebuffer_pitch;
	u32 framebuffer_width;
	u32 framebuffer_height;
	u8 framebuffer_bpp;
	u8 framebuffer_type;
	u8 color_info[6];
} __attribute__((packed));
_Static_assert(sizeof(struct multiboot_info) == 116, "multiboot_info");
_Static_assert(__builtin_offsetof(struct multiboot_info, flags) == 0, "multiboot_info.flags");
_Static_assert(__builtin_offsetof(struct multiboot_info, mem_lower) == 4, "multiboot_info.mem_lower");
_Static_assert(__builtin_offsetof(struct multiboot_info, mem_upper) == 8, "multiboot_info.mem_upper");
_Static_assert(__builtin_offsetof(struct multiboot_info, boot_device) == 12, "multiboot_info.boot_device");
_Static_assert(__builtin_offsetof(struct multiboot_info, cmdline) == 16, "multiboot_info.cmdline");
_Static_assert(__builtin_offsetof(struct multiboot_info, mods_count) == 20, "multiboot_info.mods_count");
_Static_assert(__builtin_offsetof(struct multiboot_info, mods_addr) == 24, "multiboot_info.mods_addr");
_Static_assert(__builtin_offsetof(struct multiboot_info, syms) == 28, "multiboot_info.syms");
_Static_assert(__builtin_offsetof(struct multiboot_info, mmap_length) == 44, "multiboot_info.mmap_length");
_Static_assert(__builtin_offsetof(struct multiboot_info, mmap_addr) == 48, "multiboot_info.mmap_addr");
_Static_assert(__builtin_offsetof(struct multiboot_info, drives_length) == 52, "multiboot_info.drives_length");
_Static_assert(__builtin_offsetof(struct multiboot_info, drives_addr) == 56, "multiboot_info.drives_addr");
_Static_assert(__builtin_offsetof(struct multiboot_info, config_table) == 60, "multiboot_info.config_table");
_Static_assert(__builtin_offsetof(struct multiboot_info, boot_loader_name) == 64, "multiboot_info.boot_loader_name");
_Static_assert(__builtin_offsetof(struct multiboot_info, apm_table) == 68, "multiboot_info.apm_table");
_Static_assert(__builtin_offsetof(struct multiboot_info, vbe_control_info) == 72, "multiboot_info.vbe_control_info");
_Static_assert(__builtin_offsetof(struct multiboot_info, vbe_mode_info) == 76, "multiboot_info.vbe_mode_info");
_Static_assert(__builtin_offsetof(struct multiboot_info, vbe_mode) == 80, "multiboot_info.vbe_mode");
_Static_assert(__builtin_offsetof(struct multiboot_info, vbe_interface_seg) == 82, "multiboot_info.vbe_interface_seg");
_Static_assert(__builtin_offsetof(struct multiboot_info, vbe_interface_off) == 84, "multiboot_info.vbe_interface_off");
_Static_assert(__builtin_offsetof(struct multiboot_info, vbe_interface_len) == 86, "multiboot_info.vbe_interface_len");
_Static_assert(__builtin_offsetof(struct multiboot_info, framebuffer_addr) == 88, "multiboot_info.framebuffer_addr");
_Static_assert(__builtin_offsetof(struct multiboot_info, framebuffer_pitch) == 96, "multiboot_info.framebuffer_pitch");
_Static_assert(__builtin_offsetof(struct multiboot_info, framebuffer_width) == 100, "multiboot_info.framebuffer_width");
_Static_assert(__builtin_offsetof(struct multiboot_info, framebuffer_height) == 104, "multiboot_info.framebuffer_height");
_Static_assert(__builtin_offsetof(struct multiboot_info, framebuffer_bpp) == 108, "multiboot_info.framebuffer_bpp");
_Static_assert(__builtin_offsetof(struct multiboot_info, framebuffer_type) == 109, "multiboot_info.framebuffer_type");
_Static_assert(__builtin_offsetof(struct multiboot_info, color_info) == 110, "multiboot_info.color_info");

/* A module. */
struct multiboot_module {
	u32 mod_start;
	u32 mod_end; /* first byte after it */
	u32 string; /* gpa of its command line */
	u8 reserved[4];
} __attribute__((packed));
_Static_assert(sizeof(struct multiboot_module) == 16, "multiboot_module");
_Static_assert(__builtin_offsetof(struct multiboot_module, mod_start) == 0, "multiboot_module.mod_start");
_Static_assert(__builtin_offsetof(struct multiboot_module, mod_end) == 4, "multiboot_module.mod_end");
_Static_assert(__builtin_offsetof(struct multiboot_module, string) == 8, "multiboot_module.string");
_Static_assert(__builtin_offsetof(struct multiboot_module, reserved) == 12, "multiboot_module.reserved");

/* An entry of the memory map. */
struct multiboot_mmap_entry {
	u32 size; /* of the rest of the entry */
	u64 addr;
	u64 len;
	u32 type;
} __attribute__((packed));
_Static_assert(sizeof(struct multiboot_mmap_entry) == 24, "multiboot_mmap_entry");
_Static_assert(__builtin_offsetof(struct multiboot_mmap_entry, size) == 0, "multiboot_mmap_entry.size");
_Static_assert(__builtin_offsetof(struct multiboot_mmap_entry, addr) == 4, "multiboot_mmap_entry.addr");
_Static_assert(__builtin_offsetof(struct multiboot_mmap_entry, len) == 12, "multiboot_mmap_entry.len");
_Static_assert(__builtin_offsetof(struct multiboot_mmap_entry, type) == 20, "multiboot_mmap_entry.type");

/* What EBX points to at a PVH entry. */
struct hvm_start_info {
	u32 magic;
	u32 version; /* 1; the memory map is missing in 0 */
	u32 flags;
	u32 nr_modules;
	u64 modlist_paddr;
	u64 cmdline_paddr;
	u64 rsdp_paddr;
	u64 memmap_paddr;
	u32 memmap_entries;
	u8 reserved[4];
} __attribute__((packed));
_Static_assert(sizeof(struct hvm_start_info) == 56, "hvm_start_info");
_Static_assert(__builtin_offsetof(struct hvm_start_info, magic) == 0, "hvm_start_info.magic");
_Static_assert(__builtin_offsetof(struct hvm_start_info, version) == 4, "hvm_start_info.version");
_Static_assert(__builtin_offsetof(struct hvm_start_info, flags) == 8, "hvm_start_info.flags");
_Static_assert(__builtin_offsetof(struct hvm_start_info, nr_modules) == 12, "hvm_start_info.nr_modules");
_Static_assert(__builtin_offsetof(struct hvm_start_info, modlist_paddr) == 16, "hvm_start_info.modlist_paddr");
_Static_assert(__builtin_offsetof(struct hvm_start_info, cmdline_paddr) == 24, "hvm_start_info.cmdline_paddr");
_Static_assert(__builtin_offsetof(struct hvm_start_info, rsdp_paddr) == 32, "hvm_start_info.rsdp_paddr");
_Static_assert(__builtin_offsetof(struct hvm_start_info, memmap_paddr) == 40, "hvm_start_info.memmap_paddr");
_Static_assert(__builtin_offsetof(struct hvm_start_info, memmap_entries) == 48, "hvm_start_info.memmap_entries");
_Static_assert(__builtin_offsetof(struct hvm_start_info, reserved) == 52, "hvm_start_info.reserved");

/* A module. */
struct hvm_modlist_entry {
	u64 paddr;
	u64 size;
	u64 cmdline_paddr;
	u8 reserved[8];
} __attribute__((packed));
_Static_assert(sizeof(struct hvm_modlist_entry) == 32, "hvm_modlist_entry");
_Static_assert(__builtin_offsetof(struct hvm_modlist_entry, paddr) == 0, "hvm_modlist_entry.paddr");
_Static_assert(__builtin_offsetof(struct hvm_modlist_entry, size) == 8, "hvm_modlist_entry.size");
_Static_assert(__builtin_offsetof(struct hvm_modlist_entry, cmdline_paddr) == 16, "hvm_modlist_entry.cmdline_paddr");
_Static_assert(__builtin_offsetof(struct hvm_modlist_entry, reserved) == 24, "hvm_modlist_entry.reserved");

/* An entry of the memory map. */
struct hvm_memmap_table_entry {
	u64 addr;
	u64 size;
	u32 type;
	u8 reserved[4];
} __attribute__((packed));
_Static_assert(sizeof(struct hvm_memmap_table_entry) == 24, "hvm_memmap_table_entry");
_Static_assert(__builtin_offsetof(struct hvm_memmap_table_entry, addr) == 0, "hvm_memmap_table_entry.addr");
_Static_assert(__builtin_offsetof(struct hvm_memmap_table_entry, size) == 8, "hvm_memmap_table_entry.size");
_Static_assert(__builtin_offsetof(struct hvm_memmap_table_entry, type) == 16, "hvm_memmap_table_entry.type");
_Static_assert(__builtin_offsetof(struct hvm_memmap_table_entry, reserved) == 20, "hvm_memmap_table_entry.reserved");

/* The processor's 32-bit task state segment. */
struct native_tss {
	u32 link;
	u32 esp0;
	u32 ss0;
	u32 esp1;
	u32 ss1;
	u32 esp2;
	u32 ss2;
	u32 cr3;
	u32 eip;
	u32 eflags;
	u32 eax;
	u32 ecx;
	u32 edx;
	u32 ebx;
	u32 esp;
	u32 ebp;
	u32 esi;
	u32 edi;
	u32 es;
	u32 cs;
	u32 ss;
	u32 ds;
	u32 fs;
	u32 gs;
	u32 ldt;
	u16 trap;
	u16 iomap_base;
} __attribute__((packed));
_Static_assert(sizeof(struct native_tss) == 104, "native_tss");
_Static_assert(__builtin_offsetof(struct native_tss, link) == 0, "native_tss.link");
_Static_assert(__builtin_offsetof(struct native_tss, esp0) == 4, "native_tss.esp0");
_Static_assert(__builtin_offsetof(struct native_tss, ss0) == 8, "native_tss.ss0");
_Static_assert(__builtin_offsetof(struct native_tss, esp1) == 12, "native_tss.esp1");
_Static_assert(__builtin_offsetof(struct native_tss, ss1) == 16, "native_tss.ss1");
_Static_assert(__builtin_offsetof(struct native_tss, esp2) == 20, "native_tss.esp2");
_Static_assert(__builtin_offsetof(struct native_tss, ss2) == 24, "native_tss.ss2");
_Static_assert(__builtin_offsetof(struct native_tss, cr3) == 28, "native_tss.cr3");
_Static_assert(__builtin_offsetof(struct native_tss, eip) == 32, "native_tss.eip");
_Static_assert(__builtin_offsetof(struct native_tss, eflags) == 36, "native_tss.eflags");
_Static_assert(__builtin_offsetof(struct native_tss, eax) == 40, "native_tss.eax");
_Static_assert(__builtin_offsetof(struct native_tss, ecx) == 44, "native_tss.ecx");
_Static_assert(__builtin_offsetof(struct native_tss, edx) == 48, "native_tss.edx");
_Static_assert(__builtin_offsetof(struct native_tss, ebx) == 52, "native_tss.ebx");
_Static_assert(__builtin_offsetof(struct native_tss, esp) == 56, "native_tss.esp");
_Static_assert(__builtin_offsetof(struct native_tss, ebp) == 60, "native_tss.ebp");
_Static_assert(__builtin_offsetof(struct native_tss, esi) == 64, "native_tss.esi");
_Static_assert(__builtin_offsetof(struct native_tss, edi) == 68, "native_tss.edi");
_Static_assert(__builtin_offsetof(struct native_tss, es) == 72, "native_tss.es");
_Static_assert(__builtin_offsetof(struct native_tss, cs) == 76, "native_tss.cs");
_Static_assert(__builtin_offsetof(struct native_tss, ss) == 80, "native_tss.ss");
_Static_assert(__builtin_offsetof(struct native_tss, ds) == 84, "native_tss.ds");
_Static_assert(__builtin_offsetof(struct native_tss, fs) == 88, "native_tss.fs");
_Static_assert(__builtin_offsetof(struct native_tss, gs) == 92, "native_tss.gs");
_Static_assert(__builtin_offsetof(struct native_tss, ldt) == 96, "native_tss.ldt");
_Static_assert(__builtin_offsetof(struct native_tss, trap) == 100, "native_tss.trap");
_Static_assert(__builtin_offsetof(struct native_tss, iomap_base) == 102, "native_tss.iomap_base");

#endif
