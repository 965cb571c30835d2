/*
 * Three hypercalls that Xen had in another form until 3.0.3, and still has beside the new one: scheduling, event
 * channels, physical devices. The old forms have numbers of their own. No feature bit tells of it, but an unknown
 * number is -ENOSYS on every Xen, so the new form is tried first and the answer believed; a version is never asked.
 */
#include "memory.h"
#include "platform.h"

#define UNKNOWN (-(s32)XEN_ERRNO_ENOSYS)

/* The structure begins at words[1]; the old form wants the command in front of it, the new one in a register. */
static s32 either(u32 number, u32 old_number, u32 command, u32 *words)
{
	s32 result = hypercall(number, command, GVA(words + 1), 0, 0, 0);

	if (result != UNKNOWN)
		return result;
	words[0] = command;
	BARRIER();
	return hypercall(old_number, GVA(words), 0, 0, 0, 0);
}

s32 event_channel_op(u32 command, u32 *words)
{
	return either(XEN_HYPERCALL_EVENT_CHANNEL_OP, XEN_HYPERCALL_EVENT_CHANNEL_OP_COMPAT, command, words);
}

s32 physdev_op(u32 command, u32 *words)
{
	return either(XEN_HYPERCALL_PHYSDEV_OP, XEN_HYPERCALL_PHYSDEV_OP_COMPAT, command, words);
}

/* Sleeps until an event is pending; unmasks upcalls. Often made, so that the answer is remembered. */
void sched_block(void)
{
	struct backend_state *b = &state()->backend;

	if (!b->sched_old && hypercall(XEN_HYPERCALL_SCHED_OP, XEN_SCHEDOP_BLOCK, 0, 0, 0, 0) == UNKNOWN)
		b->sched_old = 1;
	if (b->sched_old)
		hypercall(XEN_HYPERCALL_SCHED_OP_COMPAT, XEN_SCHEDOP_BLOCK, 0, 0, 0, 0);
}

/* Ends the domain: where Xen knows the new form, this does not come back for the old one. Needs no state; the
 * reason is where Xen can read it. */
void sched_shutdown(volatile u32 *reason)
{
	hypercall(XEN_HYPERCALL_SCHED_OP, XEN_SCHEDOP_SHUTDOWN, GVA(reason), 0, 0, 0);
	hypercall(XEN_HYPERCALL_SCHED_OP_COMPAT, XEN_SCHEDOP_SHUTDOWN, *reason, 0, 0, 0);
}
