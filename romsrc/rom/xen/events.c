/*
 * The virtual interrupt flag and what comes through it: Xen's events, made interrupts of the guest's controllers.
 *
 * The flag is the upcall mask of the shared page: clear means enabled. An upcall turns every pending event into what
 * it means, then one interrupt is taken from the controllers and goes to the guest's gate. What is left is kept
 * pending, so that the next enabling comes here again.
 */
#include "frame.h"
#include "memory.h"
#include "platform.h"

extern const u8 entry_upcall[], entry_failsafe[], rom_start[];

void events_unmask(u32 saved)
{
	BARRIER();
	if (!(saved & 0x200))
		return;
	AT(u8, UPCALL_MASK) = 0;
	if (AT(u8, UPCALL_PENDING))
		hypercall(XEN_HYPERCALL_XEN_VERSION, XEN_XENVER_VERSION, 0, 0, 0, 0);
}

void platform_interrupt_pending(void)
{
	AT(u8, UPCALL_PENDING) = 1;
}

/* Take a port's pending bit away; true if it was set. */
static bool event_take(u32 port)
{
	volatile u32 *word = &AT(u32, WINDOW_BASE + xen_shared_info_OFF_evtchn_pending + port / 32 * 4);
	u32 bit = 1u << port % 32;

	return (__atomic_fetch_and(word, ~bit, __ATOMIC_SEQ_CST) & bit) != 0;
}

static void events_scan(void)
{
	struct backend_state *b = &state()->backend;

	/* in this order: what comes later sets them again, and Xen looks when we return */
	AT(u8, UPCALL_PENDING) = 0;
	__atomic_exchange_n(&AT(u32, WINDOW_BASE + xen_vcpu_info_OFF_evtchn_pending_sel), 0, __ATOMIC_SEQ_CST);
	if (event_take(b->timer_port))
		alarm_tick();
	if (event_take(b->console_port)) {
		b->console_input = 1;
		uart_poll();
	}
}

/*
 * The flag for code that looks at the virtual devices. A device keeps running while interrupts are off: what Xen has
 * told meanwhile must show in its registers (a request in the 8259, say), so it is taken in here.
 */
u32 platform_irq_save(void)
{
	u32 enabled = events_mask();

	if (!enabled && AT(u8, UPCALL_PENDING)) {
		events_scan();
		if (interrupt_has())
			platform_interrupt_pending();
	}
	return enabled;
}

void platform_irq_restore(u32 saved)
{
	events_unmask(saved);
}

/* The upcall: events masked, the frame of what was interrupted. 0: nothing for the guest, go back. */
u32 ROMCALL event_upcall(struct xen_frame *frame)
{
	int vector;

	events_scan();
	vector = interrupt_next();
	if (vector < 0)
		return 0;
	if (interrupt_has())
		platform_interrupt_pending();
	state()->backend.delivered++;
	return gate_enter(frame, (u32)vector);
}

static u32 virq_bind(u32 virq)
{
	u32 *words = state()->backend.scratch;
	struct xen_evtchn_bind_virq *bind = (struct xen_evtchn_bind_virq *)(words + 1);
	struct xen_evtchn_send *unmask = (struct xen_evtchn_send *)(words + 1);
	u32 port;

	bind->virq = virq;
	bind->vcpu = 0;
	BARRIER();
	if (event_channel_op(XEN_EVTCHNOP_BIND_VIRQ, words) < 0)
		return 0;
	BARRIER();
	port = bind->port;
	unmask->port = port;
	BARRIER();
	event_channel_op(XEN_EVTCHNOP_UNMASK, words);
	return port;
}

/* Callbacks into the window's alias of the ROM, and the events that the ROM serves. */
void events_start(void)
{
	struct backend_state *b = &state()->backend;

	hypercall(XEN_HYPERCALL_SET_CALLBACKS, XEN_SELECTOR_KERNEL_CS, WINDOW_ROM + (u32)(entry_upcall - rom_start),
		  XEN_SELECTOR_KERNEL_CS, WINDOW_ROM + (u32)(entry_failsafe - rom_start), 0);
	b->timer_port = virq_bind(XEN_VIRQ_TIMER);
	b->console_port = virq_bind(XEN_VIRQ_CONSOLE);
	b->console_input = 1; /* what was typed before */
}

/* Waits with interrupts enabled, in one step, until the guest got an interrupt; events that are the ROM's own
 * business only (an early tick) send it back to sleep. */
void ROMCALL vmi_Halt(void)
{
	struct backend_state *b = &state()->backend;
	u32 before = *(volatile u32 *)&b->delivered;

	events_mask();
	uart_flush();
	update_flush();
	batch_flush();
	if (interrupt_has())
		platform_interrupt_pending();
	for (;;) {
		if (!AT(u8, UPCALL_PENDING))
			sched_block();
		events_unmask(0x200);
		if (*(volatile u32 *)&b->delivered != before)
			return;
		events_mask();
	}
}
