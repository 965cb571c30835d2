/*
 * Sensitive instructions, made natively. Called from C (cdecl): EAX, ECX, EDX may change, the rest comes back. What an
 * instruction answers is left in `seen`, behind a first word that says whether it did where the processor says so by ZF.
 */
#include "vmi_guest_asm.h"

#define USER_DATA 0x0804A000
#define EXIT 1
#define UNTOUCHED 0xA5A5A5A5

	.text

.macro ROUTINE name
	.balign 4, 0x90
	.globl \name
\name:
.endm

	ROUTINE do_arpl
	movl 4(%esp), %eax
	movl 8(%esp), %edx
	arpl %dx, %ax
	ret

	ROUTINE do_pushf
	pushfl
	popl %eax
	ret

	ROUTINE do_popf
	pushl 4(%esp)
	popfl
	ret

	ROUTINE do_push_cs
	pushl %cs
	popl %eax
	ret

	ROUTINE do_push_ss
	pushl %ss
	popl %eax
	ret

	/* void do_iret(u32 flags): the instruction, within the kernel */
	ROUTINE do_iret
	movl 4(%esp), %eax
	pushl %eax
	pushl %cs
	pushl $1f
	iret
1:	ret

	/* loads of SS leave ESP alone; the kernel's own selector is loaded again before anything else happens */
	ROUTINE do_lss
	movl 4(%esp), %eax
	movl %ss, %ecx
	movl %esp, far
	movl %eax, far + 4
	lss far, %esp
	movl %ecx, %ss
	ret

	ROUTINE do_mov_ss
	movl 4(%esp), %eax
	movl %ss, %ecx
	movl %eax, %ss
	movl %ecx, %ss
	ret

	ROUTINE do_pop_ss
	movl %ss, %ecx
	pushl 4(%esp)
	popl %ss
	movl %ecx, %ss
	ret

.macro TOLD instruction
	movl 4(%esp), %edx
	xorl %eax, %eax
	movl %eax, seen
	\instruction %edx, %eax
	jnz 1f
	incl seen
1:	movl %eax, seen + 4
	ret
.endm

	ROUTINE do_lar
	TOLD lar
	ROUTINE do_lsl
	TOLD lsl

.macro STORED instruction
	movl $UNTOUCHED, %eax
	movl %eax, seen
	movl %eax, seen + 4
	movl %eax, seen + 8
	\instruction seen
	ret
.endm

	ROUTINE do_sgdt
	STORED sgdt
	ROUTINE do_sidt
	STORED sidt

	ROUTINE do_sldt
	xorl %eax, %eax
	sldt %ax
	movl %eax, seen
	ret
	ROUTINE do_str
	xorl %eax, %eax
	str %ax
	movl %eax, seen
	ret

	.section .rodata
	.globl programs, programs_end
programs:

.macro PROGRAM name
	.globl \name
\name:
.endm
.macro LEAVE
	movl $EXIT, %eax
	int $0x80
.endm

	/* ZF and rights of CS, ZF and limit of DS, and ZF of the kernel's code */
	PROGRAM user_rights
	xorl %ebx, %ebx
	movl %cs, %ecx
	lar %ecx, %edx
	sete %bl
	movl %ebx, USER_DATA
	movl %edx, USER_DATA + 4
	movl %ds, %ecx
	lsl %ecx, %edx
	sete %bl
	movl %ebx, USER_DATA + 8
	movl %edx, USER_DATA + 12
	movl $(VMI_GUEST_GDT_KERNEL_CS * 8), %ecx
	lsl %ecx, %edx
	sete %bl
	movl %ebx, USER_DATA + 16
	LEAVE

	/* the flags, and the flags after an attempt to change IF and IOPL */
	PROGRAM user_flags
	pushfl
	popl USER_DATA
	movl USER_DATA, %eax
	xorl $0x3200, %eax
	pushl %eax
	popfl
	pushfl
	popl USER_DATA + 4
	LEAVE

	PROGRAM user_tables
	movl $UNTOUCHED, USER_DATA + 4
	sgdt USER_DATA
	sidt USER_DATA
	sldt %ax
	str %ax
	LEAVE

programs_end:

	.bss
	.balign 4
	.globl seen
seen:
	.skip 16
far:
	.skip 8
