/*
 * Gates and interrupts.
 *
 * The host knows 32 traps, the system call and its own interrupts; the guest's gates are kept here, all 256. A gate
 * of the guest below 32 goes to the host as it is where the host builds the frame (it then shows the virtual IF
 * and clears it for an interrupt gate), and behind a stub where hardware does (trap gates; see flags.S).
 * Interrupts of the guest come from the virtual PIC and APIC: the host's interrupt 0 only says that time may have
 * come for an alarm. Software interrupts other than the system call are #GP: the host keeps those gates.
 */
#include "lguest_rom.h"
#include "native_asm.h"

#define GATES 256u
#define GATE_PRESENT 0x8000u
#define GATE_KIND 0x1f00u
#define GATE_TRAP 0x0100u
#define TRAPS 32u
#define FAULT_PRESENT 1u /* of a page fault's error code */

/* Vectors that the host always looks at itself, whatever the gate's type. */
#define HOST_VECTORS (1u << NATIVE_VECTOR_UD | 1u << NATIVE_VECTOR_NM | 1u << NATIVE_VECTOR_GP)

static u32 gate_gva(u32 vector)
{
	return state_page_gva(GATES_GPA) + 8 * vector;
}

static u32 handler_of(u32 vector)
{
	u32 low = AT(u32, gate_gva(vector)), high = AT(u32, gate_gva(vector) + 4);

	return high & GATE_PRESENT ? (high & 0xffff0000) | (low & 0xffff) : 0;
}

static bool is_gate(u32 high)
{
	u32 kind = (high & GATE_KIND) >> 8;

	return high & GATE_PRESENT && (kind == LGUEST_GATE_TYPE_INTERRUPT || kind == LGUEST_GATE_TYPE_TRAP);
}

/* Tell the host about a gate below 32 or of the system call. */
static void load_gate(u32 vector, u32 low, u32 high)
{
	u32 stub = 0, kind = high & GATE_TRAP;

	if (vector == LGUEST_CONSTANTS_SYSCALL_VECTOR) {
		stub = lguest_place(PLACE_SYSTEM_CALL);
		kind = GATE_TRAP; /* the host would swallow the call behind an interrupt gate */
	} else if (vector == NATIVE_VECTOR_PF) {
		stub = lguest_place(PLACE_PAGE_FAULT);
	} else if (kind && !(HOST_VECTORS >> vector & 1)) {
		stub = lguest_place(PLACE_TRAPS) + TRAP_STUB_SIZE * vector;
	}
	if (stub != 0 && high != 0) {
		low = stub & 0xffff;
		high = (stub & 0xffff0000) | (high & 0xffff) | kind;
	}
	lguest_now(LGUEST_HCALL_LOAD_IDT_ENTRY, vector, low, high, 0);
}

static void set_gate(u32 vector, u32 low, u32 high)
{
	u32 at = gate_gva(vector);

	if (!is_gate(high))
		low = high = 0;
	if (AT(u32, at) == low && AT(u32, at + 4) == high)
		return;
	AT(u32, at) = low;
	AT(u32, at + 4) = high;
	if (vector < TRAPS || vector == LGUEST_CONSTANTS_SYSCALL_VECTOR)
		load_gate(vector, low, high);
}

void ROMCALL vmi_SetIDT(u32 dtr)
{
	struct backend_state *l = lguest();
	u32 saved = platform_irq_save();

	l->idt_limit = AT(u16, dtr + vmi_dtr_OFF_limit);
	l->idt_base = AT(u32, dtr + vmi_dtr_OFF_base);
	for (u32 vector = 0; vector < GATES; vector++) {
		u32 at = l->idt_base + 8 * vector;
		bool inside = 8 * vector + 7 <= l->idt_limit;

		set_gate(vector, inside ? AT(u32, at) : 0, inside ? AT(u32, at + 4) : 0);
	}
	platform_irq_restore(saved);
}

void ROMCALL vmi_GetIDT(u32 dtr)
{
	AT(u16, dtr + vmi_dtr_OFF_limit) = lguest()->idt_limit;
	AT(u32, dtr + vmi_dtr_OFF_base) = lguest()->idt_base;
}

