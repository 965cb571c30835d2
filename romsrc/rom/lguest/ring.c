/*
 * Making hypercalls, at once or through the asynchronous ring.
 *
 * Promised: calls take effect in the order in which they are made here, whichever road they take. What is in the
 * ring is in force after the next hypercall of any kind, and after SetLazyMode(0), InvalPage, FlushTLB.
 */
#include "lguest_rom.h"

void lguest_now(u32 number, u32 a, u32 b, u32 c, u32 d)
{
	lguest()->queued = 0;
	lguest_hypercall(number, a, b, c, d);
}

void lguest_later(u32 number, u32 a, u32 b, u32 c, u32 d)
{
	volatile struct lguest_data *shared = data();
	u32 saved = platform_irq_save(), next = lguest()->next;

	if (shared->hcall_status[next] != LGUEST_CONSTANTS_RING_FREE) {
		lguest_now(number, a, b, c, d);
	} else {
		shared->hcalls[next].arg0 = number;
		shared->hcalls[next].arg1 = a;
		shared->hcalls[next].arg2 = b;
		shared->hcalls[next].arg3 = c;
		shared->hcalls[next].arg4 = d;
		shared->hcall_status[next] = LGUEST_CONSTANTS_RING_PENDING;
		lguest()->next = (next + 1) % LGUEST_CONSTANTS_RING_SIZE;
		lguest()->queued = 1;
	}
	platform_irq_restore(saved);
}

void lguest_soon(u32 number, u32 a, u32 b, u32 c, u32 d)
{
	if (state()->lazy_mode != VMI_LAZY_MODE_NONE)
		lguest_later(number, a, b, c, d);
	else
		lguest_now(number, a, b, c, d);
}

void lguest_drain(void)
{
	if (lguest()->queued)
		lguest_now(LGUEST_HCALL_FLUSH_ASYNC, 0, 0, 0, 0);
}

/* SetLazyMode (73): 1 MMU, 2 CPU, 0 leaves either, with nothing left waiting. */
void ROMCALL vmi_SetLazyMode(u32 mode)
{
	state()->lazy_mode = mode;
	if (mode == VMI_LAZY_MODE_NONE)
		lguest_drain();
}
