/*
 * Every call as an inline function under its own name. Included by vmi_guest.h only.
 *
 * Registers are those of the ABI: std calls are regparm(3) functions; the port calls and CPUID, which promise more,
 * are reached by assembly that relies on just what is promised.
 */
#ifndef VMI_CALLS_H
#define VMI_CALLS_H

/* ---- call sites: 29 to 32 change flags only, and 31 EAX ---- */

#define VMI_SITE_(call) \
	"772:\n\t.pushsection .vmi_sites, \"a\", @progbits\n\t.long 771b\n\t.byte " #call ", 772b - 771b, 0, 0\n\t" \
	".popsection\n\t"
#define VMI_SITE(call) VMI_SITE_(call)

static inline void vmi_EnableInterrupts(void)
{
	__asm__ volatile("771: sti\n\tnop\n\tnop\n\tnop\n\tnop\n" VMI_SITE(VMI_CALL_EnableInterrupts)::: "memory", "cc");
}

static inline void vmi_DisableInterrupts(void)
{
	__asm__ volatile("771: cli\n\tnop\n\tnop\n\tnop\n\tnop\n" VMI_SITE(VMI_CALL_DisableInterrupts)::: "memory", "cc");
}

static inline u32 vmi_GetInterruptMask(void)
{
	u32 mask;

	__asm__ volatile("771: pushfl\n\tpopl %%eax\n\tnop\n\tnop\n\tnop\n" VMI_SITE(VMI_CALL_GetInterruptMask)
			 : "=a"(mask)::"memory", "cc");
	return mask;
}

static inline void vmi_SetInterruptMask(u32 mask)
{
	__asm__ volatile("771: pushl %%eax\n\tpopfl\n\tnop\n\tnop\n\tnop\n" VMI_SITE(VMI_CALL_SetInterruptMask)::"a"(mask)
			 : "memory", "cc");
}

/* ---- std calls ---- */

