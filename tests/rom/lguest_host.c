/*
 * The machine that the lguest ROM's C sees when it runs on the host: guest memory is shown at its linear map, hypercalls
 * and the guest's handlers are the test's, and so are the counter and CPUID.
 */
#include "host.h"

#include "cpu.h"
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

void vmi_SetIDT(u32 dtr);
void vmi_GetIDT(u32 dtr);
void vmi_WriteIDTEntry(u32 table, u32 entry, u32 low, u32 high);
void vmi_SetAlarm(u32 flags, u32 expiry_low, u32 expiry_high, u32 period_low, u32 period_high);
void vmi_APICWrite(u32 offset, u32 value);
void vmi_Halt(void);
void vmi_Reboot(u32 how);
void vmi_Shutdown(void);
void lguest_boot(void);

#define PLACE_BASE 0xC00C1000u /* where lguest_place() puts things, a page apart */

static u64 counter, counter_step;
static u32 entered[3];
static u32 state_looks, exit_look;

static void lguest_host_hypercall(uint32_t, uint32_t, uint32_t, uint32_t, uint32_t);
static void host_exit(void);

u32 rom_base(void)
{
	return ROM_LINEAR;
}

u32 state_gva(void)
{
	return VMI_LAYOUT_LINEAR_BASE + STATE_PAGE_GPA(VMI_LAYOUT_STATE_ROM);
}

/* One of the places at which the processor may leave for the host by itself: its own timer, say. */
struct rom_state *state(void)
{
	if (++state_looks == exit_look)
		host_exit();
	return host_at(state_gva(), sizeof(struct rom_state));
}

static void host_interrupt(uint32_t);
static uint32_t host_cpuid(uint32_t, uint32_t);

void lguest_hypercall(u32 number, u32 a, u32 b, u32 c, u32 d)
{
	lguest_host_hypercall(number, a, b, c, d);
	leave_if_over();
}

void pae_store(u32 low, u32 high, u32 gva)
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
	return counter += counter_step;
}

u32 lguest_place(u32 which)
{
	return PLACE_BASE + PAGE_SIZE * which;
}

/* The handler's IRET sets the flag, as its frame says. */
void lguest_interrupt(u32 handler)
{
	host_interrupt(handler);
	leave_if_over();
	data()->irq_enabled = IF;
}

struct cpu_id cpu_id(u32 leaf)
{
	return (struct cpu_id){host_cpuid(leaf, 0), host_cpuid(leaf, 1), host_cpuid(leaf, 2), host_cpuid(leaf, 3)};
}

void boot_enter(u32 entry, u32 info, u32 stack)
{
	entered[0] = entry;
	entered[1] = info;
	entered[2] = stack;
	leave();
}

/* As boot_lguest.c leaves it. */
static void reset(int pae, u32 mem_pages, u32 top)
{
	struct backend_state *l;

	clear_memory();
	counter = counter_step = 0;
	exit_look = 0;
	rom_state_init();
	l = lguest();
	l->khz = 1000000;
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

static unsigned char *ring(void)
{
	return (unsigned char *)data();
}

static void set_counter(u64 value, u64 step)
{
	counter = value;
	counter_step = step;
}

/* From here on: host_exit() the n-th time that the ROM looks at its state, 0 for never; how often it looked. */
static void exit_at(u32 n)
{
	state_looks = 0;
	exit_look = n;
}

static u32 looks(void)
{
	return state_looks;
}

/* The ROM's functions behind a stub, for an error code; where the stub goes (0: back), and the code as it shows it. */
static u32 page_fault_stub(u32 *error)
{
	struct rom_frame frame;
	u32 handler;

	memset(&frame, 0, sizeof(frame));
	frame.error = *error;
	handler = lguest_page_fault(&frame);
	*error = frame.error;
	return handler;
}

static u32 clock_stub(void)
{
	struct rom_frame frame;

	memset(&frame, 0, sizeof(frame));
	return lguest_clock(&frame);
}

static u32 iret_stub(void)
{
	struct rom_frame frame;

	memset(&frame, 0, sizeof(frame));
	return lguest_iret(&frame);
}

static int ended_booting(void) { return ENDED(lguest_boot()); }
static int ended_halting(void) { return ENDED(vmi_Halt()); }
static int ended_rebooting(u32 how) { return ENDED(vmi_Reboot(how)); }
static int ended_by_shutdown(void) { return ENDED(vmi_Shutdown()); }
static int ended_by_exit(u32 status) { return ENDED(platform_exit(status)); }
static u32 *entry(void) { return entered; }
static u32 hole(void) { return lguest()->hole; }
static u32 khz(void) { return lguest()->khz; }
static void set_khz(u32 value) { lguest()->khz = value; }
