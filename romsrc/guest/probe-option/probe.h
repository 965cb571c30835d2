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

/* main.c */
void say(const char *text);
void say_hex(u32 value);
void check(bool good, const char *what);
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

/* timers.c */
extern volatile u32 ticks, local_ticks;
void timers_check(void);
void lazy_check(void);
#else
#include "vmi_asm.h"
#endif
#endif
