/*
 * For backends whose state pages lie at one distance from the ROM in every alias, because the guest maps both with
 * one linear map. The header says where both are: composing has put that there, or the 16-bit entry, before the
 * ROM became read-only. A backend that has its state elsewhere as well supplies a state_gva of its own.
 */
#include "vmi_asm.h"

#define PRIVATE vmi_rom_header_OFF_reserved

	.text
	/* state_beside, state_gva: out EAX = gva of struct rom_state. Changes flags. Needs CS, SS only. */
	.weak state_gva
	.globl state_beside
	.hidden state_gva, state_beside
state_gva:
state_beside:
	pushl %ecx
	call rom_base
	movl %eax, %ecx
	addl %ss:PRIVATE + vmi_rom_private_OFF_state_gpa(%ecx), %eax
	subl %ss:PRIVATE + vmi_rom_private_OFF_rom_gpa(%ecx), %eax
	addl $(4096 * VMI_LAYOUT_STATE_ROM), %eax
	popl %ecx
	ret
