/* Every hypercall that takes an address, given one that can't be used, and one that barely can. */
#include "probe.h"

#define EDGE 41 /* a page of zeros with nothing behind it */
#define FIXED 43 /* a page of zeros, read-only */
#define GOOD 44 /* a page of zeros */

struct question {
	const char *id;
	u32 call, first, second; /* `second` is for vcpu_op: the virtual CPU */
	u32 argument;            /* which of EBX ECX EDX takes the address */
	u32 only_bad;            /* zeros as an argument would move something; 2: what is in the hole would end the machine */
};

static const struct question questions[] = {
	{ "pointer.version.extra", XEN_HYPERCALL_XEN_VERSION, XEN_XENVER_EXTRAVERSION, 0, 1, 0 },
	{ "pointer.version.compile", XEN_HYPERCALL_XEN_VERSION, XEN_XENVER_COMPILE_INFO, 0, 1, 0 },
	{ "pointer.version.caps", XEN_HYPERCALL_XEN_VERSION, XEN_XENVER_CAPABILITIES, 0, 1, 0 },
	{ "pointer.version.changeset", XEN_HYPERCALL_XEN_VERSION, XEN_XENVER_CHANGESET, 0, 1, 0 },
	{ "pointer.version.platform", XEN_HYPERCALL_XEN_VERSION, XEN_XENVER_PLATFORM_PARAMETERS, 0, 1, 0 },
	{ "pointer.version.features", XEN_HYPERCALL_XEN_VERSION, XEN_XENVER_GET_FEATURES, 0, 1, 0 },
	{ "pointer.version.handle", XEN_HYPERCALL_XEN_VERSION, XEN_XENVER_GUEST_HANDLE, 0, 1, 0 },
	{ "pointer.version.line", XEN_HYPERCALL_XEN_VERSION, XEN_XENVER_COMMANDLINE, 0, 1, 0 },
	{ "pointer.sched.shutdown", XEN_HYPERCALL_SCHED_OP, XEN_SCHEDOP_SHUTDOWN, 0, 1, 2 },
	{ "pointer.sched.code", XEN_HYPERCALL_SCHED_OP, XEN_SCHEDOP_SHUTDOWN_CODE, 0, 1, 1 },
	{ "pointer.sched.poll", XEN_HYPERCALL_SCHED_OP, XEN_SCHEDOP_POLL, 0, 1, 1 },
	{ "pointer.sched.remote", XEN_HYPERCALL_SCHED_OP, XEN_SCHEDOP_REMOTE_SHUTDOWN, 0, 1, 1 },
	{ "pointer.sched.watchdog", XEN_HYPERCALL_SCHED_OP, XEN_SCHEDOP_WATCHDOG, 0, 1, 1 },
	{ "pointer.sched.pin", XEN_HYPERCALL_SCHED_OP, XEN_SCHEDOP_PIN_OVERRIDE, 0, 1, 1 },
	{ "pointer.event.interdomain", XEN_HYPERCALL_EVENT_CHANNEL_OP, XEN_EVTCHNOP_BIND_INTERDOMAIN, 0, 1, 0 },
	{ "pointer.event.virq", XEN_HYPERCALL_EVENT_CHANNEL_OP, XEN_EVTCHNOP_BIND_VIRQ, 0, 1, 1 },
	{ "pointer.event.pirq", XEN_HYPERCALL_EVENT_CHANNEL_OP, XEN_EVTCHNOP_BIND_PIRQ, 0, 1, 1 },
	{ "pointer.event.close", XEN_HYPERCALL_EVENT_CHANNEL_OP, XEN_EVTCHNOP_CLOSE, 0, 1, 0 },
	{ "pointer.event.send", XEN_HYPERCALL_EVENT_CHANNEL_OP, XEN_EVTCHNOP_SEND, 0, 1, 0 },
	{ "pointer.event.status", XEN_HYPERCALL_EVENT_CHANNEL_OP, XEN_EVTCHNOP_STATUS, 0, 1, 0 },
	{ "pointer.event.unbound", XEN_HYPERCALL_EVENT_CHANNEL_OP, XEN_EVTCHNOP_ALLOC_UNBOUND, 0, 1, 1 },
	{ "pointer.event.ipi", XEN_HYPERCALL_EVENT_CHANNEL_OP, XEN_EVTCHNOP_BIND_IPI, 0, 1, 1 },
	{ "pointer.event.vcpu", XEN_HYPERCALL_EVENT_CHANNEL_OP, XEN_EVTCHNOP_BIND_VCPU, 0, 1, 0 },
	{ "pointer.event.unmask", XEN_HYPERCALL_EVENT_CHANNEL_OP, XEN_EVTCHNOP_UNMASK, 0, 1, 0 },
	{ "pointer.event.reset", XEN_HYPERCALL_EVENT_CHANNEL_OP, XEN_EVTCHNOP_RESET, 0, 1, 1 },
	{ "pointer.event.init", XEN_HYPERCALL_EVENT_CHANNEL_OP, XEN_EVTCHNOP_INIT_CONTROL, 0, 1, 1 },
	{ "pointer.event.expand", XEN_HYPERCALL_EVENT_CHANNEL_OP, XEN_EVTCHNOP_EXPAND_ARRAY, 0, 1, 0 },
	{ "pointer.event.priority", XEN_HYPERCALL_EVENT_CHANNEL_OP, XEN_EVTCHNOP_SET_PRIORITY, 0, 1, 0 },
	{ "pointer.event.15", XEN_HYPERCALL_EVENT_CHANNEL_OP, 15, 0, 1, 0 },
	{ "pointer.event.compat", XEN_HYPERCALL_EVENT_CHANNEL_OP_COMPAT, 0, 0, 0, 0 },
	{ "pointer.physdev.compat", XEN_HYPERCALL_PHYSDEV_OP_COMPAT, 0, 0, 0, 0 },
	{ "pointer.physdev.iopl", XEN_HYPERCALL_PHYSDEV_OP, XEN_PHYSDEVOP_SET_IOPL, 0, 1, 0 },
	{ "pointer.physdev.bitmap", XEN_HYPERCALL_PHYSDEV_OP, XEN_PHYSDEVOP_SET_IOBITMAP, 0, 1, 0 },
	{ "pointer.physdev.irq", XEN_HYPERCALL_PHYSDEV_OP, XEN_PHYSDEVOP_IRQ_STATUS_QUERY, 0, 1, 0 },
	{ "pointer.physdev.eoi", XEN_HYPERCALL_PHYSDEV_OP, XEN_PHYSDEVOP_EOI, 0, 1, 1 },
	{ "pointer.memory.increase", XEN_HYPERCALL_MEMORY_OP, XEN_XENMEM_INCREASE_RESERVATION, 0, 1, 0 },
	{ "pointer.memory.decrease", XEN_HYPERCALL_MEMORY_OP, XEN_XENMEM_DECREASE_RESERVATION, 0, 1, 0 },
	{ "pointer.memory.populate", XEN_HYPERCALL_MEMORY_OP, XEN_XENMEM_POPULATE_PHYSMAP, 0, 1, 0 },
	{ "pointer.memory.most", XEN_HYPERCALL_MEMORY_OP, XEN_XENMEM_MAXIMUM_RESERVATION, 0, 1, 1 },
	{ "pointer.memory.list", XEN_HYPERCALL_MEMORY_OP, XEN_XENMEM_MACHPHYS_MFN_LIST, 0, 1, 0 },
	{ "pointer.memory.machphys", XEN_HYPERCALL_MEMORY_OP, XEN_XENMEM_MACHPHYS_MAPPING, 0, 1, 0 },
	{ "pointer.memory.map", XEN_HYPERCALL_MEMORY_OP, XEN_XENMEM_MEMORY_MAP, 0, 1, 0 },
	{ "pointer.memory.machine", XEN_HYPERCALL_MEMORY_OP, XEN_XENMEM_MACHINE_MEMORY_MAP, 0, 1, 0 },
	{ "pointer.memory.exchange", XEN_HYPERCALL_MEMORY_OP, XEN_XENMEM_EXCHANGE, 0, 1, 0 },
	{ "pointer.vcpu.runstate", XEN_HYPERCALL_VCPU_OP, XEN_VCPUOP_GET_RUNSTATE_INFO, 0, 2, 0 },
	{ "pointer.vcpu.area", XEN_HYPERCALL_VCPU_OP, XEN_VCPUOP_REGISTER_RUNSTATE_MEMORY_AREA, 0, 2, 0 },
	{ "pointer.vcpu.time-area", XEN_HYPERCALL_VCPU_OP, XEN_VCPUOP_REGISTER_VCPU_TIME_MEMORY_AREA, 0, 2, 0 },
	{ "pointer.vcpu.periodic", XEN_HYPERCALL_VCPU_OP, XEN_VCPUOP_SET_PERIODIC_TIMER, 0, 2, 0 },
	{ "pointer.vcpu.single", XEN_HYPERCALL_VCPU_OP, XEN_VCPUOP_SET_SINGLESHOT_TIMER, 0, 2, 1 },
	{ "pointer.vcpu.info", XEN_HYPERCALL_VCPU_OP, XEN_VCPUOP_REGISTER_VCPU_INFO, 0, 2, 1 },
	{ "pointer.vcpu.physid", XEN_HYPERCALL_VCPU_OP, XEN_VCPUOP_GET_PHYSID, 0, 2, 0 },
	{ "pointer.vcpu.initialise", XEN_HYPERCALL_VCPU_OP, XEN_VCPUOP_INITIALISE, 0, 2, 0 },
	{ "pointer.callback.register", XEN_HYPERCALL_CALLBACK_OP, XEN_CALLBACK_OP_REGISTER, 0, 1, 1 },
	{ "pointer.callback.unregister", XEN_HYPERCALL_CALLBACK_OP, XEN_CALLBACK_OP_UNREGISTER, 0, 1, 0 },
	{ "pointer.nmi", XEN_HYPERCALL_NMI_OP, XEN_NMI_OP_REGISTER_CALLBACK, 0, 1, 0 },
	{ "pointer.platform", XEN_HYPERCALL_PLATFORM_OP, 0, 0, 0, 0 },
	{ "pointer.sysctl", XEN_HYPERCALL_SYSCTL, 0, 0, 0, 0 },
	{ "pointer.domctl", XEN_HYPERCALL_DOMCTL, 0, 0, 0, 0 },
	{ "pointer.trap-table", XEN_HYPERCALL_SET_TRAP_TABLE, 0, 0, 0, 2 },
};

