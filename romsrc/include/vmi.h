/* Generated from abi/ by `python -m vmirom.generate`; do not edit. */
#ifndef VMIROM_VMI_H
#define VMIROM_VMI_H

#include "vmi_asm.h"
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int8_t s8;
typedef int16_t s16;
typedef int32_t s32;
typedef int64_t s64;

/* The ROM's header, at its first byte. */
struct vmi_rom_header {
	u16 rom_signature; /* bytes 55 AA */
	u8 rom_length; /* length of the image in units of 512 bytes */
	u8 rom_entry[4]; /* 16-bit code that a BIOS enters by a far call */
	u8 rom_pad0[1];
	u32 vrom_signature; /* the bytes cVmi */
	u8 api_version_minor; /* a guest needs at least the minor it was made for */
	u8 api_version_major; /* a guest needs the major it was made for */
	u8 jump_slots; /* number of jump slots; nobody reads it */
	u8 reserved1[1];
	u32 virtual_top; /* first linear address the hypervisor uses; 0 if it uses none */
	u8 reserved2[2];
	u16 license_offset; /* offset of the licence string, exactly GPL or GPL v2 */
	u16 pci_header_offset; /* offset of the PCI header; 0 makes Linux refuse the ROM */
	u16 pnp_header_offset; /* offset of the PnP header, or 0 */
	u8 rom_pad3[4];
	u8 reserved[96]; /* 3.1 keeps struct vmi_rom_private here */
	u8 vmi_init[8]; /* code: initialise; EAX 0 on success */
	u8 get_reloc[8]; /* code: EAX call number; returns eip in EAX, Reloc in DL */
} __attribute__((packed));
_Static_assert(sizeof(struct vmi_rom_header) == 144, "vmi_rom_header");
_Static_assert(__builtin_offsetof(struct vmi_rom_header, rom_signature) == 0, "vmi_rom_header.rom_signature");
_Static_assert(__builtin_offsetof(struct vmi_rom_header, rom_length) == 2, "vmi_rom_header.rom_length");
_Static_assert(__builtin_offsetof(struct vmi_rom_header, rom_entry) == 3, "vmi_rom_header.rom_entry");
_Static_assert(__builtin_offsetof(struct vmi_rom_header, rom_pad0) == 7, "vmi_rom_header.rom_pad0");
_Static_assert(__builtin_offsetof(struct vmi_rom_header, vrom_signature) == 8, "vmi_rom_header.vrom_signature");
_Static_assert(__builtin_offsetof(struct vmi_rom_header, api_version_minor) == 12, "vmi_rom_header.api_version_minor");
_Static_assert(__builtin_offsetof(struct vmi_rom_header, api_version_major) == 13, "vmi_rom_header.api_version_major");
_Static_assert(__builtin_offsetof(struct vmi_rom_header, jump_slots) == 14, "vmi_rom_header.jump_slots");
_Static_assert(__builtin_offsetof(struct vmi_rom_header, reserved1) == 15, "vmi_rom_header.reserved1");
_Static_assert(__builtin_offsetof(struct vmi_rom_header, virtual_top) == 16, "vmi_rom_header.virtual_top");
_Static_assert(__builtin_offsetof(struct vmi_rom_header, reserved2) == 20, "vmi_rom_header.reserved2");
_Static_assert(__builtin_offsetof(struct vmi_rom_header, license_offset) == 22, "vmi_rom_header.license_offset");
_Static_assert(__builtin_offsetof(struct vmi_rom_header, pci_header_offset) == 24, "vmi_rom_header.pci_header_offset");
_Static_assert(__builtin_offsetof(struct vmi_rom_header, pnp_header_offset) == 26, "vmi_rom_header.pnp_header_offset");
_Static_assert(__builtin_offsetof(struct vmi_rom_header, rom_pad3) == 28, "vmi_rom_header.rom_pad3");
_Static_assert(__builtin_offsetof(struct vmi_rom_header, reserved) == 32, "vmi_rom_header.reserved");
_Static_assert(__builtin_offsetof(struct vmi_rom_header, vmi_init) == 128, "vmi_rom_header.vmi_init");
_Static_assert(__builtin_offsetof(struct vmi_rom_header, get_reloc) == 136, "vmi_rom_header.get_reloc");

