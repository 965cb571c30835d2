/*
 * Several processors, brought up as Linux's smpboot.c does it through VMI: INIT, SetInitialAPState, two STARTUPs with
 * the kernel's own vector. Each looks at the registers it was given, sets itself up as any processor does, and then
 * does what it is told: alarms of its own, interrupts to others, the flush of translations, lazy modes.
 */
#include "native_asm.h"
#include "probe.h"

#define TRAMPOLINE 0x8000u /* gpa */
#define TRAMPOLINE_MARK 0x80u
#define CR0_AP 0x80050023u
#define PATTERN(n) (0x01010101u * (n))
#define SECONDS_UP 8u

enum { FIRST_EDI, FIRST_ESI, FIRST_EBP, FIRST_ESP, FIRST_EBX, FIRST_EDX, FIRST_ECX, FIRST_EAX, FIRST_FLAGS };

extern u8 ap_entry[], trampoline[], trampoline_end[];
void ipi(void);
void CALLCONV ap_main(const u32 *first) __attribute__((noreturn));

static struct vmi_ap_state given;
static u32 number_of_cpus;

/* The only kind of IPI here: whoever gets one looks what it has to do. */
void ipi(void)
{
	struct percpu *cpu = this_cpu();

	cpu->ipis++;
	call(APICWrite, NATIVE_APIC_EOI, 0, 0);
}

static void write(u32 offset, u32 value)
{
	call(APICWrite, offset, value, 0);
}

static void pause_ms(u32 ms)
{
	u64 end = now() + milliseconds(ms);

	while (now() < end)
		;
}

/* Spin, for what another processor does comes without an interrupt here. */
static bool becomes(volatile u32 *what, u32 value)
{
	u64 end = now() + SECONDS_UP * hz;

	while (*what != value)
		if (now() > end)
			return false;
	return true;
}

static void icr(u32 number, u32 value)
{
	write(NATIVE_APIC_ICR_HIGH, number << 24);
	write(NATIVE_APIC_ICR_LOW, value);
	for (u32 n = 0; n < 1000 && call(APICRead, NATIVE_APIC_ICR_LOW, 0, 0) & NATIVE_APIC_ICR_PENDING; n++)
		;
}

static void init_ipi(u32 number)
{
	write(NATIVE_APIC_ESR, 0);
	icr(number, NATIVE_APIC_ICR_LEVEL | NATIVE_APIC_ICR_ASSERT | NATIVE_APIC_DELIVERY_INIT);
	pause_ms(2);
	icr(number, NATIVE_APIC_ICR_LEVEL | NATIVE_APIC_DELIVERY_INIT);
}

/* With the kernel's own trampoline, which must not be entered. */
static void startup_ipi(u32 number)
{
	for (u32 n = 0; n < 2; n++) {
		write(NATIVE_APIC_ESR, 0);
		icr(number, NATIVE_APIC_DELIVERY_STARTUP | TRAMPOLINE / PAGE);
		pause_ms(1);
	}
}

static void prepare_trampoline(void)
{
	u8 *to = GVA(TRAMPOLINE);

	for (u32 n = 0; n < (u32)(trampoline_end - trampoline); n++)
		to[n] = trampoline[n];
	*(volatile u32 *)(to + TRAMPOLINE_MARK) = 0;
}

static bool trampoline_ran(void)
{
	return *(volatile u32 *)GVA(TRAMPOLINE + TRAMPOLINE_MARK) != 0;
}

