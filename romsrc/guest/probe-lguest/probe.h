/*
 * A kernel that asks lguest questions. Those that end the guest are asked one a boot: the command line names them by
 * number (`die=3`), and notes say which they are.
 */
#ifndef PROBE_H
#define PROBE_H

#include "../probing/probing.h"
#include "lguest.h"

#define OFFSET 0xC0000000u
#define PAGE 4096u
#define GPA(va) ((u32)(va) - OFFSET)
#define P 1ull
#define RW 2ull
#define US 4ull
#define ACC 0x20ull
#define DIR 0x40ull
#define LARGE 0x80ull
#define IF 0x200u

/* What the last trap was, and how many came since TRY. */
struct seen {
	u32 hits, vector, error, eip, cs, eflags, esp, enabled, eax, ss;
};

/* What the clock's interrupt found: irq_enabled, the frame's flags and CS. */
struct irq {
	u32 hits, enabled, eflags, cs;
};

struct first {
	u32 eax, ebx, ecx, edx, esi, edi, ebp, esp, cs, ds, es, ss, fs, gs, eflags;
};

extern struct first probe_first;
extern volatile struct lguest_data probe_data;
extern u8 probe_pages[8][PAGE], probe_user_stack[PAGE], probe_stack[4][PAGE];
extern u64 probe_tables[4][512];
extern volatile struct seen seen;
extern volatile struct irq irq;
extern u32 kept[6], probe_irq_after, probe_zero, got;

void call(u32 number, u32 a, u32 b, u32 c, u32 d);
#define call0(n) call(n, 0, 0, 0, 0)
#define call1(n, a) call(n, (u32)(a), 0, 0, 0)
#define call2(n, a, b) call(n, (u32)(a), (u32)(b), 0, 0)
#define call3(n, a, b, c) call(n, (u32)(a), (u32)(b), (u32)(c), 0)
#define call4(n, a, b, c, d) call(n, (u32)(a), (u32)(b), (u32)(c), (u32)(d))

/* machine.c */
void initialise(void);
void gate(u32 vector, u32 type, u32 dpl, const void *at);
void gates_on(void);
volatile u64 *entry_of(u32 va);
u32 memory_end(void);
u32 memory_limit(void);
const volatile u8 *devices(void);
u32 same(const char *a, const char *b, u32 count);

/* Runs instructions in ring 3, until they trap. */
#define USER(text) \
	do { \
		seen.hits = 0; \
		__asm__ volatile("movl $9f, probe_resume\n\tmovl %%esp, probe_resume_esp\n\tmovl $8f, %%eax\n\t" \
				 "movl $probe_user_stack + 0x1000, %%edx\n\tjmp user_enter\n8:\n\t" text "\n\tint $0x80\n9:\n\t" \
				 "movl probe_resume_esp, %%esp\n\tmovl $0, probe_resume" \
				 ::: "eax", "ebx", "ecx", "edx", "esi", "edi", "memory", "cc"); \
	} while (0)

void ask_boot(void);
void ask_init(void);
void ask_devices(void);
void ask_calls(void);
void ask_segments(void);
void ask_traps(void);
void ask_privileged(void);
void ask_pages(void);
void ask_user(void);
void ask_interrupts(void);
void tell_deaths(void);
void die(u32 number);

#endif
