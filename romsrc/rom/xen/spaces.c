/*
 * Spaces: a machine L3 and four L2s for each top table of the guest that was in CR3 lately.
 *
 * L2s belong to one space each: Xen wants slot 3's to itself (it fills its own entries there), and the window hangs
 * there. Twins are shared between spaces. The guest's four top entries are read when CR3 is loaded, as a processor
 * does. The kernel's part (slot 3) is linked eagerly, since a stack or handler that is missing there would be fatal
 * under Xen; the user's part as far as twins exist, the rest by faults.
 */
#include "memory.h"

#define LEVEL2_FLAGS (PTE_P | PTE_A | PTE_D)

static volatile u16 *link_at(struct space *s, u32 slot, u32 index)
{
	return &AT(u16, WINDOW_POOL(s->links) + (slot * 512 + index) * 2);
}

static u64 link_entry(u32 link)
{
	u64 entry;

	if (!(link & LINK_SET))
		return 0;
	entry = pool_machine(link & LINK_INDEX) | LEVEL2_FLAGS;
	if (link & LINK_W)
		entry |= PTE_W;
	if (link & LINK_U)
		entry |= PTE_U;
	if (link & LINK_NX)
		entry |= PTE_NX;
	return entry;
}

/* A pinned L2 is Xen's to write; before that the page is ours. */
static void link_set(struct space *s, u32 slot, u32 index, u32 link)
{
	u32 old = *link_at(s, slot, index);

	if (old == link)
		return;
	*link_at(s, slot, index) = (u16)link;
	if (link & LINK_SET)
		pool()->page[link & LINK_INDEX].links++;
	if (s->pinned)
		update_put(pool_machine(s->level2[slot]) + 8 * index, link_entry(link));
	else
		*pool_entry(s->level2[slot], index) = link_entry(link);
	if (old & LINK_SET)
		twin_release(old & LINK_INDEX);
}

void directory_refresh(struct space *s, u32 slot, u32 index, u64 guest, bool make)
{
	u32 low = (u32)guest, twin, link = 0;

	if (slot == KERNEL_SLOT && index >= WINDOW_DIRECTORY_INDEX)
		return;
	if ((low & (PTE_P | PTE_A | PTE_PS)) == (PTE_P | PTE_A) && !HIGH_BAD(guest)) {
		twin = twin_find(PFN_OF(low));
		if (twin == NOWHERE && make)
			twin = twin_make(PFN_OF(low));
		if (twin != NOWHERE)
			link = LINK_SET | twin | (low & PTE_W ? LINK_W : 0) | (low & PTE_U ? LINK_U : 0) |
			       (guest & PTE_NX ? LINK_NX : 0);
	}
	link_set(s, slot, index, link);
}

/* All links of one slot, from the guest's directory or, if it has none, away. */
static void slot_refresh(struct space *s, u32 slot)
{
	u32 i, pfn = s->directory[slot], end = slot == KERNEL_SLOT ? WINDOW_DIRECTORY_INDEX : 512;
	volatile u64 *from = pfn == NO_FRAME ? 0 : guest_page(pfn);

	for (i = 0; i < end; i++) {
		if (!(from && *(volatile u32 *)&from[i] & PTE_P) && !*link_at(s, slot, i))
			continue;
		directory_refresh(s, slot, i, from ? from[i] : 0, slot == KERNEL_SLOT);
		if (from)
			from = guest_page(pfn); /* making a twin maps other frames */
	}
}

void directories_set(u32 pfn, u32 index, u64 guest)
{
	struct backend_state *b = &state()->backend;
	u32 i, slot;

	for (i = 0; i < SPACES; i++)
		for (slot = 0; b->spaces[i].used && slot < 4; slot++)
			if (b->spaces[i].directory[slot] == pfn)
				directory_refresh(&b->spaces[i], slot, index, guest, slot == KERNEL_SLOT);
}

void directories_resync(u32 pfn)
{
	struct backend_state *b = &state()->backend;
	u32 i, slot;

	for (i = 0; i < SPACES; i++)
		for (slot = 0; b->spaces[i].used && slot < 4; slot++)
			if (b->spaces[i].directory[slot] == pfn)
				slot_refresh(&b->spaces[i], slot);
}

/* The guest gave the frame back. A space that is not in use forgets it; one that is may still run on it. */
void directories_release(u32 pfn)
{
	struct backend_state *b = &state()->backend;
	u32 i, slot;

	for (i = 0; i < SPACES; i++) {
		struct space *s = &b->spaces[i];

		if (!s->used)
			continue;
		if (s->cr3 >> PAGE_SHIFT == pfn && i != b->current && i != b->loaded) {
			space_drop(i);
			continue;
		}
		for (slot = 0; slot < 4; slot++) {
			if (s->directory[slot] != pfn)
				continue;
			if (i != b->current && slot != KERNEL_SLOT)
				s->directory[slot] = NO_FRAME;
			slot_refresh(s, slot);
		}
	}
}

void twin_unlink(u32 twin)
{
	struct backend_state *b = &state()->backend;
	u32 i, at, left = pool()->page[twin].links;

	for (i = 0; left && i < SPACES; i++)
		for (at = 0; left && b->spaces[i].used && at < 2048; at++)
			if ((*link_at(&b->spaces[i], 0, at) & (LINK_SET | LINK_INDEX)) == (LINK_SET | twin)) {
				left--;
				link_set(&b->spaces[i], at / 512, at % 512, 0);
			}
}

