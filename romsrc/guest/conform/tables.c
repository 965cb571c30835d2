/*
 * Page tables at their edges: entries that are deferred until a flush, the end of a mode or a fault lets them in, and
 * those that are not; frames that are tables, mapped like others; what a page holds before and after it was a table;
 * addresses of entries that are none.
 */
#include "../checking/checking.h"

#define V (KERNEL_AREA + 0x200000u)
#define VIEWS (KERNEL_AREA + 0x400000u) /* tables, mapped as memory */
#define NOWHERE (KERNEL_AREA + 0x600000u)
#define PLAIN (KERNEL_AREA + 0x610000u) /* a page in front of an absent one */
#define USER 0x0A000000u
#define MARK 0x7AB1E500u
#define DEFER VMI_PTE_FLAG_DEFER
#define NEW_TABLE (VMI_PAGE_TYPE_PT | VMI_ALLOC_FLAG_PAE)
#define MOST_RETRIES 3u

const char title[] = "conformance: page tables\n";

static u32 frames[2]; /* with MARK and MARK + 1 in their first words */
static u32 retries;

static volatile u32 *word(u32 va)
{
	return (volatile u32 *)(uintptr_t)va;
}

static u32 page(u32 n)
{
	return V + n * VMI_PAGE;
}

static u64 *entry(u32 n)
{
	return space_entry(kernel_root, page(n));
}

static void set(u32 n, u64 value, u32 flags)
{
	vmi_SetPxELong(value, entry(n), entry_flags(kernel_root, page(n)) | flags);
}

/* An entry that the guest stores itself. */
static void tell(u32 n, u64 value, u32 flags)
{
	u64 *at = entry(n);

	*at = value;
	vmi_UpdatePxELong(at, entry_flags(kernel_root, page(n)) | flags);
}

static bool shows(u32 n, u32 which)
{
	return !catch(do_read, page(n)) && *word(page(n)) == MARK + which;
}

static bool absent(u32 n)
{
	return catch(do_read, page(n)) && caught_is(14, 0, page(n));
}

/*
 * A mapping that is in force and that nobody has used: no processor holds it. Accessed and dirty are set beforehand, so
 * that a host which waits for the first use with an entry that lacks them has nothing to wait for.
 */
static void map_unused(u32 n, u32 which, u64 flags)
{
	set(n, frames[which] | P | A | D | flags, 0);
	vmi_InvalPage(page(n));
}

/* A fault on an entry that allows the access: it waited, and the fault has let it in. */
static bool waited(struct vmi_frame *frame, u32 address)
{
	u32 root = frame->cs & 3 ? process.root : kernel_root;

	return retries++ < MOST_RETRIES && *space_entry(root, address) & P;
}

static bool shows_after_a_fault(u32 n, u32 which)
{
	bool right;

	retries = 0;
	fault_hook = waited;
	right = shows(n, which);
	fault_hook = NULL;
	return right;
}

static void deferred(void)
{
	u32 mapped, n = 0;
	bool right;

	set(n, frames[0] | P | W, DEFER);
	check(shows_after_a_fault(n, 0), "a fault on an entry that was set with DEFER puts it in force");
	set(n, frames[1] | P | W, DEFER);
	vmi_FlushTLB(VMI_FLUSH_TLB_TLB);
	check(shows(n, 1), "so does FlushTLB for one that replaces another");
	tell(n, frames[0] | P | W, DEFER);
	vmi_FlushTLB(VMI_FLUSH_TLB_TLB | VMI_FLUSH_TLB_GLOBAL);
	check(shows(n, 0), "and for one that was told of with DEFER");
	set(n, 0, DEFER);
	vmi_InvalPage(page(n));
	check(absent(n), "a mapping taken away with DEFER is gone after InvalPage");
	n++;
	set(n, frames[0] | P | W, DEFER);
	vmi_InvalPage(page(n));
	right = shows(n, 0);
	set(n + 1, frames[1] | P | W, DEFER);
	vmi_InvalPage(page(n));
	check(right && shows_after_a_fault(n + 1, 1) && shows(n, 0), "what is deferred for several pages comes in force page by page or together");
	set(n, 0, DEFER);
	set(n + 1, 0, DEFER);
	vmi_FlushTLB(VMI_FLUSH_TLB_TLB | VMI_FLUSH_TLB_GLOBAL);
	check(absent(n) && absent(n + 1), "and FlushTLB takes away what was deferred for all of them");

	process_start();
	mapped = frame_get();
	vmi_SetPxELong(mapped | P | W | U, space_entry(process.root, USER), entry_flags(process.root, USER) | DEFER);
	retries = 0;
	fault_hook = waited;
	check(process_run(user_write, USER), "a fault of user code on a deferred entry lets it go on");
	fault_hook = NULL;
	process_end();
}

