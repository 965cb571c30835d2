/*
 * The virtual interrupt flag: calls 29 to 34, the stubs in front of the guest's gates, and the range in which the
 * host delivers nothing.
 *
 * Promised: the flag calls touch memory only, through SS, and change flags only (31: EAX); enabling returns after
 * everything pending was delivered. irq_enabled holds 0 or IF and nothing else, since the host tests the whole
 * word. From the store into irq_enabled to the IRETL the host is kept off by the noirq range, so the flag and
 * the frame change in one step; the stubs' range does the same for a trap's frame.
 *
 * The fast_ forms are for the linear map at LINEAR_BASE; the vmi_ forms work in any alias.
 */
#include "inject.h"
#include "places.h"

/* data's field, from a label in a register that a CALL just gave */
#define FIELD(label, offset) (rom_start - label + DATA_GPA - VMI_LAYOUT_ROM_GPA + offset)

	.text
	/* EnableInterrupts (29) */
	.globl fast_EnableInterrupts
	.hidden fast_EnableInterrupts
fast_EnableInterrupts:
	movl $IF, %ss:IRQ_ENABLED
	cmpl $0, %ss:IRQ_PENDING
	jne .Ldeliver
	ret

	.globl vmi_EnableInterrupts
	.hidden vmi_EnableInterrupts
vmi_EnableInterrupts:
.Lenable:
	pushl %eax
	call 1f
1:	popl %eax
	movl $IF, %ss:FIELD(1b, lguest_data_OFF_irq_enabled)(%eax)
	cmpl $0, %ss:FIELD(1b, lguest_data_OFF_irq_pending)(%eax)
	popl %eax
	jne .Ldeliver
	ret

	/* .Ldeliver: the virtual IF is set and something is pending; returns when it was delivered. Changes nothing. */
.Ldeliver:
	pushfl
	pushl %eax
	pushl %ecx
	pushl %edx
	pushl %ds
	pushl %es
	movl %ss, %eax
	movl %eax, %ds
	movl %eax, %es
	cld
	call lguest_deliver
	restore_segments                /* a handler may have taken a descriptor away */
	popl %edx
	popl %ecx
	popl %eax
	popfl
	ret

	/* DisableInterrupts (30) */
	.globl fast_DisableInterrupts
	.hidden fast_DisableInterrupts
fast_DisableInterrupts:
	movl $0, %ss:IRQ_ENABLED
	ret

	.globl vmi_DisableInterrupts
	.hidden vmi_DisableInterrupts
vmi_DisableInterrupts:
.Ldisable:
	pushl %eax
	call 1f
1:	popl %eax
	movl $0, %ss:FIELD(1b, lguest_data_OFF_irq_enabled)(%eax)
	popl %eax
	ret

	/* GetInterruptMask (31): out EAX = 0 or IF */
	.globl fast_GetInterruptMask
	.hidden fast_GetInterruptMask
fast_GetInterruptMask:
	movl %ss:IRQ_ENABLED, %eax
	ret

	.globl vmi_GetInterruptMask
	.hidden vmi_GetInterruptMask
vmi_GetInterruptMask:
	call 1f
1:	popl %eax
	movl %ss:FIELD(1b, lguest_data_OFF_irq_enabled)(%eax), %eax
	ret

	/* SetInterruptMask (32): EAX = mask, kept; only IF counts */
	.globl vmi_SetInterruptMask
	.hidden vmi_SetInterruptMask
vmi_SetInterruptMask:
	testl $IF, %eax
	jnz .Lenable
	jmp .Ldisable

	/*
	 * SYSEXIT (34): EDX = user EIP, ECX = user ESP. There is no SYSEXIT above CPL 0: a frame for IRET, which sets the
	 * virtual IF in the same step. Changes flags.
	 */
	.globl vmi_SYSEXIT
	.hidden vmi_SYSEXIT
vmi_SYSEXIT:
	pushl $USER_DS
	pushl %ecx
	pushfl
	orl $IF, (%esp)
	pushl $USER_CS
	pushl %edx
	jmp .Liret

	/*
	 * IRET (33): ESP at EIP, CS, EFLAGS [, ESP, SS]; all other registers are the target's. Goes to fast_IRET in the
	 * linear map, where the noirq range is.
	 */
	.globl vmi_IRET
	.hidden vmi_IRET
vmi_IRET:
.Liret:
	pushl %eax
	pushl %eax
	pushl %ecx
	call 1f
