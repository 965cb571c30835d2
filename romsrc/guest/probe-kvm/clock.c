/* What KVM writes for kvmclock, the wall clock and steal time. */
#include "probe.h"

static u64 scaled(const volatile struct pvclock_vcpu_time_info *clock, u64 at)
{
	u64 delta = at - clock->tsc_timestamp;

	delta = clock->tsc_shift >= 0 ? delta << clock->tsc_shift : delta >> -clock->tsc_shift;
	return clock->system_time + (delta >> 32) * clock->tsc_to_system_mul +
	       ((delta & 0xffffffff) * clock->tsc_to_system_mul >> 32);
}

static void fill(void)
{
	clear(probe_page, sizeof probe_page);
}

static void ask_time(void)
{
	volatile struct pvclock_vcpu_time_info *clock = (void *)probe_page;
	u64 first, second;
	u32 version;

	fill();
	write_msr(KVM_MSR_SYSTEM_TIME_NEW, (u32)probe_page | 1);
	say("clock.version", "the version is even and not 0", "%s", yes(clock->version && !(clock->version & 1)));
	say("clock.flags", "the flags", "%x", clock->flags);
	say("clock.mul", "the multiplier is set", "%s", yes(clock->tsc_to_system_mul != 0));
	say("clock.normal", "and its top bit", "%s", yes(clock->tsc_to_system_mul >> 31));
	say("clock.past", "the time stamp is in the past", "%s", yes(clock->tsc_timestamp <= tsc()));
	say("clock.pad", "the padding", "%x %x %x", clock->pad0[0], clock->pad[0], clock->pad[1]);
	say("clock.behind", "the byte behind", "%x", probe_page[sizeof *clock]);
	first = scaled(clock, tsc());
	second = scaled(clock, tsc());
	say("clock.forward", "time does not step back", "%s", yes(second >= first));
	say("clock.young", "it began less than an hour ago", "%s", yes(first < 3600ull * 1000000000));
	version = clock->version;
	write_msr(KVM_MSR_SYSTEM_TIME_NEW, (u32)probe_page | 1);
	say("clock.again", "enabled again, the version goes on", "%s", yes(clock->version > version));
	say("clock.steady", "and time does not step back", "%s", yes(scaled(clock, tsc()) >= second));
	fill();
	write_msr(KVM_MSR_SYSTEM_TIME_NEW, (u32)probe_page);
	say("clock.off", "switched off, nothing is written", "%s", yes(clock->version == 0));
	probe_page[0] = 1;
	write_msr(KVM_MSR_SYSTEM_TIME_NEW, (u32)probe_page | 1);
	say("clock.oddly", "enabled over an odd version, it is even", "%s", yes(clock->version && !(clock->version & 1)));
	write_msr(KVM_MSR_SYSTEM_TIME_NEW, 0);
}

static void ask_wall(void)
{
	volatile struct pvclock_wall_clock *wall = (void *)probe_page;

	fill();
	write_msr(KVM_MSR_WALL_CLOCK_NEW, (u32)probe_page);
	say("wall.version", "the version", "%u", wall->version);
	say("wall.ns", "nanoseconds are fewer than a second", "%s", yes(wall->nsec < 1000000000));
	say("wall.date", "it is after 2020", "%s", yes(wall->sec > 1577836800));
	say("wall.behind", "the word behind", "%x", *(u32 *)(probe_page + sizeof *wall));
	write_msr(KVM_MSR_WALL_CLOCK_NEW, (u32)probe_page);
	say("wall.again", "the version after the second time", "%u", wall->version);
	probe_page[0] = 7;
	write_msr(KVM_MSR_WALL_CLOCK_NEW, (u32)probe_page);
	say("wall.odd", "the version after an odd one", "%u", wall->version);
}

static void ask_steal(void)
{
	volatile struct kvm_steal_time *steal = (void *)probe_page;

	fill();
	write_msr(KVM_MSR_STEAL_TIME, (u32)probe_page | 1);
	hypercall(KVM_HYPERCALL_VAPIC_POLL_IRQ, 0, 0, 0, 0);
	say("steal.version", "the version is even", "%s", yes(!(steal->version & 1)));
	say("steal.flags", "the flags", "%x", steal->flags);
	say("steal.preempted", "preempted", "%x", steal->preempted);
	say("steal.little", "it is less than an hour", "%s", yes(steal->steal < 3600ull * 1000000000));
	write_msr(KVM_MSR_STEAL_TIME, 0);
	fill();
	*(volatile u32 *)(probe_page + 8) = 5;
	write_msr(KVM_MSR_STEAL_TIME, (u32)probe_page | 1);
	hypercall(KVM_HYPERCALL_VAPIC_POLL_IRQ, 0, 0, 0, 0);
	say("steal.odd", "over an odd version, it is even", "%s", yes(!(steal->version & 1)));
	write_msr(KVM_MSR_STEAL_TIME, 0);
}

void ask_clock(void)
{
	ask_time();
	ask_wall();
	ask_steal();
}
