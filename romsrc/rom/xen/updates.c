/*
 * What waits for Xen: updates of machine tables, and the hypercalls of a context switch.
 *
 * Promised: updates reach Xen in the order in which they were put; after update_flush() none is left. One that Xen
 * refuses is tried again as "not present", counted, and does not hold up the others: the machine then shows less
 * than the guest asked for, never more.
 */
#include "memory.h"

void update_put(u64 where, u64 value)
{
	struct backend_state *b = &state()->backend;
	u32 n = b->queued;

	if (n == QUEUE) {
		update_flush();
		n = 0;
	}
	b->queue[n].ptr = where;
	b->queue[n].val = value;
	b->queued = n + 1;
}

void update_flush(void)
{
	struct backend_state *b = &state()->backend;
	u32 first = 0;

	while (first < b->queued) {
		u32 left = b->queued - first;

		b->done = 0;
		if (hypercall(XEN_HYPERCALL_MMU_UPDATE, GVA(&b->queue[first]), left, GVA(&b->done), DOMID_SELF, 0) >= 0)
			break;
		BARRIER();
		b->refused++;
		first += b->done < left ? b->done : left - 1;
		if (b->queue[first].val)
			b->queue[first].val = 0;
		else
			first++;
	}
	b->queued = 0;
}

void mmuext(u32 command, u32 arg1, u32 arg2)
{
	struct backend_state *b = &state()->backend;

	b->op.cmd = command;
	b->op.arg1 = arg1;
	b->op.arg2 = arg2;
	BARRIER();
	if (hypercall(XEN_HYPERCALL_MMUEXT_OP, GVA(&b->op), 1, 0, DOMID_SELF, 0) < 0)
		b->refused++;
}

void batch_put(u32 number, u32 a, u32 b1, u32 c, u32 d)
{
	struct backend_state *b = &state()->backend;
	struct xen_multicall_entry *entry;

	if (b->batched == BATCH)
		batch_flush();
	entry = &b->batch[b->batched++];
	entry->op = number;
	entry->args[0] = a;
	entry->args[1] = b1;
	entry->args[2] = c;
	entry->args[3] = d;
	if (state()->lazy_mode != VMI_LAZY_MODE_CPU)
		batch_flush();
}

void batch_mmuext(u32 command, u32 argument)
{
	struct backend_state *b = &state()->backend;
	struct xen_mmuext_op *op;

	if (b->batched == BATCH)
		batch_flush();
	op = &b->batch_op[b->batched];
	op->cmd = command;
	op->arg1 = argument;
	op->arg2 = 0;
	batch_put(XEN_HYPERCALL_MMUEXT_OP, GVA(op), 1, 0, DOMID_SELF);
}

void batch_flush(void)
{
	struct backend_state *b = &state()->backend;
	u32 n = b->batched;

	if (!n)
		return;
	b->batched = 0;
	BARRIER();
	if (n == 1) {
		if (hypercall(b->batch[0].op, b->batch[0].args[0], b->batch[0].args[1], b->batch[0].args[2],
			      b->batch[0].args[3], 0) < 0)
			b->refused++;
	} else {
		hypercall(XEN_HYPERCALL_MULTICALL, GVA(b->batch), n, 0, 0, 0);
		BARRIER();
		while (n--)
			if (b->batch[n].result < 0)
				b->refused++;
	}
	b->loaded = b->current; /* a NEW_BASEPTR among them was for it */
}
