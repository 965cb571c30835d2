/*
 * Console, the end of the machine, and I/O privilege.
 */
#include "memory.h"
#include "platform.h"

void platform_console(const u8 *text, u32 n)
{
	hypercall(XEN_HYPERCALL_CONSOLE_IO, XEN_CONSOLEIO_WRITE, n, GVA(text), 0, 0);
}

/* Xen tells of input by an event; until one comes there is nothing to ask for. */
int platform_console_read(void)
{
	struct backend_state *b = &state()->backend;
	volatile u8 *byte = (volatile u8 *)b->scratch;

	if (!b->console_input)
		return -1;
	if (hypercall(XEN_HYPERCALL_CONSOLE_IO, XEN_CONSOLEIO_READ, 1, GVA(byte), 0, 0) != 1) {
		b->console_input = 0;
		return -1;
	}
	BARRIER();
	return *byte;
}

static void iopl_set(u32 iopl)
{
	u32 *words = state()->backend.scratch;

	words[1] = iopl;
	BARRIER();
	physdev_op(XEN_PHYSDEVOP_SET_IOPL, words);
}

static void machine_end(u32 reason)
{
	u32 *why = state()->backend.scratch;

	uart_flush();
	*why = reason;
	BARRIER();
	for (;;)
		sched_shutdown(why);
}

/* The exit port is real where the domain may have it (QEMU's isa-debug-exit); where not, nothing listens. */
void platform_exit(u32 status)
{
	iopl_set(1);
	exit_port_write(status);
	machine_end(XEN_SHUTDOWN_POWEROFF);
}

void ROMCALL vmi_Reboot(u32 how)
{
	(void)how;
	events_mask();
	machine_end(XEN_SHUTDOWN_REBOOT);
}

void ROMCALL vmi_Shutdown(void)
{
	events_mask();
	machine_end(XEN_SHUTDOWN_POWEROFF);
}

/* Bits 13:12 as in EFLAGS. 3 gives user code the ports; the kernel needs none, its port calls are the ROM's. */
void ROMCALL vmi_SetIOPLMask(u32 mask)
{
	u32 saved = events_mask();

	iopl_set(mask >> 12 & 3);
	events_unmask(saved);
}
