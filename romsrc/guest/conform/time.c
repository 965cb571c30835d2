/*
 * Alarms and counters at their edges: what both alarms do at once, what a handler may set and cancel, the shortest
 * period and the farthest expiry, and what halting counts as.
 */
#include "../checking/checking.h"

#define SHORT 300 /* us */
#define FEW 5u
#define NEVER (1ull << 62)
#define LOOKS 20000000u /* a bound for when the real counter itself is broken */

const char title[] = "conformance: time\n";

static u64 period;

static u64 counter(u32 which)
{
	return vmi_GetCycleCounter(which);
}

/* Until a counter has come so far, or should have; nothing is wrong if it has not. */
static void pass_until(u32 which, u64 value, u32 most_us)
{
	u64 until = now() + microseconds(most_us);

	for (u32 looks = LOOKS; looks && counter(which) < value && now() < until; looks--)
		;
}

static void pass(u32 milliseconds)
{
	pass_until(VMI_COUNTER_REAL, NEVER, 1000 * milliseconds);
}

static void counters(void)
{
	u64 stolen = counter(VMI_COUNTER_STOLEN), passed_since = vmi_RDTSC() - vmi_attached.began;

	check(stolen <= passed_since, "no more was stolen than has passed since vmi_init was called");
	note("stolen %X of %X", stolen, passed_since);
}

static void at_once(void)
{
	u64 expiry;
	u32 armed;

	timer_drain();
	expiry = counter(VMI_COUNTER_REAL) + microseconds(SHORT);
	vmi_SetAlarm(VMI_COUNTER_REAL, expiry, 0);
	vmi_SetAlarm(VMI_COUNTER_AVAILABLE, counter(VMI_COUNTER_AVAILABLE) + microseconds(SHORT / 2), 0);
	WAIT(counter(VMI_COUNTER_AVAILABLE) + counter(VMI_COUNTER_STOLEN) > expiry + microseconds(SHORT) && timer_await(expiry), LONG);
	armed = timer_ticks;
	vmi_EnableInterrupts();
	WAIT(timer_ticks > 0, LONG);
	vmi_IODelay();
	vmi_DisableInterrupts();
	check(armed == 0 && timer_ticks >= 1 && timer_ticks <= 2 && !vmi_CancelAlarm(VMI_COUNTER_REAL) && !vmi_CancelAlarm(VMI_COUNTER_AVAILABLE),
	      "both alarms that expire while interrupts are off fire when they come on, and both are off then");
	timer_drain();
	vmi_SetAlarm(VMI_COUNTER_REAL, 1, 0);
	WAIT(pic_pending(), 20);
	armed = timer_ticks;
	vmi_EnableInterrupts();
	WAIT(timer_ticks == 1, LONG);
	vmi_DisableInterrupts();
	check(armed == 0 && timer_ticks == 1, "one set in the past while interrupts are off waits for them, and fires once");
	timer_drain();
}

static void far(void)
{
	timer_drain();
	vmi_SetAlarm(VMI_COUNTER_REAL, NEVER, 0);
	vmi_SetAlarm(VMI_COUNTER_AVAILABLE | VMI_ALARM_PERIODIC, NEVER, 1000);
	vmi_EnableInterrupts();
	pass(2);
	vmi_DisableInterrupts();
	check(timer_ticks == 0 && vmi_CancelAlarm(VMI_COUNTER_REAL) == 1 && vmi_CancelAlarm(VMI_COUNTER_AVAILABLE) == 1,
	      "an expiry in the far future does not fire, and is cancelled as set");
	timer_drain();
}

static void set_again(void)
{
	if (timer_ticks < FEW)
		vmi_SetAlarm(VMI_COUNTER_REAL, counter(VMI_COUNTER_REAL) + microseconds(50), 0);
}

static void cancel(void)
{
	if (timer_ticks == FEW)
		vmi_CancelAlarm(VMI_COUNTER_REAL);
}

static void handlers(void)
{
	timer_drain();
	timer_hook = set_again;
	vmi_SetAlarm(VMI_COUNTER_REAL, counter(VMI_COUNTER_REAL) + microseconds(50), 0);
	vmi_EnableInterrupts();
	WAIT(timer_ticks == FEW, LONG);
	pass(1);
	vmi_DisableInterrupts();
	check(timer_ticks == FEW && !vmi_CancelAlarm(VMI_COUNTER_REAL), "an alarm that its handler sets again fires as often as it is set");
	timer_drain();
	timer_hook = cancel;
	period = microseconds(100);
	vmi_SetAlarm(VMI_COUNTER_REAL | VMI_ALARM_PERIODIC, counter(VMI_COUNTER_REAL), period);
	vmi_EnableInterrupts();
	WAIT(timer_ticks >= FEW, LONG);
	pass(2);
	vmi_DisableInterrupts();
	check(timer_ticks >= FEW && timer_ticks <= FEW + 1, "a periodic alarm that its handler cancels comes no more");
	timer_drain();
	vmi_SetAlarm(VMI_COUNTER_REAL | VMI_ALARM_PERIODIC, counter(VMI_COUNTER_REAL), 1);
	vmi_EnableInterrupts();
	WAIT(timer_ticks >= FEW, LONG);
	vmi_DisableInterrupts();
	timer_hook = NULL;
	check(timer_ticks >= FEW, "a period of one cycle leaves the guest time to end it");
	timer_drain();
	vmi_EnableInterrupts();
	pass(1);
	vmi_DisableInterrupts();
	check(timer_ticks == 0, "and ended it is");
	timer_drain();
}

