/* Event channels and upcalls. */
#include "probe.h"

static s32 operate(u32 command, void *at)
{
	return call2(XEN_HYPERCALL_EVENT_CHANNEL_OP, command, at);
}

static s32 on_port(u32 command, u32 port)
{
	return operate(command, &port);
}

static s32 bind_virq(u32 virq, u32 cpu, u32 *port)
{
	struct xen_evtchn_bind_virq argument = { virq, cpu, 0x77 };
	s32 result = operate(XEN_EVTCHNOP_BIND_VIRQ, &argument);

	*port = argument.port;
	return result;
}

static s32 bind_ipi(u32 cpu, u32 *port)
{
	struct xen_evtchn_bind_ipi argument = { cpu, 0x77 };
	s32 result = operate(XEN_EVTCHNOP_BIND_IPI, &argument);

	*port = argument.port;
	return result;
}

static void status(const char *id, const char *question, u32 port)
{
	struct xen_evtchn_status argument = { SELF, { 0, 0 }, port, 0x55, 0x55, { 0 } };
	s32 result = operate(XEN_EVTCHNOP_STATUS, &argument);
	const u32 *u = (const u32 *)argument.u;

	if (result || argument.status == XEN_EVTCHN_STATUS_CLOSED)
		say(id, question, "%e %x", result, argument.status);
	else
		say(id, question, "%e %x %x %x", result, argument.status, argument.vcpu,
		    argument.status == XEN_EVTCHN_STATUS_IPI ? 0 : u[0] & 0xFFFF);
}

static u32 pending(u32 port)
{
	return shared->evtchn_pending[port / 32] >> port % 32 & 1;
}

static void set_mask(u32 port, u32 on)
{
	if (on)
		shared->evtchn_mask[port / 32] |= 1u << port % 32;
	else
		shared->evtchn_mask[port / 32] &= ~(1u << port % 32);
}

static void clean(void)
{
	for (u32 i = 0; i < XEN_EVTCHN_WORDS; i++)
		shared->evtchn_pending[i] = 0;
	vcpu->evtchn_pending_sel = 0;
	vcpu->evtchn_upcall_pending = 0;
}

