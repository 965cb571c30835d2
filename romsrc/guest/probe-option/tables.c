/*
 * Page tables as Linux makes and changes them, two-level or PAE: the linear mapping in pages of 4 KiB through the
 * boot tables, announced as Linux announces them; entries set through the ROM, and entries changed in memory and told
 * afterwards; a page table reached by another mapping than the linear one (slot 1, as with page tables in high memory).
 */
#include "probe.h"

#define LINEAR_MIB 16u
#define FIRST_FREE 0x00800000u /* gpa: behind the kernel, in the large pages */
#define WINDOW 0xE0000000u     /* where pages are mapped for a test */
#define ANY(va) (((va) & ~(PAGE - 1)) | VMI_PTE_FLAG_CURRENT_AS | VMI_PAGE_TYPE_PT)
#define FIXED 0xFFFFE000u      /* where devices are, downwards */
#define DEVICE (P | W | 0x18u | ACCESSED | DIRTY) /* neither cached nor written behind */
#define HIGH_TABLE 0x3A000000u /* gpa of page tables in high memory: above 896 MiB */
#define HIGH_WINDOW (WINDOW + (pae ? 1u << 21 : 1u << 22))
#define MIB_1000 (1000u << 10) /* KiB above the first MiB */
#define NEW(type) ((pae ? VMI_ALLOC_FLAG_PAE : 0u) | VMI_ALLOC_FLAG_ZEROED | (type))

static u32 next_free = FIRST_FREE;
static u32 root_gpa, window_table, fixed_table, remapped[2];
static u32 top_directory;
static volatile u32 faults, fault_error, fault_address;

static u32 page(void)
{
	u32 gpa = next_free;

	next_free += PAGE;
	for (u32 at = 0; at < PAGE; at += 4)
		*(u32 *)GVA(gpa + at) = 0;
	return gpa;
}

u32 root(void)
{
	return root_gpa;
}

static u32 entries(void)
{
	return pae ? 512 : 1024;
}

static void *entry_in(u32 table, u32 index)
{
	return (u8 *)GVA(table) + index * (pae ? 8 : 4);
}

static u64 load(const void *entry)
{
	return pae ? *(const volatile u64 *)entry : *(const volatile u32 *)entry;
}

void set_entry(void *entry, u64 value, u32 flags)
{
	if (pae)
		call5(VMI_CALL_SetPxELong, (u32)value, (u32)(value >> 32), (u32)(uintptr_t)entry, flags, 0);
	else
		call(SetPxE, value, (uintptr_t)entry, flags);
}

/* In memory first, then told: what Linux does when it raises permissions or takes bits away. */
static void update(void *entry, u64 value, u32 flags)
{
	if (pae)
		*(volatile u64 *)entry = value;
	else
		*(volatile u32 *)entry = (u32)value;
	if (pae)
		call(UpdatePxELong, (uintptr_t)entry, flags, 0);
	else
		call(UpdatePxE, (uintptr_t)entry, flags, 0);
}

static u32 new_table(void)
{
	u32 gpa = page();

	call5(VMI_CALL_AllocatePage, gpa / PAGE, NEW(VMI_PAGE_TYPE_PT), 0, 0, 0);
	return gpa;
}

static void map_linear(u32 directory, u32 first)
{
	u32 tables = LINEAR_MIB * 256 / entries();

	for (u32 n = 0; n < tables; n++) {
		u32 table = new_table();

		for (u32 i = 0; i < entries(); i++)
			set_entry(entry_in(table, i), (u64)(n * entries() + i) * PAGE | ENTRY, VMI_PAGE_TYPE_PT);
		set_entry(entry_in(directory, first + n), table | ENTRY, VMI_PAGE_TYPE_PD);
	}
	call(FlushTLB, VMI_FLUSH_TLB_TLB | VMI_FLUSH_TLB_GLOBAL, 0, 0);
}

