/* One line at a time, whole, so that a hypervisor's own lines never stand within one. */
#include "probing.h"

/* A string for a host that takes its page: it never crosses one. Beyond its end a line is cut. */
static char line[512] __attribute__((aligned(512)));
static u32 used;

static void put(char c)
{
	if (used < sizeof line - 2)
		line[used++] = c;
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

static void error(s32 value)
{
	for (const struct error_name *known = error_names; known->name; known++)
		if (known->code == -value) {
			put('-');
			text(known->name);
			return;
		}
	signed_number(value);
}

static void trap(void)
{
	static const char *const names[] = {
		"#DE", "#DB", "NMI", "#BP", "#OF", "#BR", "#UD", "#NM", "#DF", "9", "#TS", "#NP", "#SS", "#GP", "#PF",
	};
	struct trap met = trap_met();

	if (!met.times) {
		text("no fault");
		return;
	}
	if (met.vector < sizeof names / sizeof *names)
		text(names[met.vector]);
	else {
		text("vector 0x");
		number(met.vector, 16);
	}
	if ((met.vector >= 10 && met.vector <= 14) || met.vector == 8 || met.vector == 17) {
		text("(0x");
		number(met.error, 16);
		put(')');
	}
	if (met.times > 1) {
		text(" times ");
		number(met.times, 10);
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
		case 'e': error(__builtin_va_arg(list, s32)); break;
		case 't': trap(); break;
		default: put(*format); break;
		}
	}
}

static void flush(void)
{
	line[used++] = '\n';
	line[used] = 0;
	print(line, used);
	used = 0;
}

/* What follows an identity, to the end of the line. */
static void answered(const char *question, const char *format, __builtin_va_list list)
{
	text(": ");
	text(question);
	text(" = ");
	formatted(format, list);
	flush();
}

void say(const char *id, const char *question, const char *format, ...)
{
	__builtin_va_list list;

	text(id);
	__builtin_va_start(list, format);
	answered(question, format, list);
	__builtin_va_end(list);
}

void say_of(const char *id, const char *part, const char *question, const char *format, ...)
{
	__builtin_va_list list;

	text(id);
	put('.');
	text(part);
	__builtin_va_start(list, format);
	answered(question, format, list);
	__builtin_va_end(list);
}

void say_at(const char *id, u32 value, const char *part, const char *question, const char *format, ...)
{
	__builtin_va_list list;

	text(id);
	put('.');
	number(value, 16);
	put('.');
	text(part);
	__builtin_va_start(list, format);
	answered(question, format, list);
	__builtin_va_end(list);
}

void note(const char *format, ...)
{
	__builtin_va_list list;

	text("~ ");
	__builtin_va_start(list, format);
	formatted(format, list);
	__builtin_va_end(list);
	flush();
}

const char *yes(u32 truth)
{
	return truth ? "yes" : "no";
}

void unexpected(u32 eip)
{
	note("unexpected trap %t at %x", eip);
	end(VMI_EXIT_STATUS_ERROR);
}
