/*
 * The interrupt flag: nothing is delivered while it is clear, and what became pending is delivered before the call that
 * sets it returns. The interrupt is the timer's, by an alarm that is let run out.
 */
#include "reference.h"

#define SHORT 300 /* us */

/* An alarm that has run out and waits in the interrupt controller. Interrupts are off. */
static bool made_pending(void)
{
	u64 expiry;

	timer_drain();
	expiry = now() + microseconds(SHORT);
	vmi_SetAlarm(VMI_COUNTER_REAL, expiry, 0);
	return timer_await(expiry) && timer_ticks == 0;
}

static void masks(void)
{
	vmi_EnableInterrupts();
	check((vmi_GetInterruptMask() & VMI_IF) == VMI_IF, "after EnableInterrupts the mask is 200h");
	vmi_DisableInterrupts();
	check(!(vmi_GetInterruptMask() & VMI_IF), "after DisableInterrupts it is 0");
	vmi_SetInterruptMask(VMI_IF);
	check((vmi_GetInterruptMask() & VMI_IF) == VMI_IF, "SetInterruptMask(200h) turns interrupts on");
	vmi_SetInterruptMask(0);
	check(!(vmi_GetInterruptMask() & VMI_IF), "SetInterruptMask(0) turns them off");
}

static void deliveries(void)
{
	bool ready = made_pending();
	u64 start = now();

	WAIT(now() > start + microseconds(500), LONG);
	check(ready && timer_ticks == 0, "an interrupt that becomes pending while they are off waits");
	vmi_SetInterruptMask(0);
	check(timer_ticks == 0, "SetInterruptMask(0) does not deliver it");
	vmi_EnableInterrupts();
	check(timer_ticks == 1, "EnableInterrupts delivers it before it returns");
	check(!timer_mask && timer_eflags & VMI_IF, "its handler runs with interrupts off, on a frame with interrupts on");
	vmi_EnableInterrupts();
	vmi_IODelay();
	check(timer_ticks == 1, "it is delivered once");

	ready = made_pending();
	vmi_SetInterruptMask(VMI_IF);
	check(ready && timer_ticks == 1, "SetInterruptMask(200h) delivers a pending interrupt before it returns");
	ready = made_pending();
	enable_by_iret();
	__asm__ volatile("nop");
	check(ready && timer_ticks == 1 && vmi_GetInterruptMask() & VMI_IF,
	      "the IRET call delivers it with a frame that turns interrupts on");
	vmi_DisableInterrupts();
}

static u32 *flag; /* the word that user_spin looks at */

static void raise_flag(void)
{
	*flag = 1;
}

static void running(void)
{
	u64 tls = vmi_segment(0, 0xFFFFF, 0x00C0F200);
	bool kept;

	vmi_WriteGDTEntry(vmi_gdt, VMI_GUEST_GDT_TLS_FIRST, (u32)tls, (u32)(tls >> 32));
	timer_drain();
	vmi_SetAlarm(VMI_COUNTER_REAL, now() + microseconds(SHORT), 0);
	vmi_EnableInterrupts();
	kept = registers_survive_interrupt(&timer_ticks);
	vmi_DisableInterrupts();
	check(kept && timer_ticks == 1, "all registers survive an interrupt");

	process_start();
	flag = VMI_LINEAR(*space_entry(process.root, USER_DATA) & FRAME);
	timer_drain();
	timer_hook = raise_flag;
	vmi_SetAlarm(VMI_COUNTER_REAL, now() + microseconds(SHORT), 0);
	kept = process_run(user_spin, 0);
	check(kept && process.code == 1 && timer_ticks == 1, "an interrupt of user code is served, and the program goes on");
	timer_hook = NULL;
	process_end();
}

void interrupts(void)
{
	masks();
	deliveries();
	running();
}
