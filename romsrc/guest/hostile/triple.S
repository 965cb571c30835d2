/* Traps before it has an IDT: the fault of the fault of a fault. */
#include "hostile.h"
	ud2
