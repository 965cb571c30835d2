/*
 * The 16550A that a guest sees at 0x3F8 where the machine has none. What it transmits is gathered to lines before
 * the platform gets it, since there each piece is a hypercall; it is ready at once, always. Input is asked for byte
 * by byte. IRQ 4.
 */
#include "platform.h"

enum { RBR, IER, IIR, LCR, MCR, LSR, MSR, SCR };

#define IER_RECEIVED 1u
#define IER_TRANSMITTED 2u
#define LCR_DLAB 0x80u
#define MCR_LOOP 0x10u
#define LSR_RECEIVED 0x01u
#define LSR_EMPTY 0x60u
#define IIR_NONE 1u
#define IIR_TRANSMITTED 2u
#define IIR_RECEIVED 4u

static u32 reason(const struct uart *uart)
{
	if (uart->ier & IER_RECEIVED && uart->received >= 0)
		return IIR_RECEIVED;
	if (uart->ier & IER_TRANSMITTED && uart->transmitted)
		return IIR_TRANSMITTED;
	return IIR_NONE;
}

static void drive(const struct uart *uart)
{
	if (reason(uart) != IIR_NONE)
		pic_raise(4);
	else
		pic_lower(4);
}

void uart_poll(void)
{
	struct uart *uart = &state()->uart;

	if (uart->received < 0 && !(uart->mcr & MCR_LOOP))
		uart->received = platform_console_read();
	drive(uart);
}

void uart_flush(void)
{
	struct uart *uart = &state()->uart;
	u32 n = uart->used;

	uart->used = 0;
	if (n != 0)
		platform_console(uart->out, n);
}

static void transmit(struct uart *uart, u8 value)
{
	if (uart->mcr & MCR_LOOP) {
		uart->received = value;
	} else {
		uart->out[uart->used++] = value;
		if (value == '\n' || uart->used == UART_BUFFER)
			uart_flush();
	}
	uart->transmitted = 1;
}

static u32 receive(struct uart *uart)
{
	s32 value = uart->received;

	uart->received = -1;
	uart_poll();
	return value < 0 ? 0 : (u32)value;
}

static u32 read_iir(struct uart *uart)
{
	u32 why = reason(uart);

	if (why == IIR_TRANSMITTED)
		uart->transmitted = 0;
	return why | (uart->fcr & 1 ? 0xC0u : 0);
}

/* CTS, DSR and DCD are on; in loop mode the four follow the modem control outputs. */
static u32 read_msr(const struct uart *uart)
{
	u32 mcr = uart->mcr;

	if (!(mcr & MCR_LOOP))
		return 0xB0;
	return (mcr & 2) << 3 | (mcr & 1) << 5 | (mcr & 4) << 4 | (mcr & 8) << 4;
}

static u32 read(struct uart *uart, u32 port)
{
	bool latch = (uart->lcr & LCR_DLAB) != 0;

	switch (port & 7) {
	case RBR:
		return latch ? uart->dll : receive(uart);
	case IER:
		return latch ? uart->dlm : uart->ier;
	case IIR:
		return read_iir(uart);
	case LCR:
		return uart->lcr;
	case MCR:
		return uart->mcr;
	case LSR:
		uart_poll();
		return LSR_EMPTY | (uart->received >= 0 ? LSR_RECEIVED : 0);
	case MSR:
		return read_msr(uart);
	default:
		return uart->scr;
	}
}

static void write_ier(struct uart *uart, u8 value)
{
	if (value & ~uart->ier & IER_TRANSMITTED)
		uart->transmitted = 1;
	uart->ier = value & 0x0f;
}

static void write(struct uart *uart, u32 port, u8 value)
{
	bool latch = (uart->lcr & LCR_DLAB) != 0;

	switch (port & 7) {
	case RBR:
		if (latch)
			uart->dll = value;
		else
			transmit(uart, value);
		break;
	case IER:
		if (latch)
			uart->dlm = value;
		else
			write_ier(uart, value);
		break;
	case IIR:
		uart->fcr = value & 0xC9;
		if (value & 2)
			uart->received = -1;
		break;
	case LCR:
		uart->lcr = value;
		break;
	case MCR:
		uart->mcr = value & 0x1f;
		break;
	case SCR:
		uart->scr = value;
		break;
	default:
		break;
	}
}

u32 uart_in(u32 port)
{
	struct uart *uart = &state()->uart;
	u32 value = read(uart, port);

	drive(uart);
	return value;
}

void uart_out(u32 port, u32 value)
{
	struct uart *uart = &state()->uart;

	write(uart, port, (u8)value);
	drive(uart);
}
