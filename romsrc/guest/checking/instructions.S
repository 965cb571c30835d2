/*
 * Instructions that trap, each at a known address, and sequences whose registers only assembly can vouch for.
 * Called from C (cdecl): EAX, ECX, EDX may change, the rest comes back.
 */
#include "vmi_guest_asm.h"

	.text

.macro ROUTINE name
	.balign 4, 0x90
	.globl \name
\name:
.endm

.macro PLACE name
	.globl \name
\name:
.endm

	/* bool catch_enter(void (*function)(u32), u32 argument): false if it returned, true if catch_exit ended it */
	ROUTINE catch_enter
	pushl %ebx
	pushl %esi
	pushl %edi
	pushl %ebp
	movl %esp, catch_esp
	pushl 24(%esp)
	call *24(%esp)
	addl $4, %esp
	xorl %eax, %eax
	jmp 1f
	/* catch_exit: resumed instead of the code that trapped; takes the stack back to where catch_enter was */
	ROUTINE catch_exit
	movl catch_esp, %esp
	xorl %eax, %eax
	incl %eax
	cld
1:	movl $0, catch_esp
	popl %ebp
	popl %edi
	popl %esi
	popl %ebx
	ret

	ROUTINE do_divide
	xorl %ecx, %ecx
	xorl %edx, %edx
	movl $1, %eax
	PLACE at_divide
	divl %ecx
	ret

	ROUTINE do_breakpoint
	int3
	PLACE after_breakpoint
	ret

	ROUTINE do_overflow
	movl $0x7fffffff, %eax
	incl %eax
	into
	PLACE after_overflow
	ret

	ROUTINE do_bound
	movl $5, %eax
	PLACE at_bound
	bound %eax, bounds
	ret

	ROUTINE do_undefined
	PLACE at_undefined
	ud2
	ret

	ROUTINE do_load_fs
	movl 4(%esp), %eax
	PLACE at_load_fs
	movl %eax, %fs
	ret

	ROUTINE do_read
	movl 4(%esp), %eax
	PLACE at_read
	movl (%eax), %eax
	ret

	ROUTINE do_write
	movl 4(%esp), %eax
	PLACE at_write
	movl $0x600d600d, (%eax)
	ret

	ROUTINE do_call
	jmp *4(%esp)

	ROUTINE load_fs
	movl 4(%esp), %eax
	movl %eax, %fs
	ret
	ROUTINE load_gs
	movl 4(%esp), %eax
	movl %eax, %gs
	ret
	ROUTINE read_fs
	movl 4(%esp), %eax
	movl %fs:(%eax), %eax
	ret
	ROUTINE read_gs
	movl 4(%esp), %eax
	movl %gs:(%eax), %eax
	ret

	/* other_handler: behind a trap gate; counts, and goes back through the IRET call */
	ROUTINE other_handler
	incl %ss:other_handler_ran
	VMI_IRET

/* Seven registers hold marks; whoever changes one of them is found by SAME, which leaves EAX = 1 if all are right. */
.macro MARK
	movl $0x10111213, %eax
	movl $0x20212223, %ebx
	movl $0x30313233, %ecx
	movl $0x40414243, %edx
	movl $0x50515253, %esi
	movl $0x60616263, %edi
	movl $0x70717273, %ebp
	movl %esp, marked_esp
.endm
.macro SAME first=0
	.if \first == 0
	cmpl $0x10111213, %eax
	jne 9f
	.endif
	cmpl $0x20212223, %ebx
	jne 9f
	cmpl $0x30313233, %ecx
	jne 9f
	cmpl $0x40414243, %edx
	jne 9f
	cmpl $0x50515253, %esi
	jne 9f
	cmpl $0x60616263, %edi
	jne 9f
	cmpl $0x70717273, %ebp
	jne 9f
	cmpl %esp, marked_esp
	jne 9f
	movl $1, %eax
	jmp 8f
9:	xorl %eax, %eax
8:	movl marked_esp, %esp
.endm
.macro PROLOGUE
	pushl %ebx
	pushl %esi
	pushl %edi
	pushl %ebp
.endm
.macro EPILOGUE
	popl %ebp
	popl %edi
	popl %esi
	popl %ebx
	ret
.endm

	/* bool registers_survive_breakpoint(void); int3 is caught by C and resumed */
	ROUTINE registers_survive_breakpoint
	PROLOGUE
	movl %esp, catch_esp
	MARK
	int3
	SAME
	movl $0, catch_esp
	EPILOGUE

	/* bool registers_survive_flags(void): the four flags sites with DS and ES null; interrupts must be off, and are off
	 * after. Also false if 31 does not tell what 29, 30 and 32 did. */
	ROUTINE registers_survive_flags
	PROLOGUE
	pushl %ds
	pushl %es
	MARK
	xorl %eax, %eax
	movl %eax, %ds
	movl %eax, %es
	movl $0x10111213, %eax
