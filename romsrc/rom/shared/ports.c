/*
 * What is behind the port calls where the machine has no ports of its own: 8259 pair, 16550, and the exit port.
 * A wide access is bytes at ascending ports, as on the bus of a PC. Ports with nothing behind them swallow what is
 * written and read as all ones.
 */
#include "native_asm.h"
#include "platform.h"

static bool is_pic(u32 port)
{
	return (port & ~0x81u) == VMI_PORT_PIC_MASTER || (port & ~1u) == NATIVE_PIC_MASTER_ELCR;
}

static u32 in_byte(u32 port)
{
	if (is_pic(port))
		return pic_in(port);
	if ((port & ~7u) == VMI_PORT_UART)
		return uart_in(port);
	return 0xff;
}

static void out_byte(u32 port, u32 value)
{
	if (is_pic(port))
		pic_out(port, value);
	else if ((port & ~7u) == VMI_PORT_UART)
		uart_out(port, value);
}

u32 ROMCALL port_in(u32 port, u32 size)
{
	u32 saved = platform_irq_save(), value = 0;

	for (u32 i = 0; i < size; i++)
		value |= (in_byte((port + i) & 0xffff) & 0xff) << 8 * i;
	platform_irq_restore(saved);
	return value;
}

void ROMCALL port_out(u32 port, u32 size, u32 value)
{
	u32 saved = platform_irq_save();

	port &= 0xffff;
	if (port == VMI_PORT_EXIT) {
		uart_flush();
		platform_exit(size < 4 ? value & ((1u << 8 * size) - 1) : value);
	}
	for (u32 i = 0; i < size; i++)
		out_byte((port + i) & 0xffff, value >> 8 * i & 0xff);
	platform_irq_restore(saved);
}

void ROMCALL port_string_done(void)
{
	u32 saved = platform_irq_save();

	uart_flush();
	platform_irq_restore(saved);
}
