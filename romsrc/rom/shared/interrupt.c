/* Both interrupt controllers as one: the local APIC goes first, the PIC comes in through its virtual wire. */
#include "platform.h"

bool interrupt_has(void)
{
	return apic_has() || pic_has();
}

int interrupt_next(void)
{
	int vector = apic_next();

	return vector >= 0 ? vector : pic_next();
}
