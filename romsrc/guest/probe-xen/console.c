/* The way out: Xen's console, the exit port, and Xen's names of errors. */
#include "probe.h"

#define TEXT(x) #x
#define PORT(x) TEXT(x)

u32 probe_status;

const struct error_name error_names[] = {
	{ XEN_ERRNO_EPERM, "EPERM" }, { XEN_ERRNO_ENOENT, "ENOENT" }, { XEN_ERRNO_ESRCH, "ESRCH" },
	{ XEN_ERRNO_E2BIG, "E2BIG" }, { XEN_ERRNO_ENOMEM, "ENOMEM" }, { XEN_ERRNO_EFAULT, "EFAULT" },
	{ XEN_ERRNO_EBUSY, "EBUSY" }, { XEN_ERRNO_EEXIST, "EEXIST" }, { XEN_ERRNO_EINVAL, "EINVAL" },
	{ XEN_ERRNO_ENOSPC, "ENOSPC" }, { XEN_ERRNO_ENOSYS, "ENOSYS" }, { XEN_ERRNO_ENODATA, "ENODATA" },
	{ XEN_ERRNO_ETIME, "ETIME" }, { XEN_ERRNO_EOPNOTSUPP, "EOPNOTSUPP" }, { XEN_ERRNO_ENOBUFS, "ENOBUFS" },
	{ 0, 0 },
};

void print(const char *line, u32 length)
{
	call3(XEN_HYPERCALL_CONSOLE_IO, XEN_CONSOLEIO_WRITE, length, line);
}

/* Through the exit port where there is one; a machine without it shuts down. */
void end(u32 status)
{
	u32 reason = XEN_SHUTDOWN_POWEROFF;

	set_iopl(1);
	probe_status = status;
	TRY("movl $" PORT(VMI_PORT_EXIT) ", %%edx\n\tmovl probe_status, %%eax\n\toutb %%al, %%dx");
	for (;;)
		call2(XEN_HYPERCALL_SCHED_OP, XEN_SCHEDOP_SHUTDOWN, &reason);
}
