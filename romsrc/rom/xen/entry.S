/*
 * Where Xen enters the ROM (page fault, upcall, failsafe), and the calls that are too short or too strict for C:
 * the interrupt flag (29 to 32), IRET, SYSEXIT.
 *
 * The virtual interrupt flag is the upcall mask at a fixed address, so the four flag calls are memory only: no
 * register but flags (and the result), no data segment, no hypercall unless something is pending.
 */
#include "inject.h"
#include "window.h"
#include "xen_asm.h"

#define EFLAGS_IF_BYTE 0x02 /* bit 9, in the second byte */
#define UPCALL_DUE 0x0001   /* evtchn_upcall_pending 1, evtchn_upcall_mask 0 behind it */

	/* The code below is right in any alias: where the guest's is the usual one it may skip the slot's jump. */
.macro call_entry name
	.globl vmi_\name, fast_\name
	.hidden vmi_\name, fast_\name
vmi_\name:
fast_\name:
.endm

	.text
	/* vmi_EnableInterrupts: changes flags. Three instructions and the return when nothing is pending. */
	call_entry EnableInterrupts
	movb $0, %ss:UPCALL_MASK
	cmpb $0, %ss:UPCALL_PENDING
	jne deliver
	ret

	/* vmi_DisableInterrupts: changes nothing. */
	call_entry DisableInterrupts
	movb $1, %ss:UPCALL_MASK
	ret

	/* vmi_GetInterruptMask: out EAX = 0x200 if enabled, else 0. Changes flags. The mask is 0 or 1. */
	call_entry GetInterruptMask
	movzbl %ss:UPCALL_MASK, %eax
	decl %eax
	andl $0x200, %eax
	ret

	/* vmi_SetInterruptMask: EAX bit 9. Changes flags. */
	call_entry SetInterruptMask
	testb $EFLAGS_IF_BYTE, %ah
	setz %ss:UPCALL_MASK
	cmpw $UPCALL_DUE, %ss:UPCALL_PENDING /* pending and not masked, in one look at both bytes */
	je deliver
	ret

	/* Something is pending and the mask is clear: any hypercall makes Xen look. The cheapest one. */
deliver:
	pushl %eax
	pushl %ebx
	pushl %ecx
	movl $XEN_HYPERCALL_XEN_VERSION, %eax
	xorl %ebx, %ebx
	xorl %ecx, %ecx
	int $0x82
	popl %ecx
	popl %ebx
	popl %eax
	ret

	/*
	 * vmi_IRET: ESP at EIP, CS, EFLAGS [, ESP, SS]; every register already the target's. The virtual interrupt flag
	 * comes from the frame, in the same step. If it is as it will be, the instruction does; Xen does the rest.
	 */
	call_entry IRET
	testb $2, %ss:4(%esp)           /* RPL 3? kernel selectors come with 0 or 1 */
	jnz 1f
	orb $1, %ss:4(%esp)
1:	testb $EFLAGS_IF_BYTE, %ss:9(%esp)
	jnz 2f
	movb $1, %ss:UPCALL_MASK
	iret
2:	cmpb $0, %ss:UPCALL_MASK
	jne xen_iret
	iret

	/* xen_iret: the frame on top of the stack, all registers the target's. */
xen_iret:
	pushl %eax
	movl $XEN_HYPERCALL_IRET, %eax
	int $0x82

	/*
	 * vmi_SYSEXIT: EDX = user EIP, ECX = user ESP; interrupts come on, no other flag changes. User selectors follow
	 * the kernel's CS as with the instruction: CS + 16, CS + 24, RPL 3.
	 */
.macro push_selector distance
	pushl %eax
	movl %cs, %eax
	andl $0xfffc, %eax
	leal (\distance + 3)(%eax), %eax
	xchgl %eax, %ss:(%esp)
.endm
	call_entry SYSEXIT
	pushfl                          /* before anything changes them; the word is left behind */
	push_selector 24
	pushl %ecx
	pushl %ss:8(%esp)
	orl $0x200, %ss:(%esp)
	push_selector 16
	pushl %edx
	jmp xen_iret

	/*
	 * Stubs. entry: Xen's frame on the guest's kernel stack: [error,] EIP, CS, EFLAGS [, ESP, SS]; nothing assumed of
	 * DS, ES and general registers; events masked. Calls u32 function(struct xen_frame *) with flat DS and ES.
	 * exit: 0 returns to the interrupted code as it was, error code removed; 1 goes to target_cs:target with all
	 * registers and segments as on entry and ESP at the frame (the error code on top if there is one).
	 * stack: 52 bytes besides the function's.
	 */
.macro save function
	pushl $0
	pushl $0
	pushal
	pushl %ds
	pushl %es
	movl $XEN_SELECTOR_KERNEL_DS, %eax
	movl %eax, %ds
	movl %eax, %es
	cld
	movl %esp, %eax
	call \function
	testl %eax, %eax
	jz stub_return
.endm

	.globl entry_page_fault
	.hidden entry_page_fault
entry_page_fault:
	save fault_page
	restore
	lret

	.globl entry_no_fpu
	.hidden entry_no_fpu
entry_no_fpu:
	pushl $0
	save no_fpu
	restore
	lret $4

	.globl entry_upcall
	.hidden entry_upcall
entry_upcall:
	pushl $0
	save event_upcall
	restore
	lret $4

stub_return:
	restore
	leal 12(%esp), %esp
	jmp vmi_IRET

	/*
	 * Xen could not load the segments of a frame it was given: DS, ES, FS, GS on top of the stack, then the frame.
	 * They become null, as they would in an IRET to an outer ring, and the frame is tried again.
	 */
	.globl entry_failsafe
	.hidden entry_failsafe
entry_failsafe:
	leal 16(%esp), %esp
	pushl %eax
	xorl %eax, %eax
	movl %eax, %ds
	movl %eax, %es
	movl %eax, %fs
	movl %eax, %gs
	popl %eax
	jmp vmi_IRET
