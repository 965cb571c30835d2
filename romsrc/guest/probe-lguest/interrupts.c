/* The clock and its interrupt: pending, blocked, held back, delivered. */
#include "probe.h"

#define MS 1000000u

static void quiet(void)
{
	call1(LGUEST_HCALL_SET_CLOCKEVENT, 0);
	probe_data.irq_enabled = 0;
	probe_data.blocked_interrupts = 0;
	probe_irq_after = IF;
	irq.hits = 0;
}

/* Spins with hypercalls, at which the host looks; at most about a second of them. */
static u32 wait(u32 most)
{
	for (u32 i = 0; i < most && !irq.hits; i++)
		call0(LGUEST_HCALL_SEND_INTERRUPTS);
	return irq.hits;
}

static void halt(void)
{
	call0(LGUEST_HCALL_HALT);
}

static void ask_delivery(void)
{
	quiet();
	call1(LGUEST_HCALL_SET_CLOCKEVENT, MS);
	halt();
	say("clock.halt", "1 ms, and HALT with irq_enabled off: interrupts", "%u", irq.hits);
	say("clock.handler", "irq_enabled in the handler, IF in its frame, CS", "%x %u %x", irq.enabled, irq.eflags >> 9 & 1, irq.cs);
	quiet();
	probe_data.irq_enabled = IF;
	call1(LGUEST_HCALL_SET_CLOCKEVENT, MS);
	say("clock.spin", "1 ms, spinning with irq_enabled on", "%u", wait(2000000));
	quiet();
	probe_data.irq_pending = 0;
	call1(LGUEST_HCALL_SET_CLOCKEVENT, 100);
	for (u32 i = 0; i < 2000000 && !probe_data.irq_pending; i++)
		call0(LGUEST_HCALL_SEND_INTERRUPTS);
	say("clock.held", "with irq_enabled off: irq_pending, interrupts", "%x %u", probe_data.irq_pending, irq.hits);
	probe_data.irq_enabled = IF;
	call0(LGUEST_HCALL_SEND_INTERRUPTS);
	say("clock.enabled", "irq_enabled on, and SEND_INTERRUPTS: interrupts", "%u", irq.hits);
	say("clock.pending", "irq_pending afterwards, which the host never clears", "%x", probe_data.irq_pending);
	probe_data.irq_pending = 0;
	quiet();
	probe_data.irq_enabled = 2;
	call1(LGUEST_HCALL_SET_CLOCKEVENT, MS);
	say("clock.any-bit", "irq_enabled of 2: any bit lets it in", "%u", wait(2000000));
	say("clock.any-bit.if", "IF in its frame", "%u", irq.eflags >> 9 & 1);
}

static void ask_blocking(void)
{
	quiet();
	probe_data.blocked_interrupts = 1;
	probe_data.irq_enabled = IF;
	call1(LGUEST_HCALL_SET_CLOCKEVENT, 100);
	say("block.on", "blocked: interrupts", "%u", wait(20000));
	probe_data.blocked_interrupts = 0;
	call0(LGUEST_HCALL_SEND_INTERRUPTS);
	say("block.off", "no longer blocked, and SEND_INTERRUPTS", "%u", irq.hits);
	quiet();
	probe_data.irq_enabled = IF;
	call1(LGUEST_HCALL_SET_CLOCKEVENT, 50 * MS);
	call1(LGUEST_HCALL_SET_CLOCKEVENT, 0);
	say("clock.off", "50 ms, then off", "%u", wait(20000));
	quiet();
	call1(LGUEST_HCALL_SET_CLOCKEVENT, 0xFFFFFFFF);
	call1(LGUEST_HCALL_SET_CLOCKEVENT, MS);
	halt();
	say("clock.replaced", "4 s, then 1 ms in its place", "%u", irq.hits);
	call0(LGUEST_HCALL_SEND_INTERRUPTS);
	probe_data.irq_enabled = IF;
	say("clock.once", "it comes once", "%u", (irq.hits = 0, wait(20000)));
	quiet();
	gate(LGUEST_CONSTANTS_FIRST_INTERRUPT_VECTOR, 0, 0, 0);
	probe_data.irq_enabled = IF;
	call1(LGUEST_HCALL_SET_CLOCKEVENT, 100);
	say("clock.no-gate", "without a gate it waits", "%u", wait(20000));
	gates_on();
	say("clock.gate", "until there is one", "%u", wait(2000000));
}

void ask_interrupts(void)
{
	u32 before = (u32)probe_data.time_nsec;

	ask_delivery();
	say("clock.time", "the time is written at an interrupt", "%s", yes((u32)probe_data.time_nsec != before));
	ask_blocking();
	quiet();
}
