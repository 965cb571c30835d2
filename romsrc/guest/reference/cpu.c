/* Control, debug and identification registers, and what calls leave alone. */
#include "reference.h"

#define CR0_TS 8u
#define CR0_ALWAYS 0x80010001u /* PG, WP, PE */
#define CPUID_FPU 1u
#define CPUID_TSC 0x10u
#define CPUID_PAE 0x40u

static void identity(void)
{
	u32 words[4], again[4];
	bool letters = true;

	vmi_CPUID(0, 0, words);
	for (u32 n = 1; n < 4; n++)
		for (u32 shift = 0; shift < 32; shift += 8)
			letters &= (words[n] >> shift & 0xFF) >= ' ' && (words[n] >> shift & 0xFF) < 127;
	vmi_CPUID(1, 0, again);
	check(words[0] >= 1 && letters, "CPUID names a vendor");
	check((again[3] & (CPUID_FPU | CPUID_TSC | CPUID_PAE)) == (CPUID_FPU | CPUID_TSC | CPUID_PAE),
	      "CPUID offers an FPU, a time-stamp counter and PAE");
	check(registers_survive_cpuid(vmi_entry[VMI_CALL_CPUID]), "CPUID keeps ESI, EDI, EBP and ESP");
}

static void control(void)
{
	u32 cr0 = vmi_GetCR0(), cr3 = vmi_GetCR3(), cr4 = vmi_GetCR4();

	check((cr0 & CR0_ALWAYS) == CR0_ALWAYS, "CR0 shows paging, write protection and protected mode");
	vmi_SetCR0(cr0 | CR0_TS);
	check(vmi_GetCR0() == (cr0 | CR0_TS), "SetCR0 sets TS");
	vmi_CLTS();
	check(vmi_GetCR0() == (cr0 & ~CR0_TS), "CLTS clears TS and nothing else");
	check(cr3 == boot->root_gpa, "GetCR3 tells the root of boot info");
	vmi_SetCR3(cr3);
	check(vmi_GetCR3() == cr3, "SetCR3 with the same root changes nothing");
	vmi_SetCR4(cr4);
	check(vmi_GetCR4() == cr4, "CR4 can be written with what it shows");
}

static void debug(void)
{
	u32 given = 0, none = 0;

	for (u32 n = 0; n < 4; n++)
		vmi_SetDR(n, 0xC0100000 + n * 0x100000);
	for (u32 n = 0; n < 4; n++) {
		u32 told = vmi_GetDR(n);

		given += told == 0xC0100000 + n * 0x100000;
		none += told == 0;
	}
	check(given == 4 || none == 4, "debug registers tell what they were given, or always 0");
	for (u32 n = 0; n < 4; n++)
		vmi_SetDR(n, 0);
}

static bool std_calls_keep(void)
{
	static const struct {
		u8 call;
		u32 eax;
	} harmless[] = {
		{VMI_CALL_GetCR0, 0}, {VMI_CALL_GetCR2, 0}, {VMI_CALL_GetCR3, 0}, {VMI_CALL_GetCR4, 0},
		{VMI_CALL_SetCR2, 0}, {VMI_CALL_GetTR, 0}, {VMI_CALL_GetLDT, 0}, {VMI_CALL_SetLDT, 0},
		{VMI_CALL_GetDR, 0}, {VMI_CALL_RDTSC, 0}, {VMI_CALL_CLTS, 0}, {VMI_CALL_WBINVD, 0},
		{VMI_CALL_InvalPage, KERNEL_AREA}, {VMI_CALL_FlushTLB, 1}, {VMI_CALL_FlushTLB, 3}, {VMI_CALL_IODelay, 0},
		{VMI_CALL_SetIOPLMask, 0}, {VMI_CALL_GetCycleFrequency, 0}, {VMI_CALL_GetCycleCounter, 0},
		{VMI_CALL_GetCycleCounter, 1}, {VMI_CALL_GetCycleCounter, 2}, {VMI_CALL_CancelAlarm, 0},
		{VMI_CALL_GetWallclockTime, 0}, {VMI_CALL_WallclockUpdated, 0}, {VMI_CALL_SetLazyMode, 1},
		{VMI_CALL_SetLazyMode, 0}, {VMI_CALL_GetCallInfo, 3}, {VMI_CALL_SetCounters, 0},
	};

	for (u32 n = 0; n < sizeof harmless / sizeof *harmless; n++)
		if (!vmi_call_keeps(vmi_entry[harmless[n].call], harmless[n].eax, 0, 0)) {
			note("call %u changes a register that it must keep", harmless[n].call);
			return false;
		}
	return true;
}

void cpu(void)
{
	u64 before;

	identity();
	control();
	debug();
	before = vmi_RDTSC();
	vmi_WBINVD();
	vmi_IODelay();
	check(vmi_RDTSC() > before, "RDTSC goes forward; WBINVD and IODelay return");
	check(std_calls_keep(), "std calls keep EBX, ESI, EDI, EBP and ESP");
	check(registers_survive_flags(), "the four interrupt-flag calls change nothing else and need no DS or ES");
}