/* As vmi_startup_ipi_hook fills it; the general registers are told apart here. */
static void fill(struct percpu *cpu)
{
	given = (struct vmi_ap_state){
		.cr0 = CR0_AP, .cr2 = 0xC2C2C000 + cpu->number, .cr3 = root(), .cr4 = (u32)call(GetCR4, 0, 0, 0),
		.efer = pae && has_nx() ? NATIVE_EFER_NXE : 0, .eip = (u32)(uintptr_t)ap_entry, .eflags = 0,
		.eax = PATTERN(1), .ebx = PATTERN(2), .ecx = PATTERN(3), .edx = PATTERN(4),
		.esp = (u32)(uintptr_t)(cpu->stack + sizeof(cpu->stack)), .ebp = PATTERN(5), .esi = PATTERN(6), .edi = PATTERN(7),
		.cs = PROBE_CS, .ss = PROBE_DS, .ds = PROBE_USER_DS, .es = PROBE_USER_DS, .fs = PROBE_PERCPU, .gs = 0,
		.gdtr_limit = sizeof(cpu->gdt) - 1, .gdtr_base = (u32)(uintptr_t)cpu->gdt,
		.idtr_base = (u32)(uintptr_t)idt, .idtr_limit = sizeof(idt) - 1,
	};
}

static void start(struct percpu *cpu)
{
	init_ipi(cpu->number);
	fill(cpu);
	call(SetInitialAPState, (uintptr_t)&given, cpu->number, 0);
	startup_ipi(cpu->number);
}

/* An emulator that is short of time may bring the STARTUP of before behind the new INIT; then once more. */
static bool comes_up(struct percpu *cpu)
{
	for (u32 n = 0; n < 3; n++) {
		start(cpu);
		if (becomes(&cpu->online, 1))
			return true;
		say("~ once more\n");
	}
	return false;
}

/* A processor that was given nothing, or what can't be, does not start. */
static void refused(struct percpu *cpu)
{
	init_ipi(cpu->number);
	startup_ipi(cpu->number);
	check(!cpu->online && !trampoline_ran(), "a processor that was given no state does not start");
	fill(cpu);
	given.cr0 &= ~NATIVE_CR0_PG;
	call(SetInitialAPState, (uintptr_t)&given, cpu->number, 0);
	startup_ipi(cpu->number);
	check(!cpu->online && !trampoline_ran(), "nor one whose state has no paging");
	fill(cpu);
	given.cs = PROBE_DS;
	init_ipi(cpu->number);
	call(SetInitialAPState, (uintptr_t)&given, cpu->number, 0);
	startup_ipi(cpu->number);
	pause_ms(20);
	check(!cpu->online && !trampoline_ran(), "nor one whose code segment is data");
}

/* ---- on the other processors ---- */

static u32 control(u32 which)
{
	u32 value = 0;

	switch (which) {
	case 0:
		__asm__ volatile("movl %%cr0, %0" : "=r"(value));
		break;
	case 2:
		__asm__ volatile("movl %%cr2, %0" : "=r"(value));
		break;
	case 3:
		__asm__ volatile("movl %%cr3, %0" : "=r"(value));
		break;
	default:
		__asm__ volatile("movl %%cr4, %0" : "=r"(value));
	}
	return value;
}

static u64 msr(u32 number)
{
	u64 value;

	__asm__ volatile("rdmsr" : "=A"(value) : "c"(number));
	return value;
}

static bool segments_right(const struct percpu *cpu)
{
	u32 cs, ss, ds, es, fs, gs, tr, ldt;
	struct vmi_dtr table;

	__asm__ volatile("movl %%cs, %0; movl %%ss, %1; movl %%ds, %2" : "=r"(cs), "=r"(ss), "=r"(ds));
	__asm__ volatile("movl %%es, %0; movl %%fs, %1; movl %%gs, %2" : "=r"(es), "=r"(fs), "=r"(gs));
	__asm__ volatile("strl %0; sldtl %1; sgdt %2" : "=r"(tr), "=r"(ldt), "=m"(table));
	return cs == PROBE_CS && ss == PROBE_DS && ds == PROBE_USER_DS && es == PROBE_USER_DS && fs == PROBE_PERCPU && gs == 0 &&
	       tr == 0 && ldt == 0 && table.base == (u32)(uintptr_t)cpu->gdt && table.limit == sizeof(cpu->gdt) - 1 &&
	       this_cpu() == cpu;
}

