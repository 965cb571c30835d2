/* The control registers, the TLB, MSRs and the way into KVM: what C has no words for. */
#ifndef INSTRUCTIONS_H
#define INSTRUCTIONS_H

#include "paging.h"
#include "rom.h"

#ifdef ROM_HOST
/* the processor and KVM are the test's */
u32 cpu_cr2(void);
void cpu_set_cr2(u32 value);
void cpu_reload_cr3(void);
void cpu_set_cr4(u32 value);
void cpu_write_msr(u32 msr, u64 value);
s32 cpu_vmcall(u32 number, u32 a0, u32 a1, u32 a2);
s32 cpu_vmmcall(u32 number, u32 a0, u32 a1, u32 a2);
#else

static inline u32 cpu_cr2(void)
{
	u32 value;

	__asm__ volatile("movl %%cr2, %0" : "=r"(value));
	return value;
}

static inline void cpu_set_cr2(u32 value)
{
	__asm__ volatile("movl %0, %%cr2" : : "r"(value));
}

static inline void cpu_reload_cr3(void)
{
	u32 value;

	__asm__ volatile("movl %%cr3, %0; movl %0, %%cr3" : "=r"(value) : : "memory");
}

static inline void cpu_set_cr4(u32 value)
{
	__asm__ volatile("movl %0, %%cr4" : : "r"(value) : "memory");
}

static inline void cpu_write_msr(u32 msr, u64 value)
{
	__asm__ volatile("wrmsr" : : "c"(msr), "A"(value) : "memory");
}

/* A hypercall with three arguments, as Intel's processors make it and as all others do. */
static inline s32 cpu_vmcall(u32 number, u32 a0, u32 a1, u32 a2)
{
	s32 result;

	__asm__ volatile("vmcall" : "=a"(result) : "0"(number), "b"(a0), "c"(a1), "d"(a2) : "memory");
	return result;
}

static inline s32 cpu_vmmcall(u32 number, u32 a0, u32 a1, u32 a2)
{
	s32 result;

	__asm__ volatile("vmmcall" : "=a"(result) : "0"(number), "b"(a0), "c"(a1), "d"(a2) : "memory");
	return result;
}

#endif

#endif
