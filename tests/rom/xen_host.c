/*
 * The machine that the Xen ROM's C sees when it runs on the host: 4 GiB of address space whose pages are mapped onto a
 * file that is machine memory, and hypercalls that are the test's. An object that lies outside of that space, as one
 * on the stack does, gets an address behind the window where Xen finds it.
 *
 * A store by the ROM to a page that it may only read ends the test process: that is a finding too.
 */
#include <sys/mman.h>

#include "frame.h"
#include "memory.h"
#include "platform.h"

#include "host_end.h"

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

void vmi_SetIDT(u32 dtr);
void vmi_GetIDT(u32 dtr);
void vmi_WriteIDTEntry(u32 table, u32 entry, u32 low, u32 high);
void vmi_SetGDT(u32 dtr);
void vmi_GetGDT(u32 dtr);
void vmi_WriteGDTEntry(u32 table, u32 entry, u32 low, u32 high);
void vmi_SetLDT(u32 selector);
u32 vmi_GetLDT(void);
void vmi_WriteLDTEntry(u32 table, u32 entry, u32 low, u32 high);
void vmi_UpdateKernelStack(u32 ss, u32 esp);
void vmi_SetCR0(u32 value);
u32 vmi_GetCR0(void);
void vmi_CLTS(void);
void vmi_SetIOPLMask(u32 mask);
void vmi_SetAlarm(u32 flags, u32 expiry_low, u32 expiry_high, u32 period_low, u32 period_high);
void vmi_Halt(void);
void vmi_Reboot(u32 how);
void vmi_Shutdown(void);
u32 no_fpu(struct xen_frame *frame);
u32 event_upcall(struct xen_frame *frame);
void start(u32 info, u32 stack);
void time_start(void);
void events_start(void);
void traps_set_all(void);

#define ALIASES 16u
#define ALIAS_BASE 0xFE000000u
#define ALIAS_SIZE 0x10000u

const u8 rom_call_answers[256] = {0};
static u8 *space_base;
static int machine_fd;
static const volatile u8 *alias[ALIASES];
static u32 aliases, reloads, port_status, entered[3];
static u64 counter, counter_step;

/* Where Xen enters the ROM, by distance from its first byte. */
__asm__(".pushsection .rodata\n"
	".globl rom_start, entry_page_fault, entry_no_fpu, entry_upcall, entry_failsafe\n"
	"rom_start: .fill 16, 1, 0\nentry_page_fault: .fill 16, 1, 0\nentry_no_fpu: .fill 16, 1, 0\n"
	"entry_upcall: .fill 16, 1, 0\nentry_failsafe: .fill 16, 1, 0\n.popsection");

static int32_t xen_host_hypercall(uint32_t, uint32_t, uint32_t, uint32_t, uint32_t, uint32_t);

void *host_at(u32 gva, u32 length)
{
	(void)length;
	if (gva >= ALIAS_BASE)
		return (void *)(uintptr_t)(alias[(gva - ALIAS_BASE) / ALIAS_SIZE % ALIASES] + gva % ALIAS_SIZE);
	return space_base + gva;
}

u32 host_gva(const volatile void *object)
{
	const volatile u8 *at = object;

	if (at >= space_base && at < space_base + ((size_t)1 << 32))
		return (u32)(at - space_base);
	alias[aliases % ALIASES] = at;
	return ALIAS_BASE + aliases++ % ALIASES * ALIAS_SIZE;
}

u32 rom_base(void)
{
	return WINDOW_ROM;
}

u32 state_gva(void)
{
	return WINDOW_ROM_STATE;
}

struct rom_state *state(void)
{
	return host_at(WINDOW_ROM_STATE, 0);
}

s32 hypercall(u32 number, u32 a, u32 b, u32 c, u32 d, u32 e)
{
	s32 result = xen_host_hypercall(number, a, b, c, d, e);

	leave_if_over();
	return result;
}

u64 cpu_tsc(void)
{
	return counter += counter_step;
}

void pae_store(u32 low, u32 high, u32 gva)
{
	AT(u64, gva) = (u64)high << 32 | low;
}

void exit_port_write(u32 status)
{
	port_status = status;
}

void segments_reload(void)
{
	reloads++;
}

void boot_enter(u32 entry, u32 info, u32 stack)
{
	entered[0] = entry;
	entered[1] = info;
	entered[2] = stack;
	leave();
}

u32 stack_pointer(void)
{
	return 0;
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

	rom_state_init();
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
	b->armed = NEVER;
	b->gdt_page = 2;
	b->cr0 = 0x80050033u;
	b->idt[PAGE_FAULT][1] = 0x8E00;
	counter = counter_step = reloads = 0;
	port_status = ~0u;
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

static void set_counter(u64 value, u64 step)
{
	counter = value;
	counter_step = step;
}

/* A stub of the ROM for code with these flags; where the stub goes (0: back), and the frame's flags as it left them. */
static u32 through(u32 (*function)(struct xen_frame *), u32 eflags)
{
	struct xen_frame frame;

	memset(&frame, 0, sizeof(frame));
	frame.eflags = eflags;
	return function(&frame) ? frame.target : 0;
}

static u32 upcall(u32 eflags) { return through(event_upcall, eflags); }
static u32 fpu_fault(u32 eflags) { return through(no_fpu, eflags); }
static int ended_starting(u32 info, u32 stack) { return ENDED(start(info, stack)); }
static int ended_halting(void) { return ENDED(vmi_Halt()); }
static int ended_rebooting(u32 how) { return ENDED(vmi_Reboot(how)); }
static int ended_by_shutdown(void) { return ENDED(vmi_Shutdown()); }
static int ended_by_exit(u32 status) { return ENDED(platform_exit(status)); }
static int ended_by_upcall(u32 eflags) { return ENDED(upcall(eflags)); }
static u32 exit_status(void) { return port_status; }
static u32 segment_reloads(void) { return reloads; }
static u32 *entry(void) { return entered; }
static u32 khz(void) { return state()->backend.khz; }
static void set_khz(u32 value) { state()->backend.khz = value; }
