/*
 * What the ROM's trap and upcall stubs (entry.S) show to C, and how C sends them on to the guest.
 */
#ifndef FRAME_H
#define FRAME_H

#include "rom.h"

#define NO_FPU 7
#define PAGE_FAULT 14

struct xen_frame {
	u32 es, ds;
	u32 edi, esi, ebp, skipped, ebx, edx, ecx, eax;
	u32 target, target_cs; /* where the stub goes if the C function answers 1 */
	u32 error;             /* 0 for stubs without an error code */
	u32 eip, cs, eflags, esp, ss;
};

/* Aim the frame at the guest's gate: fills target, and leaves events masked or as the interrupted code had them, as
 * the gate's type says. 1 (the stub goes there); ends the domain if the guest has no such gate. traps.c */
u32 gate_enter(struct xen_frame *frame, u32 vector);

/* traps.c: one line on the console, then a crash that the host sees. */
void fatal(const char *text) __attribute__((noreturn));

/* faults.c: the page-fault gate. 0: repaired, go back; else the stub goes to the guest. */
u32 ROMCALL fault_page(struct xen_frame *frame);

#endif