/* Pages for a new space, its window entries and its L3. False (and nothing taken) if the pool is empty. */
static bool space_build(struct space *s)
{
	u32 got[6], n, i;

	for (n = 0; n < 6; n++) {
		got[n] = pool_take(n < 4 ? POOL_LEVEL2 : n < 5 ? POOL_LEVEL3 : POOL_DATA);
		if (got[n] == NOWHERE) {
			while (n--)
				pool_give(got[n]);
			return false;
		}
		memset((void *)pool_entry(got[n], 0), 0, PAGE_SIZE);
	}
	for (i = 0; i < 4; i++) {
		s->level2[i] = (u16)got[i];
		s->directory[i] = NO_FRAME;
		*pool_entry(got[4], i) = pool_machine(got[i]) | PTE_P;
	}
	s->level3 = (u16)got[4];
	s->links = (u16)got[5];
	for (i = 0; i < 2; i++)
		*pool_entry(got[3], WINDOW_DIRECTORY_INDEX + i) = pool_machine(i) | LEVEL2_FLAGS | PTE_W;
	return true;
}

void space_drop(u32 space)
{
	struct backend_state *b = &state()->backend;
	struct space *s = &b->spaces[space];
	u32 i;

	update_flush();
	if (s->pinned)
		mmuext(XEN_MMUEXT_UNPIN_TABLE, pool()->mfn[s->level3], 0);
	s->used = 0;
	for (i = 0; i < 2048; i++) {
		u32 link = *link_at(s, 0, i);

		if (link & LINK_SET)
			twin_release(link & LINK_INDEX);
	}
	for (i = 0; i < 4; i++)
		pool_give(s->level2[i]);
	pool_give(s->level3);
	pool_give(s->links);
}

bool space_evict(void)
{
	struct backend_state *b = &state()->backend;
	struct space *s;
	u32 i, oldest = NOWHERE;

	for (i = 0; i < SPACES; i++) {
		s = &b->spaces[i];
		if (!s->used || i == b->current || i == b->loaded || i == b->busy)
			continue;
		if (oldest == NOWHERE || b->clock - s->stamp > b->clock - b->spaces[oldest].stamp)
			oldest = i;
	}
	if (oldest != NOWHERE) {
		space_drop(oldest);
		return pool()->free_count != 0;
	}
	/* only spaces in use are left: their user parts can be found again by faults */
	for (i = 0; i < SPACES; i++) {
		u32 at;

		s = &b->spaces[i];
		for (at = 0; s->used && at < KERNEL_SLOT * 512; at++)
			link_set(s, at / 512, at % 512, 0);
	}
	return pool()->free_count != 0;
}

/* Read the four top entries, as loading CR3 does. */
static void space_read_top(struct space *s)
{
	u32 slot, pfn;

	for (slot = 0; slot < 4; slot++) {
		volatile u64 *top = guest_page(s->cr3 >> PAGE_SHIFT);
		u64 entry = top ? top[(s->cr3 & 0xFE0) / 8 + slot] : 0;

		pfn = entry & PTE_P && !(entry >> 32) && frame_is_table(PFN_OF(entry)) ? PFN_OF(entry) : NO_FRAME;
		if (s->directory[slot] != pfn) {
			s->directory[slot] = pfn;
			slot_refresh(s, slot);
		}
	}
}

static u32 space_free_place(void)
{
	struct backend_state *b = &state()->backend;
	u32 i;

	for (i = 0; i < SPACES; i++)
		if (!b->spaces[i].used)
			return i;
	space_evict();
	for (i = 0; i < SPACES; i++)
		if (!b->spaces[i].used)
			return i;
	return NOWHERE;
}

u32 space_select(u32 cr3)
{
	struct backend_state *b = &state()->backend;
	struct space *s;
	u32 i;

	cr3 &= ~0x1Fu;
	for (i = 0; i < SPACES; i++)
		if (b->spaces[i].used && b->spaces[i].cr3 == cr3)
			break;
	if (i == SPACES) {
		i = space_free_place();
		if (i == NOWHERE)
			return NOWHERE;
		b->busy = i;
		s = &b->spaces[i];
		memset(s, 0, sizeof(*s));
		s->cr3 = cr3;
		if (!space_build(s))
			return NOWHERE;
		s->used = 1;
	}
	s = &b->spaces[i];
	b->busy = i;
	s->stamp = ++b->clock;
	space_read_top(s);
	if (!s->pinned) {
		u32 page;

		for (page = 0; page < 4; page++)
			pool_seal(s->level2[page]);
		pool_seal(s->level3);
		update_flush();
		mmuext(XEN_MMUEXT_PIN_L3_TABLE, pool()->mfn[s->level3], 0);
		s->pinned = 1;
	}
	b->busy = NOWHERE;
	return i;
}

void space_load(u32 space)
{
	struct backend_state *b = &state()->backend;

	update_flush();
	b->current = space;
	batch_mmuext(XEN_MMUEXT_NEW_BASEPTR, pool()->mfn[b->spaces[space].level3]);
}

void space_resync(u32 space, bool kernel)
{
	struct backend_state *b = &state()->backend;
	struct space *s = &b->spaces[space];
	u32 at, slot;

	update_flush();
	for (slot = 0; slot < (kernel ? 4u : KERNEL_SLOT); slot++)
		if (s->directory[slot] != NO_FRAME)
			slot_refresh(s, slot);
	update_flush();
	for (at = 0; at < (kernel ? 2048u : KERNEL_SLOT * 512); at++) {
		u32 link = *link_at(s, 0, at);

		if (link & LINK_SET)
			twin_resync(link & LINK_INDEX);
	}
}
