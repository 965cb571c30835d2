/* The order of the questions; or the one question that the command line asks. */
#include "probe.h"

void probe_main(void);

static u32 asked(void)
{
	const char *text = start->cmd_line;
	u32 number = 0;

	for (; *text && *text != '='; text++)
		;
	for (text += *text == '='; *text >= '0' && *text <= '9'; text++)
		number = number * 10 + (u32)(*text - '0');
	return number;
}

void probe_main(void)
{
	machine_begin();
	if (asked()) {
		traps_on();
		events_on();
		die(asked());
	}
	note("vmirom probe of xen");
	tell_deaths();
	ask_version();
	ask_boot();
	traps_on();
	events_on();
	ask_calls();
	ask_entries();
	ask_directories();
	ask_pins();
	ask_stores();
	ask_descriptors();
	ask_local_table();
	mask_events();
	ask_traps();
	ask_privileged();
	ask_ports();
	ask_user();
	ask_loads();
	ask_emulation();
	ask_returns();
	ask_types();
	ask_memory();
	ask_devices();
	ask_events();
	ask_time();
	ask_grants();
	ask_pointers();
	ask_virtual_cpu();
	note("end of the questions");
	end(VMI_EXIT_STATUS_SUCCESS);
}
