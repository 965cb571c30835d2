/* Real time, bounded waiting, the 8259 pair and the timer's interrupt. */
#include "checking.h"

#define MASTER VMI_PORT_PIC_MASTER
#define SLAVE VMI_PORT_PIC_SLAVE
#define VECTOR 0x30u
#define LVTT_VECTOR 0x40u
#define READ_REQUESTS 0x0Au
#define END_OF_INTERRUPT 0x20u
#define APIC_EOI 0xB0u
#define MOST_TICKS 200u
#define LOOKS 20000000u /* a bound for when the real counter itself is broken */

volatile u32 timer_ticks, timer_mask, timer_eflags, lvtt_ticks;
u64 timer_last;
bool timer_quiet;
void (*timer_hook)(void);

static u32 per_microsecond;

void timer_start(void)
{
	static const u8 words[][2] = {{0x11, 0}, {VECTOR, 1}, {0x04, 1}, {0x01, 1}};
	static const u8 slave_words[][2] = {{0x11, 0}, {VECTOR + 8, 1}, {0x02, 1}, {0x01, 1}};

	per_microsecond = divide(vmi_GetCycleFrequency(), 1000000);
	for (u32 n = 0; n < 4; n++) {
		vmi_OUTB(words[n][0], MASTER + words[n][1]);
		vmi_OUTB(slave_words[n][0], SLAVE + slave_words[n][1]);
	}
	pic_mask(0xFF);
	vmi_OUTB(0xFF, SLAVE + 1);
}

u64 now(void)
{
	return vmi_GetCycleCounter(VMI_COUNTER_REAL);
}

u64 microseconds(u32 count)
{
	return (u64)per_microsecond * count;
}

static u32 disappointments;

/* After a few waits in vain something is broken for good: the rest of the run is not worth that much time. */
struct patience patience(u32 milliseconds)
{
	return (struct patience){now() + microseconds(milliseconds * (disappointments > 2 ? 50 : 1000)), LOOKS};
}

bool patient(struct patience *left)
{
	if (left->looks-- && now() < left->until)
		return true;
	disappointments++;
	return false;
}

bool pic_pending(void)
{
	vmi_OUTB(READ_REQUESTS, MASTER);
	return vmi_INB(MASTER) & 1;
}

void pic_mask(u32 mask)
{
	vmi_OUTB(mask, MASTER + 1);
}

void pic_end(void)
{
	vmi_OUTB(END_OF_INTERRUPT, MASTER);
}

void interrupt(struct vmi_frame *frame)
{
	if (frame->vector == LVTT_VECTOR) {
		lvtt_ticks++;
		vmi_APICWrite(APIC_EOI, 0);
		return;
	}
	if (frame->vector != VECTOR) {
		note("interrupt %x came without being asked for", frame->vector);
		return;
	}
	timer_last = now();
	timer_mask = vmi_GetInterruptMask() & VMI_IF;
	timer_eflags = frame->eflags;
	timer_ticks++;
	if (timer_ticks > MOST_TICKS) { /* a host slower than a period: nothing else would ever run again */
		vmi_CancelAlarm(VMI_COUNTER_REAL);
		vmi_CancelAlarm(VMI_COUNTER_AVAILABLE);
	}
	if (!timer_quiet)
		pic_end();
	if (timer_hook)
		timer_hook();
}

void timer_drain(void)
{
	vmi_DisableInterrupts();
	vmi_CancelAlarm(VMI_COUNTER_REAL);
	vmi_CancelAlarm(VMI_COUNTER_AVAILABLE);
	pic_mask(0xFE);
	vmi_EnableInterrupts();
	vmi_IODelay();
	vmi_DisableInterrupts();
	timer_ticks = 0;
	timer_last = 0;
}

bool timer_await(u64 expiry)
{
	/* a backend without a PIC of its own may learn of the alarm only when interrupts come on: time enough is enough */
	return WAIT(now() > expiry + microseconds(pic_pending() ? 0 : 50000), LONG);
}
