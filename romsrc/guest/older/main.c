/*
 * Would a guest of an older revision take this ROM? It is asked by "wants=MAJOR.MINOR" on the command line, and does
 * what clients of all revisions did: scan for the two signatures, and take a ROM of its own major and at least its
 * minor. Signatures and version stand where they do in 6.1, 13.0 and 3.0 alike. To say what came of it, it attaches as
 * the classic guest does, whose entry and attachment it is built with.
 */
#include "../classic/classic.h"

#define SIGNATURE 0x696d5663u

struct vmi_boot_info *boot;
u8 kernel_stack[KERNEL_STACK] __attribute__((aligned(4096)));

void vmi_exit(int status)
{
	vmi_DisableInterrupts();
	vmi_OUTB((u32)status, VMI_PORT_EXIT);
	vmi_Shutdown();
	for (;;)
		vmi_Halt();
}

void must(bool good, const char *what)
{
	if (good)
		return;
	vmi_print("FAIL ");
	vmi_print(what);
	vmi_print("\n");
	vmi_exit(VMI_EXIT_STATUS_FAILURE);
}

void vmi_trap(struct vmi_frame *at)
{
	(void)at;
	must(false, "trap: none was expected");
}

static void print_number(u32 value)
{
	char text[4] = "";

	if (value > 9)
		print_number(value / 10);
	text[0] = (char)('0' + value % 10);
	vmi_print(text);
}

static void print_version(u32 major, u32 minor)
{
	print_number(major);
	vmi_print(".");
	print_number(minor);
}

/* A number at *at, which moves behind it. */
static u32 number(const char **at)
{
	u32 value = 0;

	while (**at >= '0' && **at <= '9')
		value = value * 10 + (u32)(*(*at)++ - '0');
	return value;
}

/* What the command line asks for; false if it asks for nothing. */
static bool wanted(u32 *major, u32 *minor)
{
	static const char key[] = "wants=";
	const char *at = VMI_LINEAR(boot->command_line_gpa);

	for (u32 n = 0; n < sizeof(key) - 1; n++)
		if (at[n] != key[n])
			return false;
	at += sizeof(key) - 1;
	*major = number(&at);
	if (*at++ != '.' || *at < '0' || *at > '9')
		return false;
	*minor = number(&at);
	return *at == 0;
}

static const u8 *found(void)
{
	for (u32 gpa = 0xC0000; gpa < 0xE0000; gpa += 2048) {
		const u8 *rom = VMI_LINEAR(gpa);
		const u32 *signature = (const u32 *)(rom + 8);

		if (rom[0] == 0x55 && rom[1] == 0xAA && *signature == SIGNATURE)
			return rom;
	}
	return 0;
}

/* Called by start.S. */
void vmi_begin(struct vmi_boot_info *info);

void vmi_begin(struct vmi_boot_info *info)
{
	u32 major = 0, minor = 0;
	const u8 *rom;
	bool asked;

	boot = info;
	asked = wanted(&major, &minor);
	rom = found();
	if (!classic_attach(info->mem_pages))
		vmi_exit(VMI_EXIT_STATUS_ERROR);
	vmi_console_start();
	must(asked, "command line: wants=MAJOR.MINOR");
	must(rom, "scan: there is a ROM");
	vmi_print("VMI: found a ROM, API version ");
	print_version(rom[13], rom[12]);
	vmi_print(", wanted is ");
	print_version(major, minor);
	vmi_print("\n");
	if (rom[13] != major || rom[12] < minor) {
		vmi_print("VMI: mismatched, not taken\n");
		vmi_exit(VMI_EXIT_STATUS_SKIP);
	}
	vmi_print("VMI: taken\n");
	vmi_exit(VMI_EXIT_STATUS_SUCCESS);
}