/* PCI data structure of the ROM; vendor and device identify it as a VMI ROM. */
struct vmi_pci_header {
	u32 signature; /* the bytes PCIR */
	u16 vendor_id;
	u16 device_id;
	u16 vpd_data;
	u16 length; /* of this structure */
	u8 revision;
	u8 class_code;
	u8 subclass;
	u8 interface;
	u16 chunks; /* length of the image in units of 512 bytes */
	u8 rom_version_minor;
	u8 rom_version_major;
	u8 code_type; /* 0: PC BIOS code */
	u8 last_rom; /* bit 7: no image follows */
	u8 reserved[2];
} __attribute__((packed));
_Static_assert(sizeof(struct vmi_pci_header) == 24, "vmi_pci_header");
_Static_assert(__builtin_offsetof(struct vmi_pci_header, signature) == 0, "vmi_pci_header.signature");
_Static_assert(__builtin_offsetof(struct vmi_pci_header, vendor_id) == 4, "vmi_pci_header.vendor_id");
_Static_assert(__builtin_offsetof(struct vmi_pci_header, device_id) == 6, "vmi_pci_header.device_id");
_Static_assert(__builtin_offsetof(struct vmi_pci_header, vpd_data) == 8, "vmi_pci_header.vpd_data");
_Static_assert(__builtin_offsetof(struct vmi_pci_header, length) == 10, "vmi_pci_header.length");
_Static_assert(__builtin_offsetof(struct vmi_pci_header, revision) == 12, "vmi_pci_header.revision");
_Static_assert(__builtin_offsetof(struct vmi_pci_header, class_code) == 13, "vmi_pci_header.class_code");
_Static_assert(__builtin_offsetof(struct vmi_pci_header, subclass) == 14, "vmi_pci_header.subclass");
_Static_assert(__builtin_offsetof(struct vmi_pci_header, interface) == 15, "vmi_pci_header.interface");
_Static_assert(__builtin_offsetof(struct vmi_pci_header, chunks) == 16, "vmi_pci_header.chunks");
_Static_assert(__builtin_offsetof(struct vmi_pci_header, rom_version_minor) == 18, "vmi_pci_header.rom_version_minor");
_Static_assert(__builtin_offsetof(struct vmi_pci_header, rom_version_major) == 19, "vmi_pci_header.rom_version_major");
_Static_assert(__builtin_offsetof(struct vmi_pci_header, code_type) == 20, "vmi_pci_header.code_type");
_Static_assert(__builtin_offsetof(struct vmi_pci_header, last_rom) == 21, "vmi_pci_header.last_rom");
_Static_assert(__builtin_offsetof(struct vmi_pci_header, reserved) == 22, "vmi_pci_header.reserved");

