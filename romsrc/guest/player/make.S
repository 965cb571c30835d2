/* Making one call with all registers given and all registers told. */
#include "vmi_guest_asm.h"
#include "player.h"

#define USER_CS (VMI_GUEST_GDT_USER_CS * 8 + 3)
#define USER_DS (VMI_GUEST_GDT_USER_DS * 8 + 3)

	.text
	/* where the player waits for steps; a block of its own */
	.globl player_gate
player_gate:
	ret

	/* void player_make(const struct player_step *step, struct player_result *result, void *target), cdecl.
	 * Comes back with DS and ES flat and DF clear, however the call or its trap left them. */
	.globl player_make
player_make:
	pushl %ebx
	pushl %esi
	pushl %edi
	pushl %ebp
	movl %esp, player_esp
	movl 20(%esp), %esi
	movl 28(%esp), %eax
	movl %eax, player_target
	pushl STEP_STACK + 12(%esi)
	pushl STEP_STACK + 8(%esi)
	pushl STEP_STACK + 4(%esi)
	pushl STEP_STACK(%esi)
	pushfl
	popl %eax
	andl $~PLAYER_ARITHMETIC, %eax
	orl STEP_FLAGS(%esi), %eax
	pushl %eax
	movl STEP_EAX(%esi), %eax
	movl STEP_EDX(%esi), %edx
	movl STEP_ECX(%esi), %ecx
	movl STEP_EBX(%esi), %ebx
	movl STEP_EDI(%esi), %edi
	movl STEP_EBP(%esi), %ebp
	movl STEP_ESI(%esi), %esi
	popfl
	call *player_target
	pushfl
	popl %ss:player_out + RESULT_FLAGS
	movl %eax, %ss:player_out + RESULT_EAX
	movl %edx, %ss:player_out + RESULT_EDX
	movl %ecx, %ss:player_out + RESULT_ECX
	movl %ebx, %ss:player_out + RESULT_EBX
	movl %esi, %ss:player_out + RESULT_ESI
	movl %edi, %ss:player_out + RESULT_EDI
	movl %ebp, %ss:player_out + RESULT_EBP
	movl %ss:player_esp, %eax
	subl $16, %eax
	subl %esp, %eax
	movl %eax, %ss:player_out + RESULT_ESP
	movl %ss, %ecx
	movl %ds, %eax
	movl %es, %edx
	xorl %ecx, %eax
	xorl %ecx, %edx
	movzwl %ax, %eax
	shll $16, %edx
	orl %edx, %eax
	movl %eax, %ss:player_out + RESULT_SEGMENTS
	nop /* a few instructions in which what is deliverable arrives */
	nop
	nop
	nop

	.globl player_return
player_return:
	movl %ss:player_esp, %esp
	.globl player_resumed
player_resumed:
	movl %ss, %eax
	movl %eax, %ds
	movl %eax, %es
	cld
	movl 24(%esp), %edi
	movl $player_out, %esi
	movl $10, %ecx
	rep movsl
	popl %ebp
	popl %edi
	popl %esi
	popl %ebx
	ret

	.globl player_leave
player_leave:
	jmp player_return

	/* ---- routines: registers as a step gives them ---- */

	/* EAX an address, at which EDX is stored by `store`; EAX what is there */
routine_load:
	movl (%eax), %eax
	ret
routine_store:
	movl %edx, (%eax)
	ret
routine_execute:
	jmp *%eax

	/* EAX flags: IRET to the next instruction at the same privilege */
routine_iret:
	pushl %eax
	pushl %cs
	pushl $1f
	VMI_IRET
1:	ret

	/* EAX flags, EDX user eip, ECX user esp: to ring 3 through IRET; ends with a trap */
routine_user:
	pushl $USER_DS
	pushl %ecx
	pushl %eax
	pushl $USER_CS
	pushl %edx
	movl $USER_DS, %ecx
	movl %ecx, %ds
	movl %ecx, %es
	VMI_IRET

	/* EDX user eip, ECX user esp: to ring 3 through SYSEXIT, interrupts being off; ends with a trap */
routine_sysexit:
	movl $USER_DS, %eax
	movl %eax, %ds
	movl %eax, %es
	VMI_SYSEXIT

	/* an FPU instruction: #NM while TS is set */
routine_fpu:
	fninit
	ret

	/* EAX a selector, loaded into ES, EDX an offset there; EAX its limit, EDX what is at the offset */
routine_segment:
	movl %eax, %es
	lsll %eax, %eax
	movl %es:(%edx), %edx
	ret

routine_divide:
	xorl %ecx, %ecx
	divl %ecx
	ret

routine_trap:
	int3
	ret
routine_undefined:
	ud2
	ret

	/* vector 80h as the kernel's own */
routine_gate:
	int $0x80
	ret

	/* of ring 3: a system call; 4 bytes on, a port read (DX is the low half of where it is) before it */
	.globl player_user
player_user:
	int $0x80
	nop
	nop
	inb %dx, %al
	int $0x80
	nop

	.section .rodata
	.balign 4
	.globl player_routines
player_routines:
	.long routine_load, routine_store, routine_execute, routine_iret, routine_user, routine_sysexit
	.long routine_fpu, routine_segment, routine_trap, routine_undefined, routine_gate
	.long routine_divide, player_await, player_halt, player_pace

	.bss
	.balign 4
player_esp:
	.skip 4
player_target:
	.skip 4
	.globl player_out
player_out:
	.skip 64
