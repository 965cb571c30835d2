/*
 * The guest's IDT and the shadow that is loaded instead of it.
 *
 * Alarms take the place of the timer interrupt on a machine whose PIT can wait only 55 ms: most of its interrupts are
 * the ROM's own affair. So once an alarm was set, a copy of the guest's table is loaded in which the gate of IRQ 0
 * leads to a stub of the ROM, and with a local APIC that of LVTT's vector. Before that the guest's own table is the
 * live one. Processors that have one table share its shadow; all but the first have one from the start, because its
 * limit is how they are told apart (processors.c).
 *
 * IRQ 0's vector is learnt from ICW2 if the guest's port calls come through OUTB. A guest that talks to the PIC
 * itself shows it by its first timer interrupt: until then every gate an ICW2 can name has a stub, which looks
 * into the PIC's in-service register.
 *
 * Promised: GetIDT and the guest's own table never show the shadow.
 */
#include "io.h"
#include "pages.h"
#include "platform.h"
#include "stubs.h"

#define GATES 256u
#define GATE_PRESENT 0x8000u

static u32 shadow_gva(u32 number)
{
	static const u8 halves[SHADOWS] = {0, 1, 3, 5, 10, 11, 12, 13};

	return half_gva(halves[number]);
}

static bool may_be_irq0(u32 vector)
{
	const struct native_state *n = native();

	if (!n->timer_taken)
		return false;
	if (n->irq0_vector != 0)
		return vector == n->irq0_vector;
	return vector >= FIRST_STUB_VECTOR && vector % 8 == 0;
}

static u32 stub_for(u32 vector)
{
	const struct native_state *n = native();

	if (vector == NATIVE_VECTOR_PF && n->fault_stub != 0)
		return n->fault_stub;
	if (vector >= NATIVE_VECTOR_TS && vector <= NATIVE_VECTOR_GP)
		return native_fault_stub(vector - NATIVE_VECTOR_TS);
	if (may_be_irq0(vector) || n->lvtt_vectors[vector >> 5] >> (vector & 31) & 1)
		return native_timer_stub(vector);
	return 0;
}

static void put(u32 gva, u32 value)
{
	if (AT(u32, gva) != value) /* another processor may be reading this gate */
		AT(u32, gva) = value;
}

/* Copy one gate of the guest's table, with a stub in front of it if it is one of those. */
static void copy_gate(u32 number, u32 vector)
{
	const struct native_shadow *shadow = &native()->shadows[number];
	u32 from = shadow->base + 8 * vector, to = shadow_gva(number) + 8 * vector;
	u32 low = 0, high = 0, stub;

	if (8 * vector + 7 <= shadow->limit) {
		low = AT(u32, from);
		high = AT(u32, from + 4);
	}
	stub = stub_for(vector);
	if (stub != 0 && high & GATE_PRESENT) {
		low = (low & 0xffff0000) | (stub & 0xffff);
		high = (stub & 0xffff0000) | (high & 0xffff);
	}
	put(to, low);
	put(to + 4, high);
}

static u32 capped(u32 limit)
{
	return limit < 8 * GATES - 1 ? limit : 8 * GATES - 1;
}

/* What is copied with the lock held is looked at before: a fault must not leave the lock behind. Of a table without a
 * gate, such as the one before the first SetIDT, nothing is. */
static void touch(u32 base, u32 limit)
{
	if (limit < 7)
		return;
	(void)AT(u8, base);
	(void)AT(u8, base + capped(limit));
}

static void fill(u32 number)
{
	for (u32 vector = 0; vector < GATES; vector++)
		copy_gate(number, vector);
}

/* Another processor's shadow: nobody knows here whether its table is mapped, so that the gates stay as they were copied
 * and only get the stubs that are new. One that is needed no longer finds the guest's handler all the same. */
static void add_stubs(u32 number)
{
	for (u32 vector = 0; vector < GATES; vector++) {
		u32 gate = shadow_gva(number) + 8 * vector, stub = stub_for(vector);
		u32 low = AT(u32, gate), high = AT(u32, gate + 4);

		if (stub == 0 || !(high & GATE_PRESENT))
			continue;
		put(gate, (low & 0xffff0000) | (stub & 0xffff));
		put(gate + 4, (stub & 0xffff0000) | (high & 0xffff));
	}
}

/* The shadow for a processor's table: its own, if that is nobody else's or the table is the same; one that another
 * processor has of the same table; a free one. 0 if there is none. */
static u32 choose(const struct native_cpu *cpu)
{
	struct native_shadow *shadows = native()->shadows;
	u32 free = 0;

	for (u32 i = SHADOWS; i-- != 0;) {
		if (shadows[i].users == 0 || (shadows[i].users == 1 && cpu->shadow == i + 1))
			free = i + 1;
		else if (shadows[i].base == cpu->idt_base && shadows[i].limit == cpu->idt_limit)
			return i + 1;
	}
	return free;
}

