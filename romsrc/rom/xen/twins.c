/*
 * Twins: machine page tables beside the guest's.
 *
 * Promised: an entry of a twin is there only if the guest's entry is present, accessed, and names a frame of the
 * guest's; it is writable only if the guest's is writable and dirty. So the processor never sets a bit that the
 * guest could miss: the first access and the first write come to the ROM as faults, which set A and D in the
 * guest's own entry. A twin exists only while some machine L2 entry points to it.
 */
#include "memory.h"

/* In line, since whole tables are gone through. */
static inline __attribute__((always_inline)) u64 entry_for(const struct backend_state *b, u64 guest)
{
	u32 low = (u32)guest, pfn = PFN_OF(low);
	u64 entry;

	if ((low & (PTE_P | PTE_A)) != (PTE_P | PTE_A) || HIGH_BAD(guest) || pfn >= b->mem_pages)
		return 0;
	entry = frame_machine(pfn) | (low & (PTE_P | PTE_U | PTE_PWT | PTE_PCD | PTE_A)) | (guest & PTE_NX);
	if ((low & (PTE_W | PTE_D)) == (PTE_W | PTE_D) && writable_frame(b, pfn))
		entry |= PTE_W | PTE_D;
	return entry;
}

u64 machine_entry(u64 guest)
{
	return entry_for(&state()->backend, guest);
}

u32 twin_find(u32 pfn)
{
	struct backend_state *b = &state()->backend;
	u32 at = b->bucket[pfn % BUCKETS];

	while (at != NOWHERE && pool()->page[at].pfn != pfn)
		at = pool()->page[at].next;
	return at;
}

u32 twin_make(u32 pfn)
{
	struct backend_state *b = &state()->backend;
	volatile u64 *from, *to;
	u32 twin, i;

	if (!frame_is_writable(pfn))
		return NOWHERE;
	twin = pool_take(POOL_TWIN);
	if (twin == NOWHERE)
		return NOWHERE;
	from = guest_page(pfn);
	if (!from) {
		pool_give(twin);
		return NOWHERE;
	}
	to = pool_entry(twin, 0);
	for (i = 0; i < 512; i++)
		to[i] = entry_for(b, from[i]);
	pool_seal(twin);
	pool()->page[twin].pfn = pfn;
	pool()->page[twin].links = 0;
	pool()->page[twin].next = b->bucket[pfn % BUCKETS];
	b->bucket[pfn % BUCKETS] = (u16)twin;
	return twin;
}

void twin_set(u32 twin, u32 index, u64 guest)
{
	u64 entry = machine_entry(guest);

	/* what the twin shows is the truth only while nothing waits */
	if (!state()->backend.queued && *pool_entry(twin, index) == entry)
		return;
	update_put(pool_machine(twin) + 8 * index, entry);
}

void twin_resync(u32 twin)
{
	const struct backend_state *b = &state()->backend;
	volatile u64 *from = guest_page(pool()->page[twin].pfn), *to = pool_entry(twin, 0);
	u32 i;

	for (i = 0; i < 512; i++) {
		u64 entry = from ? entry_for(b, from[i]) : 0;

		if (to[i] != entry)
			update_put(pool_machine(twin) + 8 * i, entry);
	}
}

void twin_release(u32 twin)
{
	struct backend_state *b = &state()->backend;
	u16 *at = &b->bucket[pool()->page[twin].pfn % BUCKETS];

	if (--pool()->page[twin].links)
		return;
	while (*at != twin)
		at = &pool()->page[*at].next;
	*at = pool()->page[twin].next;
	pool_give(twin);
}