/* Mappings that nobody has used go without a flush: what may wait is told from what may not by them. */
static void modes(void)
{
	u32 n = 4;

	map_unused(n, 0, W);
	set(n, 0, 0);
	check(absent(n), "outside a lazy mode an unused mapping is gone when SetPxELong has taken it away");
	map_unused(n, 0, W);
	tell(n, 0, 0);
	check(absent(n), "or when UpdatePxELong has told of that");
	map_unused(n, 0, 0);
	set(n, frames[1] | P | W, 0);
	check(shows(n, 1) && !catch(do_write, page(n)), "and another is there when it was set over it");
	*(u32 *)VMI_LINEAR(frames[1]) = MARK + 1;
	n++;
	map_unused(n, 0, W);
	map_unused(n + 1, 1, W);
	vmi_SetLazyMode(VMI_LAZY_MODE_MMU);
	set(n, 0, 0);
	tell(n + 1, 0, 0);
	vmi_SetLazyMode(VMI_LAZY_MODE_NONE);
	check(absent(n) && absent(n + 1), "unused mappings taken away in a lazy mode are gone when it has ended");
	map_unused(n, 0, W);
	set(n, 0, DEFER);
	vmi_SetLazyMode(VMI_LAZY_MODE_MMU);
	vmi_SetLazyMode(VMI_LAZY_MODE_NONE);
	check(absent(n), "so is one taken away with DEFER before it began");
	map_unused(n, 0, W);
	vmi_SetLazyMode(VMI_LAZY_MODE_CPU);
	set(n, 0, DEFER);
	vmi_SetLazyMode(VMI_LAZY_MODE_NONE);
	check(absent(n), "or in the mode of the processor");
}

static u32 view(u32 slot, u64 table)
{
	u32 at = VIEWS + slot * VMI_PAGE;

	space_set(kernel_root, at, (table & FRAME) | P | W);
	vmi_SetLinearMapping(1 + slot, at, 1, (u32)((table & FRAME) >> 12));
	return at;
}

/* One's own tables are memory like any other, also where they may be written. */
static void views(void)
{
	u32 root = space_new(), first = space_map(root, USER, P | W | U), seen;
	u64 *leaf = space_entry(root, USER), *directory = vmi_walk(root, USER, VMI_PAGE_TYPE_PD);
	u64 *top = vmi_walk(root, USER, VMI_PAGE_TYPE_PDP), *through[3], table = *directory, slot = *top;
	bool right;

	space_enter(root);
	*word(USER) = MARK;
	through[0] = (u64 *)(uintptr_t)(view(0, VMI_GPA(leaf)) + ((u32)(uintptr_t)leaf & 0xFFF));
	through[1] = (u64 *)(uintptr_t)(view(1, VMI_GPA(directory)) + ((u32)(uintptr_t)directory & 0xFFF));
	through[2] = (u64 *)(uintptr_t)(view(2, VMI_GPA(top)) + ((u32)(uintptr_t)top & 0xFFF));
	check((*through[0] & FRAME) == first && !((*through[1] ^ table) & ~(u64)A) && !((*through[2] ^ slot) & ~(u64)A),
	      "tables of all three levels can be mapped writable, and show their entries");
	*through[0] = frames[1] | P | W | U;
	vmi_UpdatePxELong(through[0], entry_flags(root, USER));
	vmi_InvalPage(USER);
	check(*word(USER) == MARK + 1 && (*leaf & FRAME) == frames[1], "an entry stored there counts when it was told and flushed");
	space_set(root, USER + VMI_PAGE, frames[0] | P | W | U | A | D);
	vmi_InvalPage(USER + VMI_PAGE);
	vmi_SetPxELong(0, through[0] + 1, entry_flags(root, USER + VMI_PAGE));
	check(catch(do_read, USER + VMI_PAGE) && caught_is(14, 0, USER + VMI_PAGE) && leaf[1] == 0, "an unused mapping taken away there is gone, without a flush");
	vmi_SetPxELong(0, through[1], VMI_PAGE_TYPE_PD);
	vmi_FlushTLB(VMI_FLUSH_TLB_TLB);
	right = catch(do_read, USER) && caught_is(14, 0, USER) && *directory == 0;
	vmi_SetPxELong(table, through[1], VMI_PAGE_TYPE_PD);
	check(right && !catch(do_read, USER) && *word(USER) == MARK + 1, "a table taken away and put back there takes its mappings along");
	*through[2] = 0;
	vmi_UpdatePxELong(through[2], VMI_PAGE_TYPE_PDP);
	space_enter(root);
	right = catch(do_read, USER) && caught_is(14, 0, USER);
	*through[2] = slot;
	vmi_UpdatePxELong(through[2], VMI_PAGE_TYPE_PDP);
	space_enter(root);
	check(right && !catch(do_read, USER) && *word(USER) == MARK + 1, "so does a directory");
	seen = USER + 0x10000;
	space_set(root, seen, (VMI_GPA(leaf) & ~0xFFFu) | P | W | U);
	check(*(u64 *)(uintptr_t)(seen + ((u32)(uintptr_t)leaf & 0xFFF)) == *leaf && (*leaf & FRAME) == frames[1], "a table can be mapped by itself, for user code as well");
	space_set(root, seen, 0);
	space_set(root, USER, first | P | W | U);
	for (u32 n = 0; n < 3; n++) {
		vmi_SetLinearMapping(1 + n, 0, 0, 0);
		space_set(kernel_root, VIEWS + n * VMI_PAGE, 0);
	}
	space_enter(kernel_root);
	space_free(root);
}

