/* Stacks and frames that only assembly can make. Called from C (cdecl): EAX, ECX, EDX may change, the rest comes back. */
#include "vmi_guest_asm.h"

#define V86_DATA 0x800

	.text

.macro ROUTINE name
	.balign 4, 0x90
	.globl \name
\name:
.endm

	/* bool trap_at(u32 esp): int3 with ESP there; true if its frame lay right below and EAX and EBP came back */
	ROUTINE trap_at
	pushl %ebp
	movl 8(%esp), %eax
	movl %esp, %ebp
	movl %eax, %esp
	int3
	movl %ebp, %esp
	popl %ebp
	subl $12, %eax
	cmpl %eax, edge_esp
	sete %al
	movzbl %al, %eax
	ret

	/* edge_handler: entry as a gate's; goes back from a stack of its own, so that what is left of the first is asked
	 * for by the trap alone */
	ROUTINE edge_handler
	movl %esp, %ss:edge_esp
	incl %ss:edge_traps
	pushl %ss:8(%esp)
	popl %ss:edge_stack + 1024 - 4
	pushl %ss:4(%esp)
	popl %ss:edge_stack + 1024 - 8
	pushl %ss:(%esp)
	popl %ss:edge_stack + 1024 - 12
	movl $(edge_stack + 1024 - 12), %esp
	VMI_IRET

	/* u32 user_v86(u32 cs, u32 eip, u32 ss, u32 esp, u32 segments): to V86 mode through the IRET call; ES is `segments`,
	 * DS, FS and GS one, two and three more. Returns what user_leave is told. */
	ROUTINE user_v86
	pushl %ebx
	pushl %esi
	pushl %edi
	pushl %ebp
	movl %esp, user_return
	movl 36(%esp), %eax
	leal 3(%eax), %ecx
	pushl %ecx
	decl %ecx
	pushl %ecx
	decl %ecx
	pushl %ecx
	pushl %eax
	pushl 44(%esp) /* ss */
	pushl 52(%esp) /* esp */
	pushl $0x20202
	pushl 48(%esp) /* cs */
	pushl 56(%esp) /* eip */
	VMI_IRET

	.section .rodata
	.globl v86_start, v86_end, v86_stop
v86_start:
	.code16
	movw $0x8086, %ax
	movw %ax, %cs:V86_DATA
	movw $0, %cs:(V86_DATA + 2)
v86_stop:
	hlt
	.code32
v86_end:

	.bss
	.balign 4
	.globl edge_traps
edge_traps:
	.skip 4
edge_esp:
	.skip 4
edge_stack:
	.skip 1024
