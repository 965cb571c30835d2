/*
 * The probe's Multiboot header, its first instruction, and its ways out of traps.
 */
#include "../probing/stubs.h"
#include "native_asm.h"

	.section .multiboot, "a", @progbits
	.p2align 2
	.long NATIVE_MULTIBOOT_HEADER_MAGIC, 3, -(NATIVE_MULTIBOOT_HEADER_MAGIC + 3)

/* Entry: as Multiboot says. Never returns. */
	.text
	.globl probe_start
probe_start:
	cli
	cld
	movl $probe_stack + 16384, %esp
	pushl $0
	popfl
	call probe_main
1:	hlt
	jmp 1b

	stubs 0, 1, 2, 3, 4, 5, 6, 7, 9, 15, 16, 18, 19, 32

/* Entry: vector and error code on the stack. Keeps them in `seen` and goes on at probe_resume on its stack; the trap's
 * own frame is dropped. Outside a TRY it tells of the trap and ends. */
trap_common:
	pushl %eax
	movl $0x10, %eax
	movl %eax, %ds
	movl %eax, %es
	popl seen + 12
	popl seen + 4
	popl seen + 8
	movl %cr2, %eax
	movl %eax, seen + 16
	incl seen
	cmpl $0, probe_resume
	je 1f
	movl probe_resume_esp, %esp
	pushl $2
	popfl
	jmp *probe_resume
1:	call unexpected /* what is on the stack is the frame's EIP */

	.section .bss.pages, "aw", @nobits
	.p2align 12
	.globl probe_page, probe_user_stack
probe_page:
	.skip 4096
probe_user_stack:
	.skip 4096
probe_stack:
	.skip 16384
