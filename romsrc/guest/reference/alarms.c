/*
 * Alarms, by the worked tables of the specification. Where a host may stop us in the middle for longer than an alarm
 * lasts, the check is made again with a longer one instead of trusting to luck.
 */
#include "reference.h"

#define REAL VMI_COUNTER_REAL
#define AVAILABLE VMI_COUNTER_AVAILABLE
#define STOLEN VMI_COUNTER_STOLEN
#define PERIODIC VMI_ALARM_PERIODIC
#define LVTT VMI_ALARM_WIRED_LVTT
#define NEVER_SOON 3600000000u /* us: an hour */
#define LVTT_REGISTER 0x320u
#define SPURIOUS_REGISTER 0xF0u
#define LVTT_VECTOR 0x40u
#define APIC_ENABLED 0x1FFu

static u64 at(u32 counter)
{
	return vmi_GetCycleCounter(counter);
}

static void pass(u32 us)
{
	u64 until = now() + microseconds(us);

	WAIT(now() > until, LONG);
}

static bool one_shot(u32 counter)
{
	u64 expiry;
	bool fired;

	timer_drain();
	expiry = at(counter) + microseconds(500);
	vmi_EnableInterrupts();
	vmi_SetAlarm(counter, expiry, 0);
	fired = WAIT(timer_ticks, LONG) && at(counter) >= expiry;
	pass(1000);
	vmi_DisableInterrupts();
	return fired && timer_ticks == 1;
}

/* Tick n (from 0) of a periodic alarm never comes before first + n * period, and each element fires at most once. */
static bool on_the_grid(u32 counter)
{
	u64 first, period = microseconds(1000), least;
	u32 seen = 0;
	bool right = true;

	timer_drain();
	first = at(counter) + period;
	least = first;
	vmi_EnableInterrupts();
	vmi_SetAlarm(counter | PERIODIC, first, period);
	for (struct patience left = patience(LONG); seen < 4 && patient(&left);) {
		u32 ticks = timer_ticks;
		u64 time = at(counter);

		for (; seen < ticks; seen++, least += period)
			right &= time >= least;
	}
	right &= seen >= 4 && vmi_CancelAlarm(counter) == 1;
	vmi_IODelay();
	seen = timer_ticks;
	pass(2200);
	vmi_DisableInterrupts();
	return right && timer_ticks == seen;
}

static bool past(u64 expiry)
{
	timer_drain();
	vmi_EnableInterrupts();
	vmi_SetAlarm(REAL, expiry, 0);
	if (!WAIT(timer_ticks, LONG))
		return false;
	pass(500);
	vmi_DisableInterrupts();
	return timer_ticks == 1;
}

static bool without_effect(u32 flags)
{
	timer_drain();
	vmi_EnableInterrupts();
	vmi_SetAlarm(flags, at(REAL), 0);
	pass(1000);
	vmi_DisableInterrupts();
	return timer_ticks == 0 && vmi_CancelAlarm(REAL) == 0 && vmi_CancelAlarm(AVAILABLE) == 0;
}

static bool cancelled_in_time(void)
{
	for (u32 us = 2000; us < 200000; us *= 4) {
		u64 expiry;
		u32 result;
		bool early;

		timer_drain();
		expiry = now() + microseconds(us);
		vmi_SetAlarm(REAL, expiry, 0);
		result = vmi_CancelAlarm(REAL);
		early = now() < expiry;
		if (!early)
			continue; /* we were stopped in between: nothing can be said */
		vmi_EnableInterrupts();
		WAIT(now() > expiry + microseconds(500), LONG);
		vmi_DisableInterrupts();
		return result == 1 && timer_ticks == 0;
	}
	return false;
}

static void cancelling(void)
{
	u64 expiry;
	bool ready;

	timer_drain();
	check(vmi_CancelAlarm(REAL) == 0 && vmi_CancelAlarm(AVAILABLE) == 0, "CancelAlarm returns 0 for an alarm that is not set");
	check(cancelled_in_time(), "it returns 1 for a one-shot before its time, which then never fires");
	check(vmi_CancelAlarm(REAL) == 0, "it returns 0 the second time");
	timer_drain();
	expiry = now() + microseconds(300);
	vmi_SetAlarm(REAL, expiry, 0);
	ready = timer_await(expiry);
	check(ready && vmi_CancelAlarm(REAL) == 0, "it returns 0 for a one-shot that has fired but is not yet delivered");
	timer_drain();
	vmi_SetAlarm(REAL | PERIODIC, now() + microseconds(NEVER_SOON), microseconds(1000));
	check(vmi_CancelAlarm(REAL) == 1, "it returns 1 for a periodic alarm that has not fired yet");
	vmi_SetAlarm(REAL | PERIODIC, now(), microseconds(1000));
	vmi_EnableInterrupts();
	ready = WAIT(timer_ticks, LONG);
	vmi_DisableInterrupts();
	check(ready && vmi_CancelAlarm(REAL) == 1, "and for one that has");
}

