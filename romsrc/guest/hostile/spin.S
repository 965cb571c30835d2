/* Never ends: no exit, no call, interrupts off. */
#include "hostile.h"
	jmp vmi_start
