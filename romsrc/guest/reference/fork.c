/* Copy on write: a forked address space shares frames read-only until one side writes. */
#include "reference.h"

#define V 0x20000000u
#define PAGES 8u

static u32 parent, child;
static volatile u32 faults; /* changed by any access to memory */
static u8 shares[PAGES]; /* how many spaces map the frame of page n that both began with */
static u32 shared[PAGES];

static volatile u32 *word(u32 n)
{
	return (volatile u32 *)(uintptr_t)(V + n * VMI_PAGE);
}

static bool copy_it(struct vmi_frame *frame, u32 address)
{
	u32 n = (address - V) / VMI_PAGE, root = vmi_GetCR3(), page = address & ~0xFFFu, old, copy;

	/* bit 0 may be clear where a host's shadow did not hold the page yet: what counts is the guest's own entry */
	if (n >= PAGES || !(frame->error & 2) || (*space_entry(root, page) & (P | W)) != P)
		return false;
	faults++;
	old = (u32)(*space_entry(root, page) & FRAME);
	if (old != shared[n] || shares[n] == 1) {
		space_set(root, page, old | P | W | U);
		return true;
	}
	copy = frame_get();
	for (u32 at = 0; at < VMI_PAGE; at += 4)
		*(u32 *)VMI_LINEAR(copy + at) = *(u32 *)VMI_LINEAR(old + at);
	shares[n]--;
	space_set(root, page, copy | P | W | U);
	return true;
}

/* As Linux forks: in lazy mode, the parent's entry write-protected by a store and told, the child's set. */
static void fork_pages(void)
{
	for (u32 n = 0; n < PAGES; n++)
		space_entry(child, V + n * VMI_PAGE);
	vmi_SetLazyMode(VMI_LAZY_MODE_MMU);
	for (u32 n = 0; n < PAGES; n++) {
		u32 va = V + n * VMI_PAGE;
		u64 *entry = space_entry(parent, va);

		*entry &= ~(u64)W;
		vmi_UpdatePxELong(entry, entry_flags(parent, va));
		vmi_SetPxELong(*entry & ~(u64)(A | D), space_entry(child, va), entry_flags(child, va));
		shared[n] = (u32)(*entry & FRAME);
		shares[n] = 2;
	}
	vmi_SetLazyMode(VMI_LAZY_MODE_NONE);
	vmi_FlushTLB(VMI_FLUSH_TLB_TLB);
}

static bool holds(u32 base)
{
	for (u32 n = 0; n < PAGES; n++)
		if (*word(n) != base + n)
			return false;
	return true;
}

/* Frames still shared belong to both spaces: only the child's tear-down may give them back. */
static void unshare(void)
{
	for (u32 n = 0; n < PAGES; n++)
		if (shares[n] == 2)
			space_set(parent, V + n * VMI_PAGE, 0);
}

void fork(void)
{
	u32 free = frames_free();
	bool right;

	parent = space_new();
	child = space_new();
	space_enter(parent);
	for (u32 n = 0; n < PAGES; n++) {
		space_map(parent, V + n * VMI_PAGE, P | W | U);
		*word(n) = 40 + n;
	}
	fork_pages();
	fault_hook = copy_it;
	right = holds(40);
	space_enter(child);
	check(right && holds(40) && faults == 0, "after a fork both spaces read the same, without a fault");
	for (u32 n = 0; n < PAGES / 2; n++)
		*word(n) = 80 + n;
	right = faults == PAGES / 2 && *word(0) == 80 && *word(PAGES - 1) == 40 + PAGES - 1;
	check(right, "each first write of the child faults once and gets a copy");
	space_enter(parent);
	check(holds(40), "the parent does not see it");
	faults = 0;
	for (u32 n = 0; n < PAGES; n++)
		*word(n) = 120 + n;
	check(holds(120) && faults == PAGES, "the parent's pages were write-protected by the fork as well");
	space_enter(child);
	right = *word(0) == 80 && *word(PAGES / 2) == 40 + PAGES / 2;
	faults = 0;
	*word(PAGES / 2) = 7;
	check(right && *word(PAGES / 2) == 7 && faults == 1, "the child does not see what the parent writes");
	fault_hook = NULL;
	space_enter(kernel_root);
	unshare();
	space_free(child);
	space_free(parent);
	check(frames_free() == free, "every frame comes back");
}
