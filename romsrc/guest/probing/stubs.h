/*
 * Where vectors are entered. `stubs V, V...` writes a stub for each of these vectors, which have no error code, and for
 * each of the exceptions that have one; and the table of them all, probe_stubs.
 *
 * A stub is entered with the trap's frame on the stack. It goes on at trap_common, which the probe brings, with the
 * error code (0 where there is none) below the frame, and below that the vector. Clobbers nothing.
 */
	.macro stub vector, coded=0
	.text
	.p2align 4
stub_\vector:
	.if \coded == 0
	pushl $0
	.endif
	pushl $\vector
	jmp trap_common

	.section .rodata.stubs, "a", @progbits
	.long \vector, stub_\vector
	.endm

	.macro stubs plain:vararg
	.section .rodata.stubs, "a", @progbits
	.p2align 2
	.globl probe_stubs
probe_stubs:
	.irp vector, \plain
	stub \vector
	.endr
	.irp vector, 8, 10, 11, 12, 13, 14, 17
	stub \vector, 1
	.endr
	.section .rodata.stubs, "a", @progbits
	.long 0, 0
	.text
	.endm
