/* Timers, blocking and scheduling; times as classes. */
#include "probe.h"

#define MS 1000000ull

static u32 timer_port;

static s32 set_timer(u64 at)
{
	return call2(XEN_HYPERCALL_SET_TIMER_OP, (u32)at, (u32)(at >> 32));
}

static void clean(void)
{
	mask_events();
	set_timer(0);
	for (u32 i = 0; i < XEN_EVTCHN_WORDS; i++)
		shared->evtchn_pending[i] = 0;
	vcpu->evtchn_pending_sel = 0;
	vcpu->evtchn_upcall_pending = 0;
	event.hits = 0;
}

/* Spins until an upcall came or so many ns are over; how long it took, in classes. */
static const char *wait(u64 begin, u64 most)
{
	unmask_events();
	while (!event.hits && now() - begin < most)
		call1(XEN_HYPERCALL_XEN_VERSION, 0);
	mask_events();
	return event.hits ? "fired" : "did not fire";
}

static const char *not_before(u64 begin, u64 least)
{
	return now() - begin >= least ? "not early" : "early";
}

static s32 schedule(u32 command, const void *at)
{
	return call2(XEN_HYPERCALL_SCHED_OP, command, at);
}

static s32 cpu(u32 command, const void *at)
{
	return call3(XEN_HYPERCALL_VCPU_OP, command, 0, at);
}

static void ask_single(void)
{
	u64 begin;
	const char *fired;

	clean();
	begin = now();
	set_timer(begin + 5 * MS);
	fired = wait(begin, 500 * MS);
	say("timer.5ms", "set_timer_op 5 ms ahead", "%s, %s", fired, not_before(begin, 5 * MS));
	clean();
	begin = now();
	set_timer(begin > MS ? begin - MS : 1);
	say("timer.past", "a time that has passed", "%s", wait(begin, 500 * MS));
	clean();
	begin = now();
	set_timer(begin + 5 * MS);
	set_timer(0);
	say("timer.cancel", "a time, then 0", "%s", wait(begin, 50 * MS));
	clean();
	begin = now();
	say("timer.negative", "result of a negative time", "%e", set_timer(1ull << 63));
	say("timer.negative.fires", "within 50 ms a negative time", "%s", wait(begin, 50 * MS));
	say("timer.negative.later", "within 500 ms it", "%s", wait(begin, 500 * MS));
	clean();
	begin = now();
	set_timer(begin + (1ull << 52));
	say("timer.far", "within 50 ms a time 52 days ahead", "%s", wait(begin, 50 * MS));
	say("timer.far.later", "within 500 ms it", "%s", wait(begin, 500 * MS));
	clean();
	begin = now();
	set_timer(begin + (1ull << 49));
	say("timer.near-far", "within 500 ms a time 6 days ahead", "%s", wait(begin, 500 * MS));
	clean();
}

static void ask_block(void)
{
	u64 begin;

	begin = now();
	set_timer(begin + 20 * MS);
	say("block.timer", "SCHEDOP_block with a timer 20 ms ahead", "%e", schedule(XEN_SCHEDOP_BLOCK, 0));
	say("block.time", "woken", "%s, upcalls %u, mask %u", not_before(begin, 20 * MS), event.hits, vcpu->evtchn_upcall_mask);
	clean();
	set_timer(now() + MS);
	while (!vcpu->evtchn_upcall_pending)
		;
	say("block.pending", "SCHEDOP_block with an upcall pending", "%e, upcalls %u", schedule(XEN_SCHEDOP_BLOCK, 0), event.hits);
	clean();
	set_timer(now() + 5 * MS);
	say("block.compat", "sched_op_compat block", "%e", call2(XEN_HYPERCALL_SCHED_OP_COMPAT, XEN_SCHEDOP_BLOCK, 0));
	clean();
	say("sched.yield", "SCHEDOP_yield", "%e", schedule(XEN_SCHEDOP_YIELD, 0));
	say("sched.compat.yield", "sched_op_compat yield", "%e", call2(XEN_HYPERCALL_SCHED_OP_COMPAT, XEN_SCHEDOP_YIELD, 0));
	say("sched.compat.99", "sched_op_compat 99", "%e", call2(XEN_HYPERCALL_SCHED_OP_COMPAT, 99, 0));
	say("sched.99", "sched_op 99", "%e", schedule(99, 0));
	say("sched.null", "shutdown with its argument at address 0", "%e", schedule(XEN_SCHEDOP_SHUTDOWN, 0));
	say("sched.code.null", "shutdown_code with its argument at address 0", "%e", schedule(XEN_SCHEDOP_SHUTDOWN_CODE, 0));
	say("sched.remote", "remote_shutdown of domain 5", "%e", schedule(XEN_SCHEDOP_REMOTE_SHUTDOWN, &(u32[2]){ 5, 0 }));
	say("sched.pin", "pin_override of -1", "%e", schedule(XEN_SCHEDOP_PIN_OVERRIDE, &(s32){ -1 }));
}