static void ask_binding(void)
{
	u32 a, b;
	s32 result;
	struct xen_evtchn_bind_pirq pirq = { 1, 0, 0 };
	struct xen_evtchn_bind_vcpu move = { 1, 0 };

	status("event.status.0", "status of port 0", 0);
	status("event.status.1", "status of port 1 before any is bound", 1);
	status("event.status.63", "status of port 63", 63);
	status("event.status.64", "status of port 64", 64);
	status("event.status.900", "status of port 900", 900);
	status("event.status.huge", "status of port 4096", 4096);
	say("event.unmask.0", "unmask ports 0, 5, 63, 64", "%e %e %e %e", on_port(XEN_EVTCHNOP_UNMASK, 0), on_port(XEN_EVTCHNOP_UNMASK, 5),
	    on_port(XEN_EVTCHNOP_UNMASK, 63), on_port(XEN_EVTCHNOP_UNMASK, 64));
	say("event.close.64", "close ports 5, 63, 64", "%e %e %e", on_port(XEN_EVTCHNOP_CLOSE, 5), on_port(XEN_EVTCHNOP_CLOSE, 63),
	    on_port(XEN_EVTCHNOP_CLOSE, 64));
	result = bind_virq(XEN_VIRQ_TIMER, 0, &a);
	say("event.virq", "bind VIRQ_TIMER: result and port", "%e %u", result, a);
	say("event.virq.again", "bind it again", "%e", bind_virq(XEN_VIRQ_TIMER, 0, &b));
	result = bind_virq(XEN_VIRQ_CONSOLE, 0, &b);
	say("event.console", "bind VIRQ_CONSOLE: result and port", "%e %u", result, b);
	say("event.virq.24", "bind virq 24", "%e", bind_virq(24, 0, &b));
	say("event.virq.cpu", "bind VIRQ_DEBUG to virtual CPU 9", "%e", bind_virq(XEN_VIRQ_DEBUG, 9, &b));
	say("event.global.cpu", "bind VIRQ_DOM_EXC to virtual CPU 9", "%e", bind_virq(XEN_VIRQ_DOM_EXC, 9, &b));
	result = bind_virq(XEN_VIRQ_DEBUG, 0, &b);
	say("event.debug", "bind VIRQ_DEBUG: result and port", "%e %u", result, b);
	result = bind_virq(XEN_VIRQ_DOM_EXC, 0, &b);
	say("event.dom-exc", "bind VIRQ_DOM_EXC", "%e", result);
	result = bind_virq(16, 0, &b);
	say("event.virq.16", "bind virq 16", "%e", result);
	result = bind_virq(10, 0, &b);
	say("event.virq.10", "bind virq 10", "%e", result);
	result = bind_ipi(0, &b);
	say("event.ipi", "bind an IPI: result and port above the others", "%e %s", result, yes(b > 3));
	say("event.ipi.cpu", "bind an IPI to virtual CPU 9", "%e", bind_ipi(9, &a));
	say("event.pirq", "bind_pirq 1", "%e", operate(XEN_EVTCHNOP_BIND_PIRQ, &pirq));
	pirq.pirq = 0xFFFFFF;
	say("event.pirq.huge", "bind_pirq 0xFFFFFF", "%e", operate(XEN_EVTCHNOP_BIND_PIRQ, &pirq));
	status("event.status.virq", "status of the timer's port", 1);
	status("event.status.console", "status of the console's port", 2);
	status("event.status.ipi", "status of the IPI's port", b);
	say("event.move.virq", "bind_vcpu of the timer's port", "%e", operate(XEN_EVTCHNOP_BIND_VCPU, &move));
	move.port = 2;
	say("event.move.console", "bind_vcpu of the console's port", "%e", operate(XEN_EVTCHNOP_BIND_VCPU, &move));
	move.port = b;
	say("event.move.ipi", "bind_vcpu of the IPI's port", "%e", operate(XEN_EVTCHNOP_BIND_VCPU, &move));
	move.vcpu = 9;
	say("event.move.cpu", "bind_vcpu to virtual CPU 9", "%e", operate(XEN_EVTCHNOP_BIND_VCPU, &move));
	move.port = 900;
	move.vcpu = 0;
	say("event.move.closed", "bind_vcpu of a closed port", "%e", operate(XEN_EVTCHNOP_BIND_VCPU, &move));
	say("event.send.virq", "send to the timer's port", "%e", on_port(XEN_EVTCHNOP_SEND, 1));
	say("event.send.0", "send to port 0", "%e", on_port(XEN_EVTCHNOP_SEND, 0));
	say("event.send.closed", "send to a closed port", "%e", on_port(XEN_EVTCHNOP_SEND, 900));
	say("event.send.huge", "send to port 4096", "%e", on_port(XEN_EVTCHNOP_SEND, 4096));
	say("event.close.0", "close port 0", "%e", on_port(XEN_EVTCHNOP_CLOSE, 0));
	say("event.close.closed", "close a closed port", "%e", on_port(XEN_EVTCHNOP_CLOSE, 900));
	say("event.close.huge", "close port 4096", "%e", on_port(XEN_EVTCHNOP_CLOSE, 4096));
	say("event.unmask.closed", "unmask a closed port", "%e", on_port(XEN_EVTCHNOP_UNMASK, 900));
	say("event.unmask.huge", "unmask port 4096", "%e", on_port(XEN_EVTCHNOP_UNMASK, 4096));
	say("event.close.ipi", "close the IPI's port", "%e", on_port(XEN_EVTCHNOP_CLOSE, b));
	status("event.close.status", "its status then", b);
	result = bind_ipi(0, &a);
	say("event.reuse", "the next port bound is the one that was closed", "%e %s", result, yes(a == b));
	on_port(XEN_EVTCHNOP_CLOSE, a);
	say("event.null", "bind_ipi at address 0", "%e", operate(XEN_EVTCHNOP_BIND_IPI, 0));
	say("event.14", "command 14", "%e", operate(14, &a));
	say("event.init", "init_control at address 0", "%e", operate(XEN_EVTCHNOP_INIT_CONTROL, 0));
	say("event.priority", "set_priority at address 0", "%e", operate(XEN_EVTCHNOP_SET_PRIORITY, 0));
}

static void ask_interdomain(void)
{
	struct xen_evtchn_alloc_unbound open = { SELF, SELF, 0 };
	struct xen_evtchn_bind_interdomain join = { SELF, { 0, 0 }, 0, 0 };
	s32 result = operate(XEN_EVTCHNOP_ALLOC_UNBOUND, &open);
	u32 first = open.port, second;

	say("event.unbound", "alloc_unbound for ourselves", "%e", result);
	status("event.unbound.status", "its status: remote domain", first);
	say("event.unbound.send", "send to it", "%e", on_port(XEN_EVTCHNOP_SEND, first));
	join.remote_port = first;
	set_mask(first, 1);
	result = operate(XEN_EVTCHNOP_BIND_INTERDOMAIN, &join);
	second = join.local_port;
	say("event.join", "bind_interdomain to it", "%e", result);
	say("event.join.pending", "pending then: its own port, the remote one", "%u %u", pending(second), pending(first));
	status("event.join.status", "status of the new port", second);
	status("event.join.remote", "status of the other one", first);
	clean();
	result = on_port(XEN_EVTCHNOP_SEND, second);
	say("event.join.send", "send by the new one: pending its own, the other", "%e %u %u", result, pending(second), pending(first));
	clean();
	result = operate(XEN_EVTCHNOP_BIND_INTERDOMAIN, &join);
	say("event.join.again", "bind_interdomain to it again", "%e", result);
	say("event.join.close", "close the new one", "%e", on_port(XEN_EVTCHNOP_CLOSE, second));
	status("event.join.left", "status of the other then", first);
	on_port(XEN_EVTCHNOP_CLOSE, first);
	join.remote_port = 900;
	say("event.join.closed", "bind_interdomain to a closed port", "%e", operate(XEN_EVTCHNOP_BIND_INTERDOMAIN, &join));
	join.remote_dom = 5;
	say("event.join.5", "bind_interdomain to domain 5", "%e", operate(XEN_EVTCHNOP_BIND_INTERDOMAIN, &join));
	open.dom = 5;
	say("event.unbound.5", "alloc_unbound for domain 5", "%e", operate(XEN_EVTCHNOP_ALLOC_UNBOUND, &open));
	open.dom = SELF;
	open.remote_dom = 5;
	result = operate(XEN_EVTCHNOP_ALLOC_UNBOUND, &open);
	say("event.unbound.remote5", "alloc_unbound with remote domain 5", "%e", result);
	if (!result)
		on_port(XEN_EVTCHNOP_CLOSE, open.port);
}

