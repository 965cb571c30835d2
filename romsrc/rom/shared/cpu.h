/* Instructions that C has no words for and that are the same on every backend that uses them. */
#ifndef CPU_H
#define CPU_H

#include "rom.h"

struct cpu_id {
	u32 eax, ebx, ecx, edx;
};

#ifdef ROM_HOST
/* the processor is the test's */
struct cpu_id cpu_id(u32 leaf);
#else

/* CPUID with subleaf 0. */
static inline struct cpu_id cpu_id(u32 leaf)
{
	struct cpu_id id;

	__asm__ volatile("cpuid" : "=a"(id.eax), "=b"(id.ebx), "=c"(id.ecx), "=d"(id.edx) : "0"(leaf), "2"(0));
	return id;
}

#endif

/* Whether page-table entries may say that a page is not executable. */
static inline bool cpu_has_nx(void)
{
	return cpu_id(0x80000000u).eax >= 0x80000001u && (cpu_id(0x80000001u).edx & 1u << 20) != 0;
}

#endif
