/*
 * The local APIC behind its two calls, where there is one: registers that keep what is written, requests that wait for
 * the interrupt flag, for a task's priority and for the end of what is served, and alarms that are wired to LVTT.
 */
#include "../checking/checking.h"

#define ID 0x20u
#define TPR 0x80u
#define PPR 0xA0u
#define EOI 0xB0u
#define SPURIOUS 0xF0u
#define ISR 0x100u
#define IRR 0x200u
#define ICR_LOW 0x300u
#define LVTT 0x320u
#define LVT_MASKED 0x10000u
#define ENABLED 0x1FFu
#define TO_SELF 0x44000u /* fixed, asserted, shorthand 1 */
#define LOWER 0x3Au
#define SAME_CLASS 0x3Bu
#define HIGHER 0x42u
#define LVTT_VECTOR 0x40u
#define SHORT 300 /* us */

const char title[] = "conformance: the local APIC\n";

static volatile u32 order[8], count;
static volatile u32 in_service; /* ISR said so in the last one's handler */
static bool ends_itself;        /* handlers write EOI */

static bool absent; /* the ROM offers none: then every line is said of nothing */

static bool in_set(u32 set, u32 vector)
{
	return vmi_APICRead(set + 16 * (vector >> 5)) >> (vector & 31) & 1;
}

static bool served(struct vmi_frame *frame)
{
	if (frame->vector != LOWER && frame->vector != SAME_CLASS && frame->vector != HIGHER)
		return false;
	order[count++ % 8] = frame->vector;
	in_service = in_set(ISR, frame->vector);
	if (ends_itself)
		vmi_APICWrite(EOI, 0);
	return true;
}

static void request(u32 vector)
{
	vmi_APICWrite(ICR_LOW, TO_SELF | vector);
}

static void begin(bool ends)
{
	count = 0;
	ends_itself = ends;
}

/* What was sent to oneself has arrived, or will not. */
static bool came(u32 wanted)
{
	WAIT(count >= wanted || absent, 50);
	return count == wanted;
}

static void registers(void)
{
	u32 id = vmi_APICRead(ID);
	bool right = true;

	vmi_APICWrite(SPURIOUS, ENABLED);
	check(absent || ((vmi_APICRead(SPURIOUS) & ENABLED) == ENABLED), "the spurious-interrupt register reads as written");
	for (u32 level = 0; level < 16; level++) {
		vmi_APICWrite(TPR, level << 4);
		right &= (vmi_APICRead(TPR) & 0xFF) == level << 4 && (vmi_APICRead(PPR) & 0xF0) == level << 4;
	}
	vmi_APICWrite(TPR, 0);
	check(absent || right, "so does the task's priority, and the processor's follows it");
	vmi_APICWrite(LVTT, LVTT_VECTOR | LVT_MASKED);
	right = (vmi_APICRead(LVTT) & (LVT_MASKED | 0xFF)) == (LVTT_VECTOR | LVT_MASKED);
	vmi_APICWrite(LVTT, LVTT_VECTOR);
	check(absent || (right && (vmi_APICRead(LVTT) & (LVT_MASKED | 0xFF)) == LVTT_VECTOR), "LVTT keeps its vector and its mask");
	for (u32 offset = 1; offset < 16; offset++) {
		vmi_APICWrite(TPR + offset, 0xFF);
		right &= vmi_APICRead(TPR + offset) == 0;
	}
	vmi_APICWrite(0x400 + TPR, 0xFF);
	vmi_APICWrite(0x80000000u + TPR, 0xFF);
	vmi_APICWrite(~0u, 0xFF);
	right = (vmi_APICRead(TPR) & 0xFF) == 0 && vmi_APICRead(0x80000000u + SPURIOUS) == 0 && vmi_APICRead(~0u) == 0;
	check(absent || (right && vmi_APICRead(ID) == id && (vmi_APICRead(SPURIOUS) & ENABLED) == ENABLED), "registers that there are not read as 0, and a write to them changes none");
}