static void ask_delivery(void)
{
	u32 port;

	bind_ipi(0, &port);
	clean();
	set_mask(port, 1);
	on_port(XEN_EVTCHNOP_SEND, port);
	say("deliver.masked", "a masked port sent to: pending, selector, upcall", "%u %u %u", pending(port),
	    vcpu->evtchn_pending_sel, vcpu->evtchn_upcall_pending);
	event.hits = 0;
	on_port(XEN_EVTCHNOP_UNMASK, port);
	say("deliver.unmask", "unmask it: pending, selector, upcall, upcalls taken", "%u %u %u %u", pending(port),
	    vcpu->evtchn_pending_sel, vcpu->evtchn_upcall_pending, event.hits);
	unmask_events();
	for (volatile u32 i = 0; i < 1000; i++)
		;
	say("deliver.clear", "clearing the upcall mask by hand: the upcall is still pending, none taken", "%u %u",
	    vcpu->evtchn_upcall_pending, event.hits);
	call1(XEN_HYPERCALL_XEN_VERSION, 0);
	say("deliver.hypercall", "the next hypercall delivers: upcalls taken", "%u", event.hits);
	say("deliver.frame", "the upcall's cs, IF, and the mask inside", "%x %u %u", event.cs, event.eflags >> 9 & 1, event.mask);
	say("deliver.after", "the mask after it", "%u", vcpu->evtchn_upcall_mask);
	event.hits = 0;
	on_port(XEN_EVTCHNOP_SEND, port);
	say("deliver.direct", "send while unmasked: upcalls taken", "%u", event.hits);
	mask_events();
	event.hits = 0;
	on_port(XEN_EVTCHNOP_SEND, port);
	unmask_events();
	TRY("ud2");
	say("deliver.trap", "pending, then a trap: upcalls taken, mask that the trap's frame shows", "%u %x", event.hits, seen.cs);
	mask_events();
	clean();
	event.hits = 0;
	on_port(XEN_EVTCHNOP_SEND, port);
	on_port(XEN_EVTCHNOP_SEND, port);
	say("deliver.twice", "sent to twice: pending once, selector", "%u %u", pending(port), vcpu->evtchn_pending_sel);
	vcpu->evtchn_upcall_pending = 0;
	vcpu->evtchn_pending_sel = 0;
	on_port(XEN_EVTCHNOP_SEND, port);
	say("deliver.no-edge", "a pending bit that was left set gives no new edge: selector", "%u", vcpu->evtchn_pending_sel);
	clean();
	on_port(XEN_EVTCHNOP_SEND, port);
	TRY("pushl $0x202\n\tpushl $0xE019\n\tpushl $1f\n\tpushl $0\n\tmovl $23, %%eax\n\tint $0x82\n1:");
	say("deliver.iret", "pending, and the iret hypercall with IF: upcalls taken", "%u", event.hits);
	mask_events();
	clean();
	event.hits = 0;
	vcpu->evtchn_upcall_pending = 1;
	unmask_events();
	call1(XEN_HYPERCALL_XEN_VERSION, 0);
	say("deliver.by-hand", "upcall_pending set by hand: upcalls taken", "%u", event.hits);
	mask_events();
	on_port(XEN_EVTCHNOP_CLOSE, port);
	clean();
}

void ask_events(void)
{
	u16 self = SELF;

	mask_events();
	call3(XEN_HYPERCALL_VCPU_OP, XEN_VCPUOP_STOP_PERIODIC_TIMER, 0, 0);
	ask_binding();
	ask_interdomain();
	ask_delivery();
	say("event.reset", "reset", "%e", operate(XEN_EVTCHNOP_RESET, &self));
	status("event.reset.status", "status of the timer's port then", 1);
	self = 5;
	say("event.reset.5", "reset of domain 5", "%e", operate(XEN_EVTCHNOP_RESET, &self));
	clean();
}