/* Any table may be written, also one that is not in force yet. */
void ROMCALL vmi_WriteIDTEntry(u32 table, u32 entry, u32 low, u32 high)
{
	struct backend_state *l = lguest();
	u32 saved = platform_irq_save();

	AT(u32, table + 8 * entry) = low;
	AT(u32, table + 8 * entry + 4) = high;
	if (table == l->idt_base && entry < GATES && 8 * entry + 7 <= l->idt_limit)
		set_gate(entry, low, high);
	platform_irq_restore(saved);
}

/*
 * A page fault, whose error code comes from a walk of the host's shadow: where the shadow has not been filled yet, a
 * refused access looks like an absent page; where it has not been told yet of an entry that is gone, or was filled
 * read-only until the first write, an absent page looks like a refused access. Bit 0 is made to say what the guest's
 * own tables say.
 */
u32 ROMCALL lguest_page_fault(struct rom_frame *frame)
{
	frame->error &= ~FAULT_PRESENT;
	if (lguest_entry(data()->cr2) != 0)
		frame->error |= FAULT_PRESENT;
	return handler_of(NATIVE_VECTOR_PF);
}

/*
 * The guest's next interrupt: the address of its handler, with the virtual IF as its gate wants it, or 0. One
 * without a gate is lost, as the fault it would be has no gate either.
 */
static u32 take_interrupt(void)
{
	int vector;

	while ((vector = interrupt_next()) >= 0) {
		u32 handler = handler_of((u32)vector);

		if (handler == 0)
			continue;
		lguest()->delivered++;
		if (interrupt_has())
			platform_interrupt_pending();
		if (AT(u32, gate_gva((u32)vector) + 4) & GATE_TRAP)
			data()->irq_enabled = IF;
		return handler;
	}
	return 0;
}

u32 ROMCALL lguest_clock(struct rom_frame *frame)
{
	(void)frame;
	lguest_sample_wallclock();
	alarm_tick();
	uart_poll();
	return take_interrupt();
}

/*
 * The host may hold an interrupt itself, and says so again at every hypercall that is made with the virtual IF clear,
 * such as arming the clock: the word is cleared behind the last of them. What the host holds then comes at its next
 * look, and finds nothing due.
 */
u32 ROMCALL lguest_iret(struct rom_frame *frame)
{
	(void)frame;
	alarm_tick();
	data()->irq_pending = 0;
	return take_interrupt();
}

/*
 * The virtual IF is set and something waits: let the host deliver what it holds, then deliver what the virtual
 * controllers hold. The host never takes irq_pending back (lguest.md section 14, defect 2), so this does.
 */
void ROMCALL lguest_deliver(void)
{
	volatile struct lguest_data *shared = data();

	for (;;) {
		u32 handler;

		shared->irq_pending = 0;
		shared->irq_enabled = IF;
		lguest_now(LGUEST_HCALL_SEND_INTERRUPTS, 0, 0, 0, 0);
		shared->irq_enabled = 0;
		handler = take_interrupt();
		if (handler != 0) {
			lguest_interrupt(handler);
			continue;
		}
		shared->irq_enabled = IF;
		if (!shared->irq_pending)
			return;
	}
}

/* An alarm whose time has come is noticed here too, however late the host's clock interrupt is. */
u32 platform_irq_save(void)
{
	volatile struct lguest_data *shared = data();
	u32 was = shared->irq_enabled;

	shared->irq_enabled = 0;
	if (lguest()->deadline <= lguest_tsc())
		alarm_tick();
	return was;
}

void platform_irq_restore(u32 saved)
{
	volatile struct lguest_data *shared = data();

	if (saved == 0)
		return;
	shared->irq_enabled = IF;
	if (shared->irq_pending)
		lguest_deliver();
}

void platform_interrupt_pending(void)
{
	data()->irq_pending = IF;
}

/*
 * Halt (35): enables and waits in one step; returns after the guest got an interrupt. One of the host that was the
 * ROM's own affair starts it anew.
 */
void ROMCALL vmi_Halt(void)
{
	volatile struct lguest_data *shared = data();
	u32 seen = lguest()->delivered;

	shared->irq_enabled = 0;
	uart_flush();
	if (interrupt_has())
		lguest_deliver();
	for (;;) {
		shared->irq_enabled = 0;
		if (*(volatile u32 *)&lguest()->delivered != seen)
			break;
		lguest_now(LGUEST_HCALL_HALT, 0, 0, 0, 0);
	}
	platform_irq_restore(IF);
}
