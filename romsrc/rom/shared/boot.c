/*
 * What every boot stub does before it enters the guest: command line, initrd, the guest's first page tables, and
 * struct vmi_boot_info.
 *
 * The tables are the guest's own (frames guest-physical, nothing of the backend's in them): a PDPT, one page
 * directory and page tables that map [0, mem_pages) at LINEAR_BASE and nothing else, with A and D set beforehand, so
 * that no backend ever has to write to them. Guest segments are mapped by their flags, the ROM read-only and
 * executable, all else writable and not executable. Behind the guest's image come, in this order: the initrd,
 * the tables, the pages the stub asked for, free memory.
 */
#include "native_asm.h"
#include "platform.h"

#define ENTRIES 512u
#define LINEAR_PAGES_MAX 0x38000u /* 896 MiB, as stock i386 kernels map; above it lies what they need for themselves */
#define FLAG_PRESENT 0x80000000u  /* of page_flags(): no flag of an ELF segment */

static u32 pages_of(u32 bytes)
{
	return (bytes >> PAGE_SHIFT) + ((bytes & (PAGE_SIZE - 1)) != 0);
}

static volatile struct vmi_bundle *bundle_at(u32 base)
{
	return &AT(struct vmi_bundle, base + VMI_LAYOUT_STATE_GPA + PAGE_SIZE * VMI_LAYOUT_STATE_BUNDLE);
}

static u32 info_gpa(void)
{
	return VMI_LAYOUT_STATE_GPA + PAGE_SIZE * VMI_LAYOUT_STATE_BOOT_INFO;
}

/* Copies at most COMMAND_LINE_MAX - 1 bytes and a NUL into the state; the length. */
static u32 copy_command_line(const struct boot_plan *plan)
{
	u32 to = plan->base + info_gpa() + VMI_LAYOUT_BOOT_INFO_COMMAND_LINE, length = 0;

	if (plan->command_line != 0) {
		while (length < VMI_CONST_COMMAND_LINE_MAX - 1) {
			u8 c = AT(u8, plan->command_line + length);

			if (c == 0)
				break;
			AT(u8, to + length++) = c;
		}
	}
	AT(u8, to + length) = 0;
	return length;
}

/* Flags of the segments that touch a page, FLAG_PRESENT if there is one. */
static u32 page_flags(volatile struct vmi_bundle *bundle, u32 pfn)
{
	u32 flags = 0;

	for (u32 i = 0; i < bundle->nr_segments; i++) {
		u32 gpa = bundle->segments[i].gpa, length = bundle->segments[i].length;

		if (length != 0 && pfn >= gpa >> PAGE_SHIFT && pfn <= (gpa + length - 1) >> PAGE_SHIFT)
			flags |= FLAG_PRESENT | bundle->segments[i].flags;
	}
	return flags;
}

static u64 entry_for(volatile struct vmi_bundle *bundle, u32 pfn, u32 rom_gpa, u32 rom_pages, bool nx)
{
	u64 entry = (u64)pfn << PAGE_SHIFT | NATIVE_PTE_PRESENT | NATIVE_PTE_ACCESSED | NATIVE_PTE_DIRTY;
	u32 flags;

	if (pfn - (rom_gpa >> PAGE_SHIFT) < rom_pages)
		return entry;
	flags = pfn >= VMI_LAYOUT_GUEST_GPA >> PAGE_SHIFT ? page_flags(bundle, pfn) : 0;
	if (!(flags & FLAG_PRESENT))
		flags = VMI_SEGMENT_FLAG_R | VMI_SEGMENT_FLAG_W;
	if (flags & VMI_SEGMENT_FLAG_W)
		entry |= NATIVE_PTE_WRITE;
	if (nx && !(flags & VMI_SEGMENT_FLAG_X))
		entry |= NATIVE_PTE_NX;
	return entry;
}

static void clear_page(u32 gva)
{
	for (u32 at = gva; at != gva + PAGE_SIZE; at += 4)
		AT(u32, at) = 0;
}

/* PDPT, page directory, page tables in consecutive frames from pfn; how many. */
static u32 build_tables(const struct boot_plan *plan, u32 pfn, u32 rom_gpa, u32 rom_pages)
{
	volatile struct vmi_bundle *bundle = bundle_at(plan->base);
	u32 tables = (plan->mem_pages + ENTRIES - 1) / ENTRIES;
	u32 root = plan->base + (pfn << PAGE_SHIFT), directory = root + PAGE_SIZE, table = directory + PAGE_SIZE;

	for (u32 i = 0; i < 2 + tables; i++)
		clear_page(root + i * PAGE_SIZE);
	AT(u64, root + 8 * (VMI_LAYOUT_LINEAR_BASE >> 30)) = (u64)(pfn + 1) << PAGE_SHIFT | NATIVE_PTE_PRESENT;
	for (u32 i = 0; i < tables; i++)
		AT(u64, directory + 8 * i) = (u64)(pfn + 2 + i) << PAGE_SHIFT | NATIVE_PTE_PRESENT | NATIVE_PTE_WRITE | NATIVE_PTE_ACCESSED;
	for (u32 i = 0; i < plan->mem_pages; i++)
		AT(u64, table + 8 * i) = entry_for(bundle, i, rom_gpa, rom_pages, !plan->no_nx);
	return 2 + tables;
}

