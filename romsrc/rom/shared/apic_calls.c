/* Calls 63 and 64 where the local APIC is the ROM's own (apic.c). */
#include "platform.h"

void ROMCALL vmi_APICWrite(u32 offset, u32 value)
{
	apic_write(offset, value);
}

u32 ROMCALL vmi_APICRead(u32 offset)
{
	return apic_read(offset);
}

void apic_raise_lvtt(void)
{
	apic_request_lvtt();
}