enum { BAD_GENERAL = 1, BAD_CONTROL = 2, BAD_SEGMENTS = 4, BAD_TABLE = 8, BAD_REST = 16 };

/* What differs from the state that was given. Before anything else is done here. */
static u32 differences(const struct percpu *cpu, const u32 *first)
{
	u32 esp = (u32)(uintptr_t)(cpu->stack + sizeof(cpu->stack)), wrong = 0;
	struct vmi_dtr table;
	u16 fpu;
	u32 dr7;

	if (first[FIRST_EAX] != PATTERN(1) || first[FIRST_EBX] != PATTERN(2) || first[FIRST_ECX] != PATTERN(3) ||
	    first[FIRST_EDX] != PATTERN(4) || first[FIRST_EBP] != PATTERN(5) || first[FIRST_ESI] != PATTERN(6) ||
	    first[FIRST_EDI] != PATTERN(7) || first[FIRST_ESP] != esp - 4 || first[FIRST_FLAGS] != 2)
		wrong |= BAD_GENERAL;
	if (control(0) != (CR0_AP | NATIVE_CR0_ET) || control(2) != 0xC2C2C000 + cpu->number || control(3) != root() || control(4) != given.cr4 ||
	    (pae && has_nx() && msr(NATIVE_MSR_EFER) != NATIVE_EFER_NXE))
		wrong |= BAD_CONTROL;
	if (!segments_right(cpu))
		wrong |= BAD_SEGMENTS;
	call(GetIDT, (uintptr_t)&table, 0, 0);
	if (table.base != (u32)(uintptr_t)idt || table.limit != sizeof(idt) - 1)
		wrong |= BAD_TABLE;
	__asm__ volatile("movl %%dr7, %0; fnstcw %1" : "=r"(dr7), "=m"(fpu));
	if (msr(NATIVE_MSR_SYSENTER_CS) != 0 || dr7 != 0x400 || (fpu != 0x37f && fpu != 0x40) ||
	    !(call(APICRead, NATIVE_APIC_LVTT, 0, 0) & NATIVE_APIC_LVT_MASKED))
		wrong |= BAD_REST;
	return wrong;
}

/* cpu_init, smp_callin and the secondary clock. */
static void set_up(struct percpu *cpu)
{
	struct vmi_dtr gdt_register = {.limit = sizeof(cpu->gdt) - 1, .base = (u32)(uintptr_t)cpu->gdt};
	struct vmi_dtr idt_register = {.limit = sizeof(idt) - 1, .base = (u32)(uintptr_t)idt};

	call5(VMI_CALL_SetLinearMapping, 0, (u32)BASE, 8192, 0, 0);
	call(SetGDT, (uintptr_t)&gdt_register, 0, 0);
	call(SetIDT, (uintptr_t)&idt_register, 0, 0);
	load_tss(cpu);
	call(SetLDT, 0, 0, 0);
	apic_enable(false);
	call(SetCR3, root(), 0, 0);
	call(FlushTLB, VMI_FLUSH_TLB_TLB | VMI_FLUSH_TLB_GLOBAL, 0, 0);
	write(NATIVE_APIC_LVTT, TIMER_VECTOR);
}

void CALLCONV ap_main(const u32 *first)
{
	struct percpu *cpu = this_cpu();

	cpu->value = differences(cpu, first);
	set_up(cpu);
	cpu->online = 1;
	for (;;) {
		__asm__ volatile("cli" : : : "memory");
		if (cpu->command == cpu->done) {
			call(Halt, 0, 0, 0);
			cpu->wakes++;
			continue;
		}
		cpu->work(cpu);
		cpu->done = cpu->command;
	}
}

/* ---- what they are told to do; interrupts are off at the start ---- */

static void tell(struct percpu *cpu, void (*work)(struct percpu *))
{
	cpu->work = work;
	cpu->command++;
	apic_ipi(cpu->number, NATIVE_APIC_ICR_ASSERT | IPI_VECTOR);
}

