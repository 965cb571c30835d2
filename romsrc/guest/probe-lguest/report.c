/* One line at a time, printed by the launcher: NOTIFY of a string. */
#include "probe.h"

static char line[512] __attribute__((aligned(512)));
static u32 used;
static char message[LGUEST_CONSTANTS_MESSAGE_SIZE];

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

static void trap(void)
{
	static const char *const names[] = {
		"#DE", "#DB", "NMI", "#BP", "#OF", "#BR", "#UD", "#NM", "#DF", "9", "#TS", "#NP", "#SS", "#GP", "#PF",
	};

	if (!seen.hits) {
		text("no fault");
		return;
	}
	if (seen.vector < sizeof names / sizeof *names)
		text(names[seen.vector]);
	else {
		text("vector 0x");
		number(seen.vector, 16);
	}
	if (seen.vector >= 10 && seen.vector <= 14) {
		text("(0x");
		number(seen.error, 16);
		put(')');
	}
}

static void formatted(const char *format, __builtin_va_list list)
{
	for (; *format; format++) {
		s32 value;

		if (*format != '%') {
			put(*format);
			continue;
		}
		switch (*++format) {
		case 'd':
			value = __builtin_va_arg(list, s32);
			if (value < 0)
				put('-');
			number(value < 0 ? 0u - (u32)value : (u32)value, 10);
			break;
		case 'u': number(__builtin_va_arg(list, u32), 10); break;
		case 'x': number(__builtin_va_arg(list, u32), 16); break;
		case 's': text(__builtin_va_arg(list, const char *)); break;
		case 't': trap(); break;
		default: put(*format); break;
		}
	}
}

static void flush(void)
{
	put('\n');
	line[used] = 0;
	used = 0;
	call1(LGUEST_HCALL_NOTIFY, GPA(line));
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
	flush();
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

/* The launcher knows no exit status: it stands in the message of the shutdown. */
void end(u32 status)
{
	const char *words = "vmi exit ";
	u32 n = 0;

	while (words[n]) {
		message[n] = words[n];
		n++;
	}
	if (status >= 10)
		message[n++] = (char)('0' + status / 10 % 10);
	message[n++] = (char)('0' + status % 10);
	message[n] = 0;
	for (;;)
		call2(LGUEST_HCALL_SHUTDOWN, GPA(message), LGUEST_SHUTDOWN_REASON_POWEROFF);
}