#define VMI_STD(result, name, declared, ...) \
	static inline result vmi_##name declared \
	{ \
		return ((result(VMICALL *) declared)vmi_entry[VMI_CALL_##name])(__VA_ARGS__); \
	}
#define VMI_STD_NONE(name, declared, ...) \
	static inline void vmi_##name declared \
	{ \
		((void(VMICALL *) declared)vmi_entry[VMI_CALL_##name])(__VA_ARGS__); \
	}

VMI_STD_NONE(SetGDT, (const struct vmi_dtr *dtr), dtr)
VMI_STD_NONE(SetLDT, (u32 selector), selector)
VMI_STD_NONE(SetIDT, (const struct vmi_dtr *dtr), dtr)
VMI_STD_NONE(SetTR, (u32 selector), selector)
VMI_STD_NONE(GetGDT, (struct vmi_dtr *dtr), dtr)
VMI_STD(u32, GetLDT, (void))
VMI_STD_NONE(GetIDT, (struct vmi_dtr *dtr), dtr)
VMI_STD(u32, GetTR, (void))
VMI_STD_NONE(WriteGDTEntry, (void *table, u32 entry, u32 low, u32 high), table, entry, low, high)
VMI_STD_NONE(WriteLDTEntry, (void *table, u32 entry, u32 low, u32 high), table, entry, low, high)
VMI_STD_NONE(WriteIDTEntry, (void *table, u32 entry, u32 low, u32 high), table, entry, low, high)
VMI_STD_NONE(UpdateKernelStack, (u32 ss0, u32 esp0), ss0, esp0)
VMI_STD_NONE(SetCR0, (u32 value), value)
VMI_STD_NONE(SetCR2, (u32 value), value)
VMI_STD_NONE(SetCR3, (u32 value), value)
VMI_STD_NONE(SetCR4, (u32 value), value)
VMI_STD(u32, GetCR0, (void))
VMI_STD(u32, GetCR2, (void))
VMI_STD(u32, GetCR3, (void))
VMI_STD(u32, GetCR4, (void))
VMI_STD_NONE(WBINVD, (void))
VMI_STD_NONE(SetDR, (u32 number, u32 value), number, value)
VMI_STD(u32, GetDR, (u32 number), number)
VMI_STD(u64, RDTSC, (void))
VMI_STD_NONE(CLTS, (void))
VMI_STD_NONE(Halt, (void))
VMI_STD_NONE(Reboot, (u32 how), how)
VMI_STD_NONE(Shutdown, (void))
VMI_STD_NONE(AllocatePage, (u32 pfn, u32 flags, u32 clone, u32 start, u32 count), pfn, flags, clone, start, count)
VMI_STD_NONE(ReleasePage, (u32 pfn, u32 flags), pfn, flags)
VMI_STD_NONE(UpdatePxELong, (u64 *ptep, u32 flags), ptep, flags)
VMI_STD_NONE(InvalPage, (u32 va), va)
VMI_STD_NONE(FlushTLB, (u32 how), how)
VMI_STD_NONE(SetLinearMapping, (u32 slot, u32 va, u32 pages, u32 pfn), slot, va, pages, pfn)
VMI_STD_NONE(SetIOPLMask, (u32 mask), mask)
VMI_STD_NONE(APICWrite, (u32 reg, u32 value), reg, value)
VMI_STD(u32, APICRead, (u32 reg), reg)
VMI_STD_NONE(IODelay, (void))
VMI_STD(u64, GetCycleFrequency, (void))
VMI_STD(u64, GetCycleCounter, (u32 counter), counter)
VMI_STD(u32, CancelAlarm, (u32 flags), flags)
VMI_STD(u64, GetWallclockTime, (void))
VMI_STD(u32, WallclockUpdated, (void))
VMI_STD_NONE(SetLazyMode, (u32 mode), mode)
VMI_STD(u32, GetRomInfo, (struct vmi_rom_info *info, u32 size), info, size)
VMI_STD(u32, GetCallInfo, (u32 call), call)
VMI_STD(s32, SetCounters, (u32 *counters, u32 entries), counters, entries)

/* 64-bit arguments take the registers the ABI names: EDX:EAX here, ECX:EDX there, so they are passed as words. */
static inline void vmi_SetPxELong(u64 value, u64 *ptep, u32 flags)
{
	((void(VMICALL *)(u32, u32, u64 *, u32))vmi_entry[VMI_CALL_SetPxELong])((u32)value, (u32)(value >> 32), ptep,
										flags);
}

static inline void vmi_SetAlarm(u32 flags, u64 expiry, u64 period)
{
	((void(VMICALL *)(u32, u32, u32, u32, u32))vmi_entry[VMI_CALL_SetAlarm])(
		flags, (u32)expiry, (u32)(expiry >> 32), (u32)period, (u32)(period >> 32));
}

static inline void vmi_WRMSR(u32 msr, u64 value)
{
	((void(VMICALL *)(u32, u32, u32))vmi_entry[VMI_CALL_WRMSR])((u32)value, (u32)(value >> 32), msr);
}

static inline u64 vmi_RDMSR(u32 msr)
{
	return ((u64(VMICALL *)(u32, u32, u32))vmi_entry[VMI_CALL_RDMSR])(0, 0, msr);
}

/* ---- CPUID: changes flags besides its results ---- */

static inline void vmi_CPUID(u32 leaf, u32 subleaf, u32 result[4])
{
	__asm__ volatile("call *%[entry]"
			 : "=a"(result[0]), "=b"(result[1]), "=c"(result[2]), "=d"(result[3])
			 : "a"(leaf), "c"(subleaf), [entry] "m"(vmi_entry[VMI_CALL_CPUID])
			 : "cc");
}

/* ---- ports: IN changes EAX only, OUT nothing; the string forms move ECX units as REP INS and OUTS do ---- */

static inline u32 vmi_INB(u32 port)
{
	u32 value;

	__asm__ volatile("call *%[entry]" : "=a"(value) : "d"(port), [entry] "m"(vmi_entry[VMI_CALL_INB]) : "memory", "cc");
	return value & 0xff;
}

static inline u32 vmi_INW(u32 port)
{
	u32 value;

	__asm__ volatile("call *%[entry]" : "=a"(value) : "d"(port), [entry] "m"(vmi_entry[VMI_CALL_INW]) : "memory", "cc");
	return value & 0xffff;
}

static inline u32 vmi_INL(u32 port)
{
	u32 value;

	__asm__ volatile("call *%[entry]" : "=a"(value) : "d"(port), [entry] "m"(vmi_entry[VMI_CALL_INL]) : "memory", "cc");
	return value;
}

#define VMI_OUT(name) \
	static inline void vmi_##name(u32 value, u32 port) \
	{ \
		__asm__ volatile("call *%[entry]" ::"a"(value), "d"(port), [entry] "m"(vmi_entry[VMI_CALL_##name]) \
				 : "memory", "cc"); \
	}
VMI_OUT(OUTB)
VMI_OUT(OUTW)
VMI_OUT(OUTL)

#define VMI_INS(name) \
	static inline void *vmi_##name(u32 port, void *to, u32 count) \
	{ \
		__asm__ volatile("call *%[entry]" : "+D"(to), "+c"(count) \
				 : "d"(port), [entry] "m"(vmi_entry[VMI_CALL_##name]) \
				 : "memory", "cc"); \
		return to; \
	}
VMI_INS(INSB)
VMI_INS(INSW)
VMI_INS(INSL)

#define VMI_OUTS(name) \
	static inline const void *vmi_##name(u32 port, const void *from, u32 count) \
	{ \
		__asm__ volatile("call *%[entry]" : "+S"(from), "+c"(count) \
				 : "d"(port), [entry] "m"(vmi_entry[VMI_CALL_##name]) \
				 : "memory", "cc"); \
		return from; \
	}
VMI_OUTS(OUTSB)
VMI_OUTS(OUTSW)
VMI_OUTS(OUTSL)

#endif
