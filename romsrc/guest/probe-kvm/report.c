/* Lines to the serial port. */
#include "probe.h"

static void out8(u32 port, u32 value)
{
	__asm__ volatile("outb %b0, %w1" :: "a"(value), "d"(port));
}

static void put(char c)
{
	out8(VMI_PORT_UART, (u8)c);
}

static void text(const char *s)
{
	while (*s)
		put(*s++);
}

static void number(u32 value, u32 base)
{
	char digits[11];
	u32 n = 0;

	do {
		digits[n++] = "0123456789abcdef"[value % base];
		value /= base;
	} while (value);
	while (n)
		put(digits[--n]);
}

static void signed_number(s32 value)
{
	if (value < 0)
		put('-');
	number(value < 0 ? 0u - (u32)value : (u32)value, 10);
}

static void trap(void)
{
	static const char *const names[] = {
		"#DE", "#DB", "NMI", "#BP", "#OF", "#BR", "#UD", "#NM", "#DF", "9", "#TS", "#NP", "#SS", "#GP", "#PF",
	};

	if (!seen.hits || seen.vector == LEFT) {
		text("no fault");
		return;
	}
	if (seen.vector < sizeof names / sizeof *names)
		text(names[seen.vector]);
	else
		number(seen.vector, 10);
	if ((seen.vector >= 10 && seen.vector <= 14) || seen.vector == 8 || seen.vector == 17) {
		text("(0x");
		number(seen.error, 16);
		put(')');
	}
}

static void formatted(const char *format, __builtin_va_list list)
{
	for (; *format; format++) {
		if (*format != '%') {
			put(*format);
			continue;
		}
		switch (*++format) {
		case 'd': signed_number(__builtin_va_arg(list, s32)); break;
		case 'u': number(__builtin_va_arg(list, u32), 10); break;
		case 'x': number(__builtin_va_arg(list, u32), 16); break;
		case 's': text(__builtin_va_arg(list, const char *)); break;
		case 't': trap(); break;
		default: put(*format); break;
		}
	}
}

void say(const char *id, const char *question, const char *format, ...)
{
	__builtin_va_list list;

	text(id);
	text(": ");
	text(question);
	text(" = ");
	__builtin_va_start(list, format);
	formatted(format, list);
	__builtin_va_end(list);
	put('\n');
}

const char *yes(u32 truth)
{
	return truth ? "yes" : "no";
}

void end(u32 status)
{
	out8(VMI_PORT_EXIT, status);
	for (;;)
		__asm__ volatile("cli; hlt");
}
