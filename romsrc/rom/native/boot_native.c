/*
 * What a boot loader says about the machine, Multiboot or PVH, made into a boot plan. Runs without paging: every
 * address is physical.
 */
#include "boot_stub.h"
#include "cpu.h"
#include "io.h"
#include "native.h"
#include "platform.h"

_Static_assert(offsetof(struct boot_plan, root_gpa) == boot_plan_OFF_root_gpa, "boot_stub.h");
_Static_assert(offsetof(struct boot_plan, entry) == boot_plan_OFF_entry, "boot_stub.h");
_Static_assert(offsetof(struct boot_plan, no_nx) == boot_plan_OFF_no_nx, "boot_stub.h");

#define MIB_PAGES 256u
#define CODE_HIGH 0x00CF9B00u
#define DATA_HIGH 0x00CF9300u

static bool has_pae(void)
{
	return (cpu_id(1).edx & 1u << 6) != 0;
}

/* Where memory that begins at or below 1 MiB ends, in pages. */
static u32 pages_to(u64 end)
{
	return end >> 32 ? 0x100000u : (u32)end >> PAGE_SHIFT;
}

static void from_multiboot(struct boot_plan *plan, u32 at)
{
	volatile struct multiboot_info *info = &AT(struct multiboot_info, at);

	if (info->flags & NATIVE_MULTIBOOT_INFO_FLAG_MEMORY)
		plan->mem_pages = MIB_PAGES + info->mem_upper / 4;
	if (info->flags & NATIVE_MULTIBOOT_INFO_FLAG_COMMAND_LINE)
		plan->command_line = info->cmdline;
	if (info->flags & NATIVE_MULTIBOOT_INFO_FLAG_MODULES && info->mods_count != 0) {
		volatile struct multiboot_module *module = &AT(struct multiboot_module, info->mods_addr);

		plan->initrd_gpa = module->mod_start;
		plan->initrd_length = module->mod_end - module->mod_start;
	}
}

static void from_pvh(struct boot_plan *plan, u32 at)
{
	volatile struct hvm_start_info *info = &AT(struct hvm_start_info, at);

	plan->command_line = (u32)info->cmdline_paddr;
	if (info->nr_modules != 0) {
		volatile struct hvm_modlist_entry *module =
			&AT(struct hvm_modlist_entry, info->modlist_paddr);

		plan->initrd_gpa = (u32)module->paddr;
		plan->initrd_length = (u32)module->size;
	}
	if (info->version == 0)
		return;
	for (u32 i = 0; i < info->memmap_entries; i++) {
		volatile struct hvm_memmap_table_entry *range =
			&AT(struct hvm_memmap_table_entry, (u32)info->memmap_paddr + i * (u32)sizeof(*range));

		if (range->type == NATIVE_MEMORY_TYPE_RAM && range->addr <= VMI_LAYOUT_GUEST_GPA &&
		    range->addr + range->size > VMI_LAYOUT_GUEST_GPA)
			plan->mem_pages = pages_to(range->addr + range->size);
	}
}

static void make_gdt(void)
{
	for (u32 at = BOOT_GDT; at < BOOT_GDT + 8 * 16; at += 4)
		AT(u32, at) = 0;
	AT(u32, BOOT_GDT + KERNEL_CS) = 0x0000ffff;
	AT(u32, BOOT_GDT + KERNEL_CS + 4) = CODE_HIGH;
	AT(u32, BOOT_GDT + KERNEL_DS) = 0x0000ffff;
	AT(u32, BOOT_GDT + KERNEL_DS + 4) = DATA_HIGH;
	AT(u16, BOOT_GDTR) = 8 * 16 - 1;
	AT(u32, BOOT_GDTR_BASE) = BOOT_GDT;
}

void native_die(const char *why)
{
	for (; *why; why++)
		io_out8(VMI_PORT_UART, (u8)*why);
	io_out8(VMI_PORT_EXIT, VMI_EXIT_STATUS_ERROR);
	machine_stop();
}

struct boot_plan *ROMCALL native_boot(u32 magic, u32 info);

/* The plan lies behind the GDT in the backend's own state pages. */
struct boot_plan *ROMCALL native_boot(u32 magic, u32 info)
{
	struct boot_plan *plan = (struct boot_plan *)&AT(struct boot_plan, BOOT_GDT + 0x100);

	memset(plan, 0, sizeof(*plan));
	rom_state_init();
	if (!has_pae())
		native_die("vmirom: the processor has no PAE\n");
	plan->no_nx = !cpu_has_nx();
	if (magic == NATIVE_PVH_MAGIC)
		from_pvh(plan, info);
	else
		from_multiboot(plan, info);
	if (boot_prepare(plan) != 0)
		native_die("vmirom: no guest here, or not enough memory for it\n");
	make_gdt();
	return plan;
}
