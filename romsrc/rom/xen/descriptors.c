/*
 * GDT, LDT, TR and the kernel stack.
 *
 * The guest's tables are memory of the guest's, written by the guest or through Write*Entry. What the processor
 * uses are copies in the window: kernel segments with DPL 1, accessed bits set, and without the system descriptors
 * that Xen keeps to itself (TSS, LDT, gates), which the ROM only remembers.
 */
#include "memory.h"
#include "platform.h"

#define DESCRIPTOR_ACCESSED 0x00000100u
#define DESCRIPTOR_SEGMENT 0x00001000u /* S: code or data */
#define DESCRIPTOR_DPL 0x00006000u
#define DESCRIPTOR_DPL1 0x00002000u
#define DESCRIPTOR_LONG 0x00200000u
#define DESCRIPTOR_TYPE 0x00009F00u /* present, system or not, type */
#define DESCRIPTOR_LDT 0x00008200u
#define GDT_ENTRIES 512u
#define LDT_ENTRIES (512u * WINDOW_LDT_PAGES)

/* What Xen can be given for a guest's descriptor; zero if it would refuse. */
static u64 machine_descriptor(u32 low, u32 high)
{
	if (!(high & DESCRIPTOR_SEGMENT) || high & DESCRIPTOR_LONG)
		return 0;
	high |= DESCRIPTOR_ACCESSED;
	if (!(high & DESCRIPTOR_DPL))
		high |= DESCRIPTOR_DPL1;
	return (u64)high << 32 | low;
}

/* What the window shows is the truth only while nothing waits for that entry. */
static void gdt_set(u32 index, u32 low, u32 high, bool waits)
{
	struct backend_state *b = &state()->backend;
	u64 descriptor = machine_descriptor(low, high), machine = pool_machine(b->gdt_page) + 8 * index;

	if (!waits && AT(u64, WINDOW_GDT + 8 * index) == descriptor)
		return;
	batch_put(XEN_HYPERCALL_UPDATE_DESCRIPTOR, (u32)machine, (u32)(machine >> 32), (u32)descriptor,
		  (u32)(descriptor >> 32));
}

/* A register that holds an entry which was written shows it; what waits is followed when it leaves (SetLazyMode). */
static void segments_follow(void)
{
	if (!state()->backend.batched)
		segments_reload();
}

void ROMCALL vmi_SetGDT(u32 dtr)
{
	struct rom_state *rom = state();
	u32 limit = AT(u16, dtr), base = AT(u32, dtr + 2), end = (limit + 1) / 8, i, lazy, saved = events_mask();

	update_flush();
	batch_flush();
	rom->backend.gdt_base = base;
	rom->backend.gdt_limit = limit;
	lazy = rom->lazy_mode;
	events_unmask(saved);
	for (i = 0; i < GDT_ENTRIES; i++) {
		u32 low = i < end ? AT(u32, base + 8 * i) : 0, high = i < end ? AT(u32, base + 8 * i + 4) : 0;

		saved = events_mask();
		rom->lazy_mode = VMI_LAZY_MODE_CPU; /* as many as fit in each hypercall */
		gdt_set(i, low, high, false);
		rom->lazy_mode = lazy;
		events_unmask(saved);
	}
	saved = events_mask();
	batch_flush();
	segments_reload();
	events_unmask(saved);
}

void ROMCALL vmi_GetGDT(u32 dtr)
{
	AT(u16, dtr) = (u16)state()->backend.gdt_limit;
	AT(u32, dtr + 2) = state()->backend.gdt_base;
}

void ROMCALL vmi_WriteGDTEntry(u32 table, u32 entry, u32 low, u32 high)
{
	struct backend_state *b = &state()->backend;
	u32 saved;

	AT(u32, table + 8 * entry) = low;
	AT(u32, table + 8 * entry + 4) = high;
	if (table != b->gdt_base || entry >= GDT_ENTRIES || 8 * entry + 7 > b->gdt_limit)
		return;
	saved = events_mask();
	gdt_set(entry, low, high, b->batched != 0);
	segments_follow();
	events_unmask(saved);
}

