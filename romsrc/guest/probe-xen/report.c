/* One line at a time to the console, whole, so that Xen's own lines never stand within one. */
#include "probe.h"

#define TEXT(x) #x
#define PORT(x) TEXT(x)

u32 probe_status;
static char line[512];
static u32 used;

static void put(char c)
{
	if (used < sizeof line - 1)
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

static void error_name(s32 value)
{
	static const struct {
		s32 code;
		const char *name;
	} names[] = {
		{ XEN_ERRNO_EPERM, "EPERM" }, { XEN_ERRNO_ENOENT, "ENOENT" }, { XEN_ERRNO_ESRCH, "ESRCH" },
		{ XEN_ERRNO_E2BIG, "E2BIG" }, { XEN_ERRNO_ENOMEM, "ENOMEM" }, { XEN_ERRNO_EFAULT, "EFAULT" },
		{ XEN_ERRNO_EBUSY, "EBUSY" }, { XEN_ERRNO_EEXIST, "EEXIST" }, { XEN_ERRNO_EINVAL, "EINVAL" },
		{ XEN_ERRNO_ENOSPC, "ENOSPC" }, { XEN_ERRNO_ENOSYS, "ENOSYS" }, { XEN_ERRNO_ENODATA, "ENODATA" },
		{ XEN_ERRNO_ETIME, "ETIME" }, { XEN_ERRNO_EOPNOTSUPP, "EOPNOTSUPP" }, { XEN_ERRNO_ENOBUFS, "ENOBUFS" },
	};

	for (u32 i = 0; i < sizeof names / sizeof *names; i++)
		if (names[i].code == -value) {
			put('-');
			text(names[i].name);
			return;
		}
	signed_number(value);
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
	if ((seen.vector >= 10 && seen.vector <= 14) || seen.vector == 8 || seen.vector == 17) {
		text("(0x");
		number(seen.error, 16);
		put(')');
	}
	if (seen.hits > 1) {
		text(" times ");
		number(seen.hits, 10);
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
		case 'e': error_name(__builtin_va_arg(list, s32)); break;
		case 't': trap(); break;
		default: put(*format); break;
		}
	}
}

static void flush(void)
{
	put('\n');
	call3(XEN_HYPERCALL_CONSOLE_IO, XEN_CONSOLEIO_WRITE, used, line);
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

/* Through the exit port where there is one; a machine without it shuts down. */
void end(u32 status)
{
	u32 reason = XEN_SHUTDOWN_POWEROFF;

	set_iopl(1);
	probe_status = status;
	TRY("movl $" PORT(VMI_PORT_EXIT) ", %%edx\n\tmovl probe_status, %%eax\n\toutb %%al, %%dx");
	for (;;)
		call2(XEN_HYPERCALL_SCHED_OP, XEN_SCHEDOP_SHUTDOWN, &reason);
}
