/*
 * A local APIC for machines that have none of the guest's: the registers of one, with what a guest can see
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
	int service = highest(NATIVE_APIC_ISR);
	u32 task = *reg(NATIVE_APIC_TPR) & 0xff;

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
	int wanted = highest(NATIVE_APIC_IRR);

	return wanted >= 0 && ((u32)wanted >> 4) > (priority() >> 4);
}

int apic_next(void)
{
	int vector = highest(NATIVE_APIC_IRR);

	if (!apic_has())
		return -1;
	clear(NATIVE_APIC_IRR, (u32)vector);
	set(NATIVE_APIC_ISR, (u32)vector);
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
		*reg(NATIVE_APIC_ESR) |= 0x40; /* illegal vector received */
		return;
	}
	set(NATIVE_APIC_IRR, vector);
	look();
}

void apic_request_lvtt(void)
{
	u32 lvtt = *reg(NATIVE_APIC_LVTT);

	if (!(lvtt & NATIVE_APIC_LVT_MASKED))
		request(lvtt & 0xff);
}

/* Fixed and lowest-priority IPIs to this processor; the others have no receiver. */
static void send(u32 icr)
{
	u32 mode = icr >> 8 & 7, shorthand = icr >> 18 & 3, to = *reg(NATIVE_APIC_ICR_HIGH) >> 24;
	bool self = shorthand == 1 || shorthand == 2;

	if (shorthand == 0)
		self = to == 0xff || to == *reg(NATIVE_APIC_ID) >> 24;
	if (self && mode <= 1)
		request(icr & 0xff);
}

static void write_lvt(u32 offset, u32 value)
{
	if (!(*reg(NATIVE_APIC_SPURIOUS) & NATIVE_APIC_SPURIOUS_ENABLED))
		value |= NATIVE_APIC_LVT_MASKED;
	*reg(offset) = value & 0x000307ff;
}

static void write_svr(u32 value)
{
	*reg(NATIVE_APIC_SPURIOUS) = value & 0x3ff;
	if (!(value & NATIVE_APIC_SPURIOUS_ENABLED))
		for (u32 lvt = NATIVE_APIC_LVTT; lvt <= NATIVE_APIC_LVT_ERROR; lvt += 16)
			*reg(lvt) |= NATIVE_APIC_LVT_MASKED;
}

static void write(u32 offset, u32 value)
{
	if (offset >= NATIVE_APIC_LVTT && offset <= NATIVE_APIC_LVT_ERROR) {
		write_lvt(offset, value);
		return;
	}
	switch (offset) {
	case NATIVE_APIC_EOI:
		if (highest(NATIVE_APIC_ISR) >= 0)
			clear(NATIVE_APIC_ISR, (u32)highest(NATIVE_APIC_ISR));
		break;
	case NATIVE_APIC_SPURIOUS:
		write_svr(value);
		break;
	case NATIVE_APIC_ESR:
		*reg(offset) = 0;
		break;
	case NATIVE_APIC_ICR_LOW:
		*reg(offset) = value & 0x000ccfff;
		send(value);
		break;
	case NATIVE_APIC_TPR:
		*reg(offset) = value & 0xff;
		break;
	case NATIVE_APIC_ID:
	case NATIVE_APIC_LDR:
	case NATIVE_APIC_ICR_HIGH:
		*reg(offset) = value & 0xff000000;
		break;
	case NATIVE_APIC_DFR:
		*reg(offset) = value | 0x0fffffff;
		break;
	case NATIVE_APIC_INITIAL_COUNT:
	case NATIVE_APIC_DIVIDE:
		*reg(offset) = value;
		break;
	default:
		break;
	}
}

void apic_write(u32 offset, u32 value)
{
	u32 saved;

	if (offset >= APIC_END || offset & 15)
		return;
	saved = platform_irq_save();
	write(offset, value);
	look();
	platform_irq_restore(saved);
}

u32 apic_read(u32 offset)
{
	if (offset >= APIC_END || offset & 15)
		return 0;
	return offset == NATIVE_APIC_PPR ? priority() : *reg(offset);
}
