/* The transcript: checks, notes, and the little arithmetic they need. */
#include "checking.h"

u32 passed, failed;

static const char *current = "main";
static char line[256];
static u32 at;

static void put(char c)
{
	if (at < sizeof line - 1)
		line[at++] = c;
}

static void text(const char *words)
{
	while (*words)
		put(*words++);
}

static void number(u32 value, u32 base, u32 least)
{
	char digits[10];
	u32 count = 0;

	do {
		digits[count++] = "0123456789abcdef"[value % base];
		value /= base;
	} while (value);
	while (least > count)
		put('0'), least--;
	while (count)
		put(digits[--count]);
}

static void end_line(void)
{
	put('\n');
	vmi_write(line, at);
	at = 0;
}

void subject(const char *name)
{
	current = name;
}

bool check(bool ok, const char *sentence)
{
	ok ? passed++ : failed++;
	number(passed + failed, 10, 2);
	text(ok ? " ok " : " FAIL ");
	text(current);
	text(": ");
	text(sentence);
	end_line();
	return ok;
}

void note(const char *format, ...)
{
	__builtin_va_list values;

	__builtin_va_start(values, format);
	text("~ ");
	for (; *format; format++) {
		if (*format != '%') {
			put(*format);
			continue;
		}
		switch (*++format) {
		case 'u':
			number(__builtin_va_arg(values, u32), 10, 1);
			break;
		case 'x':
			number(__builtin_va_arg(values, u32), 16, 8);
			break;
		case 'X': {
			u64 value = __builtin_va_arg(values, u64);

			number((u32)(value >> 32), 16, 8);
			number((u32)value, 16, 8);
			break;
		}
		case 's':
			text(__builtin_va_arg(values, const char *));
			break;
		default:
			put(*format);
		}
	}
	__builtin_va_end(values);
	end_line();
}

/* value / by, for a quotient that fits 32 bits; all ones if it does not. */
u32 divide(u64 value, u32 by)
{
	u32 low = (u32)value, high = (u32)(value >> 32);

	if (high >= by)
		return ~0u;
	__asm__("divl %2" : "+a"(low), "+d"(high) : "rm"(by) : "cc");
	return low;
}

bool same_text(const char *a, const char *b, u32 length)
{
	while (length && *a == *b)
		a++, b++, length--;
	return !length;
}