/* A top table like a new process's, with the linear mapping and a page table for the window; then into it. */
static void make_space(void)
{
	u32 directory;

	root_gpa = page();
	if (pae) {
		call5(VMI_CALL_AllocatePage, root_gpa / PAGE, NEW(VMI_PAGE_TYPE_PD), 0, 0, 0); /* as Linux announces it */
		directory = page();
		call5(VMI_CALL_AllocatePage, directory / PAGE, NEW(VMI_PAGE_TYPE_PD), 0, 0, 0);
		set_entry(entry_in(root_gpa, 3), directory | P, VMI_PAGE_TYPE_PDP);
		map_linear(directory, 0);
		window_table = new_table();
		set_entry(entry_in(directory, (WINDOW >> 21) & 511), window_table | ENTRY, VMI_PAGE_TYPE_PD);
		fixed_table = new_table();
		set_entry(entry_in(directory, (FIXED >> 21) & 511), fixed_table | ENTRY, VMI_PAGE_TYPE_PD);
		top_directory = directory;
	} else {
		call5(VMI_CALL_AllocatePage, root_gpa / PAGE, NEW(VMI_PAGE_TYPE_PD), 0, 0, 0);
		map_linear(root_gpa, 768);
		window_table = new_table();
		set_entry(entry_in(root_gpa, WINDOW >> 22), window_table | ENTRY, VMI_PAGE_TYPE_PD);
		fixed_table = new_table();
		set_entry(entry_in(root_gpa, FIXED >> 22), fixed_table | ENTRY, VMI_PAGE_TYPE_PD);
		top_directory = root_gpa;
	}
	call(SetCR3, root_gpa, 0, 0);
	call(FlushTLB, VMI_FLUSH_TLB_TLB | VMI_FLUSH_TLB_GLOBAL, 0, 0);
}

void linear_map(u32 pages)
{
	call5(VMI_CALL_SetLinearMapping, 0, (u32)BASE, pages, 0, 0);
	check(true, "SetLinearMapping(0, C0000000h) returns");
}

/* The gate of page faults: a write to a page that is write-protected makes it writable, as copy-on-write does. */
void CALLCONV fault(u32 error)
{
	u32 at = (u32)call(GetCR2, 0, 0, 0);
	void *entry = entry_in(window_table, (at - WINDOW) / PAGE);

	faults++;
	fault_error = error;
	fault_address = at;
	if (at < WINDOW || at >= WINDOW + entries() * PAGE || faults > 16) {
		say("unexpected page fault at ");
		say_hex(at);
		say(", error ");
		say_hex(error);
		say("\n");
		__asm__ volatile("outb %0, %1" : : "a"((u8)VMI_EXIT_STATUS_ERROR), "d"((u16)VMI_PORT_EXIT));
	}
	update(entry, load(entry) | ENTRY, ANY(at) | VMI_PTE_FLAG_DEFER);
	call(InvalPage, at, 0, 0);
}

static void write_protect_check(volatile u32 *word, void *entry, u32 frame)
{
	set_entry(entry, frame | P | ACCESSED, ANY(WINDOW));
	call(InvalPage, WINDOW, 0, 0);
	faults = 0;
	*word = 0x600d;
	check(faults == 1 && fault_error == 3 && fault_address == WINDOW, "a write to a protected page faults once, error 3");
	check(*(volatile u32 *)GVA(frame) == 0x600d, "and arrives when the handler has lifted the protection");
}

static void highpte_check(u32 frame)
{
	u32 alias = WINDOW + 8 * PAGE, target = 9;
	u8 *other = (u8 *)(uintptr_t)alias;

	/* the window's own page table, reached through the window */
	set_entry(entry_in(window_table, 8), window_table | ENTRY, ANY(alias));
	call(InvalPage, alias, 0, 0);
	call5(VMI_CALL_SetLinearMapping, 1, alias, 1, window_table / PAGE, 0);
	set_entry(other + target * (pae ? 8 : 4), frame | ENTRY, ANY(WINDOW + target * PAGE));
	call(InvalPage, WINDOW + target * PAGE, 0, 0);
	check(load(entry_in(window_table, target)) == (frame | ENTRY), "an entry set through slot 1's mapping is stored");
	*(volatile u32 *)GVA(frame) = 0x51075107;
	check(*(volatile u32 *)(uintptr_t)(WINDOW + target * PAGE) == 0x51075107, "and is in force");
}

void *fixmap(u32 number, u32 gpa)
{
	u32 va = FIXED - number * PAGE;

	set_entry(entry_in(fixed_table, (va / PAGE) & (entries() - 1)), gpa | DEVICE, ANY(va));
	call(InvalPage, va, 0, 0);
	return (void *)(uintptr_t)va;
}

void remap(u32 which)
{
	if (!remapped[which])
		remapped[which] = page();
	*(u32 *)GVA(remapped[which]) = REMAP_WORD(which);
	set_entry(entry_in(window_table, (REMAPPED - WINDOW) / PAGE), remapped[which] | ENTRY, ANY(REMAPPED));
	call(InvalPage, REMAPPED, 0, 0);
}

