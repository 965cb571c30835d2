/* The 8259 pair: mask, request and service registers, and the end of an interrupt. */
#include "reference.h"

#define MASTER VMI_PORT_PIC_MASTER
#define SLAVE VMI_PORT_PIC_SLAVE
#define READ_SERVICE 0x0Bu
#define SHORT 300 /* us */

static u32 service(void)
{
	vmi_OUTB(READ_SERVICE, MASTER);
	return vmi_INB(MASTER);
}

static bool alarm_pending(void)
{
	u64 expiry = now() + microseconds(SHORT);

	vmi_SetAlarm(VMI_COUNTER_REAL, expiry, 0);
	return timer_await(expiry);
}

static u32 service_in_handler;

static void look_at_service(void)
{
	service_in_handler = service();
}

static void pulse(void)
{
	vmi_EnableInterrupts();
	vmi_IODelay();
	vmi_DisableInterrupts();
}

void pic(void)
{
	bool ready;

	pic_mask(0xB9);
	vmi_OUTB(0x5F, SLAVE + 1);
	check(vmi_INB(MASTER + 1) == 0xB9 && vmi_INB(SLAVE + 1) == 0x5F, "both mask registers read as written");
	vmi_OUTB(0xFF, SLAVE + 1);
	timer_drain();
	pic_mask(0xFF);
	vmi_SetAlarm(VMI_COUNTER_REAL, now() + microseconds(SHORT), 0);
	vmi_EnableInterrupts();
	ready = WAIT(pic_pending(), LONG);
	vmi_DisableInterrupts();
	check(ready && timer_ticks == 0, "a masked request shows in the request register and is not delivered");
	pic_mask(0xFE);
	pulse();
	check(timer_ticks == 1, "it is delivered when the mask is lifted, at the vector of ICW2");

	timer_drain();
	timer_quiet = true;
	timer_hook = look_at_service;
	ready = alarm_pending();
	pulse();
	check(ready && timer_ticks == 1 && (service_in_handler & 1), "an interrupt that is served shows in the service register");
	ready = alarm_pending();
	pulse();
	check(ready && timer_ticks == 1, "until it is ended, the same line is not delivered again");
	timer_quiet = false;
	pic_end();
	pulse();
	check(timer_ticks == 2 && !(service() & 1), "after the end of interrupt it is");
	timer_hook = NULL;
	timer_drain();
	timer_start();
	check(vmi_INB(MASTER + 1) == 0xFF, "the pair can be initialised again");
	pic_mask(0xFE);
	ready = alarm_pending();
	pulse();
	check(ready && timer_ticks == 1, "and delivers as before");
}