static void ask_poll(void)
{
	u32 ports[2] = { timer_port, 4096 };
	struct xen_sched_poll poll = { (u32)ports, 1, 0 };
	u64 begin = now();

	clean();
	poll.timeout = begin + 10 * MS;
	say("poll.timeout", "poll of the timer's port with a timeout 10 ms ahead", "%e, %s", schedule(XEN_SCHEDOP_POLL, &poll),
	    not_before(begin, 10 * MS));
	clean();
	set_timer(now() + 5 * MS);
	poll.timeout = now() + 2000 * MS;
	say("poll.event", "poll until the timer's port is pending", "%e, upcalls %u, mask %u", schedule(XEN_SCHEDOP_POLL, &poll),
	    event.hits, vcpu->evtchn_upcall_mask);
	say("poll.ready", "poll of a port that is pending", "%e", schedule(XEN_SCHEDOP_POLL, &poll));
	clean();
	poll.timeout = now() - MS;
	say("poll.past", "poll with a timeout that has passed", "%e", schedule(XEN_SCHEDOP_POLL, &poll));
	poll.timeout = now() + MS;
	poll.nr_ports = 0;
	say("poll.none", "poll of no ports", "%e", schedule(XEN_SCHEDOP_POLL, &poll));
	poll.nr_ports = 2;
	say("poll.huge", "poll of port 4096", "%e", schedule(XEN_SCHEDOP_POLL, &poll));
	ports[1] = 63;
	say("poll.63.status", "status of that port", "%e", call2(XEN_HYPERCALL_EVENT_CHANNEL_OP, XEN_EVTCHNOP_UNMASK, &ports[1]));
	poll.timeout = now() - MS;
	say("poll.63.again", "poll of it with a timeout that has passed", "%e", schedule(XEN_SCHEDOP_POLL, &poll));
	ports[1] = 5;
	say("poll.5", "poll of port 5", "%e", schedule(XEN_SCHEDOP_POLL, &poll));
	ports[1] = timer_port;
	say("poll.two", "poll of the timer's twice", "%e", schedule(XEN_SCHEDOP_POLL, &poll));
	ports[1] = 63;
	say("poll.63", "poll of a port that was never given out, with a timeout that has passed", "%e", schedule(XEN_SCHEDOP_POLL, &poll));
	ports[1] = 900;
	say("poll.900", "poll of port 900", "%e", schedule(XEN_SCHEDOP_POLL, &poll));
	ports[1] = 4096;
	poll.nr_ports = 129;
	say("poll.129", "poll of 129 ports", "%e", schedule(XEN_SCHEDOP_POLL, &poll));
	poll.nr_ports = 1;
	poll.ports = 0;
	say("poll.list", "poll with its list at address 0", "%e", schedule(XEN_SCHEDOP_POLL, &poll));
	say("poll.null", "poll with its argument at address 0", "%e", schedule(XEN_SCHEDOP_POLL, 0));
	clean();
}

