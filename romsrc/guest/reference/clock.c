/* Counters, their frequency, and the wall clock. */
#include "reference.h"

#define YEAR_2020 0x15E59A35B98A0000ull /* ns since 1970 */
#define YEAR_2200 0x64BA043AC9BA0000ull

static u64 tsc_at(u64 *real, u64 *width)
{
	u64 best = 0;

	*width = ~0ull;
	for (u32 n = 0; n < 16; n++) {
		u64 before = now(), tsc = vmi_RDTSC(), after = now();

		if (after - before < *width) {
			*width = after - before;
			*real = before;
			best = tsc;
		}
	}
	return best;
}

static bool tsc_keeps_time(void)
{
	u64 real[2], width[2], tsc[2], by_real, by_tsc, difference;

	tsc[0] = tsc_at(&real[0], &width[0]);
	WAIT(now() > real[0] + microseconds(3000), LONG);
	tsc[1] = tsc_at(&real[1], &width[1]);
	by_real = real[1] - real[0];
	by_tsc = tsc[1] - tsc[0];
	difference = by_real > by_tsc ? by_real - by_tsc : by_tsc - by_real;
	note("real advanced %X, RDTSC %X, known within %X", by_real, by_tsc, width[0] + width[1]);
	return difference <= (by_real >> 4) + width[0] + width[1];
}

static bool sums_up(void)
{
	for (u32 n = 0; n < 50; n++) {
		/* read between two reads of real, each counter only grows: the sum of the two must lie between these */
		u64 low = now(), available = vmi_GetCycleCounter(VMI_COUNTER_AVAILABLE);
		u64 stolen = vmi_GetCycleCounter(VMI_COUNTER_STOLEN), high = now();

		if (available + stolen < low || available + stolen > high) {
			note("real %X..%X, available %X, stolen %X", low, high, available, stolen);
			return false;
		}
	}
	return true;
}

static bool monotonic(u32 counter)
{
	u64 last = vmi_GetCycleCounter(counter);

	for (u32 n = 0; n < 200; n++) {
		u64 next = vmi_GetCycleCounter(counter);

		if (next < last)
			return false;
		last = next;
	}
	return true;
}

static void wallclock(void)
{
	u64 start = vmi_GetWallclockTime(), end;
	u32 updated[2];

	check(start > YEAR_2020 && start < YEAR_2200, "the wall clock tells nanoseconds since 1970, some time after 2020");
	vmi_EnableInterrupts();
	WAIT(vmi_GetWallclockTime() > start + 1000000, LONG);
	vmi_DisableInterrupts();
	end = vmi_GetWallclockTime();
	check(end > start + 1000000 && end < start + 60000000000ull, "the wall clock goes on");
	updated[0] = vmi_WallclockUpdated();
	updated[1] = vmi_WallclockUpdated();
	check(updated[0] <= 1 && updated[1] == 0, "WallclockUpdated is 0 or 1, and 0 once it was told");
	note("wall clock %X", start);
}

void clock(void)
{
	u64 hz = vmi_GetCycleFrequency(), start = now();

	check(hz >= 1000000 && hz < 100000000000ull, "the cycle frequency is between 1 MHz and 100 GHz");
	check(vmi_GetCycleFrequency() == hz, "it is constant");
	check(monotonic(VMI_COUNTER_REAL) && monotonic(VMI_COUNTER_AVAILABLE) && monotonic(VMI_COUNTER_STOLEN),
	      "no counter goes backward");
	check(WAIT(now() > start, LONG), "the real counter goes forward");
	check(sums_up(), "available and stolen add up to real");
	check(vmi_GetCycleCounter(3) == 0 && vmi_GetCycleCounter(255) == 0, "counters that are not defined read 0");
	check(tsc_keeps_time(), "RDTSC runs at the cycle frequency");
	wallclock();
	note("frequency %X Hz", hz);
}
