/* Frames, tables, traps and time: what every file of questions stands on. */
#include "probe.h"

struct xen_start_info *start;
volatile struct xen_shared_info *shared;
volatile struct xen_vcpu_info *vcpu;
struct seen seen, event;
u32 probe_resume, probe_resume_esp, page_done;
const u32 *m2p;
static u32 in_user;
static u8 trap_stack[PAGE] __attribute__((aligned(16)));

struct trap trap_met(void)
{
	return (struct trap){ seen.hits, seen.vector, seen.error };
}

u32 mfn(const volatile void *va)
{
	return ((const u32 *)start->mfn_list)[((u32)va - BASE) >> 12];
}

void *page(u32 number)
{
	return probe_pages[number];
}

volatile u64 *table_at(u32 frame)
{
	return (volatile u64 *)(BASE + (m2p[frame] << 12));
}

u32 directory(u32 slot)
{
	return (u32)(((volatile u64 *)start->pt_base)[slot] >> 12);
}

u32 table_of(u32 va)
{
	return (u32)(table_at(directory(va >> 30))[va >> 21 & 511] >> 12);
}

u64 entry(u32 va)
{
	return table_at(table_of(va))[va >> 12 & 511];
}

u64 entry_address(u32 va)
{
	return ((u64)table_of(va) << 12) + (va >> 12 & 511) * 8;
}

s32 map_address(u32 va, u64 value)
{
	return call4(XEN_HYPERCALL_UPDATE_VA_MAPPING, va, (u32)value, (u32)(value >> 32), XEN_UVMF_INVLPG);
}

s32 map(const volatile void *va, u64 value)
{
	return map_address((u32)va, value);
}

s32 remap(u32 number, u64 bits)
{
	return map(page(number), (u64)mfn(page(number)) << 12 | bits);
}

s32 update(u64 pointer, u64 value)
{
	struct xen_mmu_update request = { pointer, value };

	page_done = 0xdead;
	return call4(XEN_HYPERCALL_MMU_UPDATE, &request, 1, &page_done, SELF);
}

s32 extended(u32 command, u32 first, u32 second)
{
	struct xen_mmuext_op operation = { command, first, second };

	page_done = 0xdead;
	return call4(XEN_HYPERCALL_MMUEXT_OP, &operation, 1, &page_done, SELF);
}

s32 set_iopl(u32 level)
{
	struct xen_physdev_set_iopl argument = { level };

	return call2(XEN_HYPERCALL_PHYSDEV_OP, XEN_PHYSDEVOP_SET_IOPL, &argument);
}

void gate(u32 vector, u32 flags)
{
	struct xen_trap_info table[2] = { { (u8)vector, (u8)flags, XEN_SELECTOR_KERNEL_CS, 0 }, { 0, 0, 0, 0 } };

	for (const u32 *p = probe_stubs; p[1]; p += 2)
		if (p[0] == vector)
			table[0].address = p[1];
	call1(XEN_HYPERCALL_SET_TRAP_TABLE, table);
}

void traps_on(void)
{
	for (const u32 *p = probe_stubs; p[1]; p += 2)
		gate(p[0], p[0] == 3 || p[0] == 4 || p[0] == 0x80 ? 3 : p[0] == 0x40 ? 1 : 0);
	call2(XEN_HYPERCALL_STACK_SWITCH, XEN_SELECTOR_KERNEL_DS, trap_stack + sizeof trap_stack);
}

void user_leave(void) __attribute__((noreturn));
void probe_trap(struct trap_frame *frame);
void probe_event(const u32 *frame);

void probe_trap(struct trap_frame *frame)
{
	seen.hits++;
	seen.vector = frame->vector;
	seen.error = frame->error;
	seen.eip = frame->eip;
	seen.cs = frame->cs;
	seen.eflags = frame->eflags;
	seen.eax = frame->eax;
	seen.cr2 = vcpu->arch_cr2;
	seen.mask = vcpu->evtchn_upcall_mask;
	seen.esp = frame->esp;
	seen.ss = frame->ss;
	if ((frame->cs & 3) == 3 && in_user) {
		in_user = 0;
		user_leave();
	}
	if (probe_resume) {
		frame->eip = probe_resume;
		frame->cs = XEN_SELECTOR_KERNEL_CS;
		frame->eflags &= ~0x100u;
		return;
	}
	unexpected(seen.eip);
}

/* An upcall: counts it and takes everything pending, so that it does not come again. */
void probe_event(const u32 *frame)
{
	event.hits++;
	event.eip = frame[1];
	event.cs = frame[2];
	event.eflags = frame[3];
	event.mask = vcpu->evtchn_upcall_mask;
	event.error = vcpu->evtchn_pending_sel;
	vcpu->evtchn_upcall_pending = 0;
	vcpu->evtchn_pending_sel = 0;
	for (u32 i = 0; i < XEN_EVTCHN_WORDS; i++)
		shared->evtchn_pending[i] &= shared->evtchn_mask[i];
}

void user_run(const void *code, u32 flags)
{
	seen.hits = 0;
	in_user = 1;
	u32 stack = (u32)probe_user_stack + PAGE;

	__asm__ volatile("call user_enter" : "+a"(code), "+d"(stack), "+c"(flags) : : "memory", "cc");
	in_user = 0;
}

void mask_events(void)
{
	vcpu->evtchn_upcall_mask = 1;
}

void unmask_events(void)
{
	vcpu->evtchn_upcall_mask = 0;
}

void events_on(void)
{
	extern const u8 probe_upcall[], probe_failsafe[];

	call4(XEN_HYPERCALL_SET_CALLBACKS, XEN_SELECTOR_KERNEL_CS, probe_upcall, XEN_SELECTOR_KERNEL_CS,
	      probe_failsafe);
}

u64 now(void)
{
	u32 version, low, high;
	u64 time, delta;
	u32 scaled_low, scaled_high;

	do {
		version = vcpu->time.version;
		__asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
		delta = ((u64)high << 32 | low) - vcpu->time.tsc_timestamp;
		if (vcpu->time.tsc_shift < 0)
			delta >>= -vcpu->time.tsc_shift;
		else
			delta <<= vcpu->time.tsc_shift;
		scaled_low = (u32)((u64)(u32)delta * vcpu->time.tsc_to_system_mul >> 32);
		scaled_high = (u32)(delta >> 32);
		time = vcpu->time.system_time + scaled_low + (u64)scaled_high * vcpu->time.tsc_to_system_mul;
	} while ((version & 1) || version != vcpu->time.version);
	return time;
}

/* Maps shared_info, and finds the machine-to-physical table. */
void machine_begin(void)
{
	struct xen_machphys_mapping mapping;

	start = (struct xen_start_info *)probe_first.esi;
	shared = page(PAGES - 1);
	vcpu = &shared->vcpu_info[0];
	call2(XEN_HYPERCALL_MEMORY_OP, XEN_XENMEM_MACHPHYS_MAPPING, &mapping);
	m2p = (const u32 *)mapping.v_start;
	map(shared, start->shared_info | P | RW | US);
}
