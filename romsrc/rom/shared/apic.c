/*
 * Calls 63 and 64 on machines whose local APIC is not the guest's: the registers of one, with what a guest can see
 * of it: priorities, IRR and ISR, EOI, self-IPIs, and LVTT, to which alarms may be wired. Its own timer does not
 * run: alarms take its place. Registers are named by their byte offset in the page.
 */
#include "apic.h"
#include "platform.h"

static u32 *reg(u32 offset)
{
	return &state()->apic.registers[offset >> 4];
}

/* Highest vector of a 256-bit set that starts at this offset, or -1. */
static int highest(u32 offset)
{
	for (int word = 7; word >= 0; word--) {
		u32 bits = *reg(offset + 16 * (u32)word);

		for (int bit = 31; bits != 0 && bit >= 0; bit--)
			if (bits >> bit & 1)
				return word * 32 + bit;
	}
	return -1;
}

static u32 priority(void)
{
	int service = highest(APIC_ISR);
	u32 task = *reg(APIC_TPR) & 0xff;

	if (service >= 0 && ((u32)service >> 4) > (task >> 4))
		return (u32)service & 0xf0;
	return task;
}

static void set(u32 offset, u32 vector)
{
	*reg(offset + 16 * (vector >> 5)) |= 1u << (vector & 31);
}

static void clear(u32 offset, u32 vector)
{
	*reg(offset + 16 * (vector >> 5)) &= ~(1u << (vector & 31));
}

bool apic_has(void)
{
	int wanted = highest(APIC_IRR);

	return wanted >= 0 && ((u32)wanted >> 4) > (priority() >> 4);
}

int apic_next(void)
{
	int vector = highest(APIC_IRR);

	if (!apic_has())
		return -1;
	clear(APIC_IRR, (u32)vector);
	set(APIC_ISR, (u32)vector);
	return vector;
}

static void look(void)
{
	if (apic_has())
		platform_interrupt_pending();
}

static void request(u32 vector)
{
	if (vector < 16) {
		*reg(APIC_ESR) |= 0x40; /* illegal vector received */
		return;
	}
	set(APIC_IRR, vector);
	look();
}

void apic_raise_lvtt(void)
{
	u32 lvtt = *reg(APIC_LVTT);

	if (!(lvtt & APIC_MASKED))
		request(lvtt & 0xff);
}

/* Fixed and lowest-priority IPIs to this processor; the others have no receiver. */
static void send(u32 icr)
{
	u32 mode = icr >> 8 & 7, shorthand = icr >> 18 & 3, to = *reg(APIC_ICR_HIGH) >> 24;
	bool self = shorthand == 1 || shorthand == 2;

	if (shorthand == 0)
		self = to == 0xff || to == *reg(APIC_ID) >> 24;
	if (self && mode <= 1)
		request(icr & 0xff);
}

static void write_lvt(u32 offset, u32 value)
{
	if (!(*reg(APIC_SVR) & APIC_ENABLED))
		value |= APIC_MASKED;
	*reg(offset) = value & 0x000307ff;
}

static void write_svr(u32 value)
{
	*reg(APIC_SVR) = value & 0x3ff;
	if (!(value & APIC_ENABLED))
		for (u32 lvt = APIC_LVTT; lvt <= APIC_LVT_LAST; lvt += 16)
			*reg(lvt) |= APIC_MASKED;
}

static void write(u32 offset, u32 value)
{
	if (offset >= APIC_LVTT && offset <= APIC_LVT_LAST) {
		write_lvt(offset, value);
		return;
	}
	switch (offset) {
	case APIC_EOI:
		if (highest(APIC_ISR) >= 0)
			clear(APIC_ISR, (u32)highest(APIC_ISR));
		break;
	case APIC_SVR:
		write_svr(value);
		break;
	case APIC_ESR:
		*reg(offset) = 0;
		break;
	case APIC_ICR:
		*reg(offset) = value & 0x000ccfff;
		send(value);
		break;
	case APIC_TPR:
		*reg(offset) = value & 0xff;
		break;
	case APIC_ID:
	case APIC_LDR:
	case APIC_ICR_HIGH:
		*reg(offset) = value & 0xff000000;
		break;
	case APIC_DFR:
		*reg(offset) = value | 0x0fffffff;
		break;
	case APIC_TIMER_COUNT:
	case APIC_TIMER_DIVIDE:
		*reg(offset) = value;
		break;
	default:
		break;
	}
}

void ROMCALL vmi_APICWrite(u32 offset, u32 value)
{
	u32 saved;

	if (offset >= APIC_END || offset & 15)
		return;
	saved = platform_irq_save();
	write(offset, value);
	look();
	platform_irq_restore(saved);
}

u32 ROMCALL vmi_APICRead(u32 offset)
{
	if (offset >= APIC_END || offset & 15)
		return 0;
	return offset == APIC_PPR ? priority() : *reg(offset);
}
