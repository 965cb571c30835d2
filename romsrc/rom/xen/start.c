/*
 * From Xen's boot protocol to the guest's entry contract.
 *
 * Xen gives an L3 of its own making, [0, end of the boot stack + slack) mapped at VIRT_BASE, and start_info. The ROM
 * takes its pool from the top of the domain, hangs the window into Xen's L2, has the guest's tables built where Xen's
 * mapping reaches, makes the first space from them and leaves Xen's tables behind. The frames that Xen's boot
 * structures occupied stay reserved: they lie below first_free_pfn.
 */
#include "frame.h"
#include "memory.h"
#include "platform.h"

#define FLAGS_RW (PTE_P | PTE_W | PTE_A | PTE_D)
#define FLAGS_RO (PTE_P | PTE_A)
#define POOL_WINDOW 0 /* pool pages 0 and 1: the window's own L1s */
#define POOL_GDT 2
#define POOL_FIRST 3
#define BASE VMI_LAYOUT_LINEAR_BASE

extern const u8 rom_start[];

void traps_set_all(void);
void events_start(void);
void time_start(void);

/* What the stub finds out before it has a state. */
struct finding {
	u32 info;      /* gva of start_info */
	u32 list;      /* gva of Xen's p2m */
	u32 pages;     /* of the domain */
	u32 p2m_pages; /* for the ROM's copy of the list */
	u32 pool;
	u32 mem_pages; /* what is left to the guest */
	u32 end;       /* gva behind everything that Xen put into memory */
	u64 shared;    /* machine address */
};

static u64 machine(const struct finding *f, u32 pfn)
{
	return (u64)AT(u32, f->list + 4 * pfn) << PAGE_SHIFT;
}

static __attribute__((noreturn)) void die(const char *text, u32 length)
{
	u32 reason = XEN_SHUTDOWN_CRASH;

	hypercall(XEN_HYPERCALL_CONSOLE_IO, XEN_CONSOLEIO_WRITE, length, GVA(text), 0, 0);
	BARRIER();
	for (;;)
		sched_shutdown(&reason);
}

#define DIE(text) die(text "\n", sizeof(text))

static void look(struct finding *f, u32 info, u32 stack)
{
	volatile struct xen_start_info *start = &AT(struct xen_start_info, info);
	volatile struct xen_platform_parameters hole;

	if (hypercall(XEN_HYPERCALL_XEN_VERSION, XEN_XENVER_PLATFORM_PARAMETERS, GVA(&hole), 0, 0, 0) < 0 ||
	    hole.virt_start < WINDOW_END)
		DIE("vmi: this Xen's range begins below 0xF5800000");
	f->info = info;
	f->list = start->mfn_list;
	f->pages = start->nr_pages;
	if (f->pages > WINDOW_P2M_PAGES * 1024)
		f->pages = WINDOW_P2M_PAGES * 1024;
	f->shared = start->shared_info;
	f->p2m_pages = (f->pages + 1023) / 1024;
	f->pool = 128 + f->pages / 64;
	if (f->pool > WINDOW_POOL_PAGES)
		f->pool = WINDOW_POOL_PAGES;
	f->end = (stack + PAGE_SIZE - 1) & PAGE_MASK;
	if (start->pt_base + start->nr_pt_frames * PAGE_SIZE > f->end)
		f->end = start->pt_base + start->nr_pt_frames * PAGE_SIZE;
	if (f->pages < f->pool + f->p2m_pages + ((f->end - BASE) >> PAGE_SHIFT))
		DIE("vmi: not enough memory");
	f->mem_pages = f->pages - f->pool - f->p2m_pages;
}

/* The window's entry for one of its pages. The ROM alone is executable; the window's tables are read-only. */
static u64 window_entry(const struct finding *f, u32 page)
{
	u32 n;

	if (page == 0)
		return f->shared | FLAGS_RW | PTE_NX;
	if (page - WINDOW_PAGE_STATE < VMI_LAYOUT_STATE_PAGES)
		return machine(f, (VMI_LAYOUT_STATE_GPA >> PAGE_SHIFT) + page - WINDOW_PAGE_STATE) | FLAGS_RW | PTE_NX;
	n = page - WINDOW_PAGE_ROM;
	if (n < WINDOW_ROM_PAGES)
		return machine(f, (VMI_LAYOUT_ROM_GPA >> PAGE_SHIFT) + n) | FLAGS_RO;
	if (page == WINDOW_PAGE_GDT)
		return machine(f, f->mem_pages + POOL_GDT) | FLAGS_RO | PTE_NX;
	n = page - WINDOW_PAGE_P2M;
	if (n < f->p2m_pages)
		return machine(f, f->mem_pages + f->pool + n) | FLAGS_RW | PTE_NX;
	n = page - WINDOW_PAGE_POOL;
	if (n < f->pool)
		return machine(f, f->mem_pages + n) | (n < POOL_GDT ? FLAGS_RO : FLAGS_RW) | PTE_NX;
	return 0;
}