/* First 18 bytes of the PnP expansion header, as far as a VMI guest reads it. */
struct vmi_pnp_header {
	u32 signature; /* the bytes $PnP */
	u8 revision;
	u8 length; /* of the whole expansion header in units of 16 bytes */
	u16 next; /* offset of the next header, or 0 */
	u8 reserved[2];
	u32 device_id;
	u16 manufacturer_offset; /* offset of a NUL-terminated name, or 0 */
	u16 product_offset; /* offset of a NUL-terminated name, or 0 */
} __attribute__((packed));
_Static_assert(sizeof(struct vmi_pnp_header) == 18, "vmi_pnp_header");
_Static_assert(__builtin_offsetof(struct vmi_pnp_header, signature) == 0, "vmi_pnp_header.signature");
_Static_assert(__builtin_offsetof(struct vmi_pnp_header, revision) == 4, "vmi_pnp_header.revision");
_Static_assert(__builtin_offsetof(struct vmi_pnp_header, length) == 5, "vmi_pnp_header.length");
_Static_assert(__builtin_offsetof(struct vmi_pnp_header, next) == 6, "vmi_pnp_header.next");
_Static_assert(__builtin_offsetof(struct vmi_pnp_header, reserved) == 8, "vmi_pnp_header.reserved");
_Static_assert(__builtin_offsetof(struct vmi_pnp_header, device_id) == 10, "vmi_pnp_header.device_id");
_Static_assert(__builtin_offsetof(struct vmi_pnp_header, manufacturer_offset) == 14, "vmi_pnp_header.manufacturer_offset");
_Static_assert(__builtin_offsetof(struct vmi_pnp_header, product_offset) == 16, "vmi_pnp_header.product_offset");

/* What get_reloc returns, seen as the eight bytes of EDX:EAX. */
struct vmi_relocation_info {
	u32 eip; /* address to call or jump to */
	u8 type; /* a Reloc value */
	u8 reserved[3];
} __attribute__((packed));
_Static_assert(sizeof(struct vmi_relocation_info) == 8, "vmi_relocation_info");
_Static_assert(__builtin_offsetof(struct vmi_relocation_info, eip) == 0, "vmi_relocation_info.eip");
_Static_assert(__builtin_offsetof(struct vmi_relocation_info, type) == 4, "vmi_relocation_info.type");
_Static_assert(__builtin_offsetof(struct vmi_relocation_info, reserved) == 5, "vmi_relocation_info.reserved");

/* Registers an application processor starts with. */
struct vmi_ap_state {
	u32 cr0;
	u32 cr2;
	u32 cr3;
	u32 cr4;
	u64 efer;
	u32 eip;
	u32 eflags;
	u32 eax;
	u32 ebx;
	u32 ecx;
	u32 edx;
	u32 esp;
	u32 ebp;
	u32 esi;
	u32 edi;
	u16 cs;
	u16 ss;
	u16 ds;
	u16 es;
	u16 fs;
	u16 gs;
	u16 ldtr;
	u16 gdtr_limit;
	u32 gdtr_base;
	u32 idtr_base;
	u16 idtr_limit;
	u8 pad[2];
} __attribute__((packed));
_Static_assert(sizeof(struct vmi_ap_state) == 92, "vmi_ap_state");
_Static_assert(__builtin_offsetof(struct vmi_ap_state, cr0) == 0, "vmi_ap_state.cr0");
_Static_assert(__builtin_offsetof(struct vmi_ap_state, cr2) == 4, "vmi_ap_state.cr2");
_Static_assert(__builtin_offsetof(struct vmi_ap_state, cr3) == 8, "vmi_ap_state.cr3");
_Static_assert(__builtin_offsetof(struct vmi_ap_state, cr4) == 12, "vmi_ap_state.cr4");
_Static_assert(__builtin_offsetof(struct vmi_ap_state, efer) == 16, "vmi_ap_state.efer");
_Static_assert(__builtin_offsetof(struct vmi_ap_state, eip) == 24, "vmi_ap_state.eip");
_Static_assert(__builtin_offsetof(struct vmi_ap_state, eflags) == 28, "vmi_ap_state.eflags");
_Static_assert(__builtin_offsetof(struct vmi_ap_state, eax) == 32, "vmi_ap_state.eax");
_Static_assert(__builtin_offsetof(struct vmi_ap_state, ebx) == 36, "vmi_ap_state.ebx");
_Static_assert(__builtin_offsetof(struct vmi_ap_state, ecx) == 40, "vmi_ap_state.ecx");
_Static_assert(__builtin_offsetof(struct vmi_ap_state, edx) == 44, "vmi_ap_state.edx");
_Static_assert(__builtin_offsetof(struct vmi_ap_state, esp) == 48, "vmi_ap_state.esp");
_Static_assert(__builtin_offsetof(struct vmi_ap_state, ebp) == 52, "vmi_ap_state.ebp");
_Static_assert(__builtin_offsetof(struct vmi_ap_state, esi) == 56, "vmi_ap_state.esi");
_Static_assert(__builtin_offsetof(struct vmi_ap_state, edi) == 60, "vmi_ap_state.edi");
_Static_assert(__builtin_offsetof(struct vmi_ap_state, cs) == 64, "vmi_ap_state.cs");
_Static_assert(__builtin_offsetof(struct vmi_ap_state, ss) == 66, "vmi_ap_state.ss");
_Static_assert(__builtin_offsetof(struct vmi_ap_state, ds) == 68, "vmi_ap_state.ds");
_Static_assert(__builtin_offsetof(struct vmi_ap_state, es) == 70, "vmi_ap_state.es");
_Static_assert(__builtin_offsetof(struct vmi_ap_state, fs) == 72, "vmi_ap_state.fs");
_Static_assert(__builtin_offsetof(struct vmi_ap_state, gs) == 74, "vmi_ap_state.gs");
_Static_assert(__builtin_offsetof(struct vmi_ap_state, ldtr) == 76, "vmi_ap_state.ldtr");
_Static_assert(__builtin_offsetof(struct vmi_ap_state, gdtr_limit) == 78, "vmi_ap_state.gdtr_limit");
_Static_assert(__builtin_offsetof(struct vmi_ap_state, gdtr_base) == 80, "vmi_ap_state.gdtr_base");
_Static_assert(__builtin_offsetof(struct vmi_ap_state, idtr_base) == 84, "vmi_ap_state.idtr_base");
_Static_assert(__builtin_offsetof(struct vmi_ap_state, idtr_limit) == 88, "vmi_ap_state.idtr_limit");
_Static_assert(__builtin_offsetof(struct vmi_ap_state, pad) == 90, "vmi_ap_state.pad");