static bool finished(struct percpu *cpu)
{
	return becomes(&cpu->done, cpu->command);
}

static bool all(void (*work)(struct percpu *))
{
	bool good = true;

	for (u32 n = 1; n < number_of_cpus; n++)
		tell(&percpu[n], work);
	for (u32 n = 1; n < number_of_cpus; n++)
		good = finished(&percpu[n]) && percpu[n].value == 1 && good;
	return good;
}

static bool ticks_reach(struct percpu *cpu, u32 target)
{
	return wait(&cpu->ticks, target);
}

static void one_alarm(struct percpu *cpu)
{
	u32 before = cpu->ticks;
	u64 due = now() + milliseconds(5);

	alarm(VMI_ALARM_WIRED_LVTT, due, 0);
	cpu->value = ticks_reach(cpu, before + 1) && now() >= due;
}

static void one_past(struct percpu *cpu)
{
	u32 before = cpu->ticks;

	alarm(VMI_ALARM_WIRED_LVTT, now() - 1, 0);
	cpu->value = ticks_reach(cpu, before + 1);
}

static void many_alarms(struct percpu *cpu)
{
	u32 before = cpu->ticks;

	alarm(VMI_ALARM_PERIODIC | VMI_ALARM_WIRED_LVTT, now(), milliseconds(2));
	cpu->value = ticks_reach(cpu, before + 6);
	cpu->value &= (u32)call(CancelAlarm, VMI_ALARM_PERIODIC | VMI_ALARM_WIRED_LVTT, 0, 0);
}

static void one_by_irq0(struct percpu *cpu)
{
	u32 before = cpu->ticks;
	u64 due = now() + milliseconds(5);

	alarm(0, due, 0);
	cpu->value = ticks_reach(cpu, before + 1) && now() >= due;
}

static volatile u64 exchanged;
static volatile u32 turn;

static void counter_here(struct percpu *cpu)
{
	cpu->value = 1;
	for (u32 n = 0; n < 100; n++) {
		if (!becomes(&turn, 2 * n + 1))
			cpu->value = 0;
		exchanged = now();
		turn = 2 * n + 2;
	}
}

static void counter_check(struct percpu *cpu)
{
	bool good = true;

	turn = 0;
	tell(cpu, counter_here);
	for (u32 n = 0; n < 100 && good; n++) {
		u64 before = now();

		turn = 2 * n + 1;
		good = becomes(&turn, 2 * n + 2) && before <= exchanged && exchanged <= now();
	}
	check(good && finished(cpu) && cpu->value, "the real counter is one and the same on both processors");
}

static volatile u32 flush_wanted;

/* Reads the old page until the interrupt comes that tells it to flush, and then the new one. */
static void flushed(struct percpu *cpu)
{
	u32 ipis = cpu->ipis, old = *(volatile u32 *)(uintptr_t)REMAPPED;

	flush_wanted = 1;
	cpu->value = wait(&cpu->ipis, ipis + 1);
	call(InvalPage, REMAPPED, 0, 0);
	cpu->value &= old == REMAP_WORD(0) && *(volatile u32 *)(uintptr_t)REMAPPED == REMAP_WORD(1);
}

static void flush_check(struct percpu *cpu)
{
	bool good;

	remap(0);
	flush_wanted = 0;
	tell(cpu, flushed);
	good = becomes(&flush_wanted, 1);
	remap(1);
	apic_ipi(cpu->number, NATIVE_APIC_ICR_ASSERT | IPI_VECTOR);
	check(finished(cpu) && good && cpu->value, "a changed page is seen by another processor once an IPI has made it flush");
}

