/*
 * Page tables: what the guest writes is what the processor sees, from the moment the ABI promises it.
 *
 * The guest keeps the rules of a shadowing host: whatever takes a mapping or a right away, or clears an accessed or
 * dirty bit, is told by a call and followed by InvalPage or FlushTLB.
 */
#include "reference.h"

#define V KERNEL_AREA
#define USER_AREA 0x00400000u
#define SECOND_GIB 0x40000000u
#define MANY 16u
#define SWAPPED 0x12345000ull /* a not-present entry that means something to the guest only */

static u32 frames[2]; /* with 1 and 2 in their first words */

static volatile u32 *word(u32 va)
{
	return (volatile u32 *)(uintptr_t)va;
}

static u32 *frame(u32 gpa)
{
	return VMI_LINEAR(gpa);
}

static u64 bits(u32 root, u32 va)
{
	return *space_entry(root, va) & (A | D);
}

static void boot_tables(void)
{
	u64 *entry = vmi_walk(kernel_root, (u32)(uintptr_t)&frames, VMI_PAGE_TYPE_PT);
	u64 *last = vmi_walk(kernel_root, VMI_LAYOUT_LINEAR_BASE + (boot->mem_pages - 1) * VMI_PAGE, VMI_PAGE_TYPE_PT);

	check(entry && (*entry & FRAME) == (VMI_GPA(&frames) & ~0xFFFu) && (*entry & (P | W | A | D)) == (P | W | A | D) && last &&
		      (*last & FRAME) == (u64)(boot->mem_pages - 1) * VMI_PAGE,
	      "the boot page tables can be walked: guest-physical frames, accessed and dirty set");
	check(catch(do_write, (u32)(uintptr_t)at_divide) && caught_is(14, 3, (u32)(uintptr_t)at_divide),
	      "the guest's text is read-only again after patching");
}

static void mapping(void)
{
	u32 root = kernel_root;

	frames[0] = frame_get();
	frames[1] = frame_get();
	*frame(frames[0]) = 1;
	*frame(frames[1]) = 2;
	space_set(root, V, frames[0] | P | W);
	check(*word(V) == 1, "SetPxELong at all levels makes a new page table reachable");
	*word(V) = 11;
	check(*frame(frames[0]) == 11, "what is written there is seen through the linear mapping");
	space_set(root, V, frames[1] | P | W);
	check(*word(V) == 2, "after SetPxELong and InvalPage the page is another");
	*space_entry(root, V) = frames[0] | P | W;
	vmi_UpdatePxELong(space_entry(root, V), entry_flags(root, V));
	vmi_InvalPage(V);
	check(*word(V) == 11, "so it is after a store of the guest's own and UpdatePxELong");
	space_set(root, V, frames[1] | P | W | 0xE00);
	check((*space_entry(root, V) & 0xE00) == 0xE00 && *word(V) == 2, "the three bits left to software are kept");
	space_set(root, V, SWAPPED);
	check(catch(do_read, V) && caught_is(14, 0, V) && *space_entry(root, V) == SWAPPED,
	      "a mapping taken away faults, and an entry that is not present keeps its other bits");
}

static void rights(void)
{
	u32 root = kernel_root;
	u64 *entry;

	space_set(root, V, frames[0] | P);
	check(*word(V) == 11 && catch(do_write, V) && caught_is(14, 3, V) && *frame(frames[0]) == 11,
	      "a read-only page can be read; writing it faults with error 3 and changes nothing");
	entry = space_entry(root, V);
	*entry |= W | A | D;
	vmi_UpdatePxELong(entry, entry_flags(root, V) | VMI_PTE_FLAG_DEFER);
	vmi_InvalPage(V);
	*word(V) = 12;
	check(*frame(frames[0]) == 12, "a right given with UpdatePxELong DEFER counts after InvalPage");
	*frame(frames[0]) = 0xC3C3C3C3; /* ret */
	space_set(root, V, frames[0] | P | NX);
	if (!nx_offered())
		check(true, "NX forbids fetching from a page where CPUID offers it");
	else /* read first, so that the entry is in force wherever that is done at the first touch */
		check(*word(V) == 0xC3C3C3C3 && catch(do_call, V) && caught_is(14, 0x11, V), "NX forbids fetching from a page where CPUID offers it");
	space_set(root, V, frames[0] | P);
	check(!catch(do_call, V), "a page without NX can be executed");
}

static void accessed(void)
{
	u32 root = kernel_root;
	u64 *entry = space_entry(root, V);
	u64 seen[3];

	space_set(root, V, frames[1] | P | W);
	seen[0] = bits(root, V);
	(void)*word(V);
	seen[1] = bits(root, V);
	*word(V) = 2;
	seen[2] = bits(root, V);
	check(seen[0] == 0 && seen[1] == A && seen[2] == (A | D), "reading sets the accessed bit only, writing the dirty bit");
	*entry &= ~(u64)(A | D);
	vmi_UpdatePxELong(entry, entry_flags(root, V));
	vmi_InvalPage(V);
	seen[0] = bits(root, V);
	(void)*word(V);
	seen[1] = bits(root, V);
	*word(V) = 2;
	seen[2] = bits(root, V);
	check(seen[0] == 0 && seen[1] == A && seen[2] == (A | D), "cleared, told and flushed, both bits come again");
}

