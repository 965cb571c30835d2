#include "probe.h"

void probe_main(void);

void probe_main(void)
{
	machine_begin();
	ask_leaves();
	ask_calls();
	ask_registers();
	ask_clock();
	ask_traps();
	end(VMI_EXIT_STATUS_SUCCESS);
}