/* Writable pages for so many LDT entries, at their pool addresses; false if the pool is empty. */
static bool ldt_open(u32 entries)
{
	struct backend_state *b = &state()->backend;
	u32 i, page;

	batch_flush();
	mmuext(XEN_MMUEXT_SET_LDT, 0, 0);
	for (i = 0; i < (entries + 511) / 512; i++) {
		if (i < b->ldt_pages) {
			if (!pool_unseal(b->ldt_page[i]))
				return false;
			continue;
		}
		page = pool_take(POOL_DATA);
		if (page == NOWHERE)
			return false;
		memset((void *)pool_entry(page, 0), 0, PAGE_SIZE);
		window_map(WINDOW_LDT + i * PAGE_SIZE, pool_machine(page) | PTE_P | PTE_A | PTE_NX);
		b->ldt_page[i] = (u16)page;
		b->ldt_pages = i + 1;
	}
	return true;
}

static void ldt_close(u32 entries)
{
	struct backend_state *b = &state()->backend;
	u32 i;

	for (i = 0; i < (entries + 511) / 512; i++)
		pool_seal(b->ldt_page[i]);
	update_flush();
	mmuext(XEN_MMUEXT_SET_LDT, WINDOW_LDT, entries);
}

void ROMCALL vmi_SetLDT(u32 selector)
{
	struct backend_state *b = &state()->backend;
	u32 low = 0, high = 0, base, limit, entries = 0, i, saved;

	selector &= 0xFFFF;
	if ((selector | 7) <= b->gdt_limit && selector >= 8) {
		low = AT(u32, b->gdt_base + (selector & ~7u));
		high = AT(u32, b->gdt_base + (selector & ~7u) + 4);
	}
	base = (high & 0xFF000000u) | (high & 0xFF) << 16 | low >> 16;
	limit = (high & 0x000F0000u) | (low & 0xFFFF);
	if ((high & DESCRIPTOR_TYPE) == DESCRIPTOR_LDT) /* any other is no table: the processor would refuse it */
		entries = (limit + 1) / 8 < LDT_ENTRIES ? (limit + 1) / 8 : LDT_ENTRIES;
	b->ldt = (u16)selector;
	b->ldt_base = base;
	saved = events_mask();
	if (!ldt_open(entries))
		entries = 0;
	b->ldt_entries = entries;
	events_unmask(saved);
	for (i = 0; i < entries; i++) /* the guest's memory may fault: not while interrupts are off */
		*pool_entry(b->ldt_page[i / 512], i % 512) =
			machine_descriptor(AT(u32, base + 8 * i), AT(u32, base + 8 * i + 4));
	saved = events_mask();
	if (entries)
		ldt_close(entries);
	segments_reload();
	events_unmask(saved);
}

u32 ROMCALL vmi_GetLDT(void)
{
	return state()->backend.ldt;
}

void ROMCALL vmi_WriteLDTEntry(u32 table, u32 entry, u32 low, u32 high)
{
	struct backend_state *b = &state()->backend;
	u64 machine, descriptor = machine_descriptor(low, high);
	u32 saved;

	AT(u32, table + 8 * entry) = low;
	AT(u32, table + 8 * entry + 4) = high;
	if (table != b->ldt_base || entry >= b->ldt_entries)
		return;
	saved = events_mask();
	machine = pool_machine(b->ldt_page[entry / 512]) + entry % 512 * 8;
	batch_put(XEN_HYPERCALL_UPDATE_DESCRIPTOR, (u32)machine, (u32)(machine >> 32), (u32)descriptor,
		  (u32)(descriptor >> 32));
	segments_follow();
	events_unmask(saved);
}

void ROMCALL vmi_SetTR(u32 selector)
{
	state()->backend.tr = (u16)selector;
}

u32 ROMCALL vmi_GetTR(void)
{
	return state()->backend.tr;
}

void ROMCALL vmi_UpdateKernelStack(u32 ss, u32 esp)
{
	u32 saved = events_mask();

	stack_ready(state()->backend.current, esp);
	if (state()->lazy_mode == VMI_LAZY_MODE_NONE)
		update_flush();
	batch_put(XEN_HYPERCALL_STACK_SWITCH, ss | 1, esp, 0, 0);
	events_unmask(saved);
}
