/*
 * Ends. Without a word it prints one line and reports success; `way` on the command line says how else it is to end: by
 * a status, Shutdown, Reboot, or an IRET to a frame that is none. What goes on after an end reports failure.
 */
#include "../checking/checking.h"

const char title[] = "conformance: ends\n";

void iret_to(u32 cs, u32 ss); /* ends.S: IRET to a frame of these selectors, the rest being good */

static const char *way;
static u32 length;

static bool way_is(const char *name)
{
	u32 size = 0;

	while (name[size])
		size++;
	return way && size == length && same_text(way, name, size);
}

/* A trap that says that the frame is no frame is as good an end as being ended for it. */
static bool refused(struct vmi_frame *frame)
{
	note("vector %u error %x at %x", frame->vector, frame->error, frame->eip);
	vmi_exit(frame->vector == 13 || frame->vector == 11 || frame->vector == 12 || frame->vector == 10 ? VMI_EXIT_STATUS_SUCCESS
													  : VMI_EXIT_STATUS_FAILURE);
}

static void ends(void)
{
	way = option("way", &length);
	if (!way) {
		check(true, "the last line before the end is seen");
		return;
	}
	if (way_is("failure"))
		vmi_exit(VMI_EXIT_STATUS_FAILURE);
	if (way_is("skip"))
		vmi_exit(VMI_EXIT_STATUS_SKIP);
	if (way_is("error"))
		vmi_exit(VMI_EXIT_STATUS_ERROR);
	vmi_EnableInterrupts();
	if (way_is("shutdown"))
		vmi_Shutdown();
	if (way_is("reset"))
		vmi_Reboot(VMI_REBOOT_HOW_HARD);
	if (way_is("init"))
		vmi_Reboot(VMI_REBOOT_HOW_SOFT);
	vmi_DisableInterrupts();
	trap_hook = refused;
	if (way_is("null-code"))
		iret_to(0, vmi_kernel_ds());
	if (way_is("data-code"))
		iret_to(vmi_kernel_ds(), vmi_kernel_ds());
	if (way_is("absent-code"))
		iret_to(0xC8 | (vmi_kernel_cs() & 3), vmi_kernel_ds());
	if (way_is("null-stack"))
		iret_to(VMI_USER_CS, 0);
	if (way_is("kernel-stack"))
		iret_to(VMI_USER_CS, vmi_kernel_ds());
	vmi_exit(VMI_EXIT_STATUS_FAILURE);
}

const struct subject subjects[] = {
	{"ends", ends},
	{NULL, NULL},
};
