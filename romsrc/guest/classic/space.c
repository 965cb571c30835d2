/*
 * Page tables with Linux's PAE habits: entries of the kernel without notice of what they replace, raw stores told
 * afterwards, address spaces that are announced, torn down by hand, and released.
 */
#include "classic.h"

#define KERNEL_AREA 0xD8000000u

static u32 next_frame;
static u32 top, table, faults, wanted_error;

u32 frame(void)
{
	u32 gpa = (boot->first_free_pfn + next_frame++) << 12;
	u32 *at = VMI_LINEAR(gpa);

	for (u32 n = 0; n < 1024; n++)
		at[n] = 0;
	return gpa;
}

u64 *entry_of(u32 va, u32 level)
{
	u64 *entry = (u64 *)VMI_LINEAR(vmi_GetCR3() & ~31u) + (va >> 30);

	if (level == PDP)
		return entry;
	entry = (u64 *)VMI_LINEAR((u32)*entry & ~0xFFFu) + (va >> 21 & 511);
	if (level == PD)
		return entry;
	return (u64 *)VMI_LINEAR((u32)*entry & ~0xFFFu) + (va >> 12 & 511);
}

/* As the linear mapping is filled: a new table, 512 entries with no address, one flush. */
void tables_check(void)
{
	u32 new = frame(), page = frame();
	u64 *at = VMI_LINEAR(new);

	vmi_AllocatePage(new >> 12, NEW_PT, 0, 0, 0);
	for (u32 n = 0; n < 512; n++)
		vmi_SetPxELong(page | P | W | A | D, at + n, PT);
	vmi_SetPxELong(new | P | W | A | D, entry_of(KERNEL_AREA, PD), PD);
	vmi_FlushTLB(3);
	*(volatile u32 *)(KERNEL_AREA + 511 * 4096) = 0x1234;
	must(*(volatile u32 *)KERNEL_AREA == 0x1234, "tables: 512 entries of a new table lead to their frame");
	vmi_SetCR3(vmi_GetCR3());
	vmi_SetPxELong((page + 4096) | P | W | A | D, at, PT);
	vmi_FlushTLB(1);
	must(*(volatile u32 *)KERNEL_AREA == 0, "tables: a changed entry is in force after the flush");

	/* the write-protect test */
	vmi_SetPxELong(page | P | A | D, at + 1, ADDRESS(KERNEL_AREA + 4096));
	vmi_InvalPage(KERNEL_AREA + 4096);
	wanted_error = 3;
	faults = 0;
	*(volatile u32 *)(KERNEL_AREA + 4096) = 5;
	must(faults == 1 && *(volatile u32 *)(KERNEL_AREA + 4096) == 5, "tables: the kernel honours read-only pages");

	/* the low half is not the kernel's: cleared by hand, announced by a flush */
	for (u32 n = 0; n < 3; n++)
		vmi_SetPxELong(0, (u64 *)VMI_LINEAR(vmi_GetCR3() & ~31u) + n, PDP);
	vmi_FlushTLB(3);
}

/* A top table, three directories, one page table; code and stack are there, the data page comes by a fault. */
static void space_open(u32 *frames, u32 kernel)
{
	u64 *entry;
	u32 n;

	top = frames[0];
	((u64 *)VMI_LINEAR(top))[3] = ((u64 *)VMI_LINEAR(kernel))[3];
	vmi_AllocatePage(top >> 12, NEW_TOP, kernel >> 12, 3, 1);
	for (n = 0; n < 3; n++) {
		vmi_AllocatePage(frames[1 + n] >> 12, NEW_PD, 0, 0, 0);
		vmi_SetPxELong(frames[1 + n] | P, (u64 *)VMI_LINEAR(top) + n, PDP);
	}
	table = frames[4];
	vmi_AllocatePage(table >> 12, NEW_PT, 0, 0, 0);
	vmi_SetPxELong(table | TABLE, (u64 *)VMI_LINEAR(frames[1]) + (USER_CODE >> 21), PD);
	vmi_SetLazyMode(VMI_LAZY_MODE_MMU);
	entry = (u64 *)VMI_LINEAR(table);
	vmi_SetPxELong(frames[5] | P | U | A, entry + (USER_CODE >> 12 & 511), PT);
	vmi_SetPxELong(frames[6] | TABLE, entry + ((USER_STACK - 1) >> 12 & 511), PT);
	vmi_SetLazyMode(VMI_LAZY_MODE_NONE);
	for (n = 0; user_code + n < user_code_end; n++)
		((u8 *)VMI_LINEAR(frames[5]))[n] = user_code[n];
}

/* Entries are cleared without a word; then the pages are given back. */
static void space_close(u32 *frames)
{
	for (u32 page = 0; page < 5; page++) {
		u32 *at = VMI_LINEAR(frames[page]);

		for (u32 n = 0; n < 1024; n++)
			at[n] = 0;
	}
	vmi_ReleasePage(table >> 12, NEW_PT);
	for (u32 n = 0; n < 4; n++)
		vmi_ReleasePage(frames[3 - n] >> 12, NEW_PD);
}

static u32 data_frame;

void space_fault(struct vmi_frame *at)
{
	u32 va = vmi_GetCR2();
	u64 *entry = entry_of(va, PT);

	faults++;
	must(at->error == wanted_error, "fault: the error code tells what was tried");
	if (wanted_error == 6) {
		vmi_SetPxELong(data_frame | TABLE, entry, ADDRESS(va));
	} else if (wanted_error == 7) { /* rights are raised by hand and told lazily */
		*(volatile u32 *)entry |= W | A | D;
		vmi_UpdatePxELong(entry, DEFERRED(va));
		vmi_InvalPage(va);
	} else {
		vmi_SetPxELong(*entry | W, entry, ADDRESS(va));
		vmi_InvalPage(va);
	}
	wanted_error = 7;
}

u32 space_call(u32 number)
{
	if (number == 2) { /* write-protected by hand, told at once */
		u64 *entry = entry_of(USER_DATA, PT);

		*(volatile u32 *)entry &= ~W;
		vmi_UpdatePxELong(entry, ADDRESS(USER_DATA));
		vmi_InvalPage(USER_DATA);
		wanted_error = 7;
	}
	return number == 1;
}

void spaces_check(void)
{
	u32 kernel = vmi_GetCR3(), frames[7];

	for (u32 n = 0; n < 7; n++)
		frames[n] = frame();
	data_frame = frame();
	for (u32 round = 0; round < 3; round++) {
		*(volatile u32 *)VMI_LINEAR(data_frame) = 0;
		space_open(frames, kernel);
		vmi_SetLazyMode(VMI_LAZY_MODE_CPU);
		vmi_SetCR3(top);
		vmi_UpdateKernelStack(VMI_SS0, (u32)(uintptr_t)kernel_stack + KERNEL_STACK);
		vmi_SetLazyMode(VMI_LAZY_MODE_NONE);
		faults = 0;
		wanted_error = 6;
		must(user_enter(USER_CODE, USER_STACK) == 42, "user: a process gets its answers and its memory");
		must(faults == 2, "user: one page came on demand, one write was let through after protection");
		vmi_SetCR3(kernel);
		space_close(frames);
	}
}
