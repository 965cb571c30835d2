/*
 * Going to user mode and back, and the user programs themselves. A program is entered with its argument in EAX and all
 * other registers zero; it is copied to USER_CODE and runs there, so it uses relative jumps only.
 */
#include "vmi_guest_asm.h"

#define USER_CS (VMI_GUEST_GDT_USER_CS * 8 + 3)
#define USER_DS (VMI_GUEST_GDT_USER_DS * 8 + 3)
#define USER_DATA 0x0804A000
#define EXIT 1
#define ADD 2
#define WHERE 3

	.text
	/* u32 user_run(u32 eip, u32 esp, u32 eflags, u32 argument): to ring 3 through the IRET call; returns what user_leave
	 * is told, with interrupts as they are then */
	.globl user_run
user_run:
	pushl %ebx
	pushl %esi
	pushl %edi
	pushl %ebp
	movl %esp, user_return
	movl 20(%esp), %ecx
	movl 24(%esp), %edx
	movl 28(%esp), %ebx
	movl 32(%esp), %eax
	pushl $USER_DS
	pushl %edx
	pushl %ebx
	pushl $USER_CS
	pushl %ecx
	movl $USER_DS, %ecx
	movl %ecx, %ds
	movl %ecx, %es
	xorl %ecx, %ecx
	movl %ecx, %fs
	movl %ecx, %gs
	xorl %edx, %edx
	xorl %ebx, %ebx
	xorl %esi, %esi
	xorl %edi, %edi
	xorl %ebp, %ebp
	VMI_IRET

	/* u32 user_sysexit(u32 eip, u32 esp): the same through the SYSEXIT call; EAX, EBX, ESI, EDI, EBP zero */
	.globl user_sysexit
user_sysexit:
	pushl %ebx
	pushl %esi
	pushl %edi
	pushl %ebp
	movl %esp, user_return
	movl 20(%esp), %edx
	movl 24(%esp), %ecx
	movl $USER_DS, %eax
	movl %eax, %ds
	movl %eax, %es
	xorl %eax, %eax
	xorl %ebx, %ebx
	xorl %esi, %esi
	xorl %edi, %edi
	xorl %ebp, %ebp
	VMI_SYSEXIT

	/* void user_leave(u32 result): from a trap handler back to whoever called user_run */
	.globl user_leave
user_leave:
	movl 4(%esp), %eax
	movl user_return, %esp
	popl %ebp
	popl %edi
	popl %esi
	popl %ebx
	ret

	.section .rodata
	.globl user_start, user_end
user_start:

.macro PROGRAM name
	.globl \name
\name:
.endm
.macro CALL number
	movl $\number, %eax
	int $0x80
.endm

	/* adds 1 to 10 through system calls; exits with the sum, or 0 if a call changed a register it must keep */
	PROGRAM user_sum
	xorl %ebx, %ebx
	movl $1, %ecx
	movl $0x44444444, %edx
	movl $0x55555555, %esi
	movl $0x66666666, %edi
	movl $0x77777777, %ebp
1:	CALL ADD
	movl %eax, %ebx
	incl %ecx
	cmpl $11, %ecx
	jne 1b
	cmpl $0x44444444, %edx
	jne 2f
	cmpl $0x55555555, %esi
	jne 2f
	cmpl $0x66666666, %edi
	jne 2f
	cmpl $0x77777777, %ebp
	je 3f
2:	xorl %ebx, %ebx
3:	CALL EXIT

	PROGRAM user_where
	pushl $0x1234
	CALL WHERE
	popl %ebx
	CALL EXIT

	PROGRAM user_read
	movl (%eax), %ebx
	CALL EXIT

	PROGRAM user_write
	movl $0xbad, (%eax)
	CALL EXIT

	/* reads first: a host with shadow tables knows the page then, and the error code says that it is present */
	PROGRAM user_read_write
	movl (%eax), %ebx
	movl $0xbad, (%eax)
	CALL EXIT

	PROGRAM user_cli
	cli
	CALL EXIT

	PROGRAM user_in
	movl %eax, %edx
	xorl %eax, %eax
	inb %dx, %al
	movl %eax, %ebx
	CALL EXIT

	PROGRAM user_int
	int $0x30
	CALL EXIT

	PROGRAM user_divide
	xorl %ecx, %ecx
	divl %ecx
	CALL EXIT

	PROGRAM user_breakpoint
	movl $21, %ebx
	int3
	addl %ebx, %ebx
	CALL EXIT

	/* turns until the first word of its data is not 0, or patience ends; exits with that word */
	PROGRAM user_spin
	movl $20000000, %ecx
1:	movl USER_DATA, %ebx
	testl %ebx, %ebx
	jnz 2f
	decl %ecx
	jnz 1b
2:	CALL EXIT

user_end:

	.bss
	.balign 4
	.globl user_return
user_return:
	.skip 4
