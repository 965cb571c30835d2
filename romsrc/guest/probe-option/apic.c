/*
 * The local APIC and the IO-APIC as a stock kernel takes them up: its page mapped in the fixmap, registers through the
 * ROM, IPIs past it; interrupt 0 first through the 8259 and the virtual wire, then through the IO-APIC, and at last
 * the alarms' own wiring, LVTT, at the very same vector.
 */
#include "native_asm.h"
#include "probe.h"

#define EXTENDED_LEAF 0x80000000u
#define EXTENDED_NX (1u << 20) /* in EDX */
#define EXTINT_ON NATIVE_APIC_DELIVERY_EXTINT
#define LVT_NMI 0x400u
#define IPI_POLLS 1000000u
#define PIC_MASTER_DATA 0x21
#define PIC_ALL_MASKED 0xff

static volatile u8 *page, *io_page; /* of the two APICs */

static u32 read(u32 offset)
{
	return (u32)call(APICRead, offset, 0, 0);
}

static void write(u32 offset, u32 value)
{
	call(APICWrite, offset, value, 0);
}

static u32 raw(u32 offset)
{
	return *(volatile u32 *)(page + offset);
}

bool has_apic(void)
{
	u32 eax = 1, ebx, ecx = 0, edx;

	__asm__ volatile("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
	return (edx & NATIVE_CPUID_APIC) != 0;
}

bool has_nx(void)
{
	u32 eax = EXTENDED_LEAF, ebx, ecx = 0, edx;

	__asm__ volatile("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
	if (eax <= EXTENDED_LEAF)
		return false;
	eax = EXTENDED_LEAF + 1;
	__asm__ volatile("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
	return (edx & EXTENDED_NX) != 0;
}

/* Raw, for the page is mapped: what Linux does for all IPIs but those that start a processor. */
void apic_ipi(u32 destination, u32 icr)
{
	for (u32 n = 0; n < IPI_POLLS && raw(NATIVE_APIC_ICR_LOW) & NATIVE_APIC_ICR_PENDING; n++)
		;
	if (!(icr & NATIVE_APIC_FIELD_SHORTHAND))
		*(volatile u32 *)(page + NATIVE_APIC_ICR_HIGH) = destination << 24;
	*(volatile u32 *)(page + NATIVE_APIC_ICR_LOW) = icr;
}

/* The local APIC of the calling processor; the first one takes the 8259's interrupts and the NMI. */
void apic_enable(bool first)
{
	write(NATIVE_APIC_DFR, 0xffffffff);
	write(NATIVE_APIC_LDR, (1u << this_cpu()->number) << 24);
	write(NATIVE_APIC_TPR, read(NATIVE_APIC_TPR) & ~0xffu);
	write(NATIVE_APIC_SPURIOUS, NATIVE_APIC_SPURIOUS_ENABLED | SPURIOUS_VECTOR);
	write(NATIVE_APIC_LVT0, EXTINT_ON | (first ? 0 : NATIVE_APIC_LVT_MASKED));
	write(NATIVE_APIC_LVT1, LVT_NMI | (first ? 0 : NATIVE_APIC_LVT_MASKED));
	write(NATIVE_APIC_ESR, 0);
	read(NATIVE_APIC_ESR);
}

static u32 io_read(u32 number)
{
	*(volatile u32 *)(io_page + NATIVE_IO_APIC_SELECT) = number;
	return *(volatile u32 *)(io_page + NATIVE_IO_APIC_WINDOW);
}

static void io_write(u32 number, u32 value)
{
	*(volatile u32 *)(io_page + NATIVE_IO_APIC_SELECT) = number;
	*(volatile u32 *)(io_page + NATIVE_IO_APIC_WINDOW) = value;
}

/* Interrupt 0 comes in by input 2; the others stay masked, and the 8259 is out of it. */
static void route(void)
{
	u32 inputs = (io_read(NATIVE_IO_APIC_VERSION) >> 16 & 0xff) + 1;

	for (u32 n = 0; n < inputs; n++) {
		io_write(NATIVE_IO_APIC_ENTRIES + 2 * n, NATIVE_IO_APIC_MASKED);
		io_write(NATIVE_IO_APIC_ENTRIES + 2 * n + 1, 0);
	}
	write(NATIVE_APIC_LVT0, EXTINT_ON | NATIVE_APIC_LVT_MASKED);
	out8(PIC_MASTER_DATA, PIC_ALL_MASKED);
	ack_apic = true;
	io_write(NATIVE_IO_APIC_ENTRIES + 2 * NATIVE_IO_APIC_TIMER_INPUT, TIMER_VECTOR);
}

static void ipi_to_itself(void)
{
	struct percpu *cpu = this_cpu();
	u32 before = cpu->ipis;

	apic_ipi(0, NATIVE_APIC_SHORTHAND_SELF | NATIVE_APIC_ICR_ASSERT | IPI_VECTOR);
	check(cpu->ipis == before, "an interrupt to oneself waits while interrupts are off");
	check(wait(&cpu->ipis, before + 1), "and comes when they are on");
}

/* What fell due while interrupts were off comes now. */
static void let_come(void)
{
	u64 end = now() + milliseconds(2);

	__asm__ volatile("sti");
	while (now() < end)
		;
	__asm__ volatile("cli");
}

/* Timer modes change as Linux changes them: periodic, cancelled, one-shot, cancelled before its time, one-shot. */
static void modes_check(void)
{
	u32 wiring = VMI_ALARM_WIRED_LVTT, before = ticks;
	u64 late;

	alarm(VMI_ALARM_PERIODIC | wiring, now(), milliseconds(4));
	check(wait(&ticks, before + 3), "the first mode is periodic");
	call(CancelAlarm, VMI_ALARM_PERIODIC | wiring, 0, 0);
	alarm(wiring, now() + milliseconds(1000), 0);
	check((u32)call(CancelAlarm, wiring, 0, 0) == 1, "a one-shot alarm before its time is cancelled");
	let_come();
	before = ticks;
	alarm(wiring, now() + milliseconds(200), 0);
	alarm(wiring, now() + milliseconds(3), 0);
	late = now() + milliseconds(100);
	check(wait(&ticks, before + 1) && now() < late + 8 * hz, "a later SetAlarm takes the place of the one before");
	write(NATIVE_APIC_LVTT, read(NATIVE_APIC_LVTT) | NATIVE_APIC_LVT_MASKED);
	before = ticks;
	alarm(wiring, now() + milliseconds(2), 0);
	late = now() + milliseconds(12);
	__asm__ volatile("sti");
	while (now() < late)
		;
	__asm__ volatile("cli");
	check(ticks == before, "nothing comes while LVTT is masked");
	write(NATIVE_APIC_LVTT, read(NATIVE_APIC_LVTT) & ~NATIVE_APIC_LVT_MASKED);
	check(wait(&ticks, before + 1), "and what fell due comes when it is unmasked");
}

static u64 available(void)
{
	return call(GetCycleCounter, VMI_COUNTER_AVAILABLE, 0, 0);
}

void apic_check(void)
{
	u64 before;

	page = fixmap(0, NATIVE_APIC_BASE);
	io_page = fixmap(1, NATIVE_IO_APIC_BASE);
	check(read(NATIVE_APIC_VERSION) == raw(NATIVE_APIC_VERSION) && (raw(NATIVE_APIC_VERSION) & 0xf0) == 0x10,
	      "APICRead reads the register that stands in the APIC's page");
	apic_enable(true);
	check((raw(NATIVE_APIC_SPURIOUS) & 0x1ff) == (NATIVE_APIC_SPURIOUS_ENABLED | SPURIOUS_VECTOR),
	      "and APICWrite writes it");
	wired(0, &ticks, "an alarm wired to interrupt 0 comes by the 8259 and the virtual wire", "again and again");
	route();
	wired(0, &ticks, "an alarm wired to interrupt 0 comes through the IO-APIC", "again and again, too");
	write(NATIVE_APIC_LVTT, TIMER_VECTOR);
	wired(VMI_ALARM_WIRED_LVTT, &ticks, "with LVTT at the same vector an alarm comes by the APIC's timer", "and periodically");
	modes_check();
	ipi_to_itself();
	before = available();
	check(available() >= before, "the clock of the scheduler does not run backwards");
	check(raw(NATIVE_APIC_ISR + 16 * (TIMER_VECTOR / 32)) == 0, "no interrupt is left in service");
}
