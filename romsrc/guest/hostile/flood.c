/* Prints for ever. */
#include "vmi_guest.h"

int guest_main(struct vmi_boot_info *boot)
{
	(void)boot;
	for (;;)
		vmi_print("and again, and again, and again, and again, and again, and again, and again\n");
}
