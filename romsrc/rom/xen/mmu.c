/*
 * The guest's memory calls: 15 to 18 as far as they are about tables, 38 to 48, 73.
 *
 * Promised: the guest's page tables stay as the guest wrote them, but for A and D. An update takes effect at the end
 * of its call; with DEFER, or in lazy mode 1, at the latest at a page fault, InvalPage, FlushTLB, SetCR3 or the end
 * of the mode. Entries that the guest stored itself take effect with UpdatePxE, with InvalPage of their address, or
 * with a flush: FlushTLB and SetCR3 of the same value for all of the address space, SetCR3 of another one for
 * everything below LINEAR_BASE. New entries over absent ones need no call at all.
 */
#include "frame.h"
#include "memory.h"
#include "platform.h"

/* Frame behind an address that the guest uses for its tables: SetLinearMapping's ranges, else by its tables. */
static u32 frame_of(u32 va)
{
	struct backend_state *b = &state()->backend;
	u64 entry;
	u32 i;

	for (i = 0; i < 4; i++)
		if ((va - b->linear[i].va) >> PAGE_SHIFT < b->linear[i].pages)
			return b->linear[i].pfn + ((va - b->linear[i].va) >> PAGE_SHIFT);
	entry = guest_translate(b->current, va);
	return entry && !HIGH_BAD(entry) ? PFN_OF(entry) : NO_FRAME;
}

/* An entry has changed: whatever table it belongs to follows. */
static void entry_changed(u32 va, u64 value, u32 flags)
{
	struct rom_state *rom = state();
	u32 pfn = frame_of(va), twin, index = (va & (PAGE_SIZE - 1)) / 8;

	if (pfn == NO_FRAME)
		return;
	twin = twin_find(pfn);
	if (twin != NOWHERE)
		twin_set(twin, index, value);
	directories_set(pfn, index, value);
	if (rom->lazy_mode != VMI_LAZY_MODE_MMU && !(flags & VMI_PTE_FLAG_DEFER))
		update_flush();
}

void ROMCALL vmi_SetPxELong(u32 low, u32 high, u32 at, u32 flags)
{
	u32 saved;

	/* never present and half written, nor half written where it faults; that comes before anything else */
	pae_store(low, high, at);
	saved = events_mask();
	entry_changed(at, (u64)high << 32 | low, flags);
	events_unmask(saved);
}

void ROMCALL vmi_UpdatePxELong(u32 at, u32 flags)
{
	u64 value = (u64)AT(u32, at + 4) << 32 | AT(u32, at);
	u32 saved = events_mask();

	entry_changed(at, value, flags);
	events_unmask(saved);
}

/* The two-level forms: Xen knows PAE only, so this is one half of an entry. */
void ROMCALL vmi_UpdatePxE(u32 at, u32 flags)
{
	vmi_UpdatePxELong(at & ~7u, flags);
}

void ROMCALL vmi_SetPxE(u32 value, u32 at, u32 flags)
{
	AT(u32, at) = value;
	vmi_UpdatePxE(at, flags);
}

/* The guest has filled the page already (cleared or cloned it): what the machine knows of it is old. */
void ROMCALL vmi_AllocatePage(u32 pfn, u32 flags, u32 clone, u32 start, u32 count)
{
	u32 saved = events_mask(), twin;

	(void)flags;
	(void)clone;
	(void)start;
	(void)count;
	update_flush();
	twin = twin_find(pfn);
	if (twin != NOWHERE)
		twin_resync(twin);
	directories_resync(pfn);
	update_flush();
	events_unmask(saved);
}

void ROMCALL vmi_ReleasePage(u32 pfn, u32 flags)
{
	u32 saved = events_mask(), twin;

	(void)flags;
	directories_release(pfn);
	twin = twin_find(pfn);
	if (twin != NOWHERE)
		twin_unlink(twin);
	update_flush();
	events_unmask(saved);
}

void ROMCALL vmi_SetLinearMapping(u32 slot, u32 va, u32 pages, u32 pfn)
{
	struct linear *linear;
	u32 saved;

	if (slot >= 4)
		return;
	linear = &state()->backend.linear[slot];
	saved = events_mask();
	linear->va = va;
	linear->pages = pages;
	linear->pfn = pfn;
	events_unmask(saved);
}

/* One translation: the directory entry and the entry as they are now, and the processor's memory of them. */
void ROMCALL vmi_InvalPage(u32 va)
{
	u32 saved = events_mask();

	space_refresh(state()->backend.current, va);
	update_flush();
	batch_flush();
	mmuext(XEN_MMUEXT_INVLPG_LOCAL, va & PAGE_MASK, 0);
	events_unmask(saved);
}

/* Xen does not tell global translations from others, and the ROM gives it none: both kinds go. */
void ROMCALL vmi_FlushTLB(u32 how)
{
	u32 saved = events_mask();

	(void)how;
	space_resync(state()->backend.current, true);
	update_flush();
	batch_flush();
	mmuext(XEN_MMUEXT_TLB_FLUSH_LOCAL, 0, 0);
	events_unmask(saved);
}

void ROMCALL vmi_SetCR3(u32 value)
{
	struct backend_state *b = &state()->backend;
	u32 saved = events_mask(), before = b->current, space;

	update_flush();
	space = space_select(value);
	if (space == NOWHERE)
		fatal("no memory for machine page tables");
	b->cr3 = value;
	space_resync(space, space == before);
	stack_ready(space, stack_pointer());
	space_load(space);
	events_unmask(saved);
}

u32 ROMCALL vmi_GetCR3(void)
{
	return state()->backend.cr3;
}

/* Nothing waits when no mode is on. */
void ROMCALL vmi_SetLazyMode(u32 mode)
{
	u32 saved = events_mask();

	if (mode == VMI_LAZY_MODE_NONE) {
		bool waits = state()->backend.batched != 0;

		update_flush();
		batch_flush();
		if (waits) /* descriptors may be among it */
			segments_reload();
	}
	state()->lazy_mode = mode;
	events_unmask(saved);
}
