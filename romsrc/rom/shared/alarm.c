/*
 * Time: calls 66 to 71.
 *
 * Promised: real = stolen + available at every instant. Alarms have absolute expiries; there is one on the real and
 * one on the available counter, and neither knows of the other. A periodic alarm expires at e0 + p * i; expiries
 * that were missed collapse into one firing, and the next is the first greater than the counter now. The platform's
 * timer may come early or late, it only makes us look.
 */
#include "platform.h"
#include "math.h"

#define WALLCLOCK_JUMP 500000000ull /* ns between wallclock and real counter that count as a change */

static u32 own_number(void)
{
	return ROM_CPUS > 1 ? platform_cpu() : 0;
}

/* The stolen counter begins at 0 with paravirtual mode; a host counts from when it likes. */
static u64 stolen(void)
{
	return platform_stolen() - state()->stolen_base[own_number()];
}

/* Both counters of one moment: what is stolen between the two readings would be missing from the difference, and the
 * available counter would go backwards at the next. */
static u64 counter_value(u32 counter)
{
	u64 gone, real;

	do {
		gone = stolen();
		real = platform_real();
	} while (gone != stolen());
	return counter == VMI_COUNTER_REAL ? real : real - gone;
}

/* Those of the calling processor. */
static struct alarm *own_alarms(void)
{
	return state()->alarms[own_number()];
}

static struct alarm *alarm_of(u32 flags)
{
	u32 counter = flags & VMI_ALARM_COUNTER_MASK;

	if (counter != VMI_COUNTER_REAL && counter != VMI_COUNTER_AVAILABLE)
		return 0;
	return &own_alarms()[counter];
}

/* The first e0 + p * i greater than now, or NEVER if there is none; now >= e0. */
static u64 next_expiry(u64 e0, u64 period, u64 now)
{
	u64 step = period - mod_u64(now - e0, period);

	return step > NEVER - now ? NEVER : now + step;
}

/* When an alarm can expire, as a value of the real counter. The available counter can't be faster. */
static u64 earliest(const struct alarm *alarm, u64 gone)
{
	return alarm->expiry > NEVER - gone ? NEVER : alarm->expiry + gone;
}

u64 alarm_deadline(u32 wirings)
{
	const struct alarm *alarms = own_alarms();
	u64 gone = stolen(), deadline = NEVER;

	for (u32 counter = VMI_COUNTER_REAL; counter <= VMI_COUNTER_AVAILABLE; counter++) {
		u64 at = earliest(&alarms[counter], counter == VMI_COUNTER_REAL ? 0 : gone);

		if (alarms[counter].armed && wirings & (alarms[counter].lvtt ? ALARMS_LVTT : ALARMS_IRQ0) && at < deadline)
			deadline = at;
	}
	return deadline;
}

/* Ask the platform for a tick when the next alarm can expire. */
static void arm(void)
{
	platform_arm(alarm_deadline(ALARMS_IRQ0 | ALARMS_LVTT));
}

static void fire(struct alarm *alarm, u64 now)
{
	if (alarm->period != 0)
		alarm->expiry = next_expiry(alarm->expiry, alarm->period, now);
	else
		alarm->armed = false;
	if (alarm->lvtt) {
		apic_raise_lvtt();
	} else {
		pic_raise(0);
		pic_lower(0);
	}
}

void alarm_tick(void)
{
	for (u32 counter = VMI_COUNTER_REAL; counter <= VMI_COUNTER_AVAILABLE; counter++) {
		struct alarm *alarm = &own_alarms()[counter];
		u64 now;

		if (!alarm->armed)
			continue;
		now = counter_value(counter);
		if (now >= alarm->expiry)
			fire(alarm, now);
	}
	arm();
}

u64 ROMCALL vmi_GetCycleFrequency(void)
{
	return platform_hz();
}

u64 ROMCALL vmi_GetCycleCounter(u32 counter)
{
	if (counter == VMI_COUNTER_STOLEN)
		return stolen();
	if (counter == VMI_COUNTER_REAL || counter == VMI_COUNTER_AVAILABLE)
		return counter_value(counter);
	return 0;
}

void ROMCALL vmi_SetAlarm(u32 flags, u32 expiry_low, u32 expiry_high, u32 period_low, u32 period_high)
{
	struct alarm *alarm = alarm_of(flags);
	u32 saved;

	if (!alarm)
		return;
	saved = platform_irq_save();
	alarm->expiry = (u64)expiry_high << 32 | expiry_low;
	alarm->period = flags & VMI_ALARM_PERIODIC ? (u64)period_high << 32 | period_low : 0;
	alarm->lvtt = (flags & VMI_ALARM_WIRED_LVTT) != 0;
	alarm->armed = true;
	alarm_tick();
	platform_irq_restore(saved);
}

u32 ROMCALL vmi_CancelAlarm(u32 flags)
{
	struct alarm *alarm = alarm_of(flags);
	u32 saved, was;

	if (!alarm)
		return 0;
	saved = platform_irq_save();
	alarm_tick(); /* what is due has fired, whether or not the platform has said so yet */
	was = alarm->armed;
	alarm->armed = false;
	arm();
	platform_irq_restore(saved);
	return was;
}

u64 ROMCALL vmi_GetWallclockTime(void)
{
	return platform_wallclock();
}

/*
 * 1 once after the wallclock moved against the real counter. Both are read one after the other and the frequency is
 * not exact, so what counts is a jump since the last look, not a slow drift.
 */
u32 ROMCALL vmi_WallclockUpdated(void)
{
	struct rom_state *rom = state();
	u32 rest, khz = (u32)div_u64(platform_hz(), 1000, &rest);
	u64 offset, moved;
	bool known = rom->wallclock_known != 0;

	if (khz == 0)
		return 0;
	offset = platform_wallclock() - cycles_to_ns(platform_real(), khz);
	moved = offset - rom->wallclock_offset;
	if (moved >> 63)
		moved = -moved;
	rom->wallclock_offset = offset;
	rom->wallclock_known = 1;
	return known && moved > WALLCLOCK_JUMP;
}
