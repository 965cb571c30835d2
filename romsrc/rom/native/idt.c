/*
 * The guest's IDT and the shadow that is loaded instead of it.
 *
 * Alarms take the place of the timer interrupt on a machine whose PIT can wait only 55 ms: most of its interrupts are
 * the ROM's own affair. So once an alarm was set, a copy of the guest's table is loaded in which the gate of IRQ 0
 * leads to a stub of the ROM. Before that the guest's own table is the live one.
 *
 * IRQ 0's vector is learnt from ICW2 if the guest's port calls come through OUTB. A guest that talks to the PIC
 * itself shows it by its first timer interrupt: until then every gate an ICW2 can name has a stub, which looks
 * into the PIC's in-service register.
 *
 * Promised: GetIDT and the guest's own table never show the shadow.
 */
#include "io.h"
#include "platform.h"
#include "stubs.h"

#define GATES 256u
#define GATE_PRESENT 0x8000u

static u32 shadow_gva(void)
{
	return state_gva() + PAGE_SIZE * (VMI_LAYOUT_STATE_BACKEND - VMI_LAYOUT_STATE_ROM);
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
	if (vector == 14 && native()->fault_stub != 0)
		return native()->fault_stub;
	if (may_be_irq0(vector))
		return native_timer_stub(vector);
	return 0;
}

/* Copy one gate of the guest's table, with a stub in front of it if it is one of those. */
static void copy_gate(u32 vector)
{
	const struct native_state *n = native();
	u32 from = n->idt_base + 8 * vector, to = shadow_gva() + 8 * vector;
	u32 low = 0, high = 0, stub;

	if (8 * vector + 7 <= n->idt_limit) {
		low = AT(u32, from);
		high = AT(u32, from + 4);
	}
	stub = stub_for(vector);
	if (stub != 0 && high & GATE_PRESENT) {
		low = (low & 0xffff0000) | (stub & 0xffff);
		high = (stub & 0xffff0000) | (high & 0xffff);
	}
	AT(u32, to) = low;
	AT(u32, to + 4) = high;
}

u32 native_gate(u32 vector)
{
	const struct native_state *n = native();
	u32 at = n->idt_base + 8 * vector;

	if (8 * vector + 7 > n->idt_limit || !(AT(u32, at + 4) & GATE_PRESENT))
		return 0;
	return (AT(u32, at) & 0xffff) | (AT(u32, at + 4) & 0xffff0000);
}

/* Load the table that has to be live now. Interrupts are saved. */
void native_idt_refresh(void)
{
	struct native_state *n = native();

	n->shadow = n->timer_taken || n->fault_stub != 0;
	if (!n->shadow) {
		load_idt(n->idt_base, n->idt_limit);
		return;
	}
	for (u32 vector = 0; vector < GATES; vector++)
		copy_gate(vector);
	load_idt(shadow_gva(), n->idt_limit < 8 * GATES - 1 ? n->idt_limit : 8 * GATES - 1);
}

void native_idt_adopt(void)
{
	struct native_state *n = native();
	struct vmi_dtr live = read_idt();

	if (n->shadow && live.base == shadow_gva())
		return;
	n->idt_base = live.base;
	n->idt_limit = live.limit;
	n->shadow = 0;
	if (n->timer_taken || n->fault_stub != 0)
		native_idt_refresh();
}

void ROMCALL vmi_SetIDT(u32 dtr)
{
	struct native_state *n = native();
	u32 saved = irq_save();

	n->idt_limit = AT(u16, dtr + vmi_dtr_OFF_limit);
	n->idt_base = AT(u32, dtr + vmi_dtr_OFF_base);
	native_idt_refresh();
	irq_restore(saved);
}

void ROMCALL vmi_GetIDT(u32 dtr)
{
	const struct native_state *n = native();

	AT(u16, dtr + vmi_dtr_OFF_limit) = (u16)n->idt_limit;
	AT(u32, dtr + vmi_dtr_OFF_base) = n->idt_base;
}

/* Any table may be written, also one that is not live yet. */
void ROMCALL vmi_WriteIDTEntry(u32 table, u32 entry, u32 low, u32 high)
{
	const struct native_state *n = native();
	u32 saved = irq_save();

	AT(u32, table + 8 * entry) = low;
	AT(u32, table + 8 * entry + 4) = high;
	if (n->shadow && table == n->idt_base && entry < GATES)
		copy_gate(entry);
	irq_restore(saved);
}
