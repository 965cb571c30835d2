/*
 * The shortest guest: a line on the console, which hypervisor ABI it runs on, and a successful end.
 *
 *     vmirom guest build examples/hello/hello.c -o hello.elf
 *     vmirom boot hello.elf -v
 */
#include "vmi_guest.h"

int guest_main(struct vmi_boot_info *boot)
{
	static const char *const names[] = {
		[VMI_BACKEND_NATIVE] = "native",
		[VMI_BACKEND_KVM] = "kvm",
		[VMI_BACKEND_XEN] = "xen",
		[VMI_BACKEND_LGUEST] = "lguest",
	};
	bool known = boot->backend && boot->backend < sizeof names / sizeof *names;

	vmi_print("hello, world\n");
	vmi_print("~ from ");
	vmi_print(known ? names[boot->backend] : "a backend made after me");
	vmi_print("\n");
	return VMI_EXIT_STATUS_SUCCESS;
}
