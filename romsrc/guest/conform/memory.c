/*
 * Linear and physical memory: what is the guest's is the guest's, to the last byte below virtual_top and the last free
 * frame; tables are read and written through any mapping.
 */
#include "../checking/checking.h"

#define V (KERNEL_AREA + 0x800000u)
#define ALIAS (KERNEL_AREA + 0xA00000u)
#define LARGE (KERNEL_AREA + 0x1000000u)
#define LARGE_PAGE 0x200000u
#define PS 0x80ull
#define PSE 8u
#define PLACES 48u
#define LOWEST 0x1000u

const char title[] = "conformance: memory\n";

static volatile u32 *word(u32 va)
{
	return (volatile u32 *)(uintptr_t)va;
}

/* A page of `root` at `va` that keeps what is written to its first and last words. */
static bool usable(u32 root, u32 va, u32 mark, u64 flags)
{
	u32 gpa = space_map(root, va, P | W | flags), *frame = VMI_LINEAR(gpa);
	bool right;

	*word(va) = mark;
	*word(va + VMI_PAGE - 4) = ~mark;
	right = frame[0] == mark && frame[VMI_PAGE / 4 - 1] == ~mark && *word(va) == mark;
	if (!right)
		note("the page at %x is not the guest's", va);
	if (root == kernel_root) {
		space_set(root, va, 0);
		frame_put(gpa);
	}
	return right;
}

static void linear(void)
{
	u32 root = space_new(), top = boot->virtual_top ? boot->virtual_top : 0xFFFFF000u, step;
	u32 end = VMI_LAYOUT_LINEAR_BASE + boot->mem_pages * VMI_PAGE;
	bool right = true;

	space_enter(root);
	step = (VMI_LAYOUT_LINEAR_BASE / PLACES) & ~0xFFFu;
	for (u32 n = 0; n < PLACES; n++)
		right &= usable(root, LOWEST + n * step, 0x1000 + n, U);
	right &= usable(root, VMI_LAYOUT_LINEAR_BASE - VMI_PAGE, 0x2000, U);
	check(right, "user space is the guest's from its second page to its last");
	space_enter(kernel_root);
	space_free(root);
	step = ((top - end) / 8) & ~0xFFFu;
	right = true;
	for (u32 n = 0; n < 8; n++)
		right &= usable(kernel_root, end + n * step, 0x3000 + n, 0);
	check(right, "so is the kernel's part from the end of memory up");
	check(usable(kernel_root, top - VMI_PAGE, 0x4000, 0), "to the last page below virtual_top");
}

/* Every frame that boot info calls free, in use at once, while calls are made. */
static void physical(void)
{
	u32 wrong = 0;

	for (u32 gpa = frames_untouched(); gpa < boot->mem_pages * VMI_PAGE; gpa += VMI_PAGE) {
		u32 *frame = VMI_LINEAR(gpa);

		frame[0] = gpa;
		frame[VMI_PAGE / 4 - 1] = ~gpa;
	}
	for (u32 n = 0; n < 20; n++) {
		u32 root = space_new();

		space_map(root, 0x400000, P | W | U);
		space_enter(root);
		vmi_FlushTLB(3);
		vmi_GetCycleCounter(0);
		catch(do_read, 0x500000);
		space_enter(kernel_root);
		space_free(root);
		timer_drain();
	}
	for (u32 gpa = frames_untouched(); gpa < boot->mem_pages * VMI_PAGE; gpa += VMI_PAGE) {
		u32 *frame = VMI_LINEAR(gpa);

		wrong += frame[0] != gpa || frame[VMI_PAGE / 4 - 1] != ~gpa;
	}
	check(wrong == 0 && frames_untouched() < boot->mem_pages * VMI_PAGE, "frames that boot info calls free are nobody else's");
}