/* Limit and base of a descriptor table, as LGDT reads and SGDT stores them. */
struct vmi_dtr {
	u16 limit;
	u32 base;
} __attribute__((packed));
_Static_assert(sizeof(struct vmi_dtr) == 6, "vmi_dtr");
_Static_assert(__builtin_offsetof(struct vmi_dtr, limit) == 0, "vmi_dtr.limit");
_Static_assert(__builtin_offsetof(struct vmi_dtr, base) == 2, "vmi_dtr.base");

/* What our ROMs keep in the header bytes that 3.0 left reserved, from offset 32 on. */
struct vmi_rom_private {
	u32 magic; /* the bytes VPRV */
	u32 state_gpa; /* first of the pages the ROM keeps its state in */
	u32 state_pages;
	u32 rom_gpa; /* where the ROM was placed */
	u32 backend;
	u32 boot_entry; /* offset of the code that the backend's boot protocol enters */
	u32 pvh_entry; /* offset of the code a PVH loader enters, or 0 */
	u32 slots_offset; /* offset of slot 0 */
	u16 slots_count;
	u16 slot_size;
	u32 features; /* bits without a meaning yet */
	u8 build_id[20]; /* SHA-1 over the ROM's code */
	u32 fast_offset; /* offset of the table of second entries, one s32 a slot: from that word to the entry, 0 if none */
} __attribute__((packed));
_Static_assert(sizeof(struct vmi_rom_private) == 64, "vmi_rom_private");
_Static_assert(__builtin_offsetof(struct vmi_rom_private, magic) == 0, "vmi_rom_private.magic");
_Static_assert(__builtin_offsetof(struct vmi_rom_private, state_gpa) == 4, "vmi_rom_private.state_gpa");
_Static_assert(__builtin_offsetof(struct vmi_rom_private, state_pages) == 8, "vmi_rom_private.state_pages");
_Static_assert(__builtin_offsetof(struct vmi_rom_private, rom_gpa) == 12, "vmi_rom_private.rom_gpa");
_Static_assert(__builtin_offsetof(struct vmi_rom_private, backend) == 16, "vmi_rom_private.backend");
_Static_assert(__builtin_offsetof(struct vmi_rom_private, boot_entry) == 20, "vmi_rom_private.boot_entry");
_Static_assert(__builtin_offsetof(struct vmi_rom_private, pvh_entry) == 24, "vmi_rom_private.pvh_entry");
_Static_assert(__builtin_offsetof(struct vmi_rom_private, slots_offset) == 28, "vmi_rom_private.slots_offset");
_Static_assert(__builtin_offsetof(struct vmi_rom_private, slots_count) == 32, "vmi_rom_private.slots_count");
_Static_assert(__builtin_offsetof(struct vmi_rom_private, slot_size) == 34, "vmi_rom_private.slot_size");
_Static_assert(__builtin_offsetof(struct vmi_rom_private, features) == 36, "vmi_rom_private.features");
_Static_assert(__builtin_offsetof(struct vmi_rom_private, build_id) == 40, "vmi_rom_private.build_id");
_Static_assert(__builtin_offsetof(struct vmi_rom_private, fast_offset) == 60, "vmi_rom_private.fast_offset");

