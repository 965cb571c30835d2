/*
 * Stubs behind the shadow IDT's gates, and calls of the native backend whose register rules or instructions are
 * beyond C.
 */
#include "inject.h"
#include "stubs.h"
#include "vmi_asm.h"

	.text
	/*
	 * Stubs for timers, one for each vector that an ICW2, an IO-APIC or LVTT can name, 12 bytes each: they push the
	 * vector (its low byte counts) and leave the word between it and the frame as it was.
	 */
	.balign 4, 0xcc
timer_stubs:
	.set vector, FIRST_STUB_VECTOR
	.rept STUB_VECTORS
	subl $4, %esp
	.byte 0x6a, vector              /* pushl $vector, one byte, sign-extended */
	jmp native_timer_entry
	.balign 4, 0xcc
	.set vector, vector + 1
	.endr

	/* native_timer_entry: a frame, a word as it was, and the vector that one of the above has pushed. */
	ROM_STUB native_timer_entry, native_timer_interrupt, 2

	/* native_timer_stub: EAX = vector; out EAX = gva of its stub. Changes flags, ECX. */
	.globl native_timer_stub
	.hidden native_timer_stub
native_timer_stub:
	call 1f
1:	popl %ecx
	leal (%eax,%eax,2), %eax
	leal (timer_stubs - 1b - 12 * FIRST_STUB_VECTOR)(%ecx,%eax,4), %eax
	ret

	/* native_halt_start, native_halt_end: out EAX. Change flags, ECX. */
	.globl native_halt_start
	.hidden native_halt_start
native_halt_start:
	call 1f
1:	popl %eax
	addl $(.Lhalt - 1b), %eax
	ret
	.globl native_halt_end
	.hidden native_halt_end
native_halt_end:
	call 1f
1:	popl %eax
	addl $(.Lhalted - 1b), %eax
	ret

	/*
	 * Halt (35): enables interrupts and waits in one step; returns after one was delivered. A timer interrupt that
	 * was the ROM's own affair starts it anew (native_timer_interrupt), unless an interrupt of the guest's came before
	 * it, whose handler has written over the mark. Changes flags, and a word below the stack.
	 */
	.globl vmi_Halt
	.hidden vmi_Halt
vmi_Halt:
.Lhalt:
	movl $HALT_MARK, HALT_MARK_AT(%esp)
	sti
	hlt
.Lhalted:
	ret

	/*
	 * In front of the gates of the faults that IRET takes for its frame's sake (returns.c). Each is entered with the
	 * fault's frame and error code.
	 */
	ROM_STUB native_fault_ts, native_invalid_tss, 1
	ROM_STUB native_fault_np, native_not_present, 1
	ROM_STUB native_fault_ss, native_stack_fault, 1
	ROM_STUB native_fault_gp, native_protection, 1

	/* native_fault_stub: EAX = 0 to 3 for vectors 10 to 13; out EAX = gva of its stub. Changes flags, ECX. */
	.globl native_fault_stub
	.hidden native_fault_stub
native_fault_stub:
	call 1f
1:	popl %ecx
	addl $(fault_stubs - 1b), %ecx
	leal (%ecx,%eax,4), %eax
	addl (%eax), %eax
	ret
fault_stubs:
	.long native_fault_ts - ., native_fault_np - ., native_fault_ss - ., native_fault_gp - .

	/*
	 * native_as_user: entered with two words to drop, the guest's handler, and what that is to find at its entry.
	 * Changes nothing, flags included. native_as_user_gva, native_iret: out EAX = gva of that and of IRET. Change flags.
	 */
native_as_user:
	leal 8(%esp), %esp
	ret
	.globl native_as_user_gva
	.hidden native_as_user_gva
native_as_user_gva:
	call 1f
1:	popl %eax
	addl $(native_as_user - 1b), %eax
	ret
	.globl native_iret
	.hidden native_iret
native_iret:
	call 1f
1:	popl %eax
	addl $(vmi_IRET - 1b), %eax
	ret

	/* IRET (33), entered by a jump: ESP at EIP, CS, EFLAGS [, ESP, SS]. */
	.globl vmi_IRET
	.hidden vmi_IRET
vmi_IRET:
	iretl

	/* SYSEXIT (34), entered by a jump: EDX = user EIP, ECX = user ESP. STI's shadow covers the SYSEXIT. */
	.globl vmi_SYSEXIT
	.hidden vmi_SYSEXIT
vmi_SYSEXIT:
	sti
	sysexit

	/*
	 * OUTB (56): AL to port DX; changes nothing, flags included. Writes to the master PIC are looked at for the
	 * vector that it gives IRQ 0.
	 */
	.globl vmi_OUTB
	.hidden vmi_OUTB
vmi_OUTB:
	outb %al, %dx
	pushfl
	pushl %eax
	movl %edx, %eax
	andl $0xfffe, %eax
	cmpl $VMI_PORT_PIC_MASTER, %eax
	popl %eax
	jne 1f
	pushl %eax
	pushl %ecx
	pushl %edx
	cld
	call native_snoop
	popl %edx
	popl %ecx
	popl %eax
1:	popfl
	ret

	/*
	 * UpdateKernelStack (14): EAX = SS0 selector, EDX = ESP0. Stores both into the TSS that TR names, so that the
	 * next entry from user mode uses them, whether or not the guest has stored them itself. Without a TSS it does
	 * nothing. Changes EAX, ECX, flags.
	 */
	.globl vmi_UpdateKernelStack
	.hidden vmi_UpdateKernelStack
vmi_UpdateKernelStack:
	pushl %ebx
	str %bx
	andl $0xfff8, %ebx
	jz 1f
	subl $8, %esp
	sgdt 2(%esp)
	addl 4(%esp), %ebx              /* descriptor of the TSS */
	addl $8, %esp
	movl 2(%ebx), %ecx              /* base 23:0 */
	andl $0x00ffffff, %ecx
	movl 4(%ebx), %ebx
	andl $0xff000000, %ebx
	orl %ebx, %ecx
	movl %edx, 4(%ecx)
	movw %ax, 8(%ecx)
1:	popl %ebx
	ret

	/*
	 * native_deliver: EAX = a guest's handler for an interrupt gate. Enters it with a frame of the same privilege
	 * and interrupts off, and returns after its IRET. The flags the handler returns to are the present ones.
	 */
	.globl native_deliver
	.hidden native_deliver
native_deliver:
	pushfl
	cli
	pushl %cs
	call 1f
	ret
1:	jmp *%eax
