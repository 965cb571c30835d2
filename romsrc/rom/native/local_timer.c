/*
 * Alarms wired to LVTT, by the local APIC's own timer, one-shot.
 *
 * LVTT stays the guest's: its vector and its mask are read when the timer is set. A stub stands at that vector, so that
 * a shot that ends early (the two clocks are not of one quartz) or is one of many wakes nobody. While LVTT is masked
 * nothing is set: what falls due then fires once, when APICWrite unmasks it.
 */
#include "io.h"
#include "lapic.h"
#include "local_timer.h"
#include "math.h"
#include "platform.h"

#define ATTEMPTS 8
#define AGREEMENT 256u
#define KHZ_UNKNOWN 1000000u
#define FIRST_VECTOR 16u

static u32 count(const struct lapic *apic)
{
	return AT(u32, apic->gva + NATIVE_APIC_CURRENT_COUNT);
}

/* Ticks of the timer in a millisecond of the TSC; what disturbs one makes it longer. */
static u32 measure_once(const struct lapic *apic, u32 khz)
{
	u64 start = cpu_tsc(), end;
	u32 first = count(apic), ticks;

	while (cpu_tsc() - start < khz)
		;
	ticks = first - count(apic);
	end = cpu_tsc() - start;
	return (u32)mul_div(ticks, khz, (u32)end);
}

static u32 measure(const struct lapic *apic)
{
	u32 khz = native()->khz, lvtt = AT(u32, apic->gva + NATIVE_APIC_LVTT), last = 0, now = 0;

	AT(u32, apic->gva + NATIVE_APIC_LVTT) = NATIVE_APIC_LVT_MASKED | NATIVE_APIC_FIELD_VECTOR;
	AT(u32, apic->gva + NATIVE_APIC_INITIAL_COUNT) = ~0u;
	for (u32 i = 0; i < ATTEMPTS; i++) {
		now = measure_once(apic, khz);
		if (now != 0 && (now < last ? last - now : now - last) <= now / AGREEMENT)
			break;
		last = now;
	}
	AT(u32, apic->gva + NATIVE_APIC_INITIAL_COUNT) = 0;
	AT(u32, apic->gva + NATIVE_APIC_LVTT) = lvtt;
	return now ? now : KHZ_UNKNOWN;
}

/* Ticks until the deadline, rounded up, at most all that the register holds. */
static u32 ticks_until(u64 deadline)
{
	u64 now = platform_real(), ticks;

	if (deadline <= now)
		return 1;
	if ((deadline - now) >> 40)
		return ~0u;
	ticks = mul_div(deadline - now, native()->apic_khz, native()->khz) + 1;
	return ticks >> 32 ? ~0u : (u32)ticks;
}

/* Start a shot, or with 0 stop the one that runs. The end of that one may have come already. */
static void shoot(const struct lapic *apic, struct native_cpu *cpu, u32 ticks)
{
	AT(u32, apic->gva + NATIVE_APIC_INITIAL_COUNT) = ticks;
	cpu->lvtt_shot = ticks != 0;
}

/* The vector at which it will be, or 0: nothing was set. */
static u32 set(const struct lapic *apic, struct native_cpu *cpu)
{
	u32 lvtt = AT(u32, apic->gva + NATIVE_APIC_LVTT), vector = lvtt & NATIVE_APIC_FIELD_VECTOR;
	u32 modes = NATIVE_APIC_LVT_PERIODIC | NATIVE_APIC_LVT_DEADLINE;

	if (lvtt & NATIVE_APIC_LVT_MASKED || vector < FIRST_VECTOR ||
	    (!cpu->lvtt_due && cpu->lvtt_deadline == NEVER)) {
		if (cpu->lvtt_shot)
			shoot(apic, cpu, 0);
		return 0;
	}
	if (lvtt & modes)
		AT(u32, apic->gva + NATIVE_APIC_LVTT) = lvtt & ~modes;
	AT(u32, apic->gva + NATIVE_APIC_DIVIDE) = NATIVE_APIC_DIVIDE_BY_1;
	if (native()->apic_khz == 0)
		native()->apic_khz = measure(apic);
	shoot(apic, cpu, cpu->lvtt_due ? 1 : ticks_until(cpu->lvtt_deadline));
	return vector;
}

void local_timer_program(void)
{
	struct native_cpu *cpu = native_cpu();
	struct lapic apic;
	u32 vector = 0;

	lapic_open(&apic);
	if (apic.gva != 0)
		vector = set(&apic, cpu);
	lapic_close(&apic);
	if (vector != 0) {
		cpu->lvtt_vector = vector;
		native_idt_stub(vector);
	}
}
