/* void iret_to(u32 cs, u32 ss), cdecl: the IRET call with such a frame; returns if that goes on within the kernel. */
#include "vmi_guest_asm.h"

	.text
	.globl iret_to
iret_to:
	movl 4(%esp), %eax
	movl 8(%esp), %ecx
	movl %esp, %edx
	pushl %ecx
	pushl %edx
	pushl $0x202
	pushl %eax
	pushl $1f
	VMI_IRET
1:	ret
