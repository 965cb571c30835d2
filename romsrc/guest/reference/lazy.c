/*
 * Lazy MMU mode: updates may wait until mode 0, a flush or a page fault, but the guest's own tables always read as
 * they were written.
 */
#include "reference.h"

#define QUEUED 100u
#define V (KERNEL_AREA + 0x100000u)

static u32 gpa[QUEUED];
static volatile u32 retries;

static volatile u32 *word(u32 n)
{
	return (volatile u32 *)(uintptr_t)(V + n * VMI_PAGE);
}

static u32 va(u32 n)
{
	return V + n * VMI_PAGE;
}

/* A fault on an entry that allows the access: the update was still queued, and the fault has flushed it. */
static bool queued_fault(struct vmi_frame *frame, u32 address)
{
	(void)frame;
	if (address - V >= QUEUED * VMI_PAGE || !(*space_entry(kernel_root, address) & P) || retries >= 10)
		return false;
	retries++;
	return true;
}

static bool tables_read_as_written(void)
{
	for (u32 n = 0; n < QUEUED; n++)
		if ((*space_entry(kernel_root, va(n)) & FRAME) != gpa[n])
			return false;
	return true;
}

static bool pages_are_there(void)
{
	for (u32 n = 0; n < QUEUED; n++)
		if (*word(n) != 1000 + n)
			return false;
	return true;
}

static bool pages_are_gone(void)
{
	for (u32 n = 0; n < QUEUED; n += 9)
		if (!catch(do_read, va(n)) || !caught_is(14, 0, va(n)))
			return false;
	return true;
}

static void set(u32 n, u64 value)
{
	vmi_SetPxELong(value, space_entry(kernel_root, va(n)), entry_flags(kernel_root, va(n)));
}

void lazy(void)
{
	for (u32 n = 0; n < QUEUED; n++) {
		gpa[n] = frame_get();
		*(u32 *)VMI_LINEAR(gpa[n]) = 1000 + n;
	}
	space_entry(kernel_root, V); /* the table itself is made before the mode is on */
	vmi_SetLazyMode(VMI_LAZY_MODE_MMU);
	for (u32 n = 0; n < QUEUED; n++)
		set(n, gpa[n] | P | W);
	check(tables_read_as_written(), "a hundred updates in lazy mode read back at once from the tables");
	vmi_SetLazyMode(VMI_LAZY_MODE_NONE);
	check(pages_are_there(), "and all are in force when the mode ends");

	vmi_SetLazyMode(VMI_LAZY_MODE_MMU);
	for (u32 n = 0; n < QUEUED; n++)
		set(n, 0);
	vmi_SetLazyMode(VMI_LAZY_MODE_NONE);
	vmi_FlushTLB(VMI_FLUSH_TLB_TLB | VMI_FLUSH_TLB_GLOBAL);
	check(pages_are_gone(), "mappings taken away in lazy mode are gone when it has ended and the TLB is flushed");

	vmi_SetLazyMode(VMI_LAZY_MODE_MMU);
	set(3, gpa[3] | P | W);
	fault_hook = queued_fault;
	check(*word(3) == 1003, "a fault on a queued mapping puts it in force");
	fault_hook = NULL;
	set(3, gpa[4] | P | W);
	vmi_InvalPage(va(3));
	check(*word(3) == 1004, "InvalPage puts queued updates in force");
	set(3, gpa[5] | P | W);
	vmi_FlushTLB(VMI_FLUSH_TLB_TLB | VMI_FLUSH_TLB_GLOBAL);
	check(*word(3) == 1005, "so does FlushTLB");
	vmi_SetLazyMode(VMI_LAZY_MODE_NONE);
	vmi_SetLazyMode(VMI_LAZY_MODE_NONE);
	check(*word(3) == 1005, "ending a mode twice does no harm");
	note("%u faults met a queued update", retries);
	space_set(kernel_root, va(3), 0);
	for (u32 n = 0; n < QUEUED; n++)
		frame_put(gpa[n]);
}