static bool set_again(void)
{
	for (u32 us = 1500; us < 200000; us *= 4) {
		u64 first;

		timer_drain();
		first = now() + microseconds(us);
		vmi_SetAlarm(REAL, first, 0);
		vmi_SetAlarm(REAL, now() + microseconds(NEVER_SOON), 0);
		if (now() >= first)
			continue; /* stopped in between */
		vmi_EnableInterrupts();
		WAIT(now() > first + microseconds(500), LONG);
		vmi_DisableInterrupts();
		return timer_ticks == 0 && vmi_CancelAlarm(REAL) == 1;
	}
	return false;
}

static bool independent(void)
{
	bool fired;

	timer_drain();
	vmi_SetAlarm(REAL, at(REAL) + microseconds(NEVER_SOON), 0);
	vmi_SetAlarm(AVAILABLE, at(AVAILABLE) + microseconds(500), 0);
	vmi_EnableInterrupts();
	fired = WAIT(timer_ticks, LONG);
	vmi_DisableInterrupts();
	return fired && timer_ticks == 1 && vmi_CancelAlarm(AVAILABLE) == 0 && vmi_CancelAlarm(REAL) == 1;
}

static bool without_period(void)
{
	timer_drain();
	vmi_EnableInterrupts();
	vmi_SetAlarm(REAL | PERIODIC, now() + microseconds(300), 0);
	if (!WAIT(timer_ticks, LONG))
		return false;
	pass(1000);
	vmi_DisableInterrupts();
	return timer_ticks == 1 && vmi_CancelAlarm(REAL) == 0;
}

static bool collapses(void)
{
	u64 first;
	bool ready;

	timer_drain();
	first = now() + microseconds(200);
	vmi_SetAlarm(REAL | PERIODIC, first, microseconds(200));
	ready = timer_await(first);
	pass(1500); /* several elements go by while interrupts are off */
	vmi_CancelAlarm(REAL);
	vmi_EnableInterrupts();
	vmi_IODelay();
	vmi_DisableInterrupts();
	return ready && timer_ticks == 1;
}

static bool wired_to_apic(void)
{
	bool fired;

	timer_drain();
	lvtt_ticks = 0;
	vmi_APICWrite(SPURIOUS_REGISTER, APIC_ENABLED);
	vmi_APICWrite(LVTT_REGISTER, LVTT_VECTOR);
	vmi_EnableInterrupts();
	vmi_SetAlarm(REAL | LVTT, now() + microseconds(300), 0);
	fired = WAIT(lvtt_ticks, LONG);
	vmi_DisableInterrupts();
	fired &= lvtt_ticks == 1 && timer_ticks == 0 && (vmi_APICRead(LVTT_REGISTER) & 0xFF) == LVTT_VECTOR;
	vmi_APICWrite(LVTT_REGISTER, 0x10000);
	return fired;
}

void alarms(void)
{
	u32 apic = vmi_GetCallInfo(VMI_CALL_APICWrite);

	check(one_shot(REAL), "a one-shot alarm on the real counter fires once, not before its time");
	check(one_shot(AVAILABLE), "so does one on the available counter");
	check(on_the_grid(REAL), "a periodic alarm on the real counter keeps its grid until it is cancelled");
	check(on_the_grid(AVAILABLE), "so does one on the available counter");
	check(past(now() - microseconds(100)), "an expiry in the past fires at once");
	check(past(0), "so does expiry 0");
	check(without_effect(STOLEN), "an alarm on the stolen counter has no effect");
	check(without_effect(7), "nor has one on a counter that is not defined");
	check(without_period(), "a periodic alarm with period 0 fires once");
	check(set_again(), "setting an alarm again forgets the first time");
	check(independent(), "the alarms on real and available are independent");
	check(collapses(), "elements that pass while interrupts are off collapse into one");
	cancelling();
	check(apic != VMI_ANSWER_TRANSLATED || wired_to_apic(), "an alarm wired to LVTT comes at its vector, or that is honestly absent");
	timer_drain();
	note("APICWrite: GetCallInfo says %u", apic);
}
