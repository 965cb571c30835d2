/*
 * The state of a further processor, as one processor can ask about it: where it may lie, and what becomes of one that
 * is nowhere or for nobody. Whether the processor then starts is for machines with several.
 */
#include "../checking/checking.h"

#define NOWHERE (KERNEL_AREA + 0x780000u)
#define EDGE (KERNEL_AREA + 0x790000u) /* a page in front of an absent one */
#define APIC_ID 0x20u
#define NOBODY 0xFFFFFFFFu
#define OTHER 1u
#define SIZE sizeof(struct vmi_ap_state)
#define SHORT 300 /* us */

const char title[] = "conformance: further processors\n";

static u32 number;

static void set_state(u32 at)
{
	((void(VMICALL *)(u32, u32))vmi_entry[VMI_CALL_SetInitialAPState])(at, number);
}

/* It comes back, or faults at one of the state's bytes as a load of the guest's does; interrupts stay off. */
static bool faults_or_nothing(u32 at, u32 of)
{
	number = of;
	if (catch(set_state, at))
		return caught.vector == 14 && caught.error == 0 && caught.address - at < SIZE && !(vmi_GetInterruptMask() & VMI_IF);
	return caught.times == 0 && !(vmi_GetInterruptMask() & VMI_IF);
}

static bool taken(u8 *at, u32 of)
{
	bool right = true;

	for (u32 n = 0; n < SIZE; n++)
		at[n] = (u8)(n | 0x80);
	number = of;
	right = !catch(set_state, (u32)(uintptr_t)at);
	for (u32 n = 0; n < SIZE; n++)
		right &= at[n] == (u8)(n | 0x80);
	return right && !(vmi_GetInterruptMask() & VMI_IF);
}

static bool alarm_fires(void)
{
	timer_drain();
	vmi_SetAlarm(VMI_COUNTER_REAL, now() + microseconds(SHORT), 0);
	vmi_EnableInterrupts();
	WAIT(timer_ticks, LONG);
	vmi_DisableInterrupts();
	return timer_ticks == 1;
}

static bool nowhere(u32 own)
{
	return faults_or_nothing(NOWHERE, NOBODY) && faults_or_nothing(NOWHERE + 1, own) && faults_or_nothing(NOWHERE + 0xFFF, OTHER);
}

static bool cut_off(void)
{
	return faults_or_nothing(EDGE + VMI_PAGE - 4, OTHER) && faults_or_nothing(EDGE + VMI_PAGE - SIZE + 1, OTHER);
}

static bool anywhere(u32 own)
{
	bool right = true;

	for (u32 offset = 0; offset < 8; offset++)
		right &= taken((u8 *)(uintptr_t)(EDGE + offset), own) && taken((u8 *)(uintptr_t)(EDGE + VMI_PAGE - SIZE - offset), NOBODY);
	return right;
}

static void processors(void)
{
	bool absent = vmi_GetCallInfo(VMI_CALL_SetInitialAPState) != VMI_ANSWER_TRANSLATED;
	u32 gpa = space_map(kernel_root, EDGE, P | W), own = vmi_APICRead(APIC_ID) >> 24;

	check(absent || nowhere(own), "a state that is nowhere is a page fault there, or nothing");
	check(absent || cut_off(), "so is one whose end is");
	check(absent || anywhere(own), "an impossible one for oneself or nobody changes nothing, wherever it lies");
	check(absent || (taken((u8 *)(uintptr_t)(EDGE + 3), OTHER) && alarm_fires()), "and alarms come to oneself as before");
	space_set(kernel_root, EDGE, 0);
	frame_put(gpa);
}

const struct subject subjects[] = {
	{"processors", processors},
	{NULL, NULL},
};
