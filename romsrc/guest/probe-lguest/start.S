/*
 * The first instruction of a kernel under lguest, its ways out of traps, and the places where it dies on purpose. It
 * runs in ring 1 on the host's two flat segments.
 */
#include "../probing/stubs.h"
#include "lguest_asm.h"

#define OFFSET LGUEST_BOOT_LINEAR_BASE

/* Entry: gva = gpa, all registers as the host left them, no stack. Keeps them in probe_first; never returns. */
	.section .text.start, "ax", @progbits
	.globl probe_start
probe_start:
	movl %eax, probe_first - OFFSET
	movl %ebx, probe_first - OFFSET + 4
	movl %ecx, probe_first - OFFSET + 8
	movl %edx, probe_first - OFFSET + 12
	movl %esi, probe_first - OFFSET + 16
	movl %edi, probe_first - OFFSET + 20
	movl %ebp, probe_first - OFFSET + 24
	movl %esp, probe_first - OFFSET + 28
	movl %cs, %eax
	movl %eax, probe_first - OFFSET + 32
	movl %ds, %eax
	movl %eax, probe_first - OFFSET + 36
	movl %es, %eax
	movl %eax, probe_first - OFFSET + 40
	movl %ss, %eax
	movl %eax, probe_first - OFFSET + 44
	movl %fs, %eax
	movl %eax, probe_first - OFFSET + 48
	movl %gs, %eax
	movl %eax, probe_first - OFFSET + 52
	movl $probe_stack + 0x4000, %esp
	pushfl
	popl probe_first + 56
	cld
	movl $probe_main, %eax
	call *%eax
1:	jmp 1b

/* The instructions that end the guest, each where its address does not move. Entry: as C calls. */
	.section .text.deaths, "ax", @progbits
	.macro death name:req, text:vararg
	.p2align 4
	.globl death_\name
death_\name:
	\text
	ret
	.endm

	death ud2, ud2
	death load, movl 0x7F000000, %eax
	death hole, movl 0xFFE00000, %eax
	death hlt, hlt
	death divide, divl probe_zero
	death stack, movl $0x7F000100, %esp; ud2
	death port, insb
	death far, movl 0xFFF00000, %eax
	death hypercall, int $0x1f
	death middle, movl $0x0F000100, %esp; ud2

	.text

	stubs 0, 1, 3, 4, 5, 6, 7, 9, 16, 18, 19, 0x21, 0x50, 0x80

/* Entry: vector, error code and the trap's frame on the stack. Keeps them in `seen` and goes on at probe_resume with
 * probe_resume_esp; the frame is dropped. Outside a TRY it tells of the trap and ends. Reloads DS and ES. */
trap_common:
	pushl %eax
	movl $LGUEST_CONSTANTS_KERNEL_DS, %eax
	movl %eax, %ds
	movl %eax, %es
	movl probe_data, %eax
	movl %eax, seen + 28
	popl seen + 32
	popl seen + 4
	popl seen + 8
	popl seen + 12
	popl seen + 16
	popl seen + 20
	testl $2, seen + 16
	jz 1f
	popl seen + 24
	popl seen + 36
1:	incl seen
	cmpl $0, probe_resume
	je 2f
	movl probe_resume_esp, %esp
	jmp *probe_resume
2:	pushl seen + 12
	call unexpected

/* The clock's interrupt: counts, keeps what it found, sets irq_enabled to probe_irq_after and returns. */
	.globl stub_clock
stub_clock:
	pushl %eax
	incl irq + 0
	movl probe_data, %eax
	movl %eax, irq + 4
	movl 12(%esp), %eax
	movl %eax, irq + 8
	movl 8(%esp), %eax
	movl %eax, irq + 12
	movl probe_irq_after, %eax
	movl %eax, probe_data
	popl %eax
	iret

/* Enters ring 3 at EAX with the stack in EDX; comes back by a trap, to probe_resume. */
	.globl user_enter
user_enter:
	pushl $0x7B
	pushl %edx
	pushl $0x202
	pushl $0x73
	pushl %eax
	movl $0x7B, %eax
	movl %eax, %ds
	movl %eax, %es
	iret

	.section .bss.pages, "aw", @nobits
	.p2align 12
	.globl probe_pages, probe_user_stack, probe_stack, probe_data, probe_tables
probe_tables:
	.skip 0x4000
probe_pages:
	.skip 0x8000
probe_user_stack:
	.skip 0x1000
probe_stack:
	.skip 0x4000
probe_data:
	.skip 0x1000
	.bss
	.p2align 2
	.globl probe_first, probe_zero
probe_first:
	.skip 64
probe_zero:
	.skip 4

	.section .note.GNU-stack, "", @progbits
