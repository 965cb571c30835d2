/* The local APIC as a BIOS leaves it; its registers are 32-bit, at multiples of 16. */
#ifndef APIC_H
#define APIC_H

#include "native_asm.h"
#include "rom.h"

#define APIC_END 0x400 /* of the registers; behind them the page is reserved */

/* Version 0x14 with six LVT entries, all masked; software-enabled, as a BIOS with interrupts leaves it. */
static inline void apic_reset(u32 *registers)
{
	registers[NATIVE_APIC_VERSION >> 4] = 0x00050014;
	registers[NATIVE_APIC_DFR >> 4] = 0xFFFFFFFF;
	registers[NATIVE_APIC_SPURIOUS >> 4] = NATIVE_APIC_SPURIOUS_ENABLED | 0xff;
	for (u32 lvt = NATIVE_APIC_LVTT; lvt <= NATIVE_APIC_LVT_ERROR; lvt += 16)
		registers[lvt >> 4] = NATIVE_APIC_LVT_MASKED;
}

#endif