/* Give a processor the shadow of that number + 1, or none. */
static void assign(struct native_cpu *cpu, u32 which)
{
	struct native_shadow *shadows = native()->shadows;

	if (cpu->shadow != 0)
		shadows[cpu->shadow - 1].users--;
	cpu->shadow = which;
	if (which == 0)
		return;
	shadows[which - 1].users++;
	shadows[which - 1].base = cpu->idt_base;
	shadows[which - 1].limit = cpu->idt_limit;
}

u32 native_gate(u32 vector)
{
	const struct native_cpu *cpu = native_cpu();
	u32 at = cpu->idt_base + 8 * vector;

	if (8 * vector + 7 > cpu->idt_limit || !(AT(u32, at + 4) & GATE_PRESENT))
		return 0;
	return (AT(u32, at) & 0xffff) | (AT(u32, at + 4) & 0xffff0000);
}

static bool wants_shadow(const struct native_cpu *cpu)
{
	const struct native_state *n = native();
	bool wanted = n->timer_taken || n->fault_stub != 0 || cpu != n->cpus;

	for (u32 i = 0; i < 8; i++)
		wanted |= n->lvtt_vectors[i] != 0;
	return wanted;
}

/* Load the table that has to be live now on this processor, which has been touched. The lock is held. */
static void load(struct native_cpu *cpu)
{
	const struct native_state *n = native();
	u32 number = (u32)(cpu - n->cpus), limit = capped(cpu->idt_limit);

	assign(cpu, wants_shadow(cpu) ? choose(cpu) : 0);
	for (u32 i = 0; i < SHADOWS; i++)
		if (cpu->shadow == i + 1)
			fill(i);
		else if (n->shadows[i].users != 0)
			add_stubs(i);
	if (cpu->shadow == 0)
		load_idt(cpu->idt_base, cpu->idt_limit);
	else
		load_idt(shadow_gva(cpu->shadow - 1), number != 0 ? 8 * (GATES + number) - 1 : limit);
}

void native_idt_refresh(void)
{
	struct native_state *n = native();
	struct native_cpu *cpu = native_cpu();
	u32 saved;

	if (wants_shadow(cpu))
		touch(cpu->idt_base, cpu->idt_limit);
	saved = lock(&n->lock);
	load(cpu);
	unlock(&n->lock, saved);
}

void native_idt_enter(u32 base, u32 limit)
{
	struct native_cpu *cpu = native_cpu();
	u32 saved;

	if (wants_shadow(cpu))
		touch(base, limit);
	saved = irq_save();
	cpu->idt_base = base;
	cpu->idt_limit = limit;
	native_idt_refresh();
	irq_restore(saved);
}

void native_idt_stub(u32 vector)
{
	struct native_state *n = native();
	struct native_cpu *cpu = native_cpu();
	u32 *word = &n->lvtt_vectors[vector >> 5], bit = 1u << (vector & 31), saved;

	if (vector < FIRST_STUB_VECTOR || (*word & bit && cpu->shadow != 0))
		return;
	touch(cpu->idt_base, cpu->idt_limit);
	saved = lock(&n->lock);
	*word |= bit;
	load(cpu);
	unlock(&n->lock, saved);
}

void native_idt_adopt(void)
{
	struct native_cpu *cpu = native_cpu();
	struct vmi_dtr live = read_idt();

	if (cpu->shadow != 0 && live.base == shadow_gva(cpu->shadow - 1))
		return;
	cpu->idt_base = live.base;
	cpu->idt_limit = live.limit;
	if (native()->timer_taken || native()->fault_stub != 0)
		native_idt_refresh();
	else
		assign(cpu, 0);
}

void ROMCALL vmi_SetIDT(u32 dtr)
{
	u32 limit = AT(u16, dtr + vmi_dtr_OFF_limit); /* first, as LIDT does: a pointer to nothing faults there */

	native_idt_enter(AT(u32, dtr + vmi_dtr_OFF_base), limit);
}

void ROMCALL vmi_GetIDT(u32 dtr)
{
	const struct native_cpu *cpu = native_cpu();

	AT(u16, dtr + vmi_dtr_OFF_limit) = (u16)cpu->idt_limit;
	AT(u32, dtr + vmi_dtr_OFF_base) = cpu->idt_base;
}

/* Any table may be written, also one that is not live yet. */
void ROMCALL vmi_WriteIDTEntry(u32 table, u32 entry, u32 low, u32 high)
{
	struct native_state *n = native();
	u32 saved = irq_save(), locked;

	AT(u32, table + 8 * entry) = low; /* before the lock is taken: a table of nothing faults here */
	AT(u32, table + 8 * entry + 4) = high;
	locked = lock(&n->lock);
	for (u32 i = 0; i < SHADOWS && entry < GATES; i++)
		if (n->shadows[i].users != 0 && n->shadows[i].base == table)
			copy_gate(i, entry);
	unlock(&n->lock, locked);
	irq_restore(saved);
}
