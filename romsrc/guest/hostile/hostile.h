/*
 * What every hostile guest in assembly begins with: a note, an entry, and no kit. They exist to show that whatever a
 * guest does ends as an outcome, within its budget, on every backend.
 */
#include "vmi_guest_asm.h"

#define LINEAR VMI_LAYOUT_LINEAR_BASE

	VMI_GUEST_NOTE vmi_start, 1, 0

	.section .text.start, "ax", @progbits
	.globl vmi_start
vmi_start: /* ESI = gva of struct vmi_boot_info, interrupts off, no IDT */
