/*
 * For backends whose state pages lie at a fixed distance from the ROM in every alias: the guest maps both with
 * one linear map.
 */
#include "vmi_asm.h"

	.text
	/* state_gva: out EAX = gva of struct rom_state. Changes flags. */
	.globl state_gva
	.hidden state_gva
state_gva:
	call rom_base
	subl $(VMI_LAYOUT_ROM_GPA - VMI_LAYOUT_STATE_GPA - 4096 * VMI_LAYOUT_STATE_ROM), %eax
	ret
