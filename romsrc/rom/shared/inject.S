/*
 * The common ends of ROM_STUB (inject.h). On entry ESP is at struct rom_frame, EAX = the C function's answer.
 *
 * A data segment that was valid when the guest loaded it may have become unusable since (the guest rewrote the
 * descriptor); loading it back would fault inside the ROM, so it is tested first and becomes null instead, as IRET
 * to an outer ring would do.
 */
#define FRAME_ES 0
#define FRAME_DS 4
#define FRAME_TARGET 40

	.text
.macro restore
	verr FRAME_ES(%esp)
	jz 8f
	movl $0, FRAME_ES(%esp)
8:	verr FRAME_DS(%esp)
	jz 9f
	movl $0, FRAME_DS(%esp)
9:	popl %es
	popl %ds
	popal
.endm

	.globl rom_stub_exit
	.hidden rom_stub_exit
rom_stub_exit:
	movl %eax, FRAME_TARGET(%esp)
	testl %eax, %eax
	jz rom_stub_return
	restore
	ret $4                          /* the handler; drops the place of the error code */

	.globl rom_stub_exit_error
	.hidden rom_stub_exit_error
rom_stub_exit_error:
	movl %eax, FRAME_TARGET(%esp)
	testl %eax, %eax
	jz rom_stub_return
	restore
	ret                             /* the handler; the error code is on top */

rom_stub_return:
	restore
	leal 8(%esp), %esp
	jmp vmi_IRET
