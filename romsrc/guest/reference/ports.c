/* Port calls, on the 16550 that every backend has. */
#include "reference.h"

#define SCRATCH (VMI_PORT_UART + 7)
#define LINE_STATUS (VMI_PORT_UART + 5)
#define LINE_CONTROL (VMI_PORT_UART + 3)

static const u32 nobody[] = {0x2EC, 0x2F8, 0x1234}; /* serial ports that are not there, and nothing at all; whole words */

static bool transmitter_empty(void)
{
	return vmi_INB(LINE_STATUS) & 0x20;
}

static bool all_ones(void)
{
	for (u32 n = 0; n < sizeof nobody / sizeof *nobody; n++) {
		u32 byte = vmi_INB(nobody[n]), word = vmi_INW(nobody[n]), whole = vmi_INL(nobody[n]);

		if (byte != 0xFF || word != 0xFFFF || whole != ~0u) {
			note("port %x: %x %x %x", nobody[n], byte, word, whole);
			return false;
		}
	}
	return true;
}

void ports(void)
{
	static const char sent[] = "sent by OUTSB\n";
	u8 read[6] = {0, 0, 0, 0, 0x77, 0x77};
	const void *from;
	void *to;

	vmi_OUTB(0x5A, SCRATCH);
	check(vmi_INB(SCRATCH) == 0x5A, "the scratch register of the 16550 keeps a byte");
	vmi_OUTB(0xA5, SCRATCH);
	check(vmi_INB(SCRATCH) == 0xA5, "and another");
	vmi_OUTB(0x03, LINE_CONTROL);
	check(vmi_INB(LINE_CONTROL) == 0x03, "line control reads as written");
	check(WAIT(transmitter_empty(), LONG), "line status says that the transmitter is empty");
	check(registers_survive_out(vmi_entry[VMI_CALL_OUTB], SCRATCH, 0x3C) && vmi_INB(SCRATCH) == 0x3C,
	      "OUTB changes no register");
	check(registers_survive_in(vmi_entry[VMI_CALL_INB], SCRATCH), "INB changes no register but EAX");
	to = vmi_INSB(SCRATCH, read, 4);
	check(to == read + 4 && read[0] == 0x3C && read[3] == 0x3C && read[4] == 0x77,
	      "INSB reads as many bytes as it is told and moves EDI behind them");
	from = vmi_OUTSB(SCRATCH, "\x11\x22\x33", 3);
	check(vmi_INB(SCRATCH) == 0x33, "OUTSB writes a string, byte after byte");
	WAIT(transmitter_empty(), LONG);
	from = vmi_OUTSB(VMI_PORT_UART, sent, sizeof sent - 1);
	check(from == sent + sizeof sent - 1, "OUTSB moves ESI behind what it sent, here to the console");
	check(all_ones(), "a port where nobody answers reads as all ones");
}
