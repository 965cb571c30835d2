/*
 * A guest of another project: it takes three breakpoints through its own handler, says how much memory and
 * which command line it was given, and ends well if all came back as it should.
 */
#include "vmi_guest.h"

static volatile u32 taken;

void vmi_trap(struct vmi_frame *frame)
{
	if (frame->vector != 3)
		vmi_exit(VMI_EXIT_STATUS_FAILURE);
	taken++;
}

static void print_number(u32 number)
{
	char text[11], *at = text + sizeof text - 1;

	*at = 0;
	do
		*--at = (char)('0' + number % 10);
	while (number /= 10);
	vmi_print(at);
}

int guest_main(struct vmi_boot_info *boot)
{
	vmi_tables_load();
	for (u32 step = 0; step < 3; step++)
		__asm__ volatile("int3" ::: "memory");
	vmi_print("breakpoints: ");
	print_number(taken);
	vmi_print("\ncommand line: ");
	vmi_print(VMI_LINEAR(boot->command_line_gpa));
	vmi_print("\n~ pages: "); /* a note: it may differ between backends */
	print_number(boot->mem_pages);
	vmi_print("\n");
	return taken == 3 ? VMI_EXIT_STATUS_SUCCESS : VMI_EXIT_STATUS_FAILURE;
}