/* What ESI points to when the ROM enters a guest: version, memory, command line, initrd. */
struct vmi_boot_info {
	u32 magic; /* the bytes VMIB */
	u32 size; /* bytes of this structure; later versions append */
	u16 abi_minor;
	u16 abi_major;
	u32 flags; /* bits without a meaning yet */
	u32 mem_pages; /* frames of guest memory, from frame 0 on */
	u32 first_free_pfn; /* from here on memory is free; below, only the guest's image is its own */
	u32 root_gpa; /* root of the first page tables, what GetCR3 returns */
	u32 rom_gpa;
	u32 rom_length; /* bytes */
	u32 state_gpa; /* the ROM's state pages, not for the guest */
	u32 state_pages;
	u32 command_line_gpa; /* NUL-terminated text */
	u32 command_line_length; /* without the NUL */
	u32 initrd_gpa;
	u32 initrd_length; /* bytes; 0 if there is none */
	u32 virtual_top; /* first linear address the guest must leave alone; 0 if none */
	u32 backend;
} __attribute__((packed));
_Static_assert(sizeof(struct vmi_boot_info) == 68, "vmi_boot_info");
_Static_assert(__builtin_offsetof(struct vmi_boot_info, magic) == 0, "vmi_boot_info.magic");
_Static_assert(__builtin_offsetof(struct vmi_boot_info, size) == 4, "vmi_boot_info.size");
_Static_assert(__builtin_offsetof(struct vmi_boot_info, abi_minor) == 8, "vmi_boot_info.abi_minor");
_Static_assert(__builtin_offsetof(struct vmi_boot_info, abi_major) == 10, "vmi_boot_info.abi_major");
_Static_assert(__builtin_offsetof(struct vmi_boot_info, flags) == 12, "vmi_boot_info.flags");
_Static_assert(__builtin_offsetof(struct vmi_boot_info, mem_pages) == 16, "vmi_boot_info.mem_pages");
_Static_assert(__builtin_offsetof(struct vmi_boot_info, first_free_pfn) == 20, "vmi_boot_info.first_free_pfn");
_Static_assert(__builtin_offsetof(struct vmi_boot_info, root_gpa) == 24, "vmi_boot_info.root_gpa");
_Static_assert(__builtin_offsetof(struct vmi_boot_info, rom_gpa) == 28, "vmi_boot_info.rom_gpa");
_Static_assert(__builtin_offsetof(struct vmi_boot_info, rom_length) == 32, "vmi_boot_info.rom_length");
_Static_assert(__builtin_offsetof(struct vmi_boot_info, state_gpa) == 36, "vmi_boot_info.state_gpa");
_Static_assert(__builtin_offsetof(struct vmi_boot_info, state_pages) == 40, "vmi_boot_info.state_pages");
_Static_assert(__builtin_offsetof(struct vmi_boot_info, command_line_gpa) == 44, "vmi_boot_info.command_line_gpa");
_Static_assert(__builtin_offsetof(struct vmi_boot_info, command_line_length) == 48, "vmi_boot_info.command_line_length");
_Static_assert(__builtin_offsetof(struct vmi_boot_info, initrd_gpa) == 52, "vmi_boot_info.initrd_gpa");
_Static_assert(__builtin_offsetof(struct vmi_boot_info, initrd_length) == 56, "vmi_boot_info.initrd_length");
_Static_assert(__builtin_offsetof(struct vmi_boot_info, virtual_top) == 60, "vmi_boot_info.virtual_top");
_Static_assert(__builtin_offsetof(struct vmi_boot_info, backend) == 64, "vmi_boot_info.backend");

