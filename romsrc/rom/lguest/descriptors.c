/*
 * GDT, LDT, TR and the kernel's stack.
 *
 * The host keeps its own table of 32 entries and is told each one. Entries 10, 11, 16 and 31 are accepted and never
 * reach hardware. There is no LDT: a selector with the table bit faults when it is loaded, and WriteLDTEntry only
 * stores. There is no task register either; SetTR is remembered for GetTR.
 */
#include "lguest_rom.h"

static void tell(u32 entry, u32 low, u32 high)
{
	lguest_soon(LGUEST_HCALL_LOAD_GDT_ENTRY, entry, low, high, 0);
}

/*
 * A descriptor set before is not told again, but entries beyond the limit become empty. The host can't take away what FS
 * or GS hold: they let go for the while.
 */
void ROMCALL vmi_SetGDT(u32 dtr)
{
	struct backend_state *l = lguest();
	u32 held = segments_let_go(ANY_SEGMENT);

	l->gdt_limit = AT(u16, dtr + vmi_dtr_OFF_limit);
	l->gdt_base = AT(u32, dtr + vmi_dtr_OFF_base);
	for (u32 entry = 0; entry < LGUEST_GDT_ENTRIES; entry++) {
		u32 at = l->gdt_base + 8 * entry;
		bool inside = 8 * entry + 7 <= l->gdt_limit;

		tell(entry, inside ? AT(u32, at) : 0, inside ? AT(u32, at + 4) : 0);
	}
	if (held) {
		lguest_drain();
		segments_take(held);
	}
}

void ROMCALL vmi_GetGDT(u32 dtr)
{
	AT(u16, dtr + vmi_dtr_OFF_limit) = lguest()->gdt_limit;
	AT(u32, dtr + vmi_dtr_OFF_base) = lguest()->gdt_base;
}

static void store(u32 table, u32 entry, u32 low, u32 high)
{
	AT(u32, table + 8 * entry) = low;
	AT(u32, table + 8 * entry + 4) = high;
}

void ROMCALL vmi_WriteGDTEntry(u32 table, u32 entry, u32 low, u32 high)
{
	u32 held;

	store(table, entry, low, high);
	if (table != lguest()->gdt_base || entry >= LGUEST_GDT_ENTRIES || 8 * entry + 7 > lguest()->gdt_limit)
		return;
	held = segments_let_go(8 * entry);
	tell(entry, low, high);
	if (held) {
		lguest_drain();
		segments_take(held);
	}
}

void ROMCALL vmi_WriteLDTEntry(u32 table, u32 entry, u32 low, u32 high)
{
	store(table, entry, low, high);
}

/* SetLDT is answered NOP: there is none, whatever was asked for. */
u32 ROMCALL vmi_GetLDT(void)
{
	return 0;
}

void ROMCALL vmi_SetTR(u32 selector)
{
	lguest()->tr = (u16)selector;
}

u32 ROMCALL vmi_GetTR(void)
{
	return lguest()->tr;
}

/*
 * The stack for entries from user code. SS may come with RPL 0. Its top page is pinned if it is there: the host would
 * kill for one that is not, which to a processor is no matter before the stack is used.
 */
void ROMCALL vmi_UpdateKernelStack(u32 ss, u32 esp)
{
	ss = (ss & ~3u) | LGUEST_CONSTANTS_GUEST_PRIVILEGE;
	lguest_soon(LGUEST_HCALL_SET_STACK, ss & 0xffff, esp, lguest_can_pin(esp - 1), 0);
}
