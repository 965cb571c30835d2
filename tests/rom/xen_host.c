/*
 * The machine that the Xen ROM's table code sees when it runs on the host: 4 GiB of address space whose pages are
 * mapped onto a file that is machine memory, and hypercalls that are the test's.
 *
 * A store by the ROM to a page that it may only read ends the test process: that is a finding too.
 */
#include <stdlib.h>
#include <sys/mman.h>

#include "frame.h"
#include "memory.h"

void vmi_SetPxELong(u32 low, u32 high, u32 at, u32 flags);
void vmi_UpdatePxELong(u32 at, u32 flags);
void vmi_SetPxE(u32 value, u32 at, u32 flags);
void vmi_UpdatePxE(u32 at, u32 flags);
void vmi_AllocatePage(u32 pfn, u32 flags, u32 clone, u32 start, u32 count);
void vmi_ReleasePage(u32 pfn, u32 flags);
void vmi_SetLinearMapping(u32 slot, u32 va, u32 pages, u32 pfn);
void vmi_InvalPage(u32 va);
void vmi_FlushTLB(u32 how);
void vmi_SetCR3(u32 value);
u32 vmi_GetCR3(void);
void vmi_SetLazyMode(u32 mode);

static u8 *space_base;
static int machine_fd;

static int32_t xen_host_hypercall(uint32_t, uint32_t, uint32_t, uint32_t, uint32_t, uint32_t);

void *host_at(u32 gva, u32 length)
{
	(void)length;
	return space_base + gva;
}

u32 host_gva(const volatile void *object)
{
	return (u32)((const volatile u8 *)object - space_base);
}

struct rom_state *state(void)
{
	return host_at(WINDOW_ROM_STATE, 0);
}

s32 hypercall(u32 number, u32 a, u32 b, u32 c, u32 d, u32 e)
{
	return xen_host_hypercall(number, a, b, c, d, e);
}

void events_unmask(u32 saved)
{
	(void)saved;
}

u32 stack_pointer(void)
{
	return 0;
}

void fatal(const char *text)
{
	(void)text;
	abort();
}

u32 gate_enter(struct xen_frame *frame, u32 vector)
{
	(void)frame;
	(void)vector;
	return 1;
}

static void open_space(int fd)
{
	machine_fd = fd;
	if (space_base)
		munmap(space_base, (size_t)1 << 32);
	space_base = mmap(0, (size_t)1 << 32, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (space_base == MAP_FAILED)
		abort();
}

/* access: 0 none, 1 read, 2 read and write */
static void map_page(u32 gva, u32 mfn, int access)
{
	int flags = access == 2 ? PROT_READ | PROT_WRITE : PROT_READ;
	void *at;

	if (access)
		at = mmap(space_base + gva, 4096, flags, MAP_SHARED | MAP_FIXED, machine_fd, (off_t)mfn << 12);
	else
		at = mmap(space_base + gva, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	if (at == MAP_FAILED)
		abort();
}

/* As start.c leaves it, with the window there. */
static void open_state(u32 mem_pages, u32 pages, const u32 *mfns)
{
	struct backend_state *b = &state()->backend;
	u32 i;

	memset(state(), 0, sizeof(struct rom_state));
	memset(pool(), 0, sizeof(struct pool));
	b->mem_pages = mem_pages;
	b->rom_pages = WINDOW_ROM_PAGES;
	pool()->pages = pages;
	for (i = 0; i < pages; i++) {
		pool()->mfn[i] = mfns[i];
		pool()->page[i].use = i < 3 ? POOL_DATA : POOL_FREE;
	}
	for (i = pages; i-- > 3;)
		pool()->free_list[pool()->free_count++] = (u16)i;
	for (i = 0; i < BUCKETS; i++)
		b->bucket[i] = NOWHERE;
	for (i = 0; i < WINDOW_SLOTS; i++)
		b->slot_pfn[i] = NO_FRAME;
	b->linear[0].va = VMI_LAYOUT_LINEAR_BASE;
	b->linear[0].pages = mem_pages;
	b->current = b->loaded = b->busy = NOWHERE;
}

/* 0: repaired; else the error code the guest would see + 1. */
static u32 fault(u32 va, u32 error)
{
	struct xen_frame frame;

	memset(&frame, 0, sizeof(frame));
	frame.error = error;
	AT(u32, WINDOW_BASE + xen_vcpu_info_OFF_arch_cr2) = va;
	return fault_page(&frame) ? frame.error + 1 : 0;
}

static u32 refused(void)
{
	return state()->backend.refused;
}

static u32 waiting(void)
{
	return state()->backend.queued + state()->backend.batched;
}

static u32 free_pages(void)
{
	return pool()->free_count;
}

static u32 links_wrong(void)
{
	u32 counted[WINDOW_POOL_PAGES] = { 0 }, i, at, wrong = 0;

	for (i = 0; i < SPACES; i++)
		for (at = 0; state()->backend.spaces[i].used && at < 2048; at++) {
			u32 link = AT(u16, WINDOW_POOL(state()->backend.spaces[i].links) + 2 * at);

			if (link & LINK_SET)
				counted[link & LINK_INDEX]++;
		}
	for (i = 0; i < pool()->pages; i++) {
		bool twin = pool()->page[i].use == POOL_TWIN;

		if (twin ? pool()->page[i].links != counted[i] || !counted[i] : counted[i] != 0)
			wrong++;
		if (twin && twin_find(pool()->page[i].pfn) != i)
			wrong++;
	}
	return wrong;
}
