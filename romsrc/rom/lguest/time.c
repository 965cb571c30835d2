/*
 * Time: the TSC is the real counter, at the rate the host told or, if it told none, at the rate measured against its
 * clock once. The host runs its guests as tasks of its own and never says for how long others ran: stolen is 0.
 */
#include "lguest_rom.h"
#include "math.h"

#define CALIBRATE_NS 50000000u
#define FALLBACK_KHZ 1000000u

u64 platform_real(void)
{
	return lguest_tsc();
}

u64 platform_stolen(void)
{
	return 0;
}

u64 platform_hz(void)
{
	return (u64)lguest()->khz * 1000;
}

/* The host wrote its clock just before it delivered an interrupt: take it down together with the counter. */
void lguest_sample_wallclock(void)
{
	struct backend_state *l = lguest();

	l->wall_sec = (u32)data()->time_sec;
	l->wall_nsec = (u32)data()->time_nsec;
	l->wall_tsc = lguest_tsc();
}

u64 platform_wallclock(void)
{
	const struct backend_state *l = lguest();

	return (u64)l->wall_sec * 1000000000u + l->wall_nsec + cycles_to_ns(lguest_tsc() - l->wall_tsc, l->khz);
}

/* One shot at a time, at most 4.29 s; an early tick arms the rest. */
void platform_arm(u64 real_deadline)
{
	u64 now = lguest_tsc(), ns;

	lguest()->deadline = real_deadline;
	if (real_deadline == NEVER) {
		ns = 0;
	} else {
		ns = real_deadline > now ? cycles_to_ns(real_deadline - now, lguest()->khz) : 0;
		if (ns < LGUEST_CONSTANTS_CLOCK_DELTA_MIN)
			ns = LGUEST_CONSTANTS_CLOCK_DELTA_MIN;
		if (ns > LGUEST_CONSTANTS_CLOCK_DELTA_MAX)
			ns = LGUEST_CONSTANTS_CLOCK_DELTA_MAX;
	}
	lguest_now(LGUEST_HCALL_SET_CLOCKEVENT, (u32)ns, 0, 0, 0);
}

static void wait(u32 ns)
{
	lguest_now(LGUEST_HCALL_SET_CLOCKEVENT, ns, 0, 0, 0);
	lguest_now(LGUEST_HCALL_HALT, 0, 0, 0, 0);
	data()->irq_enabled = 0;
}

/* Boot only: find out the TSC's rate, if the host does not vouch for one, from two interrupts and its clock. */
void lguest_calibrate(void)
{
	struct backend_state *l = lguest();
	u64 first, cycles, ns;
	u32 rest;

	l->khz = data()->tsc_khz;
	if (l->khz != 0)
		return;
	l->khz = FALLBACK_KHZ;
	wait(LGUEST_CONSTANTS_CLOCK_DELTA_MIN);
	first = l->wall_tsc;
	ns = (u64)l->wall_sec * 1000000000u + l->wall_nsec;
	wait(CALIBRATE_NS);
	cycles = l->wall_tsc - first;
	ns = (u64)l->wall_sec * 1000000000u + l->wall_nsec - ns;
	if (ns >= CALIBRATE_NS / 2 && ns >> 32 == 0)
		l->khz = (u32)div_u64(cycles * 1000000u, (u32)ns, &rest);
}
