/* To user mode and back, and the program that runs there, copied to USER_CODE. */
#include "vmi_guest_asm.h"

#define USER_CS (VMI_GUEST_GDT_USER_CS * 8 + 3)
#define USER_DS (VMI_GUEST_GDT_USER_DS * 8 + 3)
#define USER_DATA 0x08050000

	.text
	/* u32 user_enter(u32 eip, u32 esp), cdecl */
	.globl user_enter
user_enter:
	pushl %ebx
	pushl %esi
	pushl %edi
	pushl %ebp
	movl %esp, user_return
	movl 20(%esp), %ecx
	movl 24(%esp), %edx
	pushl $USER_DS
	pushl %edx
	pushl $0x202
	pushl $USER_CS
	pushl %ecx
	movl $USER_DS, %ecx
	movl %ecx, %ds
	movl %ecx, %es
	VMI_IRET

	/* void user_leave(u32 value), cdecl: user_enter returns value; DS and ES are flat already */
	.globl user_leave
user_leave:
	movl 4(%esp), %eax
	movl user_return, %esp
	popl %ebp
	popl %edi
	popl %esi
	popl %ebx
	ret

	/* number 1 adds one to EBX, 2 makes the kernel write-protect USER_DATA, 0 ends with what EBX holds */
	.section .rodata
	.globl user_code, user_code_end
user_code:
	movl $40, %ebx
	movl $1, %eax
	int $0x80
	movl %ebx, USER_DATA
	movl $2, %eax
	int $0x80
	incl USER_DATA
	movl USER_DATA, %ebx
	movl $0, %eax
	int $0x80
user_code_end:

	.bss
	.balign 4
user_return:
	.skip 4