static bool all_are(u32 base, const u32 *gpa, u32 offset)
{
	for (u32 n = 0; n < MANY; n++)
		if (*word(base + n * VMI_PAGE) != *frame(gpa[(n + offset) % MANY]))
			return false;
	return true;
}

/* Remaps MANY pages by stores of the guest's own, tells each, and flushes once. */
static bool remapped(u32 root, u32 base, u64 flags, u32 how)
{
	u32 gpa[MANY];
	bool right;

	for (u32 n = 0; n < MANY; n++) {
		gpa[n] = space_map(root, base + n * VMI_PAGE, flags);
		*frame(gpa[n]) = 100 + n;
	}
	right = all_are(base, gpa, 0);
	for (u32 n = 0; n < MANY; n++) {
		u64 *entry = space_entry(root, base + n * VMI_PAGE);

		*entry = gpa[(n + 1) % MANY] | flags;
		vmi_UpdatePxELong(entry, entry_flags(root, base + n * VMI_PAGE));
	}
	vmi_FlushTLB(how);
	right &= all_are(base, gpa, 1);
	if (base >= VMI_LAYOUT_LINEAR_BASE)
		for (u32 n = 0; n < MANY; n++) {
			space_set(root, base + n * VMI_PAGE, 0);
			frame_put(gpa[n]);
		}
	return right;
}

static void spaces(void)
{
	u32 free = frames_free(), first = space_new(), second = space_new();
	u32 code = USER_AREA + MANY * VMI_PAGE;
	bool right;

	space_enter(first);
	check(vmi_GetCR3() == first, "GetCR3 tells what SetCR3 was given");
	check(remapped(first, USER_AREA, P | W | U, VMI_FLUSH_TLB_TLB), "FlushTLB(1) makes many changes of user pages visible");
	check(remapped(kernel_root, V + 0x10000, P | W | G, VMI_FLUSH_TLB_TLB | VMI_FLUSH_TLB_GLOBAL),
	      "FlushTLB(3) does so for global kernel pages");
	*frame(space_map(first, code, P | W | U)) = 0x1111;
	*frame(space_map(second, code, P | W | U)) = 0x2222;
	right = *word(code) == 0x1111;
	space_enter(second);
	right &= *word(code) == 0x2222;
	space_enter(first);
	check(right && *word(code) == 0x1111, "SetCR3 changes the address space and back");
	space_set(kernel_root, V, frames[1] | P | W);
	right = *word(V) == 2;
	space_enter(second);
	check(right && *word(V) == 2, "a new kernel mapping is there in every address space");
	*frame(space_map(second, SECOND_GIB, P | W | U)) = 0x3333;
	right = *word(SECOND_GIB) == 0x3333;
	right &= catch(do_read, USER_AREA) && caught_is(14, 0, USER_AREA);
	check(right, "a top-level entry set while its space is current counts after SetCR3");
	space_enter(kernel_root);
	space_free(second);
	space_free(first);
	check(frames_free() >= free && catch(do_read, code) && caught_is(14, 0, code),
	      "spaces torn down and released leave nothing behind");
}

static bool reused(void)
{
	for (u32 n = 0; n < 3; n++) {
		u32 root = space_new();
		bool clean;

		space_enter(root);
		clean = catch(do_read, USER_AREA) && caught.vector == 14;
		*frame(space_map(root, USER_AREA, P | W | U)) = n;
		clean &= *word(USER_AREA) == n;
		space_free(root);
		if (!clean)
			return false;
	}
	return true;
}

void paging(void)
{
	u32 table, entries;

	boot_tables();
	mapping();
	rights();
	accessed();
	spaces();
	check(reused(), "a frame can be a top table, plain memory, and a top table again");
	/* the kernel area's table stays; only its pages go */
	space_set(kernel_root, V, 0);
	frame_put(frames[0]);
	frame_put(frames[1]);
	table = frame_get();
	vmi_AllocatePage(table >> 12, VMI_PAGE_TYPE_PT | VMI_ALLOC_FLAG_PAE | VMI_ALLOC_FLAG_ZEROED, 0, 0, 0);
	vmi_ReleasePage(table >> 12, VMI_PAGE_TYPE_PT | VMI_ALLOC_FLAG_PAE | VMI_ALLOC_FLAG_ZEROED);
	for (entries = 0; entries < VMI_PAGE / 4; entries++)
		frame(table)[entries] = 0xFFFFFFFF;
	check(frame(table)[17] == 0xFFFFFFFF, "a released table is plain memory");
	frame_put(table);
}
