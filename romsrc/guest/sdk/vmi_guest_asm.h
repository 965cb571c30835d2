/*
 * What assembly needs to be a VMI guest: the ABI note, and the call sites of the two calls that never return.
 * C reaches the other patchable calls through the inline functions of vmi_guest.h.
 *
 * A call site is native code of at least five bytes whose place is noted in section .vmi_sites. vmi_attach asks
 * GetRelocationInfo for each and writes what it answers: CALL_REL a near call, JUMP_REL a near jump, NOP nothing,
 * NONE leaves the native code. So the same image is right with and without a hypervisor under it.
 */
#ifndef VMI_GUEST_ASM_H
#define VMI_GUEST_ASM_H

#include "vmi_asm.h"

#ifdef __ASSEMBLER__

/* Notes the code from local label 771 to here as a site of `call`. */
.macro VMI_SITE_END call
772:
	.pushsection .vmi_sites, "a", @progbits
	.long 771b
	.byte \call, 772b - 771b, 0, 0
	.popsection
.endm

/* in: ESP at EIP, CS, EFLAGS [, ESP, SS]; every other register already the target's. Does not return. */
.macro VMI_IRET
771:	iret
	nop
	nop
	nop
	nop
	VMI_SITE_END VMI_CALL_IRET
.endm

/* in: EDX user EIP, ECX user ESP; interrupts off. Continues at ring 3 with interrupts on. Does not return. */
.macro VMI_SYSEXIT
771:	sti
	sysexit
	nop
	nop
	VMI_SITE_END VMI_CALL_SYSEXIT
.endm

/* The note by which loaders know a guest: ABI line and major 3, the least minor it needs, its entry, features. */
.macro VMI_GUEST_NOTE entry, minor, features
	.pushsection .note.vmi, "a", @note
	.balign 4
	.long 4, vmi_guest_note_SIZE, VMI_NOTE_TYPE_GUEST
	.asciz "VMI"
	.long 3
	.short 3, \minor
	.long \entry, \features
	.popsection
.endm

#endif
#endif
