/* Asks for an interrupt with every instruction, and never ends one: a periodic alarm of one cycle. */
#include "vmi_guest.h"

void vmi_trap(struct vmi_frame *frame)
{
	(void)frame;
	vmi_OUTB(0x20, VMI_PORT_PIC_MASTER);
	vmi_SetAlarm(VMI_COUNTER_REAL, 0, 0);
}

int guest_main(struct vmi_boot_info *boot)
{
	static const u8 words[][2] = {{0x11, 0}, {0x30, 1}, {0x04, 1}, {0x01, 1}, {0xFE, 1}};

	(void)boot;
	vmi_tables_load();
	for (u32 n = 0; n < 5; n++)
		vmi_OUTB(words[n][0], VMI_PORT_PIC_MASTER + words[n][1]);
	vmi_SetAlarm(VMI_COUNTER_REAL | VMI_ALARM_PERIODIC, 0, 1);
	vmi_EnableInterrupts();
	for (;;)
		vmi_Halt();
}
