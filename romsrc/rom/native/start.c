/*
 * SetInitialAPState, and how a processor comes from there to its first instruction (with start.S).
 *
 * The guest gives the state between the INIT and the STARTUP interrupt; that STARTUP is sent on with a vector of the
 * ROM's own (lapic.c), behind which the state is taken up. A processor without one, or whose state is impossible, is
 * not started. Without a local APIC there are no other processors: the call remembers nothing.
 *
 * Promised to the guest: the registers of the APState and nothing else, segments as its GDT has them; what APState
 * does not hold is as INIT left it. ROM and state must be mapped at the caller's alias in the new address space as well.
 */
#include "cpu.h"
#include "io.h"
#include "lapic.h"
#include "native.h"
#include "pages.h"
#include "paging.h"
#include "platform.h"
#include "start.h"

#define OFFSET(field) __builtin_offsetof(struct start, field)
_Static_assert(OFFSET(given) == start_OFF_given && OFFSET(alias) == start_OFF_alias, "start.h");
_Static_assert(OFFSET(cr4) == start_OFF_cr4 && OFFSET(tables) == start_OFF_tables, "start.h");
_Static_assert(OFFSET(no_efer) == start_OFF_no_efer && OFFSET(lock) == start_OFF_lock, "start.h");
_Static_assert(OFFSET(gdt_limit) == start_OFF_gdt && OFFSET(target) == start_OFF_target, "start.h");

#define FLAT_CODE_HIGH 0x00cf9b00u
#define FLAT_DATA_HIGH 0x00cf9300u
#define NEEDED (NATIVE_CR0_PE | NATIVE_CR0_PG)
#define LONG_MODE (NATIVE_EFER_LME | NATIVE_EFER_LMA)
#define FLAGS_REFUSED (NATIVE_EFLAGS_VM | NATIVE_EFLAGS_TF)
#define VECTOR_OF(gpa) ((gpa) >> PAGE_SHIFT)
#define APIC_IDS 256u
#define PATIENCE_MS 1000u
#define LOW_LARGE 0x083u /* present, writable, large: memory at 0, where ROM and state lie */

/* bits of a descriptor's upper word */
#define HIGH_PRESENT 0x8000u
#define HIGH_DPL(high) ((high) >> 13 & 3)
#define HIGH_SEGMENT 0x1000u
#define HIGH_CODE 0x0800u
#define HIGH_CONFORMING 0x0400u
#define HIGH_RIGHT 0x0200u /* data: writable; code: readable */
#define HIGH_TYPE(high) ((high) >> 8 & 31)
#define TYPE_LDT 2u
#define SELECTOR_LDT 4u
#define NO_DESCRIPTOR 0u

static void prepare_page(void)
{
	u32 page = half_gva(HALF_START), code = start_code_gva(), gpa = page - alias();

	for (u32 i = 0; i < start_code_length(); i++)
		AT(u8, page + i) = AT(u8, code + i);
	AT(u16, page + START_GDTR) = 8 * 4 - 1;
	AT(u32, page + START_GDTR + 2) = gpa + START_GDT;
	AT(u32, page + START_TARGET) = start_flat_gva() - alias();
	AT(u16, page + START_TARGET + 4) = START_CS;
	AT(u64, page + START_GDT) = 0;
	AT(u64, page + START_GDT + START_CS) = (u64)FLAT_CODE_HIGH << 32 | 0xffff;
	AT(u64, page + START_GDT + START_DS) = (u64)FLAT_DATA_HIGH << 32 | 0xffff;
}

/* The processor that is to start may have held it when INIT came. Nobody else does so for long. */
static void take_over(u32 *word)
{
	u64 end = cpu_tsc() + (u64)native()->khz * PATIENCE_MS;

	while (!try_lock(word) && cpu_tsc() < end)
		;
}