/* A page becomes a table with what it holds, and stops being one with all that it was. */
static void changes(void)
{
	u32 root = space_new(), table = frame_get();
	u64 *entries = VMI_LINEAR(table), *directory, *leaf;
	bool right = true;

	space_enter(root);
	space_entry(root, USER + 0x400000); /* the directory, with another table in it */
	entries[USER >> 12 & 511] = frames[0] | P | W | U;
	entries[(USER >> 12 & 511) + 1] = frames[1] | P | W | U;
	vmi_AllocatePage(table >> 12, NEW_TABLE, 0, 0, 0);
	directory = vmi_walk(root, USER, VMI_PAGE_TYPE_PD);
	vmi_SetPxELong(table | P | W | U | A, directory, VMI_PAGE_TYPE_PD);
	check(!catch(do_read, USER) && *word(USER) == MARK && *word(USER + VMI_PAGE) == MARK + 1, "a page filled before AllocatePage is a table with what it holds");
	leaf = vmi_walk(root, USER, VMI_PAGE_TYPE_PT);
	vmi_SetPxELong(0, directory, VMI_PAGE_TYPE_PD);
	vmi_FlushTLB(VMI_FLUSH_TLB_TLB);
	vmi_ReleasePage(table >> 12, NEW_TABLE);
	for (u32 n = 0; n < VMI_PAGE / 8; n++)
		entries[n] = 0xFFFFFFFFFFFFFFFFull - n;
	vmi_FlushTLB(VMI_FLUSH_TLB_TLB | VMI_FLUSH_TLB_GLOBAL);
	for (u32 n = 0; n < VMI_PAGE / 8; n++)
		right &= entries[n] == 0xFFFFFFFFFFFFFFFFull - n;
	check(right && catch(do_read, USER) && caught_is(14, 0, USER), "released it is plain memory, and none of its mappings is left");
	for (u32 n = 0; n < VMI_PAGE / 8; n++)
		entries[n] = 0;
	entries[USER >> 12 & 511] = frames[1] | P | U;
	vmi_AllocatePage(table >> 12, NEW_TABLE, 0, 0, 0);
	vmi_SetPxELong(table | P | W | U | A, directory, VMI_PAGE_TYPE_PD);
	check(!catch(do_read, USER) && *word(USER) == MARK + 1 && catch(do_read, USER + VMI_PAGE) && caught_is(14, 0, USER + VMI_PAGE) && leaf == vmi_walk(root, USER, VMI_PAGE_TYPE_PT),
	      "and a table again with what it holds by then");
	vmi_SetPxELong(0, leaf, entry_flags(root, USER));
	space_enter(kernel_root);
	space_free(root);
}

