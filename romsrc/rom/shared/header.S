/*
 * The option ROM's header (vmi.md section 2), PCI and PnP structures, licence, the 16-bit entry, and the two
 * jump points. rom_length, checksum, api version, virtual_top, jump_slots and the build's part of the private
 * area (backend, boot_entry, pvh_entry, slots_offset, slots_count, build_id) are filled in by vmirom/rom/build.py.
 */
#include "vmi_asm.h"

	.section .rom.header, "ax", @progbits
	.globl rom_start
	.hidden rom_start
rom_start:
	.word VMI_ROM_HEADER_ROM_SIGNATURE
	.byte 0                         /* rom_length */
	.code16
	jmp .Lbios_entry                /* rom_entry, 4 bytes with its pad */
	.code32
	.org 8, 0
	.long VMI_ROM_HEADER_VROM_SIGNATURE
	.byte 0, 0                      /* api_version_min, maj */
	.byte 0                         /* jump_slots */
	.byte 0
	.long 0                         /* virtual_top */
	.word 0
	.word .Llicence - rom_start
	.word .Lpci - rom_start
	.word .Lpnp - rom_start
	.long 0
	/* struct vmi_rom_private */
	.long VMI_CONST_PRIVATE_MAGIC
	.long VMI_LAYOUT_STATE_GPA, VMI_LAYOUT_STATE_PAGES, VMI_LAYOUT_ROM_GPA
	.org VMI_ROM_HEADER_INIT_OFFSET, 0

	/* vmi_init: no arguments; EAX = 0, or -1: stay native. Changes EAX, ECX, EDX, flags. */
	.globl vmi_init_point
	.hidden vmi_init_point
vmi_init_point:
	jmp rom_init
	.org VMI_ROM_HEADER_GET_RELOC_OFFSET, 0xcc
	/* get_reloc: EAX = call number; EAX = eip, DL = type, rest of EDX 0. Changes flags. */
	jmp rom_get_reloc
	.org 0x90, 0xcc

	.globl rom_pci
	.hidden rom_pci
	.balign 4, 0
.Lpci:
rom_pci:
	.ascii "PCIR"
	.word VMI_ROM_HEADER_PCI_VENDOR, VMI_ROM_HEADER_PCI_DEVICE
	.word 0                         /* no vital product data */
	.word 24
	.byte 0
	.byte 0, 0, 0xff                /* class: does not fit any other */
	.word 0                         /* chunks: as rom_length */
	.byte 0, 1                      /* ROM version 1.0 */
	.byte 0                         /* x86 code */
	.byte VMI_ROM_HEADER_PCI_LAST_IMAGE /* last image */
	.word 0

	.balign 4, 0
.Lpnp:
	.ascii "$PnP"
	.byte 0x10
	.byte 2                         /* length in 16-byte units */
	.word 0
	.byte 0
	.byte 0                         /* checksum: filled in */
	.long 0
	.word .Lmanufacturer - rom_start
	.word .Lproduct - rom_start
	.byte 0, 0, 2                   /* type code: no device type the BIOS may boot from */
	.byte 0                         /* not a boot, input or display device */
	.word 0, 0, 0, 0, 0
	.org .Lpnp - rom_start + 32, 0

.Llicence:
	.asciz "GPL v2"
.Lmanufacturer:
	.asciz "vmirom"
.Lproduct:
	.ascii "VMI ROM for "
	.ascii ROM_BACKEND_NAME
	.byte 0

	.code16
	/*
	 * Called far by the BIOS. Takes the state pages out of conventional memory (BDA word 40:13, in KiB, never
	 * raised) and clears the state's first word, so that a warm start does not find a state of before. Returns
	 * far; keeps all registers and flags.
	 */
.Lbios_entry:
	pushfw
	pushw %ax
	pushw %ds
	movw $0x40, %ax
	movw %ax, %ds
	cmpw $(VMI_LAYOUT_STATE_GPA >> 10), 0x13
	jbe 1f
	movw $(VMI_LAYOUT_STATE_GPA >> 10), 0x13
1:	movw $((VMI_LAYOUT_STATE_GPA + 4096 * VMI_LAYOUT_STATE_ROM) >> 4), %ax
	movw %ax, %ds
	movw $0, 0
	popw %ds
	popw %ax
	popfw
	lretw
	.code32
	.balign 16, 0xcc
