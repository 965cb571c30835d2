/*
 * Port calls of every width and form: what they carry, what they do to memory that is not there, and what a level of
 * I/O privilege opens. The ports are those of the 16550: two registers side by side that keep what is written to them,
 * while nothing is printed, and the scratch register at the end.
 */
#include "../checking/checking.h"

#define UART VMI_PORT_UART
#define LCR (UART + 3)
#define MCR (UART + 4)
#define SCRATCH (UART + 7)
#define DIVISOR_LATCH 0x80u
#define NOBODY 0x2E0u
#define NOWHERE (KERNEL_AREA + 0x740000u)
#define READ_ONLY (KERNEL_AREA + 0x750000u)
#define EDGE (KERNEL_AREA + 0x760000u) /* a page in front of an absent one */
#define UNITS 3u
#define SIXTEEN 16u
#define UNUSED_PORT 0x80u
#define IOPL(level) ((level) << 12)
#define IF_AND_FIXED 0x202u
#define SHORT 300 /* us */

const char title[] = "conformance: ports\n";

static u8 buffer[64] __attribute__((aligned(16)));

/* The divisor of the serial line's clock is at the first two ports; without it they would print. */
static u32 divisor, control;

static void latch(void)
{
	WAIT(vmi_INB(UART + 5) & 0x40, LONG);
	control = vmi_INB(LCR);
	vmi_OUTB(control | DIVISOR_LATCH, LCR);
	divisor = vmi_INB(UART) | vmi_INB(UART + 1) << 8;
}

static void unlatch(void)
{
	vmi_OUTB(divisor & 0xFF, UART);
	vmi_OUTB(divisor >> 8, UART + 1);
	vmi_OUTB(control, LCR);
}

static void widths(void)
{
	u32 word, low, high, wide, scratch;

	latch();
	vmi_OUTW(0xA55A1234, UART);
	low = vmi_INB(UART);
	high = vmi_INB(UART + 1);
	word = vmi_INW(UART);
	unlatch();
	check(low == 0x34 && high == 0x12, "OUTW writes two bytes, the low one to the port, the high one behind it");
	check(word == 0x1234, "INW reads them so");
	vmi_OUTB(0xC7, SCRATCH);
	wide = vmi_INL(MCR);
	check(wide >> 24 == 0xC7 && (wide & 0xFF) == vmi_INB(MCR), "INL reads four bytes, from the port up");
	vmi_OUTL(0x5B000000 | vmi_INB(MCR), MCR);
	scratch = vmi_INB(SCRATCH);
	check(scratch == 0x5B && vmi_INB(MCR) == (wide & 0xFF), "OUTL writes four");
	check(vmi_INW(NOBODY) == 0xFFFF && vmi_INL(NOBODY) == 0xFFFFFFFF && vmi_INB(NOBODY) == 0xFF, "where nobody answers all widths read as ones");
	vmi_OUTB(0, NOBODY);
	vmi_OUTW(0, NOBODY);
	vmi_OUTL(0, NOBODY);
	check(vmi_INL(NOBODY) == 0xFFFFFFFF && vmi_INB(SCRATCH) == 0x5B, "and what is written there is nowhere");
}

static void kept(void)
{
	bool right = registers_survive_out(vmi_entry[VMI_CALL_OUTW], NOBODY, 0x12345678) && registers_survive_out(vmi_entry[VMI_CALL_OUTL], NOBODY, 0x12345678);

	check(right, "OUTW and OUTL change no register");
	right = registers_survive_in(vmi_entry[VMI_CALL_INW], MCR) && registers_survive_in(vmi_entry[VMI_CALL_INL], MCR);
	check(right, "INW and INL change none but EAX");
}

static u16 halves(const u8 *at)
{
	return (u16)(at[0] | at[1] << 8);
}

/* Strings of wide units, from and to addresses that are not aligned. */
static void strings(void)
{
	u8 *at = buffer + 1, *end;
	const void *from;
	bool right = true;
	u32 mcr = vmi_INB(MCR), sent;

	for (u32 n = 0; n < sizeof buffer; n++)
		buffer[n] = 0xEE;
	latch();
	vmi_OUTW(0x4321, UART);
	end = vmi_INSW(UART, at, UNITS);
	for (u32 n = 0; n < UNITS; n++)
		right &= halves(at + 2 * n) == 0x4321;
	right &= end == at + 2 * UNITS && *end == 0xEE && buffer[0] == 0xEE;
	for (u32 n = 0; n < UNITS; n++) {
		at[2 * n] = (u8)(0x10 + n);
		at[2 * n + 1] = (u8)(0x20 + n);
	}
	from = vmi_OUTSW(UART, at, UNITS);
	sent = vmi_INB(UART) | vmi_INB(UART + 1) << 8;
	unlatch();
	check(right, "INSW stores as many units as it is told, from any address, and nothing behind them");
	check(from == at + 2 * UNITS && sent == 0x2212, "OUTSW sends its units one after the other");
	vmi_OUTB(0x9D, SCRATCH);
	end = vmi_INSL(MCR, at, 2);
	right = end == at + 8 && at[0] == mcr && at[3] == 0x9D && at[4] == mcr && at[7] == 0x9D && at[8] == 0xEE;
	check(right, "INSL stores units of four bytes");
	for (u32 n = 0; n < 8; n++)
		at[n] = n & 3 ? (u8)(0x60 + n) : (u8)mcr;
	from = vmi_OUTSL(MCR, at, 2);
	check(from == at + 8 && vmi_INB(SCRATCH) == 0x67 && vmi_INB(MCR) == mcr, "OUTSL sends them");
}

static void insb(u32 at)
{
	vmi_INSB(SCRATCH, (void *)(uintptr_t)at, SIXTEEN);
}