static void must(s32 result)
{
	if (result < 0)
		DIE("vmi: Xen refused a mapping at boot");
}

static s32 put_one(u64 where, u64 value)
{
	volatile struct xen_mmu_update update;

	update.ptr = where;
	update.val = value;
	return hypercall(XEN_HYPERCALL_MMU_UPDATE, GVA(&update), 1, 0, DOMID_SELF, 0);
}

/* Machine address of Xen's boot L2 of slot 3, and the gva at which it is mapped read-only. */
static u64 boot_level2(const struct finding *f, u32 *gva)
{
	volatile struct xen_start_info *start = &AT(struct xen_start_info, f->info);
	u64 entry = AT(u64, start->pt_base + 8 * KERNEL_SLOT) & ~(u64)(PAGE_SIZE - 1) & ~PTE_NX;
	u32 i;

	for (i = 0; i < start->nr_pt_frames; i++) {
		*gva = start->pt_base + i * PAGE_SIZE;
		if (machine(f, (*gva - BASE) >> PAGE_SHIFT) == entry)
			return entry;
	}
	DIE("vmi: Xen's boot page tables are not where they should be");
}

/* Fill the window's two tables through a page of the slack behind the boot stack, then hang them in. */
static void window_open(const struct finding *f)
{
	u32 table, i, unused;
	u64 level2 = boot_level2(f, &unused);

	for (table = 0; table < 2; table++) {
		u64 frame = machine(f, f->mem_pages + POOL_WINDOW + table);

		must(window_map(f->end, frame | FLAGS_RW));
		for (i = 0; i < 512; i++)
			AT(u64, f->end + 8 * i) = window_entry(f, table * 512 + i);
		must(window_map(f->end, machine(f, (f->end - BASE) >> PAGE_SHIFT) | FLAGS_RW));
		must(put_one(level2 + 8 * (WINDOW_DIRECTORY_INDEX + table), frame | FLAGS_RW));
	}
	for (i = 0; i < f->pages; i++)
		AT(u32, WINDOW_P2M + 4 * i) = AT(u32, f->list + 4 * i);
}

static void state_open(const struct finding *f)
{
	volatile struct xen_start_info *start = &AT(struct xen_start_info, f->info);
	struct backend_state *b;
	struct pool *p = pool();
	u32 i;

	rom_state_init();
	b = &state()->backend;
	b->mem_pages = f->mem_pages;
	b->rom_pages = (AT(u8, WINDOW_ROM + vmi_rom_header_OFF_rom_length) * 512u + PAGE_SIZE - 1) >> PAGE_SHIFT;
	b->sealed_first = (start->pt_base - BASE) >> PAGE_SHIFT;
	b->sealed_end = b->sealed_first + start->nr_pt_frames;
	memset(p, 0, sizeof(*p));
	p->pages = f->pool;
	for (i = 0; i < f->pool; i++) {
		p->mfn[i] = AT(u32, WINDOW_P2M + 4 * (f->mem_pages + i));
		p->page[i].use = i < POOL_FIRST ? POOL_DATA : POOL_FREE;
	}
	for (i = f->pool; i-- > POOL_FIRST;)
		p->free_list[p->free_count++] = (u16)i;
	for (i = 0; i < BUCKETS; i++)
		b->bucket[i] = NOWHERE;
	for (i = 0; i < WINDOW_SLOTS; i++)
		b->slot_pfn[i] = NO_FRAME;
	b->linear[0].va = BASE;
	b->linear[0].pages = f->mem_pages;
	b->current = b->loaded = b->busy = NOWHERE;
	b->armed = NEVER;
	b->cr0 = 0x80050033; /* PG, AM, WP, NE, ET, MP, PE: Xen's own, without TS */
	hypercall(XEN_HYPERCALL_FPU_TASKSWITCH, 0, 0, 0, 0, 0);
	b->cr4 = 0x00000620; /* OSXMMEXCPT, OSFXSR, PAE */
	b->gdt_page = POOL_GDT;
}

