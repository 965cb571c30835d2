/* Offsets and bits of the local APIC's registers (32-bit, at multiples of 16), and its state after the BIOS. */
#ifndef APIC_H
#define APIC_H

#include "rom.h"

enum {
	APIC_ID = 0x020,
	APIC_VERSION = 0x030,
	APIC_TPR = 0x080,
	APIC_PPR = 0x0A0,
	APIC_EOI = 0x0B0,
	APIC_LDR = 0x0D0,
	APIC_DFR = 0x0E0,
	APIC_SVR = 0x0F0,
	APIC_ISR = 0x100,
	APIC_TMR = 0x180,
	APIC_IRR = 0x200,
	APIC_ESR = 0x280,
	APIC_ICR = 0x300,
	APIC_ICR_HIGH = 0x310,
	APIC_LVTT = 0x320,
	APIC_LVT_LAST = 0x370,
	APIC_TIMER_COUNT = 0x380,
	APIC_TIMER_NOW = 0x390,
	APIC_TIMER_DIVIDE = 0x3E0,
	APIC_END = 0x400,

	APIC_ENABLED = 0x100,  /* SVR */
	APIC_MASKED = 0x10000, /* LVT */
};

/* Version 0x14 with six LVT entries, all masked; software-enabled, as a BIOS with interrupts leaves it. */
static inline void apic_reset(u32 *registers)
{
	registers[APIC_VERSION >> 4] = 0x00050014;
	registers[APIC_DFR >> 4] = 0xFFFFFFFF;
	registers[APIC_SVR >> 4] = APIC_ENABLED | 0xff;
	for (u32 lvt = APIC_LVTT; lvt <= APIC_LVT_LAST; lvt += 16)
		registers[lvt >> 4] = APIC_MASKED;
}

#endif
