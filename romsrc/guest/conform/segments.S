/* Selectors as they are, and a user program that reaches through FS. */
#include "vmi_guest_asm.h"

#define EXIT 1

	.text
	.balign 4, 0x90
	.globl fs_selector, gs_selector
	/* u32 fs_selector(void), u32 gs_selector(void) */
fs_selector:
	xorl %eax, %eax
	movw %fs, %ax
	ret
gs_selector:
	xorl %eax, %eax
	movw %gs, %ax
	ret

	.section .rodata
	.globl programs, programs_end, user_touch
programs:
	/* reads, then writes what it read, at EAX through a flat segment of its own level */
user_touch:
	movl $(VMI_GUEST_GDT_TLS_FIRST * 8 + 3), %ecx
	movl %ecx, %fs
	movl %fs:(%eax), %ebx
	movl %ebx, %fs:(%eax)
	movl $EXIT, %eax
	int $0x80
programs_end:
