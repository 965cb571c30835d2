/*
 * Alarms by the PIT's first channel, and by the local APIC's timer where there is one (local_timer.c).
 *
 * The PIT's mode 0 counts at most 65536 ticks (54.9 ms), so a long wait is a chain of shots: the stub behind IRQ 0 ends
 * the interrupt itself and shoots again until an alarm is due, and only then goes on to the guest's handler, which
 * ends the interrupt as that of any timer. On a machine without a local APIC an alarm that is wired to LVTT arrives
 * by IRQ 0 too; the stub ends that interrupt and enters the handler of LVTT's vector.
 *
 * With a local APIC the two wirings are two timers, LVTT's on each processor. IRQ 0 may then come through the PIC or
 * through an IO-APIC, as the guest has it, and a stock kernel gives both timers one vector. Only one processor gets it;
 * it sends it on to others that have alarms wired to it.
 *
 * A guest that uses no alarms, and sends itself no interrupts where there is no local APIC, keeps the PIT and its
 * interrupt for itself.
 */
#include "inject.h"
#include "io.h"
#include "lapic.h"
#include "local_timer.h"
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

/* Set the PIT for whoever waits longest for IRQ 0. */
static void program_pit(void)
{
	struct native_state *n = native();
	u32 saved = lock(&n->lock), ticks = 0;
	u64 first = NEVER;

	for (u32 i = 0; i < n->count; i++) {
		const struct native_cpu *cpu = &n->cpus[i];

		if (cpu->irq0_sent)
			continue;
		if (cpu->irq0_due)
			ticks = 1;
		else if (cpu->deadline < first)
			first = cpu->deadline;
	}
	if (apic_has())
		ticks = 1;
	else if (ticks == 0 && first != NEVER)
		ticks = ticks_until(first);
	if (ticks != 0) {
		n->pit_shot = 1;
		shoot(ticks);
	}
	unlock(&n->lock, saved);
}

static void program(const struct native_cpu *cpu)
{
	if (cpu->irq0_due || cpu->deadline != NEVER || apic_has())
		program_pit();
	if (cpu->lvtt_due || cpu->lvtt_deadline != NEVER || cpu->lvtt_shot)
		local_timer_program();
}

static void take_timer(void)
{
	struct native_state *n = native();

	if (n->timer_taken)
		return;
	n->timer_taken = 1;
	native_idt_refresh();
}

void platform_arm(u64 real_deadline)
{
	struct native_state *n = native();
	struct native_cpu *cpu = native_cpu();
	u32 saved;

	if (lapic_present()) {
		real_deadline = alarm_deadline(ALARMS_IRQ0);
		cpu->lvtt_deadline = alarm_deadline(ALARMS_LVTT);
	}
	saved = lock(&n->lock);
	cpu->deadline = real_deadline;
	unlock(&n->lock, saved);
	if (real_deadline != NEVER || cpu->irq0_due || apic_has())
		take_timer();
	if (!cpu->in_stub)
		program(cpu);
}

/* The shared alarms' way to say that IRQ 0 is to reach the guest. */
void pic_raise(u32 irq)
{
	if (irq == 0)
		native_cpu()->irq0_due = 1;
}

void pic_lower(u32 irq)
{
	(void)irq;
}

