/*
 * Calls 63 and 64 where the machine has a local APIC: the hardware's registers.
 *
 * They are memory at FEE00000h, which is mapped wherever the guest likes, if at all. A stock kernel maps the page for
 * itself and says so: SetPxE with CURRENT_AS names the address. That mapping is used as long as the guest's tables
 * have it. Without one, the ROM leaves the guest's page tables for the moment of the access: it makes a copy of the
 * top table with one entry more, in its own pages, that leads to the registers.
 *
 * Where there is no such APIC (or it is in x2APIC mode, which no guest of VMI knows), the virtual one of shared/apic.c
 * stands in.
 */
#include "cpu.h"
#include "io.h"
#include "lapic.h"
#include "pages.h"
#include "paging.h"
#include "platform.h"

#define REGISTERS_END 0x400u
#define LINEAR_MAX 0x38000000u /* gpa: page tables above are in no linear map */
#define ADDRESS 0xfffff000u
#define TOP_BITS 30
#define SEND_POLLS 100000u

bool lapic_present(void)
{
	return native()->apic_gpa != 0;
}

void lapic_detect(void)
{
	u64 base;

	native()->apic_gpa = 0;
	for (u32 at = 0; native()->count == 1 && at < PAGE_SIZE * 3; at += 4)
		AT(u32, half_gva(HALF_START) + at) = 0; /* what the BIOS left there */
	if (!(cpu_id(1).edx & NATIVE_CPUID_APIC))
		return;
	base = cpu_read_msr(NATIVE_MSR_APIC_BASE);
	if ((base & (NATIVE_APIC_BASE_ENABLE | NATIVE_APIC_BASE_X2APIC)) == NATIVE_APIC_BASE_ENABLE && base >> 32 == 0)
		native()->apic_gpa = (u32)base & ADDRESS;
}

/* An entry of a table at gpa, or 0. With PAE frames above 4 GiB are none of ours. */
static u32 entry(u32 table, u32 index, bool pae)
{
	if (table >= LINEAR_MAX)
		return 0;
	if (!pae)
		return AT(u32, table + alias() + 4 * index);
	if (AT(u32, table + alias() + 8 * index + 4) & 0x7fffffff)
		return 0;
	return AT(u32, table + alias() + 8 * index);
}

u32 page_walk(u32 gva, bool write)
{
	bool pae = (cpu_cr4() & NATIVE_CR4_PAE) != 0;
	u32 at = cpu_cr3() & (pae ? 0xffffffe0u : ADDRESS), value, large = pae ? 0x1fffffu : 0x3fffffu;
	u32 need = NATIVE_PTE_PRESENT | (write ? NATIVE_PTE_WRITE : 0);

	if (pae) {
		value = entry(at, gva >> TOP_BITS, true);
		if (!(value & NATIVE_PTE_PRESENT))
			return NO_GPA;
		at = value & ADDRESS;
	}
	value = entry(at, pae ? gva >> 21 & 511 : gva >> 22, pae);
	if ((value & need) != need)
		return NO_GPA;
	if (value & NATIVE_PTE_LARGE)
		return (value & ~large & ADDRESS) | (gva & large);
	value = entry(value & ADDRESS, gva >> PAGE_SHIFT & (pae ? 511 : 1023), pae);
	return (value & need) == need ? (value & ADDRESS) | (gva & (PAGE_SIZE - 1)) : NO_GPA;
}

/* In the user's half it is one process's affair. */
void ROMCALL native_apic_mapped(u32 gva)
{
	gva &= ADDRESS;
	if (gva >= alias())
		native()->apic_gva = gva;
}

#define STACK_LEFT 1024u /* bytes of stack that are in use below */

/* The number of a top entry (of 1 GiB or 4 MiB) that neither the ROM, its state nor the stack in use need. */
static u32 spare(u32 shift)
{
	u32 stack = (u32)(uintptr_t)__builtin_frame_address(0), number = 0;

	while (number == rom_base() >> shift || number == half_gva(0) >> shift || number == stack >> shift ||
	       number == (stack - STACK_LEFT) >> shift)
		number++;
	return number;
}

/* The lock of the pages is held; where the APIC's page is once CR3 is loaded with *root. */
static u32 make_tables(u32 *root)
{
	bool pae = (cpu_cr4() & NATIVE_CR4_PAE) != 0;
	u32 top = half_gva(HALF_TOP), below = half_gva(HALF_BELOW), apic = native()->apic_gpa;
	u32 from = (cpu_cr3() & (pae ? 0xffffffe0u : ADDRESS)) + alias(), words = pae ? 8 : 1024, which;
	u32 bits = NATIVE_PTE_PRESENT | NATIVE_PTE_WRITE | NATIVE_PTE_NO_CACHE | NATIVE_PTE_WRITE_THROUGH;

	for (u32 i = 0; i < words; i++)
		AT(u32, top + 4 * i) = AT(u32, from + 4 * i);
	*root = top - alias();
	if (pae) {
		which = spare(TOP_BITS);
		AT(u64, top + 8 * which) = (below - alias()) | NATIVE_PTE_PRESENT;
		AT(u64, below + 8 * (apic >> 21 & 511)) = (apic & ~0x1fffffu) | bits | NATIVE_PTE_LARGE;
		return which << TOP_BITS | (apic & 0x3fffffffu);
	}
	which = spare(22);
	AT(u32, top + 4 * which) = (below - alias()) | NATIVE_PTE_PRESENT | NATIVE_PTE_WRITE;
	AT(u32, below + 4 * (apic >> 12 & 1023)) = apic | bits;
	return which << 22 | (apic & 0x3fffffu);
}

