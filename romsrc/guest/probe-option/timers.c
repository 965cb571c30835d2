/*
 * The VMI timer as Linux uses it: the PIT stopped by a raw write, one-shot and periodic alarms on the real counter,
 * wired to interrupt 0 and then to the local APIC's LVTT; and lazy modes.
 */
#include "probe.h"

#define LVTT 0x320u
#define LAPIC_EOI 0x0B0u
#define PIT_STOP 0x3A /* channel 0, mode 5: Linux's way to silence it */
#define PIT_COMMAND 0x43
#define PIC_COMMAND 0x20
#define PIC_EOI 0x20

volatile u32 ticks, local_ticks;
u64 hz;
volatile bool ack_apic;

void local_tick(void);
void timer_tick(void);

void local_tick(void)
{
	local_ticks++;
	call(APICWrite, LAPIC_EOI, 0, 0);
}

/* Of interrupt 0, by whichever controller it comes: Linux has another chip for each, and one handler. */
void timer_tick(void)
{
	struct percpu *cpu = this_cpu();

	cpu->ticks++;
	if (cpu->number == 0)
		ticks++;
	if (ack_apic)
		call(APICWrite, LAPIC_EOI, 0, 0);
	else
		out8(PIC_COMMAND, PIC_EOI);
}

static u32 thousandth(u64 value)
{
	u32 high = (u32)(value >> 32), low = (u32)value, rest;

	/* value / 1000, which has 32 bits for any frequency that counts in them */
	__asm__("divl %3" : "=a"(low), "=d"(rest) : "0"(low), "r"(1000u), "1"(high % 1000u));
	return low;
}

u64 now(void)
{
	return call(GetCycleCounter, 0, 0, 0);
}

u32 milliseconds(u32 n)
{
	return n * thousandth(hz);
}

/* Halt until *count reaches target or some seconds have passed. */
bool wait(volatile u32 *count, u32 target)
{
	u64 end = now() + 8 * hz;

	while (*count < target) {
		if (now() > end)
			return false;
		__asm__ volatile("cli");
		if (*count < target)
			call(Halt, 0, 0, 0);
	}
	__asm__ volatile("cli");
	return true;
}

void alarm(u32 flags, u64 expiry, u64 period)
{
	call5(VMI_CALL_SetAlarm, flags, (u32)expiry, (u32)(expiry >> 32), (u32)period, (u32)(period >> 32));
}

static void counter_check(void)
{
	u64 before, after, cycles;
	bool good;

	hz = call(GetCycleFrequency, 0, 0, 0);
	check(hz >= 1000000 && hz < 100000000000ull, "the cycle frequency is one of a processor");
	before = now();
	cycles = tsc();
	for (volatile u32 n = 0; n < 100000; n++)
		;
	cycles = tsc() - cycles;
	after = now() - before;
	good = cycles <= after;
	cycles = tsc();
	before = now();
	for (volatile u32 n = 0; n < 100000; n++)
		;
	after = now() - before;
	cycles = tsc() - cycles;
	check(good && after <= cycles, "RDTSC runs at that rate");
	check(call(GetWallclockTime, 0, 0, 0) > 1500000000ull * 1000000000ull, "the wall clock is in this century");
}

void wired(u32 wiring, volatile u32 *count, const char *one, const char *many)
{
	u32 ms = thousandth(hz);
	u64 due, late;
	u32 start;

	*count = 0;
	due = now() + 10ull * ms;
	alarm(wiring, due, 0);
	check(wait(count, 1) && now() >= due, one);
	late = now() + 20ull * ms;
	while (now() < late)
		;
	start = *count;
	alarm(VMI_ALARM_PERIODIC | wiring, now(), 5ull * ms);
	check(start == 1 && wait(count, start + 5), many);
	call(CancelAlarm, VMI_ALARM_PERIODIC | wiring, 0, 0);
	start = *count;
	late = now() + 20ull * ms;
	__asm__ volatile("sti");
	while (now() < late)
		;
	__asm__ volatile("cli");
	check(*count - start <= 1, "and no more when it is cancelled");
	*count = 0;
	alarm(wiring, now() - 1, 0);
	check(wait(count, 1), "an alarm whose time has passed fires");
}

void timers_check(void)
{
	if (!translated(VMI_CALL_GetCycleFrequency)) {
		check(false, "the ROM has timer calls");
		return;
	}
	out8(PIT_COMMAND, PIT_STOP);
	counter_check();
	wired(0, &ticks, "a one-shot alarm wired to interrupt 0 fires, not before its time", "a periodic one fires again and again");
	if (!translated(VMI_CALL_APICWrite))
		return;
	call(APICWrite, LVTT, LOCAL_VECTOR, 0);
	check((call(APICRead, LVTT, 0, 0) & 0xff) == LOCAL_VECTOR, "LVTT takes a vector");
	wired(VMI_ALARM_WIRED_LVTT, &local_ticks, "a one-shot alarm wired to LVTT fires, not before its time",
	      "a periodic one wired to LVTT fires again and again");
}

void lazy_check(void)
{
	static u64 table[512] __attribute__((aligned(4096)));
	u32 frames = 16;

	for (u32 i = 0; i < frames; i++)
		table[i] = 0;
	call(SetLazyMode, VMI_LAZY_MODE_MMU, 0, 0);
	for (u32 i = 0; i < frames; i++)
		set_entry((u8 *)table + i * (pae ? 8 : 4), i * PAGE | ENTRY, VMI_PAGE_TYPE_PT);
	call(SetLazyMode, VMI_LAZY_MODE_NONE, 0, 0);
	for (u32 i = 0; i < frames; i++)
		if ((pae ? (u32)table[i] : ((u32 *)table)[i]) != (i * PAGE | ENTRY))
			frames = 0;
	check(frames != 0, "what was set in lazy MMU mode is in memory when the mode has ended");
	call(SetLazyMode, VMI_LAZY_MODE_CPU, 0, 0);
	call(SetCR3, root(), 0, 0);
	call(UpdateKernelStack, PROBE_DS, 0xC0100000, 0);
	call(SetLazyMode, VMI_LAZY_MODE_NONE, 0, 0);
	check((call(GetCR3, 0, 0, 0) & ~0xfffu) == root(), "a context switch in lazy CPU mode is done when it has ended");
}
