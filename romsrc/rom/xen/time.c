/*
 * Time from Xen: the real counter is the TSC, scaled by vcpu_time_info where Xen wants nanoseconds; stolen is the
 * time in which the VCPU was runnable but not running.
 */
#include "math.h"
#include "memory.h"
#include "platform.h"

u64 platform_real(void)
{
	return cpu_tsc();
}

/* System time (ns since Xen started) of a value of the TSC. */
static u64 system_time(u64 tsc)
{
	volatile struct xen_vcpu_time_info *time = &SHARED->vcpu_info[0].time;
	u32 version;
	u64 result;

	do {
		version = time->version;
		BARRIER();
		result = time->system_time +
			 pvclock_scale(tsc - time->tsc_timestamp, time->tsc_to_system_mul, time->tsc_shift);
		BARRIER();
	} while (version & 1 || version != time->version);
	return result;
}

/* Once, at the start: the counter's rate is promised to stay. */
void time_start(void)
{
	struct backend_state *b = &state()->backend;
	volatile struct xen_vcpu_time_info *time = &SHARED->vcpu_info[0].time;
	u32 *area = b->scratch;

	b->khz = pvclock_khz(time->tsc_to_system_mul, time->tsc_shift);
	if (!b->khz)
		b->khz = 1;
	area[0] = GVA(&b->runstate);
	area[1] = 0;
	BARRIER();
	b->runstate_registered = hypercall(XEN_HYPERCALL_VCPU_OP, XEN_VCPUOP_REGISTER_RUNSTATE_MEMORY_AREA, 0, GVA(area),
					   0, 0) >= 0;
}

u64 platform_hz(void)
{
	return (u64)state()->backend.khz * 1000;
}

u64 platform_stolen(void)
{
	struct backend_state *b = &state()->backend;
	volatile struct xen_vcpu_runstate_info *run = &b->runstate;
	u64 entered, ns;

	if (!b->runstate_registered)
		hypercall(XEN_HYPERCALL_VCPU_OP, XEN_VCPUOP_GET_RUNSTATE_INFO, 0, GVA(&b->runstate), 0, 0);
	do {
		entered = run->state_entry_time;
		BARRIER();
		ns = run->time[XEN_RUNSTATE_RUNNABLE] + run->time[XEN_RUNSTATE_OFFLINE];
		BARRIER();
	} while (entered != run->state_entry_time);
	return ns_to_cycles(ns, b->khz);
}

u64 platform_wallclock(void)
{
	volatile struct xen_shared_info *shared = SHARED;
	u32 version;
	u64 ns;

	do {
		version = shared->wc_version;
		BARRIER();
		ns = (u64)shared->wc_sec * 1000000000u + shared->wc_nsec;
		BARRIER();
	} while (version & 1 || version != shared->wc_version);
	return ns + system_time(platform_real());
}

void platform_arm(u64 deadline)
{
	struct backend_state *b = &state()->backend;
	u64 now, at = 0;

	if (deadline == NEVER && b->armed == NEVER)
		return;
	b->armed = deadline;
	if (deadline != NEVER) {
		now = platform_real();
		at = system_time(now) + 1;
		if (deadline > now)
			at += cycles_to_ns(deadline - now, b->khz) + 1;
		if (at >> 62)
			at = (u64)1 << 62; /* some lifetimes ahead: an early tick harms nobody */
	}
	hypercall(XEN_HYPERCALL_SET_TIMER_OP, (u32)at, (u32)(at >> 32), 0, 0, 0);
}