static bool is_possible(const struct vmi_ap_state *ap)
{
	return (ap->cr0 & NEEDED) == NEEDED && !(ap->efer & LONG_MODE) && !(ap->eflags & FLAGS_REFUSED);
}

void ROMCALL vmi_SetInitialAPState(u32 from, u32 apic_id);

void ROMCALL vmi_SetInitialAPState(u32 from, u32 apic_id)
{
	struct native_cpu *cpu = lapic_present() && apic_id < APIC_IDS ? native_cpu_of(apic_id) : 0;
	u32 saved;

	if (!cpu || cpu == native_cpu())
		return;
	(void)AT(u8, from); /* a state that is nowhere faults before the lock is taken */
	(void)AT(u8, from + sizeof(cpu->start.ap) - 1);
	saved = irq_save();
	take_over(pages_lock());
	prepare_page();
	for (u32 i = 0; i < sizeof(cpu->start.ap); i++)
		((u8 *)&cpu->start.ap)[i] = AT(u8, from + i);
	cpu->start.alias = alias();
	cpu->start.given = is_possible(&cpu->start.ap);
	unlock(pages_lock(), saved);
}

u32 start_redirect(u32 icr, u32 destination)
{
	const struct native_state *n = native();
	u32 page = half_gva(HALF_START) - alias();

	icr = (icr & ~(u32)NATIVE_APIC_FIELD_VECTOR) | VECTOR_OF(page);
	if (icr & (NATIVE_APIC_FIELD_SHORTHAND | NATIVE_APIC_ICR_LOGICAL))
		return AT(u16, page + alias() + START_TARGET + 4) == START_CS ? icr : 0;
	for (u32 i = 0; i < n->count; i++)
		if (n->cpus[i].apic_id == destination && n->cpus[i].start.given)
			return icr;
	return 0;
}

/*
 * The guest's top table with low memory at 0 besides. For a moment only: nothing there but ROM and state is touched.
 * With PAE its entries' accessed bit is reserved, yet QEMU's own processor sets it, and KVM on that one then refuses
 * to begin paging with them: the copy is without it.
 */
static u32 make_tables(const struct vmi_ap_state *ap)
{
	bool pae = (ap->cr4 & NATIVE_CR4_PAE) != 0;
	u32 top = half_gva(HALF_TOP), below = half_gva(HALF_BELOW);
	u32 from = ap->cr3 & (pae ? 0xffffffe0u : PAGE_MASK), words = pae ? 8 : 1024;

	for (u32 i = 0; i < words; i++)
		AT(u32, top + 4 * i) = AT(u32, from + 4 * i);
	if (pae) {
		for (u32 i = 0; i < words; i += 2)
			AT(u32, top + 4 * i) &= ~(u32)NATIVE_PTE_ACCESSED;
		AT(u64, top) = below | NATIVE_PTE_PRESENT;
		AT(u64, below) = LOW_LARGE;
	} else {
		AT(u32, top) = LOW_LARGE;
	}
	return top;
}

struct start *ROMCALL start_find(void);

/* Runs without paging, the lock held. The state of this processor, used up by that; 0 if there is none. */
struct start *ROMCALL start_find(void)
{
	struct native_state *n = native();
	u32 apic_id = cpu_id(1).ebx >> 24;

	for (u32 i = 0; i < n->count; i++) {
		struct start *start = &n->cpus[i].start;

		if (n->cpus[i].apic_id != apic_id || !start->given)
			continue;
		start->given = 0;
		if (!(cpu_id(1).edx & NATIVE_CPUID_PSE) || (start->ap.efer & NATIVE_EFER_NXE && !cpu_has_nx()))
			return 0;
		start->tables = make_tables(&start->ap);
		start->cr4 = start->ap.cr4 | NATIVE_CR4_PSE;
		start->no_efer = start->ap.efer == 0 && !cpu_has_nx();
		return start;
	}
	return 0;
}