static void requests(void)
{
	bool waits;

	begin(true);
	request(LOWER);
	vmi_IODelay();
	waits = count == 0 && in_set(IRR, LOWER) && !in_set(ISR, LOWER);
	vmi_EnableInterrupts();
	check(absent || (waits && came(1) && order[0] == LOWER && !in_set(IRR, LOWER)), "an interrupt sent to oneself waits in IRR while interrupts are off, and comes at its vector when they come on");
	check(absent || (in_service && !in_set(ISR, LOWER)), "it is in ISR while it is served, and no longer when EOI was written");
	begin(true);
	vmi_APICWrite(TPR, HIGHER & 0xF0);
	request(LOWER);
	vmi_IODelay();
	waits = count == 0 && in_set(IRR, LOWER);
	vmi_APICWrite(TPR, 0);
	check(absent || (waits && came(1) && order[0] == LOWER), "one below the task's priority waits until that is lower");
	vmi_DisableInterrupts();
	begin(true);
	request(LOWER);
	request(HIGHER);
	vmi_EnableInterrupts();
	check(absent || (came(2) && order[0] == HIGHER && order[1] == LOWER), "of two that wait the higher comes first");
	begin(false);
	request(LOWER);
	waits = came(1) && in_set(ISR, LOWER) && (vmi_APICRead(PPR) & 0xF0) == (LOWER & 0xF0);
	request(SAME_CLASS);
	vmi_IODelay();
	waits &= count == 1 && in_set(IRR, SAME_CLASS);
	request(HIGHER);
	waits &= came(2) && order[1] == HIGHER && in_set(ISR, HIGHER);
	check(absent || waits, "what is served holds back its own class, and none that is higher");
	vmi_APICWrite(EOI, 0);
	waits = !in_set(ISR, HIGHER) && in_set(ISR, LOWER) && count == 2;
	vmi_APICWrite(EOI, 0);
	waits &= came(3) && order[2] == SAME_CLASS;
	vmi_APICWrite(EOI, 0);
	check(absent || (waits && !in_set(ISR, SAME_CLASS)), "EOI ends the highest that is served, and lets in what waited for it");
	vmi_DisableInterrupts();
}

static void wired(void)
{
	u64 expiry, period = microseconds(1000);
	bool right;

	timer_drain();
	lvtt_ticks = 0;
	expiry = now() + microseconds(SHORT);
	vmi_SetAlarm(VMI_COUNTER_REAL | VMI_ALARM_WIRED_LVTT, expiry, 0);
	right = timer_await(expiry) && lvtt_ticks == 0 && vmi_CancelAlarm(VMI_COUNTER_REAL) == 0;
	vmi_EnableInterrupts();
	right &= WAIT(lvtt_ticks || absent, LONG) && lvtt_ticks == 1 && timer_ticks == 0;
	vmi_DisableInterrupts();
	check(absent || right, "an alarm wired to LVTT that expires while interrupts are off comes when they come on, and by LVTT only");
	timer_drain();
	lvtt_ticks = 0;
	vmi_SetAlarm(VMI_COUNTER_REAL | VMI_ALARM_PERIODIC | VMI_ALARM_WIRED_LVTT, now() + period, period);
	vmi_SetAlarm(VMI_COUNTER_AVAILABLE, vmi_GetCycleCounter(VMI_COUNTER_AVAILABLE) + microseconds(SHORT), 0);
	vmi_EnableInterrupts();
	right = WAIT((lvtt_ticks >= 2 && timer_ticks) || absent, LONG) && timer_ticks == 1;
	right &= vmi_CancelAlarm(VMI_COUNTER_REAL) == 1 && vmi_CancelAlarm(VMI_COUNTER_AVAILABLE) == 0;
	vmi_IODelay();
	lvtt_ticks = 0;
	for (u64 until = now() + microseconds(3000); now() < until && now() >= expiry;)
		;
	check(absent || (right && lvtt_ticks == 0 && timer_ticks == 1), "a periodic one wired to LVTT and one wired to interrupt 0 come each by its own way");
	vmi_DisableInterrupts();
	vmi_APICWrite(LVTT, LVT_MASKED);
	timer_drain();
}

static void apic(void)
{
	u32 answer = vmi_GetCallInfo(VMI_CALL_APICWrite);

	absent = answer == VMI_ANSWER_ABSENT;
	note("APICWrite: GetCallInfo says %u", answer);
	/* interrupt 0 is open: on a PC whose APIC is the ROM's own it carries what waits; and it is the alarms' */
	timer_drain();
	vmi_SetAlarm(VMI_COUNTER_REAL, now(), 0);
	timer_drain();
	trap_hook = served;
	registers();
	requests();
	wired();
	trap_hook = NULL;
}

const struct subject subjects[] = {
	{"apic", apic},
	{NULL, NULL},
};