/* A segment of the guest's image; pages of memory outside all of them are mapped RW NX. */
struct vmi_segment {
	u32 gpa;
	u32 length; /* bytes */
	u32 flags;
} __attribute__((packed));
_Static_assert(sizeof(struct vmi_segment) == 12, "vmi_segment");
_Static_assert(__builtin_offsetof(struct vmi_segment, gpa) == 0, "vmi_segment.gpa");
_Static_assert(__builtin_offsetof(struct vmi_segment, length) == 4, "vmi_segment.length");
_Static_assert(__builtin_offsetof(struct vmi_segment, flags) == 8, "vmi_segment.flags");

/* What compose tells the ROM's boot code about the guest, in the first state page. */
struct vmi_bundle {
	u32 magic; /* the bytes VMBD */
	u32 size; /* bytes of this structure */
	u32 entry; /* gva of the guest's entry point */
	u32 image_start_gpa;
	u32 image_end_gpa; /* first byte after the image */
	u32 nr_segments; /* entries used of ``segments`` */
	struct vmi_segment segments[8];
} __attribute__((packed));
_Static_assert(sizeof(struct vmi_bundle) == 120, "vmi_bundle");
_Static_assert(__builtin_offsetof(struct vmi_bundle, magic) == 0, "vmi_bundle.magic");
_Static_assert(__builtin_offsetof(struct vmi_bundle, size) == 4, "vmi_bundle.size");
_Static_assert(__builtin_offsetof(struct vmi_bundle, entry) == 8, "vmi_bundle.entry");
_Static_assert(__builtin_offsetof(struct vmi_bundle, image_start_gpa) == 12, "vmi_bundle.image_start_gpa");
_Static_assert(__builtin_offsetof(struct vmi_bundle, image_end_gpa) == 16, "vmi_bundle.image_end_gpa");
_Static_assert(__builtin_offsetof(struct vmi_bundle, nr_segments) == 20, "vmi_bundle.nr_segments");
_Static_assert(__builtin_offsetof(struct vmi_bundle, segments) == 24, "vmi_bundle.segments");

