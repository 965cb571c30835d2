/*
 * Console and the ends of a machine. What the host is to print lies NUL-terminated in a page of its own; NOTIFY prints
 * it, SHUTDOWN takes 128 bytes of it as its last words. There is no input this way.
 */
#include "lguest_rom.h"

static void put_text(const u8 *text, u32 n)
{
	u32 to = state_page_gva(TEXT_GPA), length = 0;

	for (u32 i = 0; i < n && length < PAGE_SIZE - 1; i++) {
		if (text[i] != 0)
			AT(u8, to + length++) = text[i];
	}
	AT(u8, to + length) = 0;
}

void platform_console(const u8 *text, u32 n)
{
	put_text(text, n);
	lguest_now(LGUEST_HCALL_NOTIFY, TEXT_GPA, 0, 0, 0);
}

int platform_console_read(void)
{
	return -1;
}

static void end(const char *why, u32 how)
{
	u32 n = 0;

	while (why[n])
		n++;
	put_text((const u8 *)why, n);
	lguest_now(LGUEST_HCALL_SHUTDOWN, TEXT_GPA, how, 0, 0);
}

/* "vmi exit N": whoever runs the host reads the guest's exit status out of it. */
void platform_exit(u32 status)
{
	char text[24] = "vmi exit ", digits[10];
	u32 n = 0, at = 9;

	do {
		digits[n++] = (char)('0' + status % 10);
		status /= 10;
	} while (status != 0);
	while (n != 0)
		text[at++] = digits[--n];
	end(text, LGUEST_SHUTDOWN_REASON_POWEROFF);
}

void lguest_die(const char *why)
{
	end(why, LGUEST_SHUTDOWN_REASON_POWEROFF);
}

/* Soft and hard are one: the launcher starts the machine over. */
void ROMCALL vmi_Reboot(u32 how)
{
	(void)how;
	platform_irq_save();
	uart_flush();
	end("vmi reboot", LGUEST_SHUTDOWN_REASON_RESTART);
}

void ROMCALL vmi_Shutdown(void)
{
	platform_irq_save();
	uart_flush();
	end("vmi shutdown", LGUEST_SHUTDOWN_REASON_POWEROFF);
}