/* An empty machine GDT: Xen's own flat selectors lie behind it, and the guest's SetGDT fills it. */
static void gdt_open(void)
{
	u32 *frames = state()->backend.scratch;

	memset((void *)pool_entry(POOL_GDT, 0), 0, PAGE_SIZE);
	pool_seal(POOL_GDT);
	update_flush();
	*frames = pool()->mfn[POOL_GDT];
	BARRIER();
	must(hypercall(XEN_HYPERCALL_SET_GDT, GVA(frames), 512, 0, 0, 0));
}

/* Xen's linear map ends soon behind the boot stack: carry it on so that the guest's first tables can be written. */
static void linear_extend(const struct finding *f, u32 end)
{
	u32 gva, index, i;
	u64 level2 = boot_level2(f, &gva);

	for (index = DIRECTORY_INDEX(f->end); index <= DIRECTORY_INDEX(end); index++) {
		u32 page;

		if (AT(u64, gva + 8 * index) & PTE_P)
			continue;
		page = pool_take(POOL_BOOT);
		if (page == NOWHERE)
			DIE("vmi: not enough memory");
		for (i = 0; i < 512; i++) {
			u32 pfn = index * 512 + i;

			*pool_entry(page, i) = pfn < f->mem_pages ? frame_machine(pfn) | FLAGS_RW : 0;
		}
		pool_seal(page);
		update_put(level2 + 8 * index, pool_machine(page) | FLAGS_RW);
		update_flush();
	}
}

/* The guest's tables, boot info and entry. Xen's structures are made part of the image, so that nothing lands there. */
static void guest_open(const struct finding *f, struct boot_plan *plan)
{
	volatile struct xen_start_info *start = &AT(struct xen_start_info, f->info);
	volatile struct vmi_bundle *bundle =
		&AT(struct vmi_bundle, BASE + VMI_LAYOUT_STATE_GPA + PAGE_SIZE * VMI_LAYOUT_STATE_BUNDLE);

	memset(plan, 0, sizeof(*plan));
	plan->base = BASE;
	plan->mem_pages = f->mem_pages;
	plan->command_line = f->info + xen_start_info_OFF_cmd_line;
	if (start->mod_len) {
		plan->initrd_gpa = start->flags & XEN_START_FLAG_MOD_START_PFN ? start->mod_start << PAGE_SHIFT
									       : start->mod_start - BASE;
		plan->initrd_length = start->mod_len;
	}
	if (bundle->image_end_gpa < f->end - BASE)
		bundle->image_end_gpa = f->end - BASE;
	linear_extend(f, f->end + (f->mem_pages / 512 + 4) * PAGE_SIZE);
	if (boot_prepare(plan) != 0)
		DIE("vmi: not a bundle, or not enough memory for it");
	state()->backend.mem_pages = plan->mem_pages;
	state()->backend.linear[0].pages = plan->mem_pages;
}

/* Leave Xen's tables for our own; what was sealed because Xen used it becomes the guest's. */
static void space_open(u32 cr3)
{
	struct backend_state *b = &state()->backend;
	u32 old = AT(u32, WINDOW_P2M + 4 * b->sealed_first), space = space_select(cr3), page;

	if (space == NOWHERE)
		DIE("vmi: not enough memory");
	b->cr3 = cr3;
	space_load(space);
	if (b->refused)
		DIE("vmi: Xen refused the first page tables");
	mmuext(XEN_MMUEXT_UNPIN_TABLE, old, 0);
	b->sealed_first = b->sealed_end = 0;
	for (page = 0; page < pool()->pages; page++)
		if (pool()->page[page].use == POOL_BOOT)
			pool_give(page);
	space_resync(space, true);
	update_flush();
}

/* boot.S. The shared page's mask is set from the start and stays so until the guest clears it. */
void ROMCALL start(u32 info, u32 stack)
{
	struct finding found;
	struct boot_plan plan;

	look(&found, info, stack);
	window_open(&found);
	state_open(&found);
	gdt_open();
	time_start();
	events_start();
	traps_set_all();
	guest_open(&found, &plan);
	space_open(plan.root_gpa);
	boot_enter(plan.entry, BASE + VMI_LAYOUT_STATE_GPA + PAGE_SIZE * VMI_LAYOUT_STATE_BOOT_INFO,
		   BASE + VMI_LAYOUT_STATE_GPA + PAGE_SIZE * (VMI_LAYOUT_STATE_STACK + 1));
}