static void insl(u32 at)
{
	vmi_INSL(MCR, (void *)(uintptr_t)at, SIXTEEN / 4);
}

static void outsb(u32 at)
{
	vmi_OUTSB(SCRATCH, (const void *)(uintptr_t)at, SIXTEEN);
}

static void outsl(u32 at)
{
	vmi_OUTSL(MCR, (const void *)(uintptr_t)at, SIXTEEN / 4);
}

static bool faults(void (*function)(u32), u32 at, u32 error, u32 address)
{
	bool right = catch(function, at) && caught.vector == 14 && caught.error == error && caught.address == address;

	if (!right)
		note("caught %u times: vector %u error %x address %x at %x", caught.times, caught.vector, caught.error, caught.address, caught.eip);
	return right;
}

/* A unit across the end of a page faults at the page that is absent, or where it begins. */
static bool faults_across(void (*function)(u32), u32 at, u32 error)
{
	return catch(function, at) && caught.vector == 14 && (caught.error & ~2u) == (error & ~2u) && caught.address - at < SIXTEEN;
}

static void addresses(void)
{
	u32 gpa = space_map(kernel_root, EDGE, P | W), mcr = vmi_INB(MCR);
	u8 *bytes = VMI_LINEAR(gpa);
	bool right;

	space_map(kernel_root, READ_ONLY, P);
	vmi_OUTB(0x3C, SCRATCH);
	check(faults(insb, NOWHERE, 2, NOWHERE) && faults(insl, NOWHERE + 1, 2, NOWHERE + 1), "INSB and INSL to where nothing is mapped are page faults there");
	check(faults(outsb, NOWHERE + 5, 0, NOWHERE + 5) && faults(outsl, NOWHERE + 6, 0, NOWHERE + 6), "so are OUTSB and OUTSL from there");
	check(faults(insb, READ_ONLY, 3, READ_ONLY) && *(volatile u32 *)(uintptr_t)READ_ONLY == 0, "and INSB to a page that is read-only");
	check(vmi_INB(SCRATCH) == 0x3C, "nothing was sent by them");
	for (u32 n = 0; n < VMI_PAGE; n++)
		bytes[n] = 0xEE;
	right = faults(insb, EDGE + VMI_PAGE - 5, 2, EDGE + VMI_PAGE);
	for (u32 n = 0; n < 5; n++)
		right &= bytes[VMI_PAGE - 5 + n] == 0x3C;
	check(right && bytes[VMI_PAGE - 6] == 0xEE, "INSB that comes to a page's end has stored what is in front of it");
	for (u32 n = 0; n < 5; n++)
		bytes[VMI_PAGE - 5 + n] = (u8)(0x70 + n);
	check(faults(outsb, EDGE + VMI_PAGE - 5, 0, EDGE + VMI_PAGE) && vmi_INB(SCRATCH) == 0x74, "OUTSB has sent it");
	check(faults_across(insl, EDGE + VMI_PAGE - 6, 2) && faults_across(outsl, EDGE + VMI_PAGE - 6, 0), "a unit that lies across it is a fault as well");
	vmi_OUTB(mcr, MCR);
	space_set(kernel_root, EDGE, 0);
	space_set(kernel_root, READ_ONLY, 0);
	frame_put(gpa);
}

static bool refused(u32 level)
{
	vmi_SetIOPLMask(IOPL(level));
	return !process_run_with(user_in, UNUSED_PORT, IF_AND_FIXED | IOPL(level)) && caught_is(13, 0, 0) && (caught.cs & 3) == 3;
}

static void levels(void)
{
	u32 answer = vmi_GetCallInfo(VMI_CALL_SetIOPLMask);
	bool offered = answer == VMI_ANSWER_NATIVE || answer == VMI_ANSWER_TRANSLATED, right = true;

	process_start();
	if (offered) {
		right = refused(1) && refused(2);
		vmi_SetIOPLMask(IOPL(3));
		right &= process_run_with(user_in, UNUSED_PORT, IF_AND_FIXED | IOPL(3));
		right &= refused(0);
	}
	check(right, "levels 1 and 2 open no port to user code, 3 does, 0 closes them, or ports can't be given");
	check(!process_run(user_in, UNUSED_PORT) && caught_is(13, 0, 0), "without a level user code has no port");
	right = process_run_with(user_in, UNUSED_PORT, IF_AND_FIXED | IOPL(3));
	check(right ? !(vmi_kernel_cs() & 3) : caught_is(13, 0, 0), "a frame of level 3 gives it one on hardware only");
	process_end();
}

/* A delay is no call of the interrupt flag, whichever way it takes its time. */
static void delay(void)
{
	u64 expiry = now() + microseconds(SHORT);
	u32 scratch;
	bool ready, right;

	timer_drain();
	vmi_OUTB(0x2D, SCRATCH);
	vmi_SetAlarm(VMI_COUNTER_REAL, expiry, 0);
	ready = timer_await(expiry);
	for (u32 n = 0; n < SIXTEEN; n++)
		vmi_IODelay();
	right = timer_ticks == 0 && !(vmi_GetInterruptMask() & VMI_IF);
	vmi_EnableInterrupts();
	vmi_IODelay();
	right &= timer_ticks == 1 && vmi_GetInterruptMask() & VMI_IF;
	timer_drain();
	scratch = vmi_INB(SCRATCH);
	check(ready && right && scratch == 0x2D, "IODelay leaves the interrupt flag and ports alone");
}

static void ports(void)
{
	widths();
	kept();
	strings();
	addresses();
	levels();
	delay();
}

const struct subject subjects[] = {
	{"ports", ports},
	{NULL, NULL},
};