static bool irq0_in_service(void)
{
	u32 service;

	io_out8(NATIVE_PIC_MASTER_COMMAND, NATIVE_PIC_OCW3_OCW3 | NATIVE_PIC_OCW3_RR | NATIVE_PIC_OCW3_RIS);
	service = io_in8(NATIVE_PIC_MASTER_COMMAND);
	io_out8(NATIVE_PIC_MASTER_COMMAND, NATIVE_PIC_OCW3_OCW3 | NATIVE_PIC_OCW3_RR);
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
	if (frame->eip == native_halt_end() && (frame->cs & 3) == 0 && frame->error == HALT_MARK) {
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

/* The PIT has a deadline of other processors too: IRQ 0 comes to one, which sends it on. */
static void send_on(const struct native_cpu *self)
{
	struct native_state *n = native();
	u64 now = platform_real();

	for (u32 i = 0; i < n->count; i++) {
		struct native_cpu *cpu = &n->cpus[i];
		u32 saved = lock(&n->lock);
		bool wanted = cpu != self && !cpu->irq0_sent && (cpu->irq0_due || cpu->deadline <= now);

		cpu->irq0_sent |= wanted;
		unlock(&n->lock, saved);
		if (wanted)
			lapic_send(cpu->apic_id, NATIVE_APIC_ICR_ASSERT | n->irq0_vector);
	}
}

static void tick(struct native_cpu *cpu)
{
	cpu->in_stub = 1;
	alarm_tick();
	cpu->in_stub = 0;
}

/* IRQ 0 from the PIC; where to go on, or 0. */
static u32 timer_interrupt(struct native_cpu *cpu, struct rom_frame *frame, u32 handler)
{
	native()->pit_shot = native()->irq0_by_apic = 0;
	tick(cpu);
	if (native()->count > 1)
		send_on(cpu);
	if (!cpu->irq0_due || handler == 0)
		handler = swallow(frame);
	cpu->irq0_due = 0;
	program(cpu);
	if (native()->count > 1)
		program_pit(); /* others may wait for it still */
	return handler;
}

static bool pit_expired(void)
{
	io_out8(NATIVE_PIT_COMMAND, NATIVE_PIT_COMMAND_READ_BACK | NATIVE_PIT_COMMAND_READ_BACK_NO_COUNT |
					NATIVE_PIT_COMMAND_READ_BACK_CHANNEL0);
	return (io_in8(NATIVE_PIT_CHANNEL0) & NATIVE_PIT_STATUS_OUT) != 0;
}

/* Whether it can be IRQ 0, which is the ROM's as soon as an alarm was wired to it. */
static bool is_irq0(u32 vector)
{
	const struct native_state *n = native();

	if (!n->timer_taken)
		return false;
	return n->irq0_vector != 0 ? vector == n->irq0_vector : n->pit_shot && pit_expired();
}

/* The guest's handler for what is due at this vector, which is due no longer, or 0. */
static u32 take_due(struct native_cpu *cpu, u32 vector, bool sent)
{
	u32 handler = native_gate(vector);

	if (handler != 0 && cpu->lvtt_due && vector == cpu->lvtt_vector) {
		cpu->lvtt_due = 0;
		return handler;
	}
	if (handler == 0 || !cpu->irq0_due || vector != native()->irq0_vector)
		return 0;
	cpu->irq0_due = 0;
	if (sent && !native()->irq0_by_apic)
		lapic_write(NATIVE_APIC_EOI, 0); /* its handler ends interrupts at the PIC */
	return handler;
}

/*
 * An interrupt that the local APIC has in service: its own timer's (LVTT), the PIT's through an IO-APIC, or IRQ 0 as
 * another processor has sent it on; a stock kernel has all three at one vector, where they may come as one. A shot
 * that was replaced may still come, later than its counter says: so these vectors are the alarms'. Where it goes on:
 * to the guest's handler, which ends it, if something is due there, or if it is none of these; else 0, and it is
 * ended here.
 */
static u32 local_interrupt(struct native_cpu *cpu, struct rom_frame *frame, u32 vector, bool expired)
{
	struct native_state *n = native();
	bool irq0 = is_irq0(vector), sent = irq0 && cpu->irq0_sent, pit = irq0 && n->pit_shot && pit_expired();
	bool timer = vector == cpu->lvtt_vector;
	u32 handler;

	if (!timer && !irq0)
		return native_gate(vector);
	if (timer)
		cpu->lvtt_shot &= !expired;
	if (pit) {
		n->pit_shot = 0;
		n->irq0_by_apic = 1;
		n->irq0_vector = vector;
	}
	cpu->irq0_sent &= !sent;
	tick(cpu);
	if (pit)
		send_on(cpu);
	handler = take_due(cpu, vector, sent);
	if (handler == 0) {
		lapic_write(NATIVE_APIC_EOI, 0);
		resume_halt(frame);
	}
	program(cpu);
	if (pit && n->count > 1)
		program_pit();
	return handler;
}

u32 ROMCALL native_timer_interrupt(struct rom_frame *frame);

/* Behind the stubs of the shadow IDT. A gate may be a trap gate, so interrupts may be on. */
u32 ROMCALL native_timer_interrupt(struct rom_frame *frame)
{
	struct native_state *n = native();
	u32 vector = frame->target & 0xff, handler, saved = irq_save();
	struct native_cpu *cpu = native_cpu();
	bool expired = false;

	if (lapic_present() && lapic_in_service(vector, &expired)) {
		handler = local_interrupt(cpu, frame, vector, expired);
	} else {
		if (n->irq0_vector == 0 && irq0_in_service()) {
			n->irq0_vector = vector;
			native_idt_refresh();
		}
		handler = native_gate(vector);
		if (n->irq0_vector == vector)
			handler = timer_interrupt(cpu, frame, handler);
	}
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
	if (native_cpu()->shadow != 0)
		native_idt_refresh();
	irq_restore(saved);
}

u32 platform_irq_save(void)
{
	return irq_save();
}

/* An interrupt that the guest sent to its own virtual APIC is delivered as soon as interrupts are on: at once, or, if
 * they are off, with a shot of the timer, also for a guest that has set no alarm yet. */
void platform_irq_restore(u32 saved)
{
	int vector = -1;
	u32 handler;

	if (saved & VMI_EFLAGS_IF && apic_has()) {
		vector = apic_next();
	} else if (!native()->timer_taken && apic_has()) {
		take_timer();
		platform_interrupt_pending();
	}
	irq_restore(saved);
	if (vector >= 0) {
		handler = native_gate((u32)vector);
		if (handler != 0)
			native_deliver(handler);
	}
}

void platform_interrupt_pending(void)
{
	if (!native_cpu()->in_stub && native()->timer_taken)
		program_pit();
}
