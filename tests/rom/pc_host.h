/* The PC that the C of the native and kvm ROMs sees when it runs on the host: ports, CPUID and interrupt handlers are
 * the test's, the counter goes on by a step at each look. */
#ifndef PC_HOST_H
#define PC_HOST_H

#define HOST_LOW 1 /* the boot stub runs without paging */
#include "host.h"

#include "cpu.h"
#include "inject.h"
#include "io.h"
#include "paging.h"
#include "platform.h"
#include "start.h"
#include "stubs.h"

#define STUB_BASE 0xF0000u
#define HALT_START 0xF8000u
#define HALT_END 0xF8001u
#define IRET_AT 0xF9000u
#define AS_USER 0xF9008u

static void host_out(uint32_t, uint32_t, uint32_t);
static uint32_t host_in(uint32_t, uint32_t);
static uint32_t host_cpuid(uint32_t, uint32_t);
static void host_deliver(uint32_t);

void vmi_SetIDT(u32 dtr);
void vmi_GetIDT(u32 dtr);
void vmi_WriteIDTEntry(u32 table, u32 entry, u32 low, u32 high);
void vmi_SetAlarm(u32 flags, u32 expiry_low, u32 expiry_high, u32 period_low, u32 period_high);
void vmi_IODelay(void);
void vmi_APICWrite(u32 offset, u32 value);
void vmi_Reboot(u32 how);
void vmi_Shutdown(void);
int rom_init(void);
struct boot_plan *native_boot(u32 magic, u32 info);
void native_place(u32 from);
u32 native_timer_interrupt(struct rom_frame *frame);
u32 native_invalid_tss(struct rom_frame *frame);
u32 native_not_present(struct rom_frame *frame);
u32 native_stack_fault(struct rom_frame *frame);
u32 native_protection(struct rom_frame *frame);

static u32 base, live_base, live_limit, saved_depth, triple_faults;
static u64 counter, counter_step;

u32 rom_base(void) { return base + VMI_LAYOUT_ROM_GPA; }
u32 state_gva(void) { return base + VMI_LAYOUT_STATE_GPA + PAGE_SIZE * VMI_LAYOUT_STATE_ROM; }
struct rom_state *state(void) { return host_at(state_gva(), sizeof(struct rom_state)); }
void io_out8(u32 port, u32 value) { host_out(port, 1, value & 0xff); leave_if_over(); }
void io_out16(u32 port, u32 value) { host_out(port, 2, value & 0xffff); leave_if_over(); }
void io_out32(u32 port, u32 value) { host_out(port, 4, value); leave_if_over(); }
u32 io_in8(u32 port) { return host_in(port, 1) & 0xff; }
u32 io_in32(u32 port) { return host_in(port, 4); }
u64 cpu_tsc(void) { return counter += counter_step; }
u32 irq_save(void) { saved_depth++; return 0; }
void irq_restore(u32 flags) { (void)flags; saved_depth--; }
bool try_lock(u32 *word) { bool got = !*word; *word = 1; return got; }
u32 lock(u32 *word) { if (!try_lock(word)) abort(); return irq_save(); }
void release(u32 *word) { *word = 0; }
void unlock(u32 *word, u32 saved) { release(word); irq_restore(saved); }
void load_idt(u32 at, u32 limit) { live_base = at; live_limit = limit; }
struct vmi_dtr read_idt(void) { return (struct vmi_dtr){.limit = (u16)live_limit, .base = live_base}; }
u32 native_timer_stub(u32 vector) { return STUB_BASE + vector; }
u32 native_fault_stub(u32 number) { return STUB_BASE + NATIVE_VECTOR_TS + number; }
u32 native_iret(void) { return IRET_AT; }
u32 native_as_user_gva(void) { return AS_USER; }
u32 native_halt_start(void) { return HALT_START; }
u32 native_halt_end(void) { return HALT_END; }
void native_deliver(u32 handler) { host_deliver(handler); }
u32 start_code_gva(void) { return rom_base(); }
u32 start_code_length(void) { return 0; }
u32 start_flat_gva(void) { return rom_base(); }
u64 cpu_read_msr(u32 msr) { (void)msr; return 0; } /* there is no local APIC that it could be asked for */
void machine_stop(void) { leave(); }
void machine_triple_fault(void) { triple_faults++; leave(); }

struct cpu_id cpu_id(u32 leaf)
{
	return (struct cpu_id){host_cpuid(leaf, 0), host_cpuid(leaf, 1), host_cpuid(leaf, 2), host_cpuid(leaf, 3)};
}

/* A machine whose guest runs: memory at `at`, the TSC's rate known (0: vmi_init is to find it out). */
static void reset(u32 at, u32 khz)
{
	clear_memory();
	base = at;
	rom_state_init();
	native()->khz = khz;
	native()->count = 1;
	native()->cpus[0].deadline = native()->cpus[0].lvtt_deadline = NEVER;
	live_base = live_limit = saved_depth = triple_faults = 0;
	counter = counter_step = 0;
}

/* So many processors; a test is on the one whose table is loaded. */
static void processors(u32 count)
{
	struct native_state *n = native();

	for (u32 i = n->count; i < count; i++)
		n->cpus[i].deadline = n->cpus[i].lvtt_deadline = NEVER;
	n->count = count;
}

static u32 idt_base(void) { return live_base; }
static u32 idt_limit(void) { return live_limit; }
static void set_idt(u32 at, u32 limit) { live_base = at; live_limit = limit; }
static u32 interrupts_saved(void) { return saved_depth; }
static u32 triple(void) { return triple_faults; }
static void set_counter(u64 value, u64 step) { counter = value; counter_step = step; }

/* gva of the plan, or 0 if the machine ended. */
static u32 boots(u32 magic, u32 info)
{
	volatile struct boot_plan *plan = 0;

	if (ENDED(plan = native_boot(magic, info)))
		return 0;
	return (u32)((unsigned char *)plan - guest);
}

static int ended_placing(u32 from) { return ENDED(native_place(from)); }
static int ended_rebooting(u32 how) { return ENDED(vmi_Reboot(how)); }
static int ended_by_shutdown(void) { return ENDED(vmi_Shutdown()); }

/* A timer interrupt at an EIP; where the stub goes (0: back), and the frame's EIP and flags as it left them. */
static u32 timer(u32 vector, u32 cs, u32 *eip, u32 *eflags)
{
	struct rom_frame frame;
	u32 handler;

	memset(&frame, 0, sizeof(frame));
	frame.target = vector;
	frame.error = HALT_MARK;
	frame.cs = cs;
	frame.eip = *eip;
	frame.eflags = *eflags;
	handler = native_timer_interrupt(&frame);
	*eip = frame.eip;
	*eflags = frame.eflags;
	return handler;
}

/* A fault of vector 10 to 13 with error code, EIP, CS, EFLAGS and three words above; where its stub goes. */
static u32 fault_of(u32 vector, u32 words[7])
{
	static u32 (*const stubs[])(struct rom_frame *) = {native_invalid_tss, native_not_present, native_stack_fault,
							    native_protection};
	u32 stack[sizeof(struct rom_frame) / 4 + 1] = {0}, at = __builtin_offsetof(struct rom_frame, error) / 4, handler;

	memcpy(stack + at, words, 7 * 4);
	handler = stubs[vector - NATIVE_VECTOR_TS]((struct rom_frame *)stack);
	memcpy(words, stack + at, 7 * 4);
	return handler;
}

#endif
