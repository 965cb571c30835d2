/*
 * Trap and interrupt stubs, one per vector in use: exceptions 0 to 31, the sixteen PIC lines at 30h, the local APIC's
 * 40h to 47h, and the system call 80h.
 *
 * entry: the frame of a hardware gate on a flat SS, with an error code for vectors 8, 10 to 14, 17, 30.
 * does:  completes it to struct vmi_frame and calls vmi_trap(frame) with flat DS and ES, DF clear.
 * exit:  through the IRET call with all registers of the frame; what vmi_trap changed in it takes effect.
 */
#include "vmi_guest_asm.h"

	.text
.macro STUB vector
stub_\vector:
	.if (\vector) == 8 || ((\vector) >= 10 && (\vector) <= 14) || (\vector) == 17 || (\vector) == 30
	.else
	pushl $0
	.endif
	pushl $\vector
	jmp .Lenter
.endm

	.altmacro
	.set vector, 0
	.rept 32
	STUB %vector
	.set vector, vector + 1
	.endr
	.set vector, 0x30
	.rept 24
	STUB %vector
	.set vector, vector + 1
	.endr
	.set vector, 0x80
	STUB %vector

.Lenter:
	pushal
	pushl %ds
	pushl %es
	pushl %fs
	pushl %gs
	movl %ss, %eax
	movl %eax, %ds
	movl %eax, %es
	cld
	movl %esp, %ebx
	pushl %ebx
	call vmi_trap
	addl $4, %esp
	.globl vmi_trap_exit
vmi_trap_exit: /* ESP at a struct vmi_frame that is to be resumed */
	popl %gs
	popl %fs
	popl %es
	popl %ds
	popal
	addl $8, %esp
	VMI_IRET

.macro ADDRESS vector
	.long stub_\vector
.endm

	.section .rodata
	.balign 4
	.globl vmi_stubs
vmi_stubs:
	.set vector, 0
	.rept 32
	ADDRESS %vector
	.set vector, vector + 1
	.endr
	.fill 16, 4, 0
	.set vector, 0x30
	.rept 24
	ADDRESS %vector
	.set vector, vector + 1
	.endr
	.fill 0x80 - 0x48, 4, 0
	.set vector, 0x80
	ADDRESS %vector
	.fill 255 - 0x80, 4, 0
