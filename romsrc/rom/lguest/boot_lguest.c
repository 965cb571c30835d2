/*
 * From the launcher's boot protocol to the entry contract: LGUEST_INIT, the guest's own page tables, and in.
 */
#include "cpu.h"
#include "lguest_rom.h"
#include "native_asm.h"

#define RING_ENTRIES LGUEST_CONSTANTS_RING_SIZE
#define BOOT_TABLE_PAGES 2u /* of the host's first tables besides the page tables: directory, PAE's middle page */
#define PAE_ENTRIES 512u
#define GATE_PRESENT 0x8000u

/* How the shared structure has to look before INIT. All interrupts but the clock stay blocked. */
static void prepare_data(void)
{
	volatile struct lguest_data *shared = data();

	for (u32 i = 0; i < RING_ENTRIES; i++)
		shared->hcall_status[i] = LGUEST_CONSTANTS_RING_FREE;
	shared->irq_enabled = 0;
	shared->irq_pending = 0;
	shared->blocked_interrupts = ~(1u << LGUEST_CONSTANTS_CLOCK_INTERRUPT);
	shared->noirq_start = lguest_place(PLACE_NOIRQ_START);
	shared->noirq_end = lguest_place(PLACE_NOIRQ_END);
	shared->kernel_address = VMI_LAYOUT_LINEAR_BASE;
	shared->syscall_vec = LGUEST_CONSTANTS_SYSCALL_VECTOR;
}

static void read_params(struct boot_plan *plan)
{
	volatile struct lguest_boot_params *params =
		&AT(struct lguest_boot_params, VMI_LAYOUT_LINEAR_BASE + LGUEST_BOOT_PARAMS_GPA);

	memset(plan, 0, sizeof(*plan));
	plan->base = VMI_LAYOUT_LINEAR_BASE;
	plan->mem_pages = (u32)(params->e820_map[0].size >> PAGE_SHIFT);
	if (params->cmd_line_ptr != 0)
		plan->command_line = VMI_LAYOUT_LINEAR_BASE + params->cmd_line_ptr;
	plan->initrd_gpa = params->ramdisk_image;
	plan->initrd_length = params->ramdisk_size;
	plan->no_nx = !cpu_has_nx();
}

/* The registers as the contract has them. */
static void set_registers(u32 mem_pages)
{
	struct backend_state *l = lguest();

	l->initialised = 1;
	l->pae = data()->reserve_mem == LGUEST_HOLE_PAE_SIZE;
	l->hole = 0u - data()->reserve_mem;
	l->mem_pages = mem_pages;
	l->cr0 = NATIVE_CR0_PG | NATIVE_CR0_WP | NATIVE_CR0_NE | NATIVE_CR0_ET | NATIVE_CR0_PE;
	l->cr4 = NATIVE_CR4_PAE;
}

static void load_clock_gate(void)
{
	u32 stub = lguest_place(PLACE_CLOCK);

	lguest_now(LGUEST_HCALL_LOAD_IDT_ENTRY,
		   LGUEST_CONSTANTS_FIRST_INTERRUPT_VECTOR + LGUEST_CONSTANTS_CLOCK_INTERRUPT, stub & 0xffff,
		   (stub & 0xffff0000) | GATE_PRESENT | LGUEST_GATE_TYPE_INTERRUPT << 8, 0);
}

/* The host's first tables lie at the end of memory, below the initrd, and are in use until the guest's are. */
static u32 first_tables(const struct boot_plan *plan)
{
	u32 initrd_pages = (plan->initrd_length + PAGE_SIZE - 1) >> PAGE_SHIFT;

	return BOOT_TABLE_PAGES + (plan->mem_pages + PAE_ENTRIES - 1) / PAE_ENTRIES + initrd_pages;
}

void ROMCALL lguest_boot(void);

/* Called by boot.S in the linear map on the boot stack. Does not return. */
void ROMCALL lguest_boot(void)
{
	struct boot_plan plan;

	rom_state_init();
	lguest()->deadline = NEVER;
	prepare_data();
	lguest_hypercall(LGUEST_HCALL_LGUEST_INIT, DATA_GPA, 0, 0, 0);
	read_params(&plan);
	plan.held_pages = first_tables(&plan);
	set_registers(plan.mem_pages);
	if (!lguest()->pae)
		lguest_die("vmirom: the host has no PAE, a guest is entered with it: build its Linux with CONFIG_X86_PAE");
	lguest_sample_wallclock();
	load_clock_gate();
	lguest_calibrate();
	if (boot_prepare(&plan) != 0)
		lguest_die("vmirom: no guest here, or not enough memory for it");
	lguest()->linear_pages = plan.mem_pages;
	lguest()->cr3 = plan.root_gpa;
	data()->pgdir = plan.root_gpa;
	lguest_now(LGUEST_HCALL_NEW_PGTABLE, plan.root_gpa, 0, 0, 0);
	lguest_now(LGUEST_HCALL_FLUSH_TLB, LGUEST_FLUSH_TLB_ALL, 0, 0, 0);
	boot_enter(plan.entry, VMI_LAYOUT_LINEAR_BASE + STATE_PAGE_GPA(VMI_LAYOUT_STATE_BOOT_INFO),
		   VMI_LAYOUT_LINEAR_BASE + STATE_PAGE_GPA(VMI_LAYOUT_STATE_STACK + 1));
}

/* vmi_init: the boot stub has done everything. Without it there is no host to talk to. */
int ROMCALL backend_init(void)
{
	return lguest()->initialised ? 0 : -1;
}
