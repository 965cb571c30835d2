/* User programs that try what they may not. Each is entered with its argument in EAX. */
#include "vmi_guest_asm.h"

#define USER_DATA 0x0804A000
#define EXIT 1

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

	PROGRAM user_jump
	call *%eax
	LEAVE

	PROGRAM user_gate
	.byte 0xcd
	PROGRAM user_gate_number
	.byte 0
	LEAVE

	PROGRAM user_hlt
	hlt
	LEAVE
	PROGRAM user_lgdt
	lgdt USER_DATA
	LEAVE
	PROGRAM user_cr3
	movl %cr3, %eax
	LEAVE
	PROGRAM user_clts
	clts
	LEAVE
	PROGRAM user_invlpg
	invlpg USER_DATA
	LEAVE
	PROGRAM user_rdmsr
	movl $0x10, %ecx
	rdmsr
	LEAVE
	PROGRAM user_ltr
	ltr %ax
	LEAVE

	PROGRAM user_ds
	movl %eax, %ds
	LEAVE
	PROGRAM user_ss
	movl %eax, %ss
	LEAVE

	PROGRAM user_iret
	pushfl
	pushl %eax
	pushl $0xc0100000
	iret
	LEAVE
	PROGRAM user_lret
	pushl %eax
	pushl $0xc0100000
	lret
	LEAVE

	/* the flags after CLI */
	PROGRAM user_cli_flags
	cli
	pushfl
	popl USER_DATA
	sti
	LEAVE

	/* the flags after an attempt to clear IF, and to raise IOPL where it is low */
	PROGRAM user_popf_flags
	pushfl
	movl (%esp), %eax
	andl $~0x200, (%esp)
	testl $0x3000, %eax
	jnz 1f
	orl $0x3000, (%esp)
1:	popfl
	pushfl
	popl USER_DATA
	LEAVE

	/* after CLI, turns until the first word of its data is not 0, or patience ends; exits with that word */
	PROGRAM user_cli_spin
	cli
	movl $20000000, %ecx
1:	movl USER_DATA, %ebx
	testl %ebx, %ebx
	jnz 2f
	decl %ecx
	jnz 1b
2:	LEAVE

programs_end:
