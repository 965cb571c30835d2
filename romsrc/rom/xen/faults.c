/*
 * Page faults: the accesses that the machine tables do not show yet.
 *
 * What the guest's own tables allow is made so, and the guest never learns of it; A and D are set in its entries as
 * a processor would. Anything else is the guest's fault: it gets the address in CR2 and the error code that its own
 * tables justify. The walk goes through the window only, so it can't fault itself.
 */
#include "frame.h"
#include "memory.h"

/* The guest's directory entry for va, through the window, or 0 if there is no directory. */
static volatile u64 *directory_entry(struct space *s, u32 va)
{
	u32 pfn = s->directory[SLOT(va)];
	volatile u64 *page = pfn == NO_FRAME ? 0 : guest_page(pfn);

	return page ? &page[DIRECTORY_INDEX(va)] : 0;
}

static void set_bits(volatile u64 *entry, u32 bits)
{
	volatile u32 *low = (volatile u32 *)entry;

	if ((*low & bits) != bits)
		__atomic_or_fetch(low, bits, __ATOMIC_SEQ_CST);
}

/* Do these permissions allow the access? CR0.WP is always on. */
static bool allowed(u64 entry, u32 access)
{
	return !((access & FAULT_W && !(entry & PTE_W)) || (access & FAULT_U && !(entry & PTE_U)) ||
		 (access & FAULT_FETCH && entry & PTE_NX));
}

int space_fill(u32 space, u32 va, u32 access, u32 *error)
{
	struct backend_state *b = &state()->backend;
	struct space *s = &b->spaces[space];
	volatile u64 *at;
	u64 directory, entry;
	u32 twin;

	access &= FAULT_W | FAULT_U | FAULT_FETCH;
	*error = access;
	if (va >= WINDOW_BASE)
		return 1;
	at = directory_entry(s, va);
	if (!at || !((directory = *at) & PTE_P))
		return 1;
	*error = access | FAULT_P | FAULT_RSVD;
	if (directory & PTE_PS || HIGH_BAD(directory) || !frame_is_table(PFN_OF(directory)))
		return 1;
	at = guest_page(PFN_OF(directory));
	if (!at)
		return 1;
	entry = at[TABLE_INDEX(va)];
	*error = access;
	if (!(entry & PTE_P))
		return 1;
	*error = access | FAULT_P | FAULT_RSVD;
	if (HIGH_BAD(entry) || PFN_OF(entry) >= b->mem_pages)
		return 1;
	*error = access | FAULT_P;
	if (!allowed(directory, access) || !allowed(entry, access))
		return 1;
	if (access & FAULT_W && !frame_is_writable(PFN_OF(entry)))
		return 1;
	set_bits(&at[TABLE_INDEX(va)], access & FAULT_W ? PTE_A | PTE_D : PTE_A);
	entry = at[TABLE_INDEX(va)];
	at = directory_entry(s, va);
	if (!at)
		return 1;
	set_bits(at, PTE_A);
	directory_refresh(s, SLOT(va), DIRECTORY_INDEX(va), *at, true);
	twin = twin_find(PFN_OF(directory));
	if (twin == NOWHERE)
		return 1;
	twin_set(twin, TABLE_INDEX(va), entry);
	return 0;
}

void space_refresh(u32 space, u32 va)
{
	struct space *s = &state()->backend.spaces[space];
	volatile u64 *at = directory_entry(s, va);
	u64 directory = at ? *at : 0;
	u32 twin;

	if (va >= WINDOW_BASE)
		return;
	directory_refresh(s, SLOT(va), DIRECTORY_INDEX(va), directory, SLOT(va) == KERNEL_SLOT);
	twin = twin_find(PFN_OF(directory));
	if (!(directory & PTE_P) || twin == NOWHERE)
		return;
	at = guest_page(PFN_OF(directory));
	twin_set(twin, TABLE_INDEX(va), at ? at[TABLE_INDEX(va)] : 0);
}

u64 guest_translate(u32 space, u32 va)
{
	volatile u64 *at = directory_entry(&state()->backend.spaces[space], va);

	if (!at || (*at & (PTE_P | PTE_PS)) != PTE_P || HIGH_BAD(*at))
		return 0;
	at = guest_page(PFN_OF(*at));
	return at && at[TABLE_INDEX(va)] & PTE_P ? at[TABLE_INDEX(va)] : 0;
}

/* A stack that is not there when Xen pushes a frame kills the domain: see that this one and the page below it are. */
void stack_ready(u32 space, u32 sp)
{
	u32 error;

	space_fill(space, sp - 4, FAULT_W, &error);
	space_fill(space, sp - 4 - PAGE_SIZE, FAULT_W, &error);
}

/*
 * The page-fault gate. Events are masked. What waited may have been the reason, so it leaves first. A fault that
 * comes again although nothing is left to do is a stale translation: it is dropped. If Xen refuses, the guest gets
 * the fault with the reserved-bit flag rather than the same fault for ever.
 */
u32 ROMCALL fault_page(struct xen_frame *frame)
{
	struct backend_state *b = &state()->backend;
	u32 va = SHARED->vcpu_info[0].arch_cr2, error = frame->error, refused;

	if (b->current == NOWHERE)
		fatal("page fault in the boot stub");
	update_flush();
	batch_flush();
	refused = b->refused;
	if (!space_fill(b->current, va, frame->error, &error)) {
		if (b->queued)
			update_flush();
		else
			mmuext(XEN_MMUEXT_INVLPG_LOCAL, va, 0);
		if (b->refused == refused)
			return 0;
		error |= FAULT_P | FAULT_RSVD;
	}
	b->cr2 = va;
	frame->error = error;
	return gate_enter(frame, PAGE_FAULT);
}
