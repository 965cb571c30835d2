/*
 * Twins: machine page tables beside the guest's.
 *
 * Promised: an entry of a twin is there only if the guest's entry is present, accessed, and names a frame of the
 * guest's; it is writable only if the guest's is writable and dirty. So the processor never sets a bit that the
 * guest could miss: the first access and the first write come to the ROM as faults, which set A and D in the
 * guest's own entry. A twin exists only while some machine L2 entry points to it.
 */
#include "memory.h"

u64 machine_entry(u64 guest)
{
	u32 low = (u32)guest;
	u64 entry;

	if ((low & (PTE_P | PTE_A)) != (PTE_P | PTE_A) || HIGH_BAD(guest))
		return 0;
	if (PFN_OF(low) >= state()->backend.mem_pages)
		return 0;
	entry = frame_machine(PFN_OF(low)) | (low & (PTE_P | PTE_U | PTE_PWT | PTE_PCD | PTE_A)) | (guest & PTE_NX);
	if ((low & (PTE_W | PTE_D)) == (PTE_W | PTE_D) && frame_is_writable(PFN_OF(low)))
		entry |= PTE_W | PTE_D;
	return entry;
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
	volatile u64 *from;
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
	for (i = 0; i < 512; i++)
		*pool_entry(twin, i) = machine_entry(from[i]);
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
	volatile u64 *from = guest_page(pool()->page[twin].pfn);
	u32 i;

	for (i = 0; i < 512; i++) {
		u64 entry = from ? machine_entry(from[i]) : 0;

		if (*pool_entry(twin, i) != entry)
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
