/*
 * The 8259 pair that a guest sees at 0x20 and 0xA0 where the machine has none: fully nested and special modes,
 * rotation, automatic end, poll, edge and level inputs (ELCR at 0x4D0). The slave hangs on input 2.
 *
 * Everything runs with interrupts saved; whoever raises an input or unmasks one makes the platform look again.
 */
#include "native_asm.h"
#include "platform.h"

enum { MASTER, SLAVE, CASCADE = NATIVE_PIC_CASCADE_IRQ };


static struct pic_chip *chip(u32 n)
{
	return &state()->pic.chips[n];
}

/* Rank of the most urgent input of a set: 0 is the first after `lowest`; 8 for the empty set. */
static u32 rank(const struct pic_chip *c, u32 set)
{
	u32 r = 0;

	while (r < 8 && !(set >> ((c->lowest + 1 + r) & 7) & 1))
		r++;
	return r;
}

static u32 requests(u32 n);

/* The input that would be acknowledged now, or -1. */
static int pending(u32 n)
{
	const struct pic_chip *c = chip(n);
	u32 wanted = rank(c, requests(n) & ~c->imr);
	u32 service = c->isr;

	if (wanted == 8)
		return -1;
	if (c->special)
		service &= ~(u32)c->imr;
	if (n == MASTER && c->nested)
		service &= ~(1u << CASCADE);
	if (wanted >= rank(c, service))
		return -1;
	return (int)((c->lowest + 1 + wanted) & 7);
}

static u32 requests(u32 n)
{
	u32 irr = chip(n)->irr;

	if (n == MASTER) {
		irr &= ~(1u << CASCADE);
		if (pending(SLAVE) >= 0)
			irr |= 1u << CASCADE;
	}
	return irr;
}

static void acknowledge(struct pic_chip *c, u32 input)
{
	u32 bit = 1u << input;

	if (!(c->elcr & bit))
		c->irr &= (u8)~bit;
	if (!c->automatic)
		c->isr |= (u8)bit;
	else if (c->rotate)
		c->lowest = (u8)input;
}

bool pic_has(void)
{
	return pending(MASTER) >= 0;
}

int pic_next(void)
{
	int input = pending(MASTER), behind;

	if (input < 0)
		return -1;
	if (input != CASCADE) {
		acknowledge(chip(MASTER), (u32)input);
		return chip(MASTER)->base | input;
	}
	behind = pending(SLAVE);
	acknowledge(chip(MASTER), CASCADE);
	acknowledge(chip(SLAVE), (u32)behind);
	return chip(SLAVE)->base | behind;
}

static void look(void)
{
	if (pic_has())
		platform_interrupt_pending();
}

void pic_raise(u32 irq)
{
	struct pic_chip *c = chip(irq >> 3 & 1);
	u8 bit = (u8)(1u << (irq & 7));

	if ((c->elcr & bit) || !(c->lines & bit))
		c->irr |= bit;
	c->lines |= bit;
	look();
}

void pic_lower(u32 irq)
{
	struct pic_chip *c = chip(irq >> 3 & 1);
	u8 bit = (u8)(1u << (irq & 7));

	c->lines &= (u8)~bit;
	if (c->elcr & bit)
		c->irr &= (u8)~bit;
}

static void end(struct pic_chip *c, u32 input, bool rotate)
{
	c->isr &= (u8)~(1u << input);
	if (rotate)
		c->lowest = (u8)input;
}

/* OCW2: ends of interrupt and priorities; the command is in bits 7:5. */
static void command(struct pic_chip *c, u32 value)
{
	u32 first = rank(c, c->isr), input = value & 7;
	bool rotate = (value & 0x80) != 0;

	switch (value >> 5) {
	case 0:
	case 4:
		c->rotate = rotate;
		break;
	case 1:
	case 5:
		if (first < 8)
			end(c, (c->lowest + 1 + first) & 7, rotate);
		break;
	case 3:
	case 7:
		end(c, input, rotate);
		break;
	case 6:
		c->lowest = (u8)input;
		break;
	default:
		break;
	}
}

static void start(struct pic_chip *c, u32 icw1)
{
	c->irr &= c->elcr;
	c->isr = c->imr = 0;
	c->lowest = 7;
	c->automatic = c->rotate = c->special = c->read_isr = c->poll = c->nested = 0;
	c->init = 2;
	c->icw4 = (u8)(icw1 & 3);
}

static void write_command(struct pic_chip *c, u32 value)
{
	if (value & NATIVE_PIC_ICW1_INIT) {
		start(c, value);
	} else if (value & NATIVE_PIC_OCW3_OCW3) {
		if (value & 4)
			c->poll = 1;
		if (value & 2)
			c->read_isr = value & 1;
		if (value & 0x40)
			c->special = value >> 5 & 1;
	} else {
		command(c, value);
	}
}

/* ICW4 or, if none was announced, the end of the initialisation. */
static u8 last_word(const struct pic_chip *c)
{
	return c->icw4 & 1 ? 4 : 0;
}

static void write_data(struct pic_chip *c, u32 value)
{
	switch (c->init) {
	case 2:
		c->base = value & 0xf8;
		c->init = c->icw4 & 2 ? last_word(c) : 3;
		break;
	case 3:
		c->init = last_word(c);
		break;
	case 4:
		c->automatic = value >> 1 & 1;
		c->nested = value >> 4 & 1;
		c->init = 0;
		break;
	default:
		c->imr = (u8)value;
	}
}

static u32 poll(u32 n)
{
	int input = pending(n);

	chip(n)->poll = 0;
	if (input < 0)
		return 0;
	acknowledge(chip(n), (u32)input);
	return 0x80u | (u32)input;
}

u32 pic_in(u32 port)
{
	u32 n = port & 0x80 ? SLAVE : MASTER;
	struct pic_chip *c;

	if (port >= NATIVE_PIC_MASTER_ELCR)
		return chip(port & 1)->elcr;
	c = chip(n);
	if (c->poll)
		return poll(n);
	if (port & 1)
		return c->imr;
	return c->read_isr ? c->isr : requests(n);
}

void pic_out(u32 port, u32 value)
{
	struct pic_chip *c;

	value &= 0xff;
	if (port >= NATIVE_PIC_MASTER_ELCR) {
		chip(port & 1)->elcr = (u8)(value & (port & 1 ? 0xde : 0xf8));
	} else {
		c = chip(port & 0x80 ? SLAVE : MASTER);
		if (port & 1)
			write_data(c, value);
		else
			write_command(c, value);
	}
	look();
}
