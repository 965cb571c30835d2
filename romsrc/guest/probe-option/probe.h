/*
 * A kernel that boots natively, finds its ROM by scanning, and uses it as Linux 2.6.35's vmi_32.c
 * and its callers do: what they ask, in which order, and what they do behind its back.
 */
#ifndef PROBE_H
#define PROBE_H

#define BASE 0xC0000000
#define PROBE_CS 0x60
#define PROBE_DS 0x68
#define PROBE_TSS 0x80
#define TIMER_VECTOR 0x30 /* of interrupt 0, as Linux 2.6.35 has it */
#define LOCAL_VECTOR 0x41 /* of the local APIC's timer */
#define FAULT_VECTOR 14
#define IPI_VECTOR 0xFD /* from processor to processor */
#define SPURIOUS_VECTOR 0xFF
#define PROBE_USER_DS 0x7b
#define PROBE_PERCPU 0xd8
#define CPUS 8
#define BAD_CS 0x0b /* an entry of the GDT that is empty */
#define BAD_EIP 0x12345678
#define BAD_ESP 0x1000
#define BAD_EFLAGS 2

#ifndef __ASSEMBLER__
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef int32_t s32;
typedef uint64_t u64;

#include "vmi.h"
#include "vmi_asm.h"

#define PAGE 4096u
#define CALLS (VMI_CALL_SetLazyMode + 1) /* a guest of VMI 3.0 */
#define CALLCONV __attribute__((regparm(3)))
#define GVA(gpa) ((void *)((gpa) + (u32)BASE))
#define GPA(gva) ((u32)(uintptr_t)(gva) - (u32)BASE)

#define P 0x01u
#define W 0x02u
#define ACCESSED 0x20u
#define DIRTY 0x40u
#define ENTRY (P | W | ACCESSED | DIRTY)

extern bool pae;
extern u32 multiboot_info; /* gpa */

/* What a processor has for itself; FS leads to it, as in a stock SMP kernel. */
struct percpu {
	struct percpu *self;
	u32 number; /* its APIC number, too */
	volatile u32 ticks, ipis, wakes;
	volatile u32 command, done; /* numbers of what it was told to do, and has done */
	void (*volatile work)(struct percpu *cpu);
	volatile u32 value, online;
	u32 first[9]; /* registers at its first instruction, as PUSHFL and PUSHAL leave them */
	u64 gdt[32] __attribute__((aligned(8)));
	u32 tss[26];
	u8 stack[4096] __attribute__((aligned(16)));
};
extern struct percpu percpu[CPUS];

static inline struct percpu *this_cpu(void)
{
	struct percpu *cpu;

	__asm__ volatile("movl %%fs:0, %0" : "=r"(cpu));
	return cpu;
}

/* main.c */
void say(const char *text);
void say_hex(u32 value);
void say_number(u32 value);
void check(bool good, const char *what);
u32 option(const char *name); /* of the command line, name with its "="; 0 if it is not there */
void percpu_prepare(struct percpu *cpu, u32 number);
void load_tss(struct percpu *cpu);
extern u64 idt[256];
static inline void out8(u16 port, u8 value) { __asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port)); }
static inline u8 in8(u16 port)
{
	u8 value;

	__asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}
static inline u64 tsc(void)
{
	u64 value;

	__asm__ volatile("rdtsc" : "=A"(value));
	return value;
}

/* attach.c: the ROM, and each call through it or, where it answers NONE, by the instruction itself */
extern const u8 *rom;
void attach(void);
void patch_again(void);
void check_rom_again(void);
u64 call5(u32 number, u32 a, u32 d, u32 c, u32 s0, u32 s1);
#define call(number, a, d, c) call5(VMI_CALL_##number, (u32)(a), (u32)(d), (u32)(c), 0, 0)
bool translated(u32 number);

/* flags.S, flags.c */
void flags_check(void);

/* tables.c */
void linear_map(u32 pages);
void tables_check(void);
void CALLCONV fault(u32 error);
void set_entry(void *entry, u64 value, u32 flags);
u32 root(void);
void *fixmap(u32 number, u32 gpa); /* the page as memory of a device, at a fixed address */
void high_tables_check(void);
void remap(u32 which); /* which of two pages, told apart by their first word, stands at REMAPPED */
#define REMAPPED 0xE0003000u
#define REMAP_WORD(which) (0x10101010u * ((which) + 1))

/* timers.c */
extern volatile u32 ticks, local_ticks;
extern u64 hz;
void timers_check(void);
void lazy_check(void);
u64 now(void);
u32 milliseconds(u32 n); /* in cycles */
bool wait(volatile u32 *count, u32 target); /* halted, until *count reaches it: false after some seconds */
void alarm(u32 flags, u64 expiry, u64 period);
void wired(u32 wiring, volatile u32 *count, const char *one, const char *many);

/* apic.c: the local APIC and the IO-APIC of a stock kernel */
extern volatile bool ack_apic; /* the timer's interrupt is ended at the local APIC */
bool has_apic(void);
bool has_nx(void);
void apic_enable(bool first);
void apic_check(void);
void apic_ipi(u32 destination, u32 icr); /* raw, as Linux sends what is no start */

/* smp.c */
void smp_check(u32 cpus);
#else
#include "vmi_asm.h"
#endif
#endif