static s32 ask_with(const struct question *q, u32 address)
{
	u32 arguments[3] = { q->first, q->second, 0 };

	arguments[q->argument] = address;
	return call3(q->call, arguments[0], arguments[1], arguments[2]);
}

static void ask_batches(void)
{
	u8 *edge = (u8 *)page(EDGE + 1);

	say("pointer.mmu", "mmu_update: at the top of memory, across a page's end, odd", "%e %e %e",
	    call4(XEN_HYPERCALL_MMU_UPDATE, 0xFFFFFFF8, 1, 0, SELF), call4(XEN_HYPERCALL_MMU_UPDATE, edge - 8, 1, 0, SELF),
	    call4(XEN_HYPERCALL_MMU_UPDATE, 0xFFFFFFFF, 0, 0, SELF));
	say("pointer.mmu.many", "mmu_update of 2^28 requests: in range, into the hole", "%e %e",
	    call4(XEN_HYPERCALL_MMU_UPDATE, 0x1000, 1u << 26, 0, SELF), call4(XEN_HYPERCALL_MMU_UPDATE, BASE, 1u << 28, 0, SELF));
	say("pointer.mmuext", "mmuext_op: at the top of memory, across a page's end, none in the hole", "%e %e %e",
	    call4(XEN_HYPERCALL_MMUEXT_OP, 0xFFFFFFF4, 1, 0, SELF), call4(XEN_HYPERCALL_MMUEXT_OP, edge - 8, 1, 0, SELF),
	    call4(XEN_HYPERCALL_MMUEXT_OP, m2p, 0, 0, SELF));
	say("pointer.multicall", "multicall: at the top of memory, across a page's end, none in the hole", "%e %e %e",
	    call2(XEN_HYPERCALL_MULTICALL, 0xFFFFFFE0, 1), call2(XEN_HYPERCALL_MULTICALL, edge - 16, 1),
	    call2(XEN_HYPERCALL_MULTICALL, m2p, 0));
	say("pointer.gdt", "set_gdt of one page: list at the top of memory, across a page's end", "%e %e",
	    call2(XEN_HYPERCALL_SET_GDT, 0xFFFFFFFC, 512), call2(XEN_HYPERCALL_SET_GDT, edge - 2, 512));
	say("pointer.console", "console_io write of 4 at the top of memory, and of -1 bytes from an unmapped address", "%e %e",
	    call3(XEN_HYPERCALL_CONSOLE_IO, XEN_CONSOLEIO_WRITE, 4, 0xFFFFFFFC),
	    call3(XEN_HYPERCALL_CONSOLE_IO, XEN_CONSOLEIO_WRITE, 0xFFFFFFFF, 0x1000));
	say("pointer.console.read", "console_io read of 4 with nothing typed: null, in the hole, none", "%e %e %e",
	    call3(XEN_HYPERCALL_CONSOLE_IO, XEN_CONSOLEIO_READ, 4, 0), call3(XEN_HYPERCALL_CONSOLE_IO, XEN_CONSOLEIO_READ, 4, m2p),
	    call3(XEN_HYPERCALL_CONSOLE_IO, XEN_CONSOLEIO_READ, 0, 0));
	say("pointer.console.command", "console_io command 0xFFFFFFFF and 3", "%e %e",
	    call3(XEN_HYPERCALL_CONSOLE_IO, 0xFFFFFFFF, 4, 0), call3(XEN_HYPERCALL_CONSOLE_IO, 3, 4, page(GOOD)));
}

