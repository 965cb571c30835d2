/*
 * The probe's Multiboot header, its first instruction, and its ways out of traps.
 */
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

/* One stub a vector: those without an error code push 0. */
	.macro stub vector, coded=0
	.p2align 4
stub_\vector:
	.if \coded == 0
	pushl $0
	.endif
	pushl $\vector
	jmp trap_common
	.endm

	.irp vector, 0, 1, 2, 3, 4, 5, 6, 7, 9, 15, 16, 18, 19, 32
	stub \vector
	.endr
	.irp vector, 8, 10, 11, 12, 13, 14, 17
	stub \vector, 1
	.endr

/* Entry: vector and error code on the stack. Keeps them in `seen` and goes on at probe_resume on its stack; the trap's
 * own frame is dropped. */
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
	movl probe_resume_esp, %esp
	pushl $2
	popfl
	jmp *probe_resume

	.section .rodata, "a", @progbits
	.p2align 2
	.globl probe_stubs
probe_stubs:
	.irp vector, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 32
	.long \vector, stub_\vector
	.endr
	.long 0, 0

	.section .bss.pages, "aw", @nobits
	.p2align 12
	.globl probe_page, probe_user_stack
probe_page:
	.skip 4096
probe_user_stack:
	.skip 4096
probe_stack:
	.skip 16384
