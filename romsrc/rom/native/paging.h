/* The registers of paging, and MSRs: what C has no words for. */
#ifndef PAGING_H
#define PAGING_H

#include "rom.h"

#ifdef ROM_HOST
/* the processor is the test's */
u32 cpu_cr3(void);
void cpu_set_cr3(u32 value);
u32 cpu_cr4(void);
void cpu_invlpg(u32 gva);
u64 cpu_read_msr(u32 msr);
#else

static inline u32 cpu_cr3(void)
{
	u32 value;

	__asm__ volatile("movl %%cr3, %0" : "=r"(value));
	return value;
}

static inline void cpu_set_cr3(u32 value)
{
	__asm__ volatile("movl %0, %%cr3" : : "r"(value) : "memory");
}

static inline u32 cpu_cr4(void)
{
	u32 value;

	__asm__ volatile("movl %%cr4, %0" : "=r"(value));
	return value;
}

static inline void cpu_invlpg(u32 gva)
{
	__asm__ volatile("invlpg (%0)" : : "r"(gva) : "memory");
}

static inline u64 cpu_read_msr(u32 msr)
{
	u64 value;

	__asm__ volatile("rdmsr" : "=A"(value) : "c"(msr));
	return value;
}

#endif

#endif