/*
 * A period's end is neither early nor put off: an eighth of a period behind each element just so many have fired. On a
 * host that is busy with other things longer periods are tried.
 */
static bool keeps_time(u32 which)
{
	for (u32 us = 2000; us <= 512000; us *= 4) {
		u64 length = microseconds(us), first;
		bool right = true;

		timer_drain();
		first = counter(which) + length;
		vmi_SetAlarm(which | VMI_ALARM_PERIODIC, first, length);
		vmi_EnableInterrupts();
		for (u32 n = 0; n < 4 && right; n++, first += length) {
			pass_until(which, first + length / 8, 4 * us);
			right = timer_ticks == n + 1;
		}
		vmi_DisableInterrupts();
		if (right)
			return true;
	}
	return false;
}

static void grid(void)
{
	check(keeps_time(VMI_COUNTER_REAL), "the ends of a real counter's period are met, one after the other");
	check(keeps_time(VMI_COUNTER_AVAILABLE), "so are those of the available counter's");
	timer_drain();
}

/* Values that are no time or no counter, on both counters and with either flag. */
static bool once(u32 flags, u64 expiry, u64 length)
{
	bool right;

	timer_drain();
	vmi_SetAlarm(flags, expiry, length);
	vmi_EnableInterrupts();
	right = WAIT(timer_ticks, LONG);
	pass(1);
	vmi_DisableInterrupts();
	return right && timer_ticks == 1 && vmi_CancelAlarm(flags) == 0;
}

static void edges(void)
{
	u64 soon = counter(VMI_COUNTER_AVAILABLE) + microseconds(SHORT);
	bool none = true;

	check(once(VMI_COUNTER_AVAILABLE | VMI_ALARM_PERIODIC, soon, 0) && once(VMI_COUNTER_AVAILABLE | VMI_ALARM_PERIODIC, 0, 0) &&
		      once(VMI_COUNTER_REAL | VMI_ALARM_PERIODIC, 1, 0),
	      "a period of 0 is none, on either counter and for an expiry that has passed");
	check(once(VMI_COUNTER_REAL, 0, microseconds(50)) && once(VMI_COUNTER_AVAILABLE, 0, 1), "a period without the flag is none either");
	timer_drain();
	vmi_SetAlarm(VMI_COUNTER_REAL | VMI_ALARM_PERIODIC, 0, NEVER);
	vmi_EnableInterrupts();
	none = WAIT(timer_ticks, LONG);
	pass(1);
	vmi_DisableInterrupts();
	check(none && timer_ticks == 1 && vmi_CancelAlarm(VMI_COUNTER_REAL) == 1, "one beyond all time fires once, and is set still");
	timer_drain();
	vmi_SetAlarm(VMI_COUNTER_REAL, counter(VMI_COUNTER_REAL) + microseconds(SHORT), 0);
	for (u32 which = 2; which < 0x100; which += 7) {
		vmi_SetAlarm(which, 0, 0);
		vmi_SetAlarm(which | VMI_ALARM_PERIODIC | VMI_ALARM_WIRED_LVTT, 0, 1);
		none &= vmi_CancelAlarm(which) == 0;
	}
	vmi_EnableInterrupts();
	none &= WAIT(timer_ticks, LONG);
	pass(1);
	vmi_DisableInterrupts();
	check(none && timer_ticks == 1, "counters that are none touch no alarm that is set");
	timer_drain();
}

static void halted(void)
{
	u64 start, expiry, real;

	timer_drain();
	real = counter(VMI_COUNTER_REAL);
	start = counter(VMI_COUNTER_AVAILABLE);
	expiry = start + microseconds(2000);
	vmi_SetAlarm(VMI_COUNTER_AVAILABLE, expiry, 0);
	for (u32 n = 0; n < 1000 && timer_ticks == 0; n++)
		vmi_Halt();
	vmi_DisableInterrupts();
	check(timer_ticks == 1 && counter(VMI_COUNTER_AVAILABLE) >= expiry && counter(VMI_COUNTER_REAL) - real >= expiry - start,
	      "the available counter goes on while the processor is halted, and its alarm ends the halt");
	timer_drain();
}

static void time(void)
{
	counters();
	at_once();
	far();
	handlers();
	grid();
	edges();
	halted();
}

const struct subject subjects[] = {
	{"time", time},
	{NULL, NULL},
};
