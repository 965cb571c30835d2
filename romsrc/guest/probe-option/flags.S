/*
 * Sites of the four flags calls as a kernel has them: the instruction with room for a call, recorded for patching.
 * flags_probe executes each with known registers and reports what it changed.
 */
#include "probe.h"

.macro READ_FLAGS
	pushfl
	popl %eax
.endm
.macro WRITE_FLAGS
	pushl %eax
	popfl
.endm

.macro SITE call, text
771:	\text
772:	.skip 5 - (772b - 771b), 0x90
773:
	.pushsection .probe_sites, "a", @progbits
	.long 771b
	.byte \call, 773b - 771b, 0, 0
	.popsection
.endm

	.text
	/*
	 * Each: EAX = value of all registers but ESP, EDX = gva of 7 words that receive EAX, EBX, ECX, EDX, ESI, EDI,
	 * EBP behind the site.
	 */
.macro PROBE name, call, text
	.globl probe_\name
probe_\name:
	pushal
	pushl %edx
	movl %eax, %ebx
	movl %eax, %ecx
	movl %eax, %edx
	movl %eax, %esi
	movl %eax, %edi
	movl %eax, %ebp
	SITE \call, \text
	pushal
	movl 32(%esp), %eax
	movl 28(%esp), %ecx
	movl %ecx, (%eax)
	movl 16(%esp), %ecx
	movl %ecx, 4(%eax)
	movl 24(%esp), %ecx
	movl %ecx, 8(%eax)
	movl 20(%esp), %ecx
	movl %ecx, 12(%eax)
	movl 4(%esp), %ecx
	movl %ecx, 16(%eax)
	movl 0(%esp), %ecx
	movl %ecx, 20(%eax)
	movl 8(%esp), %ecx
	movl %ecx, 24(%eax)
	addl $36, %esp
	popal
	ret
.endm

	PROBE enable, VMI_CALL_EnableInterrupts, sti
	PROBE disable, VMI_CALL_DisableInterrupts, cli
	PROBE get, VMI_CALL_GetInterruptMask, READ_FLAGS
	PROBE set, VMI_CALL_SetInterruptMask, WRITE_FLAGS
