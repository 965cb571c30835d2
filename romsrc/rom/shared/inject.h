/*
 * Stubs behind gates and callbacks: for C, the frame they pass; for assembly, the macro ROM_STUB (see inject.S
 * for what it promises).
 */
#ifndef INJECT_H
#define INJECT_H

#ifndef __ASSEMBLER__
#include "rom.h"

/* What a stub's C function sees; it may change anything but `skipped`. esp and ss are there only if cs & 3 is
 * greater than the privilege of the stub. */
struct rom_frame {
	u32 es, ds;
	u32 edi, esi, ebp, skipped, ebx, edx, ecx, eax;
	u32 target; /* what a thunk has pushed, or lay there before the interrupt; used by the stub at its end */
	u32 error;  /* 0 for stubs without an error code; behind a thunk, what lay there before the interrupt */
	u32 eip, cs, eflags, esp, ss;
};

#else

#define FRAME_ES 0
#define FRAME_DS 4

/*
 * restore_segments: ES and DS from the top of the stack, ESP behind them. restore: the same, then what PUSHAL pushed.
 * Both change flags.
 *
 * A data segment that was valid when the guest loaded it may have become unusable since (the guest rewrote the
 * descriptor); loading it back would fault inside the ROM, so it is tested first and becomes null instead, as IRET
 * to an outer ring would do.
 */
.macro restore_segments
	verr FRAME_ES(%esp)
	jz 8f
	movl $0, FRAME_ES(%esp)
8:	verr FRAME_DS(%esp)
	jz 9f
	movl $0, FRAME_DS(%esp)
9:	popl %es
	popl %ds
.endm
.macro restore
	restore_segments
	popal
.endm

/*
 * ROM_STUB name, function, error
 *   entry:  a hardware (or hypervisor's) interrupt frame on a flat SS: EIP, CS, EFLAGS [, ESP, SS], with an error
 *           code below it if `error` is 1; with 2, a word as it was (frame.error) and one that a thunk pushed
 *           (frame.target), both dropped at the exit. Nothing is assumed of DS, ES, FS, GS or of general registers.
 *   does:   calls u32 ROMCALL function(struct rom_frame *) with flat DS and ES, DF clear. Interrupts as on entry.
 *   exit:   result 0: returns to the interrupted code through `jmp vmi_IRET`, the error code removed.
 *           otherwise: jumps to that address (a guest's handler) with all registers and segments as on entry and
 *           ESP at the frame, the error code in place. Flags are then those of the last instruction.
 *   stack:  48 bytes besides the function's.
 */
.macro ROM_STUB name, function, error
	.globl \name
	.hidden \name
\name:
	.if \error == 0
	pushl $0
	.endif
	.if \error != 2
	leal -4(%esp), %esp             /* frame.target, as the stack was */
	.endif
	pushal
	pushl %ds
	pushl %es
	movl %ss, %eax
	movl %eax, %ds
	movl %eax, %es
	cld
	movl %esp, %eax
	call \function
	.if \error == 1
	jmp rom_stub_exit_error
	.else
	jmp rom_stub_exit
	.endif
.endm

#endif
#endif