void lapic_open(struct lapic *apic)
{
	struct native_state *n = native();
	u32 root;

	apic->switched = false;
	apic->gva = n->apic_gva;
	if (apic->gva != 0 && page_walk(apic->gva, true) == n->apic_gpa)
		return;
	apic->cr3 = cpu_cr3();
	if (apic->cr3 >= LINEAR_MAX) {
		apic->gva = 0;
		return;
	}
	lock(pages_lock());
	apic->gva = make_tables(&root);
	apic->switched = true;
	cpu_set_cr3(root);
	cpu_invlpg(apic->gva);
}

void lapic_close(const struct lapic *apic)
{
	if (!apic->switched)
		return;
	cpu_set_cr3(apic->cr3);
	release(pages_lock());
}

u32 lapic_read(u32 offset)
{
	struct lapic apic;
	u32 saved = irq_save(), value = 0;

	lapic_open(&apic);
	if (apic.gva != 0)
		value = AT(u32, apic.gva + offset);
	lapic_close(&apic);
	irq_restore(saved);
	return value;
}

void lapic_write(u32 offset, u32 value)
{
	struct lapic apic;
	u32 saved = irq_save();

	lapic_open(&apic);
	if (apic.gva != 0)
		AT(u32, apic.gva + offset) = value;
	lapic_close(&apic);
	irq_restore(saved);
}

bool lapic_in_service(u32 vector, bool *expired)
{
	struct lapic apic;
	u32 bits = 0;

	lapic_open(&apic);
	if (apic.gva != 0) {
		bits = AT(u32, apic.gva + NATIVE_APIC_ISR + 16 * (vector >> 5));
		*expired = AT(u32, apic.gva + NATIVE_APIC_CURRENT_COUNT) == 0;
	}
	lapic_close(&apic);
	return (bits >> (vector & 31) & 1) != 0;
}

static void wait_sent(u32 gva)
{
	for (u32 i = 0; i < SEND_POLLS && AT(u32, gva + NATIVE_APIC_ICR_LOW) & NATIVE_APIC_ICR_PENDING; i++)
		;
}

/* The guest may have been interrupted between its two writes: the upper half is put back. */
void lapic_send(u32 apic_id, u32 icr)
{
	struct lapic apic;
	u32 saved = irq_save(), before;

	lapic_open(&apic);
	if (apic.gva != 0) {
		before = AT(u32, apic.gva + NATIVE_APIC_ICR_HIGH);
		wait_sent(apic.gva);
		AT(u32, apic.gva + NATIVE_APIC_ICR_HIGH) = apic_id << 24;
		AT(u32, apic.gva + NATIVE_APIC_ICR_LOW) = icr;
		wait_sent(apic.gva);
		AT(u32, apic.gva + NATIVE_APIC_ICR_HIGH) = before;
	}
	lapic_close(&apic);
	irq_restore(saved);
}

static bool is_startup(u32 icr)
{
	return (icr & NATIVE_APIC_FIELD_DELIVERY) == NATIVE_APIC_DELIVERY_STARTUP;
}

static void write(u32 offset, u32 value)
{
	u32 saved;

	if (offset == NATIVE_APIC_ICR_LOW && is_startup(value)) {
		value = start_redirect(value, lapic_read(NATIVE_APIC_ICR_HIGH) >> 24);
		if (value == 0)
			return;
	}
	if (offset == NATIVE_APIC_INITIAL_COUNT)
		native_cpu()->lvtt_vector = 0; /* the guest has the timer for itself now */
	lapic_write(offset, value);
	if (offset == NATIVE_APIC_LVTT) { /* an alarm may have waited for it */
		saved = platform_irq_save();
		alarm_tick();
		platform_irq_restore(saved);
	}
}

void ROMCALL vmi_APICWrite(u32 offset, u32 value)
{
	if (!lapic_present())
		apic_write(offset, value);
	else if (offset < REGISTERS_END && !(offset & 15))
		write(offset, value);
}

u32 ROMCALL vmi_APICRead(u32 offset)
{
	if (!lapic_present())
		return apic_read(offset);
	return offset < REGISTERS_END && !(offset & 15) ? lapic_read(offset) : 0;
}

void apic_raise_lvtt(void)
{
	if (lapic_present())
		native_cpu()->lvtt_due = 1;
	else
		apic_request_lvtt();
}
