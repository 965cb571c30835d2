/*
 * The 16550A that a guest sees at 0x3F8 where the machine has none. What it transmits is gathered to lines before
 * the platform gets it, since there each piece is a hypercall; it is ready at once, always. Input is asked for byte
 * by byte. IRQ 4.
 */
#include "native_asm.h"
#include "platform.h"

#define LSR_EMPTY (NATIVE_UART_LSR_TRANSMIT_EMPTY | NATIVE_UART_LSR_IDLE)

static u32 reason(const struct uart *uart)
{
	if (uart->ier & NATIVE_UART_IER_RECEIVE && uart->received >= 0)
		return NATIVE_UART_IIR_RECEIVE;
	if (uart->ier & NATIVE_UART_IER_TRANSMIT && uart->transmitted)
		return NATIVE_UART_IIR_TRANSMIT;
	return NATIVE_UART_IIR_NONE;
}

/* On a PC the output OUT2 gates the interrupt line. */
static void drive(const struct uart *uart)
{
	bool gate = (uart->mcr & (NATIVE_UART_MCR_OUT2 | NATIVE_UART_MCR_LOOP)) == NATIVE_UART_MCR_OUT2;

	if (gate && reason(uart) != NATIVE_UART_IIR_NONE)
		pic_raise(NATIVE_UART_IRQ);
	else
		pic_lower(NATIVE_UART_IRQ);
}

void uart_poll(void)
{
	struct uart *uart = &state()->uart;

	if (uart->received < 0 && !(uart->mcr & NATIVE_UART_MCR_LOOP))
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
	if (uart->mcr & NATIVE_UART_MCR_LOOP) {
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

	if (why == NATIVE_UART_IIR_TRANSMIT)
		uart->transmitted = 0;
	return why | (uart->fcr & 1 ? NATIVE_UART_IIR_FIFO_ENABLED : 0);
}

/* CTS, DSR and DCD are on; in loop mode the four follow the modem control outputs. */
static u32 read_msr(const struct uart *uart)
{
	u32 mcr = uart->mcr;

	if (!(mcr & NATIVE_UART_MCR_LOOP))
		return 0xB0;
	return (mcr & 2) << 3 | (mcr & 1) << 5 | (mcr & 4) << 4 | (mcr & 8) << 4;
}

static u32 read(struct uart *uart, u32 port)
{
	bool latch = (uart->lcr & NATIVE_UART_LCR_DLAB) != 0;

	switch (port & 7) {
	case NATIVE_UART_DATA:
		return latch ? uart->dll : receive(uart);
	case NATIVE_UART_IER:
		return latch ? uart->dlm : uart->ier;
	case NATIVE_UART_IIR:
		return read_iir(uart);
	case NATIVE_UART_LCR:
		return uart->lcr;
	case NATIVE_UART_MCR:
		return uart->mcr;
	case NATIVE_UART_LSR:
		uart_poll();
		return LSR_EMPTY | (uart->received >= 0 ? NATIVE_UART_LSR_DATA_READY : 0);
	case NATIVE_UART_MSR:
		return read_msr(uart);
	default:
		return uart->scr;
	}
}

static void write_ier(struct uart *uart, u8 value)
{
	if (value & ~uart->ier & NATIVE_UART_IER_TRANSMIT)
		uart->transmitted = 1;
	uart->ier = value & 0x0f;
}

static void write(struct uart *uart, u32 port, u8 value)
{
	bool latch = (uart->lcr & NATIVE_UART_LCR_DLAB) != 0;

	switch (port & 7) {
	case NATIVE_UART_DATA:
		if (latch)
			uart->dll = value;
		else
			transmit(uart, value);
		break;
	case NATIVE_UART_IER:
		if (latch)
			uart->dlm = value;
		else
			write_ier(uart, value);
		break;
	case NATIVE_UART_IIR:
		uart->fcr = value & 0xC9;
		if (value & 2)
			uart->received = -1;
		break;
	case NATIVE_UART_LCR:
		uart->lcr = value;
		break;
	case NATIVE_UART_MCR:
		uart->mcr = value & 0x1f;
		break;
	case NATIVE_UART_SCRATCH:
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
