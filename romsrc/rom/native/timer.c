/*
 * Alarms by the PIT's first channel.
 *
 * Its mode 0 counts at most 65536 ticks (54.9 ms), so a long wait is a chain of shots: the stub behind IRQ 0 ends
 * the interrupt itself and shoots again until an alarm is due, and only then goes on to the guest's handler, which
 * ends the interrupt as that of any timer. An alarm that is wired to LVTT arrives by IRQ 0 too; the stub ends that
 * interrupt and enters the handler of LVTT's vector.
 *
 * A guest that uses no alarms keeps the PIT and its interrupt for itself.
 */
#include "inject.h"
#include "io.h"
#include "math.h"
#include "platform.h"
#include "stubs.h"

#define SHOT_MAX 65536u

static void shoot(u32 ticks)
{
	io_out8(NATIVE_PIT_COMMAND, NATIVE_PIT_COMMAND_LOW_HIGH | NATIVE_PIT_COMMAND_MODE0);
	io_out8(NATIVE_PIT_CHANNEL0, ticks & 0xff);
	io_out8(NATIVE_PIT_CHANNEL0, ticks >> 8 & 0xff);
}

/* Ticks until the deadline, rounded up, at most one shot. */
static u32 ticks_until(u64 deadline)
{
	u32 khz = native()->khz, rest;
	u64 now = platform_real(), ticks;

	if (deadline <= now)
		return 1;
	if (deadline - now >= (u64)khz * 60) /* 60 ms: more than one shot */
		return SHOT_MAX;
	ticks = div_u64(mul_div(deadline - now, NATIVE_PIT_HZ, khz), 1000, &rest) + 1;
	return ticks < SHOT_MAX ? (u32)ticks : SHOT_MAX;
}

static void program(void)
{
	struct native_state *n = native();

	if (n->irq0_due || apic_has())
		shoot(1);
	else if (n->deadline != NEVER)
		shoot(ticks_until(n->deadline));
}

void platform_arm(u64 real_deadline)
{
	struct native_state *n = native();

	n->deadline = real_deadline;
	if (real_deadline == NEVER && !n->irq0_due && !apic_has()) /* what an alarm raised waits for the next shot */
		return;
	if (!n->timer_taken) {
		n->timer_taken = 1;
		native_idt_refresh();
	}
	if (!n->in_stub)
		program();
}

/* The shared alarms' way to say that IRQ 0 is to reach the guest. */
void pic_raise(u32 irq)
{
	if (irq == 0)
		native()->irq0_due = 1;
}

void pic_lower(u32 irq)
{
	(void)irq;
}

static bool irq0_in_service(void)
{
	u32 service;

	io_out8(NATIVE_PIC_MASTER_COMMAND, NATIVE_PIC_OCW3_OCW3 | NATIVE_PIC_OCW3_READ_ISR);
	service = io_in8(NATIVE_PIC_MASTER_COMMAND);
	io_out8(NATIVE_PIC_MASTER_COMMAND, NATIVE_PIC_OCW3_OCW3 | NATIVE_PIC_OCW3_READ_IRR);
	return (service & 1) != 0;
}

static void end_irq0(void)
{
	io_out8(NATIVE_PIC_MASTER_COMMAND, NATIVE_PIC_OCW2_EOI | NATIVE_PIC_OCW2_SPECIFIC | NATIVE_PIT_IRQ);
}

/* An interrupt that was the ROM's own affair must not end a Halt: begin it again, with interrupts off as Halt is
 * entered, so that nothing can slip in before its HLT. */
static void resume_halt(struct rom_frame *frame)
{
	if (frame->eip == native_halt_end() && (frame->cs & 3) == 0) {
		frame->eip = native_halt_start();
		frame->eflags &= ~(u32)VMI_EFLAGS_IF;
	}
}

static u32 swallow(struct rom_frame *frame)
{
	u32 handler = 0;
	int vector;

	end_irq0();
	vector = apic_next();
	if (vector >= 0)
		handler = native_gate((u32)vector);
	if (handler == 0)
		resume_halt(frame);
	return handler;
}

/* IRQ 0, at its vector; where to go on, or 0. */
static u32 timer_interrupt(struct rom_frame *frame, u32 handler)
{
	struct native_state *n = native();

	n->in_stub = 1;
	alarm_tick();
	n->in_stub = 0;
	if (n->irq0_due && handler != 0) {
		n->irq0_due = 0;
	} else {
		n->irq0_due = 0;
		handler = swallow(frame);
	}
	program();
	return handler;
}

u32 ROMCALL native_timer_interrupt(struct rom_frame *frame);

/* Behind the stubs of the shadow IDT. A gate may be a trap gate, so interrupts may be on. */
u32 ROMCALL native_timer_interrupt(struct rom_frame *frame)
{
	struct native_state *n = native();
	u32 vector = frame->error & 0xff, handler, saved = irq_save();
	bool ours = n->irq0_vector == vector;

	if (n->irq0_vector == 0 && irq0_in_service()) {
		ours = true;
		n->irq0_vector = vector;
		native_idt_refresh();
	}
	handler = native_gate(vector);
	if (ours)
		handler = timer_interrupt(frame, handler);
	irq_restore(saved);
	return handler;
}

/* What the guest writes to the master PIC through OUTB: the word after ICW1 is the base of its vectors. */
void ROMCALL native_snoop(u32 value, u32 port)
{
	struct native_state *n = native();
	u32 saved;

	if (!(port & 1)) {
		if (value & NATIVE_PIC_ICW1_INIT)
			n->icw = 1;
		return;
	}
	if (!n->icw)
		return;
	saved = irq_save();
	n->icw = 0;
	n->irq0_vector = value & 0xf8;
	if (n->shadow)
		native_idt_refresh();
	irq_restore(saved);
}

u32 platform_irq_save(void)
{
	return irq_save();
}

/* An interrupt that the guest sent to its own virtual APIC is delivered as soon as interrupts are on. */
void platform_irq_restore(u32 saved)
{
	int vector = -1;
	u32 handler;

	if (saved & VMI_EFLAGS_IF && apic_has())
		vector = apic_next();
	irq_restore(saved);
	if (vector >= 0) {
		handler = native_gate((u32)vector);
		if (handler != 0)
			native_deliver(handler);
	}
}

/* ... and if they are off, with the next shot of the timer. */
void platform_interrupt_pending(void)
{
	struct native_state *n = native();

	if (!n->in_stub && n->timer_taken)
		program();
}