/* Two processors in lazy modes of their own, each with a table of its own. */
static void lazy(struct percpu *cpu)
{
	static u64 tables[CPUS][512] __attribute__((aligned(4096)));
	u64 *table = tables[cpu->number];

	cpu->value = 1;
	for (u32 round = 0; round < 50; round++) {
		call(SetLazyMode, VMI_LAZY_MODE_MMU, 0, 0);
		for (u32 i = 0; i < 8; i++)
			set_entry((u8 *)table + i * (pae ? 8 : 4), (round + i) * PAGE | ENTRY, VMI_PAGE_TYPE_PT);
		call(SetLazyMode, VMI_LAZY_MODE_NONE, 0, 0);
		for (u32 i = 0; i < 8; i++)
			cpu->value &= (pae ? (u32)table[i] : ((u32 *)table)[i]) == ((round + i) * PAGE | ENTRY);
	}
}

static void lazy_check_both(struct percpu *cpu)
{
	tell(cpu, lazy);
	lazy(&percpu[0]);
	check(finished(cpu) && cpu->value && percpu[0].value, "lazy modes of two processors at once do not disturb each other");
}

/* A processor is taken off line: interrupts off, HLT, by its own instructions. */
static void off(struct percpu *cpu)
{
	cpu->online = 0;
	cpu->done = cpu->command;
	for (;;)
		__asm__ volatile("cli; hlt");
}

static void hotplug_check(struct percpu *cpu)
{
	tell(cpu, off);
	check(becomes(&cpu->online, 0), "a processor is taken off line");
	check(comes_up(cpu) && cpu->value == 0, "and comes back with the registers it is given");
	tell(cpu, one_alarm);
	check(finished(cpu) && cpu->value, "and with its alarms");
}

static void alarms_check(void)
{
	u32 before = percpu[0].ticks, good = 0, own;

	__asm__ volatile("sti");
	check(all(one_alarm), "each processor has its alarm, wired to its own LVTT, not before its time");
	check(all(one_past), "and at once where its time has passed");
	check(all(many_alarms), "and periodic ones, all at the same time");
	check(all(one_by_irq0), "and one wired to interrupt 0");
	__asm__ volatile("cli");
	check(percpu[0].ticks == before, "none of them came to the first processor");
	for (u32 n = 1; n < number_of_cpus; n++)
		good += percpu[n].ticks;
	own = ticks;
	alarm(VMI_ALARM_WIRED_LVTT, now() + milliseconds(3), 0);
	check(wait(&ticks, own + 1), "the first processor has its own");
	for (u32 n = 1; n < number_of_cpus; n++)
		good -= percpu[n].ticks;
	check(good == 0, "and that came to no other");
}

static void registers_check(void)
{
	u32 wrong = 0;

	for (u32 n = 1; n < number_of_cpus; n++)
		wrong |= percpu[n].value;
	check(!(wrong & BAD_GENERAL), "general registers and flags are those of the APState");
	check(!(wrong & BAD_CONTROL), "control registers are those of the APState");
	check(!(wrong & BAD_SEGMENTS), "segments and tables are those of the APState");
	check(!(wrong & BAD_TABLE), "GetIDT tells the table of the APState");
	check(!(wrong & BAD_REST), "what APState does not hold is as after power-on");
}

void smp_check(u32 cpus)
{
	bool up = true;

	number_of_cpus = cpus < CPUS ? cpus : CPUS;
	if (!translated(VMI_CALL_SetInitialAPState)) {
		check(false, "SetInitialAPState is translated");
		return;
	}
	prepare_trampoline();
	for (u32 n = 1; n < number_of_cpus; n++)
		percpu_prepare(&percpu[n], n);
	refused(&percpu[1]);
	for (u32 n = 1; n < number_of_cpus; n++) {
		up = comes_up(&percpu[n]) && up;
	}
	check(up && !trampoline_ran(), "every processor starts, at the place its APState names");
	if (!up)
		return;
	registers_check();
	alarms_check();
	counter_check(&percpu[1]);
	flush_check(&percpu[1]);
	lazy_check_both(&percpu[1]);
	hotplug_check(&percpu[number_of_cpus - 1]);
}