/* The upper word of a selector's descriptor, or NO_DESCRIPTOR. */
static u32 descriptor(const struct vmi_ap_state *ap, u32 selector)
{
	u32 at = ap->gdtr_base + (selector & 0xfff8), high;

	if (selector & SELECTOR_LDT || (selector | 7) > ap->gdtr_limit || !(selector & 0xfff8))
		return NO_DESCRIPTOR;
	if (page_walk(at, false) == NO_GPA || page_walk(at + 7, false) == NO_GPA)
		return NO_DESCRIPTOR;
	high = AT(u32, at + 4);
	return high & HIGH_PRESENT ? high : NO_DESCRIPTOR;
}

static bool is_data(const struct vmi_ap_state *ap, u32 selector)
{
	u32 high = descriptor(ap, selector);

	if (selector <= 3)
		return true;
	if (!(high & HIGH_SEGMENT) || (high & HIGH_CODE && !(high & HIGH_RIGHT)))
		return false;
	return (high & HIGH_CODE && high & HIGH_CONFORMING) || HIGH_DPL(high) >= (selector & 3);
}

/* Whether the processor would load these; what faulted here would take the machine down. */
static bool segments_load(const struct vmi_ap_state *ap)
{
	u32 cs = descriptor(ap, ap->cs), ss = descriptor(ap, ap->ss), ldt = descriptor(ap, ap->ldtr);
	u32 mask = HIGH_SEGMENT | HIGH_CODE;

	if ((cs & mask) != mask || HIGH_DPL(cs) != 0 || ap->cs & 3)
		return false;
	if ((ss & mask) != HIGH_SEGMENT || !(ss & HIGH_RIGHT) || HIGH_DPL(ss) != 0 || ap->ss & 3)
		return false;
	if (ap->ldtr > 3 && HIGH_TYPE(ldt) != TYPE_LDT)
		return false;
	return is_data(ap, ap->ds) && is_data(ap, ap->es) && is_data(ap, ap->fs) && is_data(ap, ap->gs);
}

/* Runs in the guest's address space: what this processor has in the ROM begins anew. */
static void begin(struct native_cpu *cpu)
{
	struct alarm *alarms = state()->alarms[cpu - native()->cpus];

	memset(alarms, 0, 2 * sizeof(*alarms));
	cpu->irq0_due = cpu->irq0_sent = cpu->lvtt_due = cpu->lvtt_shot = cpu->lvtt_vector = cpu->in_stub = 0;
	cpu->deadline = cpu->lvtt_deadline = NEVER;
	backend_cpu_init((u32)(cpu - native()->cpus));
	state()->stolen_base[cpu - native()->cpus] = platform_stolen();
}

bool ROMCALL start_enter(struct start *start);

/* The last of C: the interrupt table, and what start.S needs. False if the state can't be entered. */
bool ROMCALL start_enter(struct start *start)
{
	struct native_cpu *cpu = native_cpu_of(cpu_id(1).ebx >> 24);
	const struct vmi_ap_state *ap = &start->ap;
	u32 page = half_gva(HALF_START), base = (u32)(uintptr_t)start;

	if (!cpu || !segments_load(ap))
		return false;
	begin(cpu);
	native_idt_enter(ap->idtr_base, ap->idtr_limit);
	start->gdt_limit = ap->gdtr_limit;
	start->gdt_base = ap->gdtr_base;
	start->target = ap->eip;
	start->target_cs = ap->cs;
	start->lock = (u32)(uintptr_t)pages_lock();
	AT(u16, page + START_GDTR_HIGH) = 8 * 4 - 1;
	AT(u32, page + START_GDTR_HIGH + 2) = page + START_GDT;
	AT(u32, page + START_GDT + START_CS_BASED) = base << 16 | 0xffff;
	AT(u32, page + START_GDT + START_CS_BASED + 4) =
		(base & 0xff000000) | (FLAT_CODE_HIGH & 0x00ffff00) | (base >> 16 & 0xff);
	return true;
}