771:	sti
	nop
	nop
	nop
	nop
	VMI_SITE_END VMI_CALL_EnableInterrupts
	cmpl $0x10111213, %eax
	jne 7f
771:	pushfl
	popl %eax
	nop
	nop
	nop
	VMI_SITE_END VMI_CALL_GetInterruptMask
	testl $0x200, %eax
	jz 7f
	movl $0x10111213, %eax
771:	cli
	nop
	nop
	nop
	nop
	VMI_SITE_END VMI_CALL_DisableInterrupts
	cmpl $0x10111213, %eax
	jne 7f
771:	pushfl
	popl %eax
	nop
	nop
	nop
	VMI_SITE_END VMI_CALL_GetInterruptMask
	testl $0x200, %eax
	jnz 7f
	movl $0x200, %eax
771:	pushl %eax
	popfl
	nop
	nop
	nop
	VMI_SITE_END VMI_CALL_SetInterruptMask
	xorl %eax, %eax
771:	pushl %eax
	popfl
	nop
	nop
	nop
	VMI_SITE_END VMI_CALL_SetInterruptMask
	movl $0x10111213, %eax
7:	pushl %ss
	popl %ds
	SAME
	popl %es
	popl %ds
	EPILOGUE

	/* bool registers_survive_interrupt(volatile u32 *ticks): spins until *ticks is not 0 or patience ends; interrupts on.
	 * FS and GS count too. */
	ROUTINE registers_survive_interrupt
	PROLOGUE
	movl 20(%esp), %eax
	movl %eax, spin_word
	movl $20000000, spin_left
	movl $0x33, %eax
	movl %eax, %fs
	MARK
1:	pushl %eax
	movl spin_word, %eax
	cmpl $0, (%eax)
	popl %eax
	jne 2f
	decl spin_left
	jnz 1b
2:	SAME
	movl %fs, %ecx
	cmpw $0x33, %cx
	je 3f
	xorl %eax, %eax
3:	xorl %ecx, %ecx
	movl %ecx, %fs
	EPILOGUE

	/* bool registers_survive_out(void *entry, u32 port, u32 value) */
	ROUTINE registers_survive_out
	PROLOGUE
	movl 20(%esp), %eax
	movl %eax, called
	movl 24(%esp), %ecx
	movl 28(%esp), %eax
	movl %eax, out_value
	movl %ecx, out_port
	MARK
	movl out_value, %eax
	movl out_port, %edx
	call *called
	cmpl out_value, %eax
	jne 4f
	cmpl out_port, %edx
	jne 4f
	movl $0x10111213, %eax
4:	movl $0x40414243, %edx
	SAME
	EPILOGUE

	/* bool registers_survive_in(void *entry, u32 port): EAX is the result */
	ROUTINE registers_survive_in
	PROLOGUE
	movl 20(%esp), %eax
	movl %eax, called
	movl 24(%esp), %ecx
	movl %ecx, out_port
	MARK
	movl out_port, %edx
	call *called
	movl $0x10111213, %eax
	cmpl out_port, %edx
	je 4f
	notl %eax
4:	movl $0x40414243, %edx
	SAME
	EPILOGUE

	/* bool registers_survive_cpuid(void *entry): ESI, EDI, EBP and ESP, the other four being results */
	ROUTINE registers_survive_cpuid
	PROLOGUE
	movl 20(%esp), %eax
	movl %eax, called
	MARK
	movl $1, %eax
	xorl %ecx, %ecx
	call *called
	movl $0x10111213, %eax
	movl $0x20212223, %ebx
	movl $0x30313233, %ecx
	movl $0x40414243, %edx
	SAME
	EPILOGUE

	/* void enable_by_iret(void): returns through the IRET call, with a frame that turns interrupts on */
	ROUTINE enable_by_iret
	popl %edx
	pushfl
	orl $0x200, (%esp)
	pushl %cs
	pushl %edx
	VMI_IRET

	.section .rodata
	.balign 4
bounds:
	.long 1, 4

	.bss
	.balign 4
	.globl catch_esp, other_handler_ran
catch_esp:
	.skip 4
other_handler_ran:
	.skip 4
marked_esp:
	.skip 4
spin_word:
	.skip 4
spin_left:
	.skip 4
called:
	.skip 4
out_value:
	.skip 4
out_port:
	.skip 4
