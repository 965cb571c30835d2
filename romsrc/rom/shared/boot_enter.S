/*
 * The last instructions of every boot stub.
 *
 * boot_enter: EAX = gva of the guest's entry, EDX = gva of struct vmi_boot_info, ECX = gva of the top of the stack;
 * CS, SS flat, DS and ES take SS's selector. Leaves by a jump: EAX = VMI_CONST_ENTRY_MAGIC, ESI = boot info, ESP =
 * stack, FS = GS = 0, other general registers 0, arithmetic flags and DF clear.
 */
#include "vmi_asm.h"

	.text
	.globl boot_enter
	.hidden boot_enter
boot_enter:
	movl %ecx, %esp
	movl %edx, %esi
	pushl %eax
	movl %ss, %ecx
	movl %ecx, %ds
	movl %ecx, %es
	xorl %ebx, %ebx
	movl %ebx, %fs
	movl %ebx, %gs
	xorl %ecx, %ecx
	xorl %edx, %edx
	xorl %edi, %edi
	xorl %ebp, %ebp
	movl $VMI_CONST_ENTRY_MAGIC, %eax
	cld
	testl %ebx, %ebx
	ret
