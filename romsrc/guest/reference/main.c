/* The subjects of the reference guest. */
#include "reference.h"

const char title[] = "reference guest of VMI 3.1\n";

const struct subject subjects[] = {
	{"probe", probe},
	{"descriptors", descriptors},
	{"traps", traps},
	{"cpu", cpu},
	{"ports", ports},
	{"clock", clock},
	{"paging", paging},
	{"lazy", lazy},
	{"demand", demand},
	{"fork", fork},
	{"user", user},
	{"interrupts", interrupts},
	{"pic", pic},
	{"alarms", alarms},
	{"threads", threads},
	{"fpu", fpu},
	{"halt", halt},
	{NULL, NULL},
};
