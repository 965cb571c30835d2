/* The order of the questions. */
#include "probe.h"

void probe_main(void);

void probe_main(void)
{
	machine_begin();
	note("vmirom probe of xen");
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
	ask_events();
	ask_time();
	ask_grants();
	ask_pointers();
	ask_virtual_cpu();
	note("end of the questions");
	end(VMI_EXIT_STATUS_SUCCESS);
}
