/*
 * The machine that the lguest ROM's C sees when it runs on the host: guest memory is a buffer, shown at its linear map,
 * and hypercalls are the test's. An access elsewhere goes to a page of its own and is counted.
 */
#include "lguest_rom.h"

void vmi_SetPxELong(u32 low, u32 high, u32 at, u32 flags);
void vmi_UpdatePxELong(u32 at, u32 flags);
void vmi_SetPxE(u32 value, u32 at, u32 flags);
void vmi_UpdatePxE(u32 at, u32 flags);
void vmi_InvalPage(u32 va);
void vmi_FlushTLB(u32 how);
void vmi_SetCR3(u32 value);
u32 vmi_GetCR3(void);
void vmi_SetCR0(u32 value);
u32 vmi_GetCR0(void);
void vmi_CLTS(void);
void vmi_SetCR4(u32 value);
void vmi_SetLazyMode(u32 mode);
void vmi_SetGDT(u32 dtr);
void vmi_WriteGDTEntry(u32 table, u32 entry, u32 low, u32 high);
void vmi_UpdateKernelStack(u32 ss, u32 esp);

static unsigned char guest[1 << 22], elsewhere[1 << 12];
static u32 wild_accesses;

void *host_at(u32 gva, u32 length)
{
	u32 gpa = gva - VMI_LAYOUT_LINEAR_BASE;

	if (length <= sizeof(guest) && gpa <= sizeof(guest) - length)
		return guest + gpa;
	wild_accesses++;
	return elsewhere;
}

u32 state_gva(void)
{
	return VMI_LAYOUT_LINEAR_BASE + STATE_PAGE_GPA(VMI_LAYOUT_STATE_ROM);
}

struct rom_state *state(void)
{
	return host_at(state_gva(), sizeof(struct rom_state));
}

static void lguest_host_hypercall(uint32_t, uint32_t, uint32_t, uint32_t, uint32_t);

void lguest_hypercall(u32 number, u32 a, u32 b, u32 c, u32 d)
{
	lguest_host_hypercall(number, a, b, c, d);
}

void lguest_store64(u32 low, u32 high, u32 gva)
{
	AT(u64, gva) = (u64)high << 32 | low;
}

u32 segments_let_go(u32 selector)
{
	(void)selector;
	return 0;
}

void segments_take(u32 held)
{
	(void)held;
}

u64 lguest_tsc(void)
{
	return 0;
}

u32 platform_irq_save(void)
{
	return 0;
}

void platform_irq_restore(u32 saved)
{
	(void)saved;
}

/* As boot_lguest.c leaves it. */
static void reset(int pae, u32 mem_pages, u32 top)
{
	struct backend_state *l;

	memset(guest, 0, sizeof(guest));
	wild_accesses = 0;
	l = lguest();
	for (u32 i = 0; i < LGUEST_CONSTANTS_RING_SIZE; i++)
		data()->hcall_status[i] = LGUEST_CONSTANTS_RING_FREE;
	l->initialised = 1;
	l->pae = pae != 0;
	l->hole = pae ? LGUEST_HOLE_PAE_START : LGUEST_HOLE_START;
	l->mem_pages = l->linear_pages = mem_pages;
	l->deadline = NEVER;
	l->cr0 = 0x80010033u;
	l->cr4 = pae ? 0x20 : 0;
	l->cr3 = top;
	data()->pgdir = top;
}

static unsigned char *guest_memory(void)
{
	return guest;
}

static unsigned char *ring(void)
{
	return (unsigned char *)data();
}

static u32 wild(void)
{
	return wild_accesses;
}
