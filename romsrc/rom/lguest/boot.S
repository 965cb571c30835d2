/*
 * The boot stub: entered at gva = gpa with the host's first page tables (all memory at 0 and at LINEAR_BASE), CPL 1,
 * flat segments, ESP 0, ESI = gpa of boot_params, which is 0. Moves on to the linear map and the boot stack. Does
 * not return.
 */
#include "places.h"

	.text
	.globl boot_entry
	.hidden boot_entry
boot_entry:
	cld
	movl $(VMI_LAYOUT_LINEAR_BASE + STATE_PAGE_GPA(VMI_LAYOUT_STATE_STACK + 1)), %esp
	call 1f
1:	popl %eax
	addl $(.Lhigh - 1b + VMI_LAYOUT_LINEAR_BASE), %eax
	jmp *%eax
.Lhigh:
	call lguest_boot
	ud2