static void ask_watchdog(void)
{
	static const struct {
		u32 number, seconds;
		const char *id;
	} cases[] = {
		{ 3, 10, "watchdog.3" }, { 1, 10, "watchdog.1.idle" }, { 1, 0, "watchdog.1.stop-idle" },
		{ 0, 60, "watchdog.new" }, { 0, 60, "watchdog.new.2" }, { 0, 60, "watchdog.new.3" }, { 1, 90, "watchdog.1.again" },
		{ 1, 0, "watchdog.1.stop" }, { 2, 0, "watchdog.2.stop" }, { 2, 0, "watchdog.2.stop-again" },
		{ 0xFFFFFFFF, 0, "watchdog.ones" },
	};

	for (u32 i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct {
			u32 number, seconds;
		} argument = { cases[i].number, cases[i].seconds };

		say(cases[i].id, "watchdog", "%e", schedule(XEN_SCHEDOP_WATCHDOG, &argument));
	}
}

static void ask_periodic(void)
{
	struct xen_vcpu_set_periodic_timer period = { 999999 };
	struct xen_vcpu_set_singleshot_timer single = { 1, XEN_SINGLESHOT_FLAG_FUTURE };
	u64 begin;
	s32 result;

	say("periodic.short", "set_periodic_timer of 999999 ns", "%e", cpu(XEN_VCPUOP_SET_PERIODIC_TIMER, &period));
	period.period_ns = 1ull << 63;
	say("periodic.long", "set_periodic_timer of 2^63 ns", "%e", cpu(XEN_VCPUOP_SET_PERIODIC_TIMER, &period));
	period.period_ns = 5 * MS;
	say("periodic.5ms", "set_periodic_timer of 5 ms", "%e", cpu(XEN_VCPUOP_SET_PERIODIC_TIMER, &period));
	clean();
	schedule(XEN_SCHEDOP_YIELD, 0);
	begin = now();
	say("periodic.fires", "within 500 ms it", "%s", wait(begin, 500 * MS));
	event.hits = 0;
	say("periodic.again", "and again", "%s", wait(now(), 500 * MS));
	say("periodic.stop", "stop_periodic_timer", "%e", cpu(XEN_VCPUOP_STOP_PERIODIC_TIMER, 0));
	clean();
	say("periodic.stopped", "within 60 ms after that it", "%s", wait(now(), 60 * MS));
	say("single.future", "set_singleshot_timer in the past with FUTURE", "%e", cpu(XEN_VCPUOP_SET_SINGLESHOT_TIMER, &single));
	single.flags = 0;
	clean();
	result = cpu(XEN_VCPUOP_SET_SINGLESHOT_TIMER, &single);
	say("single.past", "in the past without it", "%e, %s", result, wait(now(), 500 * MS));
	clean();
	single.timeout_abs_ns = now() + 5 * MS;
	result = cpu(XEN_VCPUOP_SET_SINGLESHOT_TIMER, &single);
	say("single.5ms", "5 ms ahead", "%e, %s", result, wait(now(), 500 * MS));
	single.timeout_abs_ns = now() + 5 * MS;
	cpu(XEN_VCPUOP_SET_SINGLESHOT_TIMER, &single);
	result = cpu(XEN_VCPUOP_STOP_SINGLESHOT_TIMER, 0);
	clean();
	say("single.stop", "stopped", "%e, %s", result, wait(now(), 50 * MS));
	single.flags = 0xFE;
	single.timeout_abs_ns = now() + MS;
	say("single.flags", "with unknown flags", "%e", cpu(XEN_VCPUOP_SET_SINGLESHOT_TIMER, &single));
	clean();
}

void ask_time(void)
{
	struct xen_evtchn_bind_virq argument = { XEN_VIRQ_TIMER, 0, 0 };
	u64 a, b;

	cpu(XEN_VCPUOP_STOP_PERIODIC_TIMER, 0);
	call2(XEN_HYPERCALL_EVENT_CHANNEL_OP, XEN_EVTCHNOP_BIND_VIRQ, &argument);
	timer_port = argument.port;
	a = now();
	for (volatile u32 i = 0; i < 10000; i++)
		;
	b = now();
	say("time.grows", "system time goes on", "%s", yes(b > a && b - a < 10000 * MS));
	ask_periodic();
	ask_single();
	ask_block();
	ask_poll();
	ask_watchdog();
}
