/*
 * The option ROM's header (vmi.md section 2), PCI and PnP structures, licence, the 16-bit entry, and the two
 * jump points. rom_length, checksum, api version, virtual_top, jump_slots and the build's part of the private
 * area (backend, boot_entry, pvh_entry, slots_offset, slots_count, build_id) are filled in by vmirom/rom/build.py.
 */
#include "vmi_asm.h"

#define PRIVATE vmi_rom_header_OFF_reserved
#define BDA_SEGMENT 0x40 /* the BIOS's data */
#define BDA_MEMORY 0x13  /* KiB of conventional memory */

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
	 * Called far by the BIOS, at CS:3, while the ROM's memory can still be written. Takes the state pages from the
	 * top of conventional memory (BDA word 40:13, in KiB), clears the state's first word, so that a warm start does
	 * not find a state of before, and records where state and ROM are: in the private area, with the checksum made
	 * right again. Where that can't be written the pages at STATE_GPA, which it names already, are taken. Returns
	 * far; keeps all registers and flags. 32 bytes of stack.
	 */
.Lbios_entry:
	pushfw
	pushal
	pushw %ds
	cld
	movw $BDA_SEGMENT, %ax
	movw %ax, %ds
	movzwl BDA_MEMORY, %ebx
	andw $~3, %bx                   /* whole pages */
	subw $(4 * VMI_LAYOUT_STATE_PAGES), %bx
	shll $10, %ebx                  /* gpa of the state */
	movw %cs, %ax
	movzwl %ax, %edx
	shll $4, %edx
	movl %ebx, %cs:PRIVATE + vmi_rom_private_OFF_state_gpa
	movl %edx, %cs:PRIVATE + vmi_rom_private_OFF_rom_gpa
	cmpl %ebx, %cs:PRIVATE + vmi_rom_private_OFF_state_gpa
	jne .Lread_only
	movzbw %cs:vmi_rom_header_OFF_rom_length, %cx
	shlw $9, %cx
	xorw %si, %si
	xorw %ax, %ax
1:	addb %cs:(%si), %al
	incw %si
	loop 1b
	subb %al, %cs:-1(%si)
	jmp .Ltake
.Lread_only:
	movl $VMI_LAYOUT_STATE_GPA, %ebx
.Ltake:
	movl %ebx, %eax
	shrl $10, %eax
	cmpw %ax, BDA_MEMORY
	jbe 2f
	movw %ax, BDA_MEMORY
2:	shrl $4, %ebx
	addw $(4096 * VMI_LAYOUT_STATE_ROM >> 4), %bx
	movw %bx, %ds
	movl $0, 0
	popw %ds
	popal
	popfw
	lretw
	.code32
	.balign 16, 0xcc