static u64 value;

static void set_at(u32 at)
{
	vmi_SetPxELong(value, (u64 *)(uintptr_t)at, VMI_PAGE_TYPE_PT);
}

static void tell_at(u32 at)
{
	vmi_UpdatePxELong((u64 *)(uintptr_t)at, VMI_PAGE_TYPE_PT);
}

/* A page fault of the guest's at one of the eight bytes; a store may read before. */
static bool faults_at(void (*function)(u32), u32 at, u32 error)
{
	return catch(function, at) && caught.vector == 14 && (caught.error | 2) == (error | 2) && caught.address - at < 8;
}

static void addresses(void)
{
	u32 gpa = space_map(kernel_root, PLAIN, P | W), n = 8;
	u64 *middle = entry(n);
	u8 *bytes = VMI_LINEAR(gpa);
	bool right;

	value = 0x1122334455667788ull;
	right = faults_at(set_at, NOWHERE, 2) && faults_at(set_at, NOWHERE + 0x1C, 2);
	check(right && (!catch(tell_at, NOWHERE) || (caught.vector == 14 && caught.address - NOWHERE < 8)), "an entry where nothing is mapped is a page fault there, or nothing for UpdatePxELong");
	space_set(kernel_root, V, frames[0] | P);
	check(faults_at(set_at, V + 0x40, 3) && *word(V) == MARK && *word(V + 0x40) == 0, "so is one that can't be written, and nothing is");
	space_set(kernel_root, V, 0);
	for (u32 at = 0; at < VMI_PAGE; at++)
		bytes[at] = 0xEE;
	right = faults_at(set_at, PLAIN + VMI_PAGE - 4, 2) && caught.address - (PLAIN + VMI_PAGE) < 4;
	for (u32 at = 0; at < 8; at++)
		right &= bytes[VMI_PAGE - 8 + at] == 0xEE;
	check(right, "one that ends in a page where nothing is mapped is a fault at that page, and nothing of it is stored");
	right = true;
	for (u32 at = 1; at < 8; at++) {
		vmi_SetPxELong(value, (u64 *)(uintptr_t)(PLAIN + 0x100 + at), VMI_PAGE_TYPE_PT);
		right &= bytes[0xFF + at] == 0xEE && bytes[0x108 + at] == 0xEE && bytes[0x100 + at] == 0x88 && bytes[0x107 + at] == 0x11;
		for (u32 back = 0; back < 8; back++)
			bytes[0x100 + at + back] = 0xEE;
	}
	check(right, "at an address that is not aligned it is stored whole, and nothing beside it");
	set(n - 1, frames[0] | P | W, 0);
	set(n + 2, frames[1] | P | W, 0);
	right = shows(n - 1, 0) && shows(n + 2, 1);
	vmi_SetPxELong(0x0000100000000000ull, (u64 *)(uintptr_t)((u32)(uintptr_t)middle + 4), VMI_PAGE_TYPE_PT);
	vmi_UpdatePxELong((u64 *)(uintptr_t)((u32)(uintptr_t)middle + 4), VMI_PAGE_TYPE_PT);
	right &= shows(n - 1, 0) && shows(n + 2, 1) && absent(n) && absent(n + 1);
	set(n, frames[1] | P | W, 0);
	set(n + 1, frames[0] | P | W, 0);
	check(right && shows(n, 1) && shows(n + 1, 0) && shows(n - 1, 0), "in a table neighbours are as they were, and both halves can be made good");
	vmi_SetLinearMapping(4, PLAIN, 1, 0);
	vmi_SetLinearMapping(~0u, 0, ~0u, 0);
	map_unused(n, 0, W);
	set(n, 0, 0);
	check(absent(n), "SetLinearMapping of a slot that is none changes nothing");
	for (u32 k = n - 1; k <= n + 2; k++)
		space_set(kernel_root, page(k), 0);
	space_set(kernel_root, PLAIN, 0);
	frame_put(gpa);
}

static void tables(void)
{
	for (u32 n = 0; n < 2; n++) {
		frames[n] = frame_get();
		*(u32 *)VMI_LINEAR(frames[n]) = MARK + n;
	}
	entry(0); /* its table is made before anything is deferred */
	deferred();
	modes();
	views();
	changes();
	addresses();
}

const struct subject subjects[] = {
	{"tables", tables},
	{NULL, NULL},
};
