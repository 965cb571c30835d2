/* Halt: turns interrupts on and waits in one step. */
#include "reference.h"

void halt(void)
{
	u64 expiry;
	u32 rounds = 0;
	bool ready;

	timer_drain();
	expiry = now() + microseconds(1000);
	vmi_SetAlarm(VMI_COUNTER_REAL, expiry, 0);
	/* other interrupts could end a halt, so the promise is: after at most a few the alarm has come */
	for (; !timer_ticks && rounds < 100; rounds++)
		vmi_Halt();
	check(timer_ticks == 1 && now() >= expiry, "Halt, entered with interrupts off, is ended by an alarm");
	check(vmi_GetInterruptMask() & VMI_IF, "and leaves interrupts on");
	timer_drain();
	expiry = now() + microseconds(300);
	vmi_SetAlarm(VMI_COUNTER_REAL, expiry, 0);
	ready = timer_await(expiry);
	vmi_Halt();
	check(ready && timer_ticks == 1, "an interrupt that was pending before Halt ends it at once");
	timer_drain();
	vmi_SetAlarm(VMI_COUNTER_AVAILABLE | VMI_ALARM_PERIODIC, vmi_GetCycleCounter(VMI_COUNTER_AVAILABLE),
		     microseconds(500));
	for (rounds = 0; timer_ticks < 4 && rounds < 100; rounds++) {
		vmi_DisableInterrupts();
		vmi_Halt();
	}
	vmi_DisableInterrupts();
	check(timer_ticks >= 4 && vmi_CancelAlarm(VMI_COUNTER_AVAILABLE) == 1, "a periodic alarm ends one halt after the other");
	timer_drain();
	note("%u rounds", rounds);
}