void ask_pointers(void)
{
	u32 behind = (u32)page(EDGE + 1), nowhere[2] = { 0, 0 };

	for (u32 i = EDGE; i <= GOOD; i++)
		clear(page(i), PAGE);
	map(page(EDGE + 1), 0);
	remap(FIXED, P);
	for (u32 i = 0; i < sizeof questions / sizeof *questions; i++) {
		const struct question *q = &questions[i];
		s32 null = q->call == XEN_HYPERCALL_SET_TRAP_TABLE ? 0 : ask_with(q, 0), absent = ask_with(q, 0x1000);
		s32 hole = ask_with(q, q->only_bad == 2 ? 0x2000 : (u32)m2p), top = ask_with(q, 0xFFFFFFFC), across = ask_with(q, behind - 2);

		say(q->id, "argument at 0, unmapped, in the hole, in the last word, across a page's end", "%e %e %e %e %e", null,
		    absent, hole, top, across);
	}
	for (u32 i = 0; i < sizeof questions / sizeof *questions; i++) {
		const struct question *q = &questions[i];
		s32 fixed, odd;

		if (q->only_bad)
			continue;
		fixed = ask_with(q, (u32)page(FIXED));
		odd = ask_with(q, (u32)page(GOOD) + 1);
		clear(page(GOOD), PAGE);
		say_of(q->id, "zeros", "argument of zeros that is read-only, and at an odd address", "%e %e", fixed, odd);
	}
	ask_batches();
	remap(FIXED, P | RW);
	map(page(EDGE + 1), (u64)mfn(page(EDGE + 1)) << 12 | P | RW);
	set_iopl(0);
	traps_on();
	events_on();
	call3(XEN_HYPERCALL_VCPU_OP, XEN_VCPUOP_REGISTER_RUNSTATE_MEMORY_AREA, 0, nowhere);
}
