/*
 * Gates: the guest's IDT, in the processor's format, told to Xen as trap handlers.
 *
 * Gates go straight from Xen to the guest's handlers, but for page faults. Vectors of external interrupts are there
 * too: INT n to them works as it does natively. Xen pushes the processor's frame, with IF = the virtual flag.
 */
#include "frame.h"
#include "memory.h"
#include "platform.h"

#define GATE_PRESENT 0x8000u
#define GATE_TYPE(high) ((high) >> 8 & 0x1F)
#define GATE_INTERRUPT 0x0E
#define GATE_TRAP 0x0F
#define GATE_DPL(high) ((high) >> 13 & 3)
#define GATE_SELECTOR(low) (((low) >> 16 & ~3u) | 1) /* a processor ignores a gate's RPL, Xen does not */
#define GATE_OFFSET(low, high) (((high) & 0xFFFF0000u) | ((low) & 0xFFFFu))
#define TRAPS 32

extern const u8 entry_page_fault[], entry_no_fpu[], rom_start[];

void fatal(const char *text)
{
	u32 *reason = state()->backend.scratch;
	u32 length = 0;

	uart_flush();
	while (text[length])
		length++;
	hypercall(XEN_HYPERCALL_CONSOLE_IO, XEN_CONSOLEIO_WRITE, 5, GVA("vmi: "), 0, 0);
	hypercall(XEN_HYPERCALL_CONSOLE_IO, XEN_CONSOLEIO_WRITE, length, GVA(text), 0, 0);
	hypercall(XEN_HYPERCALL_CONSOLE_IO, XEN_CONSOLEIO_WRITE, 1, GVA("\n"), 0, 0);
	*reason = XEN_SHUTDOWN_CRASH;
	for (;;)
		sched_shutdown(reason);
}

static bool gate_usable(const u32 *gate)
{
	u32 type = GATE_TYPE(gate[1]);

	return gate[1] & GATE_PRESENT && (type == GATE_INTERRUPT || type == GATE_TRAP);
}

/* Fills one entry for Xen; false if the guest has nothing there. Two vectors come to the ROM first. */
static bool trap_for(struct xen_trap_info *trap, u32 vector)
{
	const u32 *gate = state()->backend.idt[vector];
	bool usable = gate_usable(gate);

	if (!usable && vector != PAGE_FAULT)
		return false;
	trap->vector = (u8)vector;
	trap->flags = usable ? (u8)GATE_DPL(gate[1]) : 0;
	if (vector == PAGE_FAULT || vector == NO_FPU) {
		const u8 *entry = vector == PAGE_FAULT ? entry_page_fault : entry_no_fpu;

		trap->flags |= XEN_TRAP_FLAG_MASK_EVENTS;
		trap->cs = XEN_SELECTOR_KERNEL_CS;
		trap->address = WINDOW_ROM + (u32)(entry - rom_start);
		return true;
	}
	if (GATE_TYPE(gate[1]) == GATE_INTERRUPT)
		trap->flags |= XEN_TRAP_FLAG_MASK_EVENTS;
	trap->cs = (u16)GATE_SELECTOR(gate[0]);
	trap->address = GATE_OFFSET(gate[0], gate[1]);
	return trap->address != 0;
}

static void traps_send(u32 n)
{
	struct xen_trap_info *traps = state()->backend.traps;

	if (!n)
		return;
	memset(&traps[n], 0, sizeof(traps[n]));
	BARRIER();
	hypercall(XEN_HYPERCALL_SET_TRAP_TABLE, GVA(traps), 0, 0, 0, 0);
}

/* The whole table anew: only so can an entry be taken away. */
void traps_set_all(void)
{
	struct xen_trap_info *traps = state()->backend.traps;
	u32 vector, n = 0;

	hypercall(XEN_HYPERCALL_SET_TRAP_TABLE, 0, 0, 0, 0, 0);
	for (vector = 0; vector < 256; vector++) {
		if (trap_for(&traps[n], vector))
			n++;
		if (n == TRAPS) {
			traps_send(n);
			n = 0;
		}
	}
	traps_send(n);
}

void ROMCALL vmi_SetIDT(u32 dtr)
{
	struct backend_state *b = &state()->backend;
	u32 limit = AT(u16, dtr), base = AT(u32, dtr + 2), saved, i, end = (limit + 1) / 8;

	for (i = 0; i < 256; i++) {
		b->idt[i][0] = i < end ? AT(u32, base + 8 * i) : 0;
		b->idt[i][1] = i < end ? AT(u32, base + 8 * i + 4) : 0;
	}
	saved = events_mask();
	b->idt_base = base;
	b->idt_limit = limit;
	traps_set_all();
	events_unmask(saved);
}

void ROMCALL vmi_GetIDT(u32 dtr)
{
	AT(u16, dtr) = (u16)state()->backend.idt_limit;
	AT(u32, dtr + 2) = state()->backend.idt_base;
}

void ROMCALL vmi_WriteIDTEntry(u32 table, u32 entry, u32 low, u32 high)
{
	struct backend_state *b = &state()->backend;
	u32 saved;

	AT(u32, table + 8 * entry) = low;
	AT(u32, table + 8 * entry + 4) = high;
	if (table != b->idt_base || entry > 255 || 8 * entry + 7 > b->idt_limit)
		return;
	saved = events_mask();
	b->idt[entry][0] = low;
	b->idt[entry][1] = high;
	if (trap_for(&b->traps[0], entry))
		traps_send(1);
	else
		traps_set_all();
	events_unmask(saved);
}

u32 gate_enter(struct xen_frame *frame, u32 vector)
{
	struct backend_state *b = &state()->backend;
	const u32 *gate = b->idt[vector];

	if (!gate_usable(gate))
		fatal(vector == PAGE_FAULT ? "page fault without a handler" : "interrupt without a handler");
	frame->target = GATE_OFFSET(gate[0], gate[1]);
	frame->target_cs = GATE_SELECTOR(gate[0]);
	if (GATE_TYPE(gate[1]) == GATE_TRAP && frame->eflags & 0x200)
		events_unmask(0x200);
	return 1;
}
