/*
 * The way into Xen, and small machine truths that C can't say.
 */
#include "window.h"
#include "xen_asm.h"

	.text
	/*
	 * hypercall: EAX number, EDX a, ECX b, stack c, d, e; out EAX result. Changes ECX, EDX, flags and what the
	 * hypercall does. Through int $0x82: a hypercall page is one more thing to lose.
	 */
	.globl hypercall
	.hidden hypercall
hypercall:
	pushl %ebx
	pushl %esi
	pushl %edi
	movl %edx, %ebx
	movl 16(%esp), %edx
	movl 20(%esp), %esi
	movl 24(%esp), %edi
	int $0x82
	popl %edi
	popl %esi
	popl %ebx
	ret

	/*
	 * state_gva: out EAX = gva of struct rom_state. Changes flags. Needs CS, SS only. Xen runs no kernel in ring 0:
	 * a guest there found this ROM on another machine, where nothing has made the window, and vmi_init is to tell
	 * it so.
	 */
	.globl state_gva
	.hidden state_gva
state_gva:
	movl %cs, %eax
	testb $3, %al
	jz state_beside
	movl $WINDOW_ROM_STATE, %eax
	ret

	/* stack_pointer: out EAX = ESP of the caller. */
	.globl stack_pointer
	.hidden stack_pointer
stack_pointer:
	leal 4(%esp), %eax
	ret