/* What GetRomInfo copies out; later versions append. */
struct vmi_rom_info {
	u32 size; /* bytes of the whole structure */
	u16 abi_minor;
	u16 abi_major;
	u32 backend;
	u32 features; /* bits without a meaning yet */
	u32 rom_gpa;
	u32 rom_length; /* bytes */
	u8 build_id[20]; /* SHA-1 over the ROM's code */
} __attribute__((packed));
_Static_assert(sizeof(struct vmi_rom_info) == 44, "vmi_rom_info");
_Static_assert(__builtin_offsetof(struct vmi_rom_info, size) == 0, "vmi_rom_info.size");
_Static_assert(__builtin_offsetof(struct vmi_rom_info, abi_minor) == 4, "vmi_rom_info.abi_minor");
_Static_assert(__builtin_offsetof(struct vmi_rom_info, abi_major) == 6, "vmi_rom_info.abi_major");
_Static_assert(__builtin_offsetof(struct vmi_rom_info, backend) == 8, "vmi_rom_info.backend");
_Static_assert(__builtin_offsetof(struct vmi_rom_info, features) == 12, "vmi_rom_info.features");
_Static_assert(__builtin_offsetof(struct vmi_rom_info, rom_gpa) == 16, "vmi_rom_info.rom_gpa");
_Static_assert(__builtin_offsetof(struct vmi_rom_info, rom_length) == 20, "vmi_rom_info.rom_length");
_Static_assert(__builtin_offsetof(struct vmi_rom_info, build_id) == 24, "vmi_rom_info.build_id");

/* Descriptor of the ELF note (owner VMI, type GUEST) that a guest carries. */
struct vmi_guest_note {
	u32 line; /* the ABI line the guest was made for */
	u16 abi_major;
	u16 abi_minor; /* least minor the guest needs */
	u32 entry; /* gva of the entry point */
	u32 features; /* bits without a meaning yet */
} __attribute__((packed));
_Static_assert(sizeof(struct vmi_guest_note) == 16, "vmi_guest_note");
_Static_assert(__builtin_offsetof(struct vmi_guest_note, line) == 0, "vmi_guest_note.line");
_Static_assert(__builtin_offsetof(struct vmi_guest_note, abi_major) == 4, "vmi_guest_note.abi_major");
_Static_assert(__builtin_offsetof(struct vmi_guest_note, abi_minor) == 6, "vmi_guest_note.abi_minor");
_Static_assert(__builtin_offsetof(struct vmi_guest_note, entry) == 8, "vmi_guest_note.entry");
_Static_assert(__builtin_offsetof(struct vmi_guest_note, features) == 12, "vmi_guest_note.features");

/* Descriptor of the ELF note (owner VMI, type BUNDLE) that a bundle carries. */
struct vmi_bundle_note {
	u32 backend;
	u16 abi_major;
	u16 abi_minor;
	u8 guest_sha256[32]; /* of the guest's ELF file */
	u8 rom_sha256[32]; /* of the ROM */
} __attribute__((packed));
_Static_assert(sizeof(struct vmi_bundle_note) == 72, "vmi_bundle_note");
_Static_assert(__builtin_offsetof(struct vmi_bundle_note, backend) == 0, "vmi_bundle_note.backend");
_Static_assert(__builtin_offsetof(struct vmi_bundle_note, abi_major) == 4, "vmi_bundle_note.abi_major");
_Static_assert(__builtin_offsetof(struct vmi_bundle_note, abi_minor) == 6, "vmi_bundle_note.abi_minor");
_Static_assert(__builtin_offsetof(struct vmi_bundle_note, guest_sha256) == 8, "vmi_bundle_note.guest_sha256");
_Static_assert(__builtin_offsetof(struct vmi_bundle_note, rom_sha256) == 40, "vmi_bundle_note.rom_sha256");

/* Head of an ELF note whose owner is VMI. */
struct vmi_note_header {
	u32 name_size; /* with the NUL */
	u32 descriptor_size;
	u32 type;
	char name[4]; /* the owner, VMI and a NUL */
} __attribute__((packed));
_Static_assert(sizeof(struct vmi_note_header) == 16, "vmi_note_header");
_Static_assert(__builtin_offsetof(struct vmi_note_header, name_size) == 0, "vmi_note_header.name_size");
_Static_assert(__builtin_offsetof(struct vmi_note_header, descriptor_size) == 4, "vmi_note_header.descriptor_size");
_Static_assert(__builtin_offsetof(struct vmi_note_header, type) == 8, "vmi_note_header.type");
_Static_assert(__builtin_offsetof(struct vmi_note_header, name) == 12, "vmi_note_header.name");

#endif