/* A page table at a temporary address, and the ROM told of it: slots 1 and 2, as kmap_atomic has two. */
static u8 *map_table(u32 slot, u32 gpa)
{
	u32 va = WINDOW + (16 + slot) * PAGE;

	set_entry(entry_in(window_table, 16 + slot), gpa | ENTRY, ANY(va));
	call(InvalPage, va, 0, 0);
	call5(VMI_CALL_SetLinearMapping, slot, va, 1, gpa / PAGE, 0);
	return (u8 *)(uintptr_t)va;
}

/* Page tables above what the linear map can hold, as kernels with HIGHPTE have them; a range copied from one to the
 * other in lazy mode, as fork does. Needs a machine with more than 1000 MiB. */
void high_tables_check(void)
{
	const u32 *info = GVA(multiboot_info);
	u32 size = pae ? 8 : 4, frame, good = 0;
	u8 *one, *two;

	if (!(info[0] & 1) || info[2] < MIB_1000)
		return;
	one = map_table(1, HIGH_TABLE);
	two = map_table(2, HIGH_TABLE + PAGE);
	for (u32 at = 0; at < PAGE; at += 4)
		*(u32 *)(one + at) = *(u32 *)(two + at) = 0;
	call5(VMI_CALL_AllocatePage, HIGH_TABLE / PAGE, NEW(VMI_PAGE_TYPE_PT), 0, 0, 0);
	call5(VMI_CALL_AllocatePage, HIGH_TABLE / PAGE + 1, NEW(VMI_PAGE_TYPE_PT), 0, 0, 0);
	set_entry(entry_in(top_directory, pae ? (HIGH_WINDOW >> 21) & 511 : HIGH_WINDOW >> 22), (HIGH_TABLE + PAGE) | ENTRY,
		  VMI_PAGE_TYPE_PD);
	call(SetLazyMode, VMI_LAZY_MODE_MMU, 0, 0);
	for (u32 i = 0; i < 8; i++) {
		frame = page();
		*(u32 *)GVA(frame) = 0x4000 + i;
		set_entry(one + i * size, frame | P | ACCESSED, VMI_PAGE_TYPE_PT);
		set_entry(two + i * size, load(one + i * size) | ENTRY, ANY(HIGH_WINDOW + i * PAGE));
	}
	call(SetLazyMode, VMI_LAZY_MODE_NONE, 0, 0);
	call(FlushTLB, VMI_FLUSH_TLB_TLB, 0, 0);
	for (u32 i = 0; i < 8; i++)
		good += *(volatile u32 *)(uintptr_t)(HIGH_WINDOW + i * PAGE) == 0x4000 + i;
	check(good == 8, "page tables above 896 MiB, written through slots 1 and 2, are in force");
	map_table(1, HIGH_TABLE + PAGE);
	set_entry(one, 0, ANY(HIGH_WINDOW));
	call(InvalPage, HIGH_WINDOW, 0, 0);
	check(load(two) == 0, "a slot may be moved to another page table");
	set_entry(entry_in(top_directory, pae ? (HIGH_WINDOW >> 21) & 511 : HIGH_WINDOW >> 22), 0, VMI_PAGE_TYPE_PD);
	call(FlushTLB, VMI_FLUSH_TLB_TLB, 0, 0);
	call(ReleasePage, HIGH_TABLE / PAGE, NEW(VMI_PAGE_TYPE_PT), 0);
	call(ReleasePage, HIGH_TABLE / PAGE + 1, NEW(VMI_PAGE_TYPE_PT), 0);
}

void tables_check(void)
{
	volatile u32 *word = (volatile u32 *)(uintptr_t)WINDOW;
	u32 one = page(), two = page();
	void *entry;

	make_space();
	check((call(GetCR3, 0, 0, 0) & ~0xfffu) == root_gpa, "SetCR3 enters the address space that was made");
	entry = entry_in(window_table, 0);
	*(u32 *)GVA(one) = 0x11111111;
	*(u32 *)GVA(two) = 0x22222222;
	set_entry(entry, one | ENTRY, ANY(WINDOW));
	check(load(entry) == (one | ENTRY), "Set stores the value");
	check(*word == 0x11111111, "the entry is in force");
	update(entry, two | ENTRY, ANY(WINDOW));
	call(InvalPage, WINDOW, 0, 0);
	check(*word == 0x22222222, "an entry that was changed in memory and told is in force behind InvalPage");
	update(entry, one | ENTRY, ANY(WINDOW) | VMI_PTE_FLAG_DEFER);
	call(FlushTLB, VMI_FLUSH_TLB_TLB, 0, 0);
	check(*word == 0x11111111, "and one that may wait, behind FlushTLB");
	write_protect_check(word, entry, one);
	highpte_check(two);
	call(ReleasePage, next_free / PAGE, NEW(VMI_PAGE_TYPE_PT), 0);
}