/* Down to the first page behind the image, unless it lies below that already: first byte, in place. */
static void move_initrd(struct boot_plan *plan, u32 image_end)
{
	u32 to = pages_of(image_end) << PAGE_SHIFT;

	if (plan->initrd_length == 0 || plan->initrd_gpa <= to)
		return;
	for (u32 i = 0; i < plan->initrd_length; i++)
		AT(u8, plan->base + to + i) = AT(u8, plan->base + plan->initrd_gpa + i);
	plan->initrd_gpa = to;
}

/* The first page behind the image and the initrd, as it will have been moved. */
static u32 pages_used(const struct boot_plan *plan, u32 image_end)
{
	u32 pfn = pages_of(image_end), end;

	if (plan->initrd_length == 0)
		return pfn;
	if (plan->initrd_gpa > pfn << PAGE_SHIFT)
		return pfn + pages_of(plan->initrd_length);
	end = pages_of(plan->initrd_gpa + plan->initrd_length);
	return end > pfn ? end : pfn;
}

static void write_info(const struct boot_plan *plan, u32 rom, u32 rom_length, u32 command_line_length)
{
	volatile struct vmi_boot_info *info = &AT(struct vmi_boot_info, plan->base + info_gpa());
	volatile struct vmi_rom_private *private = &AT(struct vmi_rom_private, rom + vmi_rom_header_OFF_reserved);

	info->magic = VMI_CONST_BOOT_INFO_MAGIC;
	info->size = sizeof(*info);
	info->abi_minor = AT(u8, rom + vmi_rom_header_OFF_api_version_minor);
	info->abi_major = AT(u8, rom + vmi_rom_header_OFF_api_version_major);
	info->flags = 0;
	info->mem_pages = plan->mem_pages;
	info->first_free_pfn = plan->first_free_pfn;
	info->root_gpa = plan->root_gpa;
	info->rom_gpa = private->rom_gpa;
	info->rom_length = rom_length;
	info->state_gpa = private->state_gpa;
	info->state_pages = private->state_pages;
	info->command_line_gpa = info_gpa() + VMI_LAYOUT_BOOT_INFO_COMMAND_LINE;
	info->command_line_length = command_line_length;
	info->initrd_gpa = plan->initrd_gpa;
	info->initrd_length = plan->initrd_length;
	info->virtual_top = AT(u32, rom + vmi_rom_header_OFF_virtual_top);
	info->backend = private->backend;
}

/* What the linear map may hold: below the hypervisor's range, and never more than LINEAR_PAGES_MAX. */
static u32 limit_pages(u32 mem_pages, u32 virtual_top)
{
	u32 room = LINEAR_PAGES_MAX;

	if (virtual_top > VMI_LAYOUT_LINEAR_BASE && (virtual_top - VMI_LAYOUT_LINEAR_BASE) >> PAGE_SHIFT < room)
		room = (virtual_top - VMI_LAYOUT_LINEAR_BASE) >> PAGE_SHIFT;
	return mem_pages < room ? mem_pages : room;
}

int boot_prepare(struct boot_plan *plan)
{
	volatile struct vmi_bundle *bundle = bundle_at(plan->base);
	u32 rom = plan->base + VMI_LAYOUT_ROM_GPA;
	u32 rom_length = AT(u8, rom + vmi_rom_header_OFF_rom_length) * (u32)VMI_ROM_HEADER_LENGTH_UNIT;
	u32 length, pfn, used, end;

	if (bundle->magic != VMI_CONST_BUNDLE_MAGIC || bundle->nr_segments > VMI_CONST_SEGMENTS_MAX)
		return -1;
	if (bundle->image_end_gpa < VMI_LAYOUT_GUEST_GPA) /* what follows would land on ROM and state */
		return -1;
	if (pages_of(plan->initrd_length) > plan->mem_pages || plan->held_pages > plan->mem_pages)
		return -1;
	end = plan->mem_pages - plan->held_pages;
	plan->mem_pages = limit_pages(plan->mem_pages, AT(u32, rom + vmi_rom_header_OFF_virtual_top));
	pfn = pages_used(plan, bundle->image_end_gpa);
	used = 2 + (plan->mem_pages + ENTRIES - 1) / ENTRIES + plan->reserve_pages;
	if (pfn >= plan->mem_pages || plan->mem_pages - pfn <= used || pfn + used > end)
		return -1;
	length = copy_command_line(plan);
	move_initrd(plan, bundle->image_end_gpa);
	if (plan->initrd_length == 0)
		plan->initrd_gpa = 0;
	plan->root_gpa = pfn << PAGE_SHIFT;
	pfn += build_tables(plan, pfn, VMI_LAYOUT_ROM_GPA, pages_of(rom_length));
	plan->reserved_pfn = pfn;
	plan->first_free_pfn = pfn + plan->reserve_pages;
	plan->entry = bundle->entry;
	write_info(plan, rom, rom_length, length);
	return 0;
}
