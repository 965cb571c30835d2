/*
 * The hypercall instruction, and the few operations that C has no words for.
 */
#include "places.h"

	.text
	/*
	 * lguest_hypercall: EAX number, EDX, ECX, (ESP+4), (ESP+8) arguments 1 to 4. The host changes no register.
	 * Changes EDX.
	 */
	.globl lguest_hypercall
	.hidden lguest_hypercall
lguest_hypercall:
	pushl %ebx
	pushl %esi
	movl %edx, %ebx
	movl 12(%esp), %edx
	movl 16(%esp), %esi
	int $LGUEST_CONSTANTS_HYPERCALL_VECTOR
	popl %esi
	popl %ebx
	ret

	/* lguest_place: EAX = PLACE_...; out EAX = its gva in the linear map, whichever alias runs. Changes ECX, EDX. */
	.globl lguest_place
	.hidden lguest_place
lguest_place:
	call 1f
1:	popl %edx
	leal (.Lplaces - 1b)(%edx,%eax,4), %eax
	addl (%eax), %eax
	leal (rom_start - 1b)(%edx), %ecx
	subl %ecx, %eax
	addl $ROM_LINEAR, %eax
	ret
	.balign 4, 0xcc
.Lplaces:
	.long lguest_noirq_start - .
	.long lguest_noirq_end - .
	.long lguest_traps - .
	.long lguest_clock_stub - .
	.long lguest_system_call - .
	.long lguest_page_fault_stub - .

	/* lguest_tsc: out EDX:EAX. */
	.globl lguest_tsc
	.hidden lguest_tsc
lguest_tsc:
	rdtsc
	ret

	/*
	 * CPUID (0): EAX leaf, ECX subleaf; out EAX, EBX, ECX, EDX, with what the host can't give its guest taken out
	 * (lguest.md section 11): family 5, no SEP, MSR or local APIC, PGE claimed so that flushes say which kind they
	 * are. NX is not shown, as no fault about it is ever reflected. Changes flags.
	 */
	.globl vmi_CPUID
	.hidden vmi_CPUID
vmi_CPUID:
	pushl %ebp
	movl %eax, %ebp
	cpuid
	testl %ebp, %ebp
	jz .Lleaf0
	cmpl $1, %ebp
	je .Lleaf1
	subl $0x80000000, %ebp
	jz .Lextended0
	decl %ebp
	jnz .Lleft
	andl $~0x00100000, %edx
.Lleft:
	popl %ebp
	ret
.Lleaf0:
	cmpl $5, %eax
	jbe .Lleft
	movl $5, %eax
	jmp .Lleft
.Lleaf1:
	andl $~0x00000f00, %eax
	orl $0x00000500, %eax
	andl $0x00002201, %ecx
	andl $0x07808151, %edx
	orl $0x00002000, %edx
	jmp .Lleft
.Lextended0:
	cmpl $0x80000008, %eax
	jbe .Lleft
	movl $0x80000008, %eax
	jmp .Lleft

	/* Calls that there is nothing to do for: no caches, ports, I/O privilege, debug registers or LDT here. */
	.globl nop_WBINVD, nop_IODelay, nop_SetIOPLMask, nop_SetDR, nop_SetLinearMapping, nop_AllocatePage, nop_ReleasePage, nop_SetLDT
	.set nop_WBINVD, 0
	.set nop_IODelay, 0
	.set nop_SetIOPLMask, 0
	.set nop_SetDR, 0
	.set nop_SetLinearMapping, 0
	.set nop_AllocatePage, 0
	.set nop_ReleasePage, 0
	.set nop_SetLDT, 0
