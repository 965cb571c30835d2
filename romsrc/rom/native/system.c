/*
 * The ends of a machine: Reboot (36) and Shutdown (37). Neither returns.
 */
#include "io.h"

#define RESET_POLLS 100000u
#define KEYBOARD_BUSY 0x02 /* status: the controller has not read its input yet */

static void wait(void)
{
	for (u32 i = 0; i < RESET_POLLS / 100; i++)
		io_out8(NATIVE_PORT_IO_DELAY, 0);
}

/*
 * A PC has no INIT without reset that a program could ask for reliably, so both kinds are the same: the keyboard
 * controller's reset line, then port 0x92, then a triple fault.
 */
void ROMCALL vmi_Reboot(u32 how)
{
	(void)how;
	irq_save();
	for (u32 i = 0; i < RESET_POLLS && io_in8(NATIVE_RESET_KEYBOARD_PORT) & KEYBOARD_BUSY; i++)
		;
	io_out8(NATIVE_RESET_KEYBOARD_PORT, NATIVE_RESET_KEYBOARD_PULSE);
	wait();
	io_out8(NATIVE_RESET_FAST_PORT, io_in8(NATIVE_RESET_FAST_PORT) & ~(u32)NATIVE_RESET_FAST_INIT);
	io_out8(NATIVE_RESET_FAST_PORT, io_in8(NATIVE_RESET_FAST_PORT) | NATIVE_RESET_FAST_INIT);
	wait();
	machine_triple_fault();
}

void ROMCALL vmi_Shutdown(void)
{
	irq_save();
	io_out16(NATIVE_ACPI_PM1A_CONTROL, NATIVE_ACPI_SLEEP_ENABLE);
	machine_stop();
}
