/* The flags calls at their sites: what they do to the interrupt flag, and that they change nothing else. */
#include "probe.h"

#define IF 0x200u
#define MARK 0x2badf0ceu /* bit 9 clear, as bits 1 and up of no use to flags matter little */

enum { EAX, REGISTERS = 7 };

void CALLCONV probe_enable(u32 value, u32 *registers);
void CALLCONV probe_disable(u32 value, u32 *registers);
void CALLCONV probe_get(u32 value, u32 *registers);
void CALLCONV probe_set(u32 value, u32 *registers);

static bool kept(const u32 *registers, u32 value, u32 from)
{
	for (u32 n = from; n < REGISTERS; n++)
		if (registers[n] != value)
			return false;
	return true;
}

static bool on(void)
{
	u32 flags;

	__asm__ volatile("pushfl; popl %0" : "=r"(flags));
	return flags & IF;
}

void flags_check(void)
{
	u32 registers[REGISTERS];

	probe_disable(MARK, registers);
	check(!on() && kept(registers, MARK, EAX), "DisableInterrupts disables, and changes no register");
	probe_get(MARK, registers);
	check(!(registers[EAX] & IF) && kept(registers, MARK, EAX + 1), "GetInterruptMask says off, and changes EAX only");
	probe_enable(MARK, registers);
	check(on() && kept(registers, MARK, EAX), "EnableInterrupts enables, and changes no register");
	probe_get(MARK, registers);
	check((registers[EAX] & IF) && kept(registers, MARK, EAX + 1), "GetInterruptMask says on");
	probe_set(0x002, registers);
	check(!on() && kept(registers, 0x002, EAX), "SetInterruptMask(2) disables, and changes no register");
	probe_set(0x202, registers);
	check(on() && kept(registers, 0x202, EAX), "SetInterruptMask(202h) enables");
	probe_disable(MARK, registers);
	check(!on(), "and DisableInterrupts disables again");
}
