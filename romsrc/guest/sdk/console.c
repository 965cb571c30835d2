/*
 * The console: a 16550 at 3F8h, reached by port calls only, so that it is the same device on every backend.
 *
 * Text goes out sixteen bytes at a time, the depth of the transmitter's FIFO, after one look at the line status.
 */
#include "vmi_guest.h"

#define DATA (VMI_PORT_UART + 0)
#define INTERRUPT_ENABLE (VMI_PORT_UART + 1)
#define FIFO_CONTROL (VMI_PORT_UART + 2)
#define LINE_CONTROL (VMI_PORT_UART + 3)
#define LINE_STATUS (VMI_PORT_UART + 5)
#define TRANSMITTER_EMPTY 0x20u
#define FIFO_DEPTH 16u
#define PATIENCE 100000u /* looks at a transmitter that never empties before its bytes are sent all the same */

void vmi_console_start(void)
{
	vmi_OUTB(0x00, INTERRUPT_ENABLE);
	vmi_OUTB(0x03, LINE_CONTROL); /* eight bits, one stop bit */
	vmi_OUTB(0x07, FIFO_CONTROL); /* on, both emptied */
}

void vmi_write(const char *text, u32 length)
{
	while (length) {
		u32 piece = length < FIFO_DEPTH ? length : FIFO_DEPTH;

		for (u32 look = 0; look < PATIENCE && !(vmi_INB(LINE_STATUS) & TRANSMITTER_EMPTY); look++)
			;
		text = vmi_OUTSB(DATA, text, piece);
		length -= piece;
	}
}

void vmi_print(const char *text)
{
	u32 length = 0;

	while (text[length])
		length++;
	vmi_write(text, length);
}
