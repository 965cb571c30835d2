/* A kernel that asks KVM questions, without a ROM and without paging. */
#ifndef PROBE_H
#define PROBE_H

#include "../probing/probing.h"
#include "kvm.h"
#include "native.h"

#define KERNEL_CS 0x08
#define KERNEL_DS 0x10
#define USER_CS 0x1b
#define USER_DS 0x23
#define LEFT 0x20u /* vector by which ring 3 comes back */

/* The trap that the last TRY met, if any. */
struct seen {
	u32 hits, vector, error, eax, cr2;
};

extern struct seen seen;
extern u32 probe_registers[5];
extern u8 probe_page[4096], probe_user_stack[4096];

/* machine.c */
void machine_begin(void);
u32 by_vmmcall(void);
void cpuid(u32 leaf, u32 out[4]);
s32 hypercall(u32 number, u32 a, u32 b, u32 c, u32 d);
u64 read_msr(u32 index);            /* ask `seen` whether it faulted */
void write_msr(u32 index, u64 value);
u64 tsc(void);

/* TRY in ring 3, with flat segments and IOPL 0. */
#define TRY_USER(text) \
	TRY("pushl $0x23\n\tpushl $probe_user_stack + 4096\n\tpushl $2\n\tpushl $0x1b\n\tpushl $8f\n\tiret\n8:\t" \
	    "movl $0x23, %%eax\n\tmovl %%eax, %%ds\n\tmovl %%eax, %%es\n\t" text "\n\tint $0x20")

/* One file each. */
void ask_calls(void);
void ask_leaves(void);
void ask_registers(void);
void ask_clock(void);
void ask_traps(void);

#endif
