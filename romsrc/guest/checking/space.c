/*
 * Address spaces, kept as Linux keeps them: a table is announced before an entry points to it, entries go through
 * SetPxELong, and a whole space is torn down by raw stores before its tables are released. The kernel's directory
 * (top entry 3) is shared by all.
 */
#include "checking.h"

#define TABLE (P | W | U | A)
#define KERNEL_START 0xC0000000u

/* Flags of AllocatePage as Linux gives them: in PAE mode the top table is announced as a directory. */
#define NEW_TABLE (VMI_PAGE_TYPE_PT | VMI_ALLOC_FLAG_PAE | VMI_ALLOC_FLAG_ZEROED)
#define NEW_DIRECTORY (VMI_PAGE_TYPE_PD | VMI_ALLOC_FLAG_PAE | VMI_ALLOC_FLAG_ZEROED)
#define NEW_TOP (NEW_DIRECTORY | VMI_ALLOC_FLAG_CLONE)

u32 kernel_root;

static u64 *table(u64 entry)
{
	return VMI_LINEAR(entry & FRAME);
}

static u32 announce(u32 flags)
{
	u32 gpa = frame_get();

	vmi_AllocatePage(gpa >> 12, flags, 0, 0, 0);
	return gpa;
}

u32 space_new(void)
{
	u32 root = frame_get();
	u64 *top = VMI_LINEAR(root);

	top[3] = ((u64 *)VMI_LINEAR(kernel_root))[3];
	vmi_AllocatePage(root >> 12, NEW_TOP, kernel_root >> 12, 3, 1);
	return root;
}

static void free_table(u64 entry)
{
	for (u32 n = 0; n < 512; n++)
		if (table(entry)[n] & P)
			frame_put((u32)(table(entry)[n] & FRAME));
	vmi_ReleasePage((u32)(entry >> 12), NEW_TABLE);
	frame_put((u32)(entry & FRAME));
}

void space_free(u32 root)
{
	u64 *top = VMI_LINEAR(root);

	if (vmi_GetCR3() == root)
		space_enter(kernel_root);
	for (u32 slot = 0; slot < 3; slot++) {
		u64 directory = top[slot];

		if (!(directory & P))
			continue;
		for (u32 n = 0; n < 512; n++) {
			u64 entry = table(directory)[n];

			table(directory)[n] = 0;
			if (entry & P)
				free_table(entry);
		}
		top[slot] = 0;
		vmi_ReleasePage((u32)(directory >> 12), NEW_DIRECTORY);
		frame_put((u32)(directory & FRAME));
	}
	vmi_ReleasePage(root >> 12, NEW_DIRECTORY);
	frame_put(root);
}

void space_enter(u32 root)
{
	vmi_SetCR3(root);
}

static bool current(u32 root, u32 va)
{
	return va >= KERNEL_START || vmi_GetCR3() == root;
}

u32 entry_flags(u32 root, u32 va)
{
	if (!current(root, va))
		return VMI_PAGE_TYPE_PT;
	return (va & ~0xFFFu) | VMI_PTE_FLAG_CURRENT_AS | VMI_PAGE_TYPE_PT;
}

u64 *space_entry(u32 root, u32 va)
{
	u64 *top = vmi_walk(root, va, VMI_PAGE_TYPE_PDP);
	u64 *entry;

	if (!(*top & P)) {
		vmi_SetPxELong(announce(NEW_DIRECTORY) | P, top, VMI_PAGE_TYPE_PDP);
		if (vmi_GetCR3() == root)
			space_enter(root); /* processors keep the four top entries of PAE until the next load */
	}
	entry = vmi_walk(root, va, VMI_PAGE_TYPE_PD);
	if (!(*entry & P))
		vmi_SetPxELong(announce(NEW_TABLE) | TABLE, entry, VMI_PAGE_TYPE_PD);
	return vmi_walk(root, va, VMI_PAGE_TYPE_PT);
}

void space_set(u32 root, u32 va, u64 value)
{
	u64 *entry = space_entry(root, va);
	bool replaces = *entry & P;

	vmi_SetPxELong(value, entry, entry_flags(root, va));
	if (replaces && current(root, va))
		vmi_InvalPage(va);
}

u32 space_map(u32 root, u32 va, u64 flags)
{
	u32 gpa = frame_get();

	space_set(root, va, gpa | flags);
	return gpa;
}

bool nx_offered(void)
{
	u32 words[4];

	vmi_CPUID(0x80000000, 0, words);
	if (words[0] < 0x80000001)
		return false;
	vmi_CPUID(0x80000001, 0, words);
	return words[3] & 1u << 20;
}
