/*
 * Frames seen through the window: the guest's through slots, the ROM's own through the pool.
 *
 * Slots are direct mapped by frame number, so that walking the same tables again costs nothing. A pool page is
 * writable while the ROM fills it and read-only from before Xen types it until after Xen has let it go.
 */
#include "memory.h"

#define WINDOW_FLAGS (PTE_P | PTE_W | PTE_A | PTE_D)

bool frame_is_table(u32 pfn)
{
	return table_frame(&state()->backend, pfn);
}

bool frame_is_writable(u32 pfn)
{
	return writable_frame(&state()->backend, pfn);
}

s32 window_map(u32 va, u64 entry)
{
	return hypercall(XEN_HYPERCALL_UPDATE_VA_MAPPING, va, (u32)entry, (u32)(entry >> 32), XEN_UVMF_INVLPG, 0);
}

volatile u64 *guest_page(u32 pfn)
{
	struct backend_state *b = &state()->backend;
	u32 slot = pfn % WINDOW_SLOTS;

	if (b->slot_pfn[slot] != pfn) {
		if (!frame_is_writable(pfn))
			return 0;
		b->slot_pfn[slot] = NO_FRAME;
		if (window_map(WINDOW_SLOT(slot), frame_machine(pfn) | WINDOW_FLAGS | PTE_NX) < 0)
			return 0;
		b->slot_pfn[slot] = pfn;
	}
	return &AT(u64, WINDOW_SLOT(slot));
}

volatile u64 *pool_entry(u32 page, u32 index)
{
	return &AT(u64, WINDOW_POOL(page) + 8 * index);
}

u64 pool_machine(u32 page)
{
	return (u64)pool()->mfn[page] << PAGE_SHIFT;
}

bool pool_unseal(u32 page)
{
	if (!pool()->page[page].sealed)
		return true;
	update_flush();
	if (window_map(WINDOW_POOL(page), pool_machine(page) | WINDOW_FLAGS | PTE_NX) < 0)
		return false;
	pool()->page[page].sealed = 0;
	return true;
}

u32 pool_take(u32 use)
{
	struct pool *p = pool();

	for (;;) {
		u32 page;

		if (!p->free_count && !space_evict())
			return NOWHERE;
		page = p->free_list[--p->free_count];
		if (!pool_unseal(page)) {
			p->page[page].use = POOL_LOST;
			continue;
		}
		p->page[page].use = (u8)use;
		return page;
	}
}

void pool_give(u32 page)
{
	struct pool *p = pool();

	p->page[page].use = POOL_FREE;
	p->free_list[p->free_count++] = (u16)page;
}

void pool_seal(u32 page)
{
	struct pool *p = pool();
	u32 number = WINDOW_PAGE_POOL + page;

	/* the window's own tables are the first two pool pages */
	update_put(pool_machine(number / 512) + number % 512 * 8, pool_machine(page) | PTE_P | PTE_A | PTE_NX);
	p->page[page].sealed = 1;
}