1:	popl %eax
	leal (rom_start - 1b)(%eax), %ecx
	leal (fast_IRET - 1b)(%eax), %eax
	subl %ecx, %eax
	addl $ROM_LINEAR, %eax
	movl %eax, 8(%esp)
	popl %ecx
	popl %eax
	ret

	/*
	 * lguest_interrupt: EAX = a handler of the guest. Calls it as an interrupt does; its IRET comes back here with the
	 * virtual IF set, which is what the frame says. The virtual IF is as the handler's gate wants it.
	 */
	.globl lguest_interrupt
	.hidden lguest_interrupt
lguest_interrupt:
	pushfl
	orl $IF, (%esp)
	pushl %cs
	call 1f
	ret
1:	jmp *%eax

	/* Interrupt 0 of the host, through an interrupt gate: the virtual IF is clear, the frame shows it set. */
	ROM_STUB lguest_clock_stub, lguest_clock, 0

	/* From fast_IRET: the frame is what it would have returned to, the virtual IF is clear. */
	ROM_STUB lguest_iret_stub, lguest_iret, 0

	/* Page faults: the host has built the frame, and the virtual IF is as the guest's gate wants it. */
	ROM_STUB lguest_page_fault_stub, lguest_page_fault, 1

	/* ---- the host delivers nothing from here ---- */
	.globl lguest_noirq_start
	.hidden lguest_noirq_start
lguest_noirq_start:

	/* SetInterruptMask (32): as above. The word may hold junk for one instruction, hence in this range. */
	.globl fast_SetInterruptMask
	.hidden fast_SetInterruptMask
fast_SetInterruptMask:
	movl %eax, %ss:IRQ_ENABLED
	andl $IF, %ss:IRQ_ENABLED
	testl %eax, %ss:IRQ_PENDING
	jnz .Ldeliver_far
	ret

	/* IRET (33): as above. If it enables and something is pending, that is taken before the target runs. */
	.globl fast_IRET
	.hidden fast_IRET
fast_IRET:
	pushl %eax
	movl 12(%esp), %eax
	andl $IF, %eax
	movl %eax, %ss:IRQ_ENABLED
	testl %eax, %ss:IRQ_PENDING
	popl %eax
	jnz 1f
	iretl
1:	movl $0, %ss:IRQ_ENABLED
	jmp lguest_iret_stub

	/*
	 * Stubs behind trap gates that hardware enters by itself, one for each vector below 32 and one for the system
	 * call. The frame that hardware pushed shows the real IF, which is always set: they put the virtual one in its
	 * place, clear the virtual one for an interrupt gate, and go on to the guest's handler with all registers as they
	 * were. Flags are those of the last instruction. 12 bytes of stack.
	 */
	.globl lguest_traps
	.hidden lguest_traps
	.balign TRAP_STUB_SIZE, 0xcc
lguest_traps:
	.set vector, 0
	.rept 32
	pushl $8 * vector
	.if (0x27d00 >> vector) & 1     /* vectors with an error code: 8, 10 to 14, 17 */
	jmp .Ltrap_error
	.else
	jmp .Ltrap
	.endif
	.balign TRAP_STUB_SIZE, 0xcc
	.set vector, vector + 1
	.endr
	.globl lguest_system_call
	.hidden lguest_system_call
lguest_system_call:
	pushl $8 * LGUEST_CONSTANTS_SYSCALL_VECTOR
.Ltrap:
	pushl %ecx
	pushl %eax
	movl %ss:IRQ_ENABLED, %eax
	andl $IF, %eax
	andl $~IF, 20(%esp)
	orl %eax, 20(%esp)
	jmp .Lto_handler
.Ltrap_error:
	pushl %ecx
	pushl %eax
	movl %ss:IRQ_ENABLED, %eax
	andl $IF, %eax
	andl $~IF, 24(%esp)
	orl %eax, 24(%esp)
.Lto_handler:
	movl 8(%esp), %ecx
	movl %ss:(GATES_LINEAR + 4)(%ecx), %eax
	testl $0x100, %eax              /* type 0xF, against 0xE */
	jnz 1f
	movl $0, %ss:IRQ_ENABLED
1:	movw %ss:GATES_LINEAR(%ecx), %ax
	movl %eax, 8(%esp)
	popl %eax
	popl %ecx
	ret

	.globl lguest_noirq_end
	.hidden lguest_noirq_end
lguest_noirq_end:
	/* ---- to here ---- */

.Ldeliver_far:
	jmp .Ldeliver
