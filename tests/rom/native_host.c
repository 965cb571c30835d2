/*
 * The PC that the native ROM's timer and IDT code sees when it runs on the host: ports, the counter and the table
 * register are the test's, memory is a buffer at gva 0.
 */
#include "inject.h"
#include "io.h"
#include "platform.h"
#include "stubs.h"

#define STUB_BASE 0xF0000u

void vmi_SetIDT(u32 dtr);
void vmi_GetIDT(u32 dtr);
void vmi_WriteIDTEntry(u32 table, u32 entry, u32 low, u32 high);

static struct rom_state the_state;
static unsigned char guest[1 << 20], elsewhere[1 << 12];
static u32 wild_accesses, live_base, live_limit, saved_depth;
static u64 counter;

static void native_host_out(uint32_t, uint32_t);

void *host_at(u32 gva, u32 length)
{
	if (length <= sizeof(guest) && gva <= sizeof(guest) - length)
		return guest + gva;
	wild_accesses++;
	return elsewhere;
}

struct rom_state *state(void) { return &the_state; }
struct native_state *native(void) { return &the_state.backend.native; }
u32 state_gva(void) { return PAGE_SIZE * VMI_LAYOUT_STATE_ROM; }
void io_out8(u32 port, u32 value) { native_host_out(port, value); }
u32 io_in8(u32 port) { (void)port; return 0; }
u64 cpu_tsc(void) { return counter; }
u64 platform_real(void) { return counter; }
u32 irq_save(void) { saved_depth++; return 0; }
void irq_restore(u32 flags) { (void)flags; saved_depth--; }
void load_idt(u32 base, u32 limit) { live_base = base; live_limit = limit; }
struct vmi_dtr read_idt(void) { return (struct vmi_dtr){.limit = (u16)live_limit, .base = live_base}; }
u32 native_timer_stub(u32 vector) { return STUB_BASE + vector; }
u32 native_halt_start(void) { return 0; }
u32 native_halt_end(void) { return 0; }
void native_deliver(u32 handler) { (void)handler; }
void alarm_tick(void) { }
bool apic_has(void) { return false; }
int apic_next(void) { return -1; }

static void reset(u32 khz)
{
	memset(&the_state, 0, sizeof(the_state));
	memset(guest, 0, sizeof(guest));
	native()->khz = khz;
	native()->deadline = NEVER;
	wild_accesses = live_base = live_limit = saved_depth = 0;
}

static unsigned char *guest_memory(void) { return guest; }
static u32 wild(void) { return wild_accesses + saved_depth; }
static u32 idt_base(void) { return live_base; }
static u32 idt_limit(void) { return live_limit; }
static void set_counter(u64 value) { counter = value; }
