/* The order of the questions; or the one question that the command line asks. */
#include "probe.h"

void probe_main(void);

static u32 asked(void)
{
	const char *text = (const char *)(OFFSET + LGUEST_BOOT_COMMAND_LINE_GPA);
	u32 number = 0;

	if (!same(text, "die=", 4))
		return 0;
	for (text += 4; *text >= '0' && *text <= '9'; text++)
		number = number * 10 + (u32)(*text - '0');
	return number;
}

void probe_main(void)
{
	u32 number = asked();

	if (number)
		die(number);
	initialise();
	note("vmirom probe of lguest");
	tell_deaths();
	ask_boot();
	ask_init();
	ask_devices();
	gates_on();
	call3(LGUEST_HCALL_SET_STACK, LGUEST_CONSTANTS_KERNEL_DS, probe_stack[3], 1);
	ask_calls();
	ask_segments();
	ask_traps();
	ask_privileged();
	ask_pages();
	ask_user();
	ask_interrupts();
	note("end of the questions");
	end(VMI_EXIT_STATUS_SUCCESS);
}
