/*
 * The common ends of ROM_STUB (inject.h). On entry ESP is at struct rom_frame, EAX = the C function's answer.
 */
#include "inject.h"

#define FRAME_TARGET 40

	.text
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