static void tables(void)
{
	u32 frames[2] = {frame_get(), frame_get()}, table;
	u64 *entry, *through;
	bool right;

	*(u32 *)VMI_LINEAR(frames[0]) = 1;
	*(u32 *)VMI_LINEAR(frames[1]) = 2;
	space_set(kernel_root, V, frames[0] | P | W);
	entry = space_entry(kernel_root, V);
	table = VMI_GPA(entry) & ~0xFFFu;
	space_set(kernel_root, ALIAS, table | P | W);
	through = (u64 *)(uintptr_t)(ALIAS + ((u32)(uintptr_t)entry & 0xFFF));
	right = *word(V) == 1 && (*through & FRAME) == frames[0];
	check(right, "a page table mapped once more shows its entries there, too");
	*through = frames[1] | P | W;
	vmi_UpdatePxELong(entry, entry_flags(kernel_root, V));
	vmi_InvalPage(V);
	check(*word(V) == 2 && (*entry & FRAME) == frames[1], "an entry stored through that mapping, told and flushed, is in force");
	vmi_SetLinearMapping(1, ALIAS, 1, table >> 12);
	vmi_SetPxELong(frames[0] | P | W, through, entry_flags(kernel_root, V));
	vmi_InvalPage(V);
	check(*word(V) == 1 && (*entry & FRAME) == frames[0], "so is one set by SetPxELong at that address, which SetLinearMapping tells of");
	*through = frames[1] | P;
	vmi_UpdatePxELong(through, entry_flags(kernel_root, V));
	vmi_InvalPage(V);
	check(*word(V) == 2 && catch(do_write, V) && caught_is(14, 3, V) && *word(V) == 2, "or told of there");
	space_set(kernel_root, ALIAS, 0);
	space_set(kernel_root, V, 0);
	check(catch(do_read, ALIAS) && caught_is(14, 0, ALIAS) && catch(do_read, V) && caught_is(14, 0, V), "and nothing of it is left when both are taken away");
	frame_put(frames[0]);
	frame_put(frames[1]);
}

static bool large_works(void)
{
	u32 base = (boot->mem_pages * VMI_PAGE - 1) & ~(LARGE_PAGE - 1), at;
	u64 *entry;
	bool right;

	base -= LARGE_PAGE;
	if (base < boot->first_free_pfn * VMI_PAGE)
		return true;
	entry = vmi_walk(kernel_root, LARGE, VMI_PAGE_TYPE_PD);
	vmi_SetPxELong(base | P | W | A | D | PS, entry, LARGE | VMI_PTE_FLAG_CURRENT_AS | VMI_PAGE_TYPE_PD);
	at = LARGE + 0x123000;
	*word(at) = 0x1A46E;
	right = *(u32 *)VMI_LINEAR(base + 0x123000) == 0x1A46E;
	vmi_SetPxELong((base + LARGE_PAGE) | P | W | A | D | PS, entry, LARGE | VMI_PTE_FLAG_CURRENT_AS | VMI_PAGE_TYPE_PD);
	vmi_InvalPage(at);
	*(u32 *)VMI_LINEAR(base + LARGE_PAGE + 0x123000) = 0x5EC0;
	right &= *word(at) == 0x5EC0;
	vmi_SetPxELong(0, entry, LARGE | VMI_PTE_FLAG_CURRENT_AS | VMI_PAGE_TYPE_PD);
	vmi_InvalPage(LARGE);
	return right && catch(do_read, at) && caught_is(14, 0, at);
}

static void large(void)
{
	u32 leaf[4];

	vmi_CPUID(1, 0, leaf);
	check(!(leaf[3] & PSE) || large_works(), "a large page can be mapped, moved with InvalPage and taken away, where CPUID offers them");
	note("PSE %u", leaf[3] >> 3 & 1);
}

static void memory(void)
{
	linear();
	physical();
	tables();
	large();
}

const struct subject subjects[] = {
	{"memory", memory},
	{NULL, NULL},
};
