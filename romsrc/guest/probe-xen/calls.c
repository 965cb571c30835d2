/* Hypercall numbers, multicalls, and the small hypercalls that have no file of their own. */
#include "probe.h"

static void ask_numbers(void)
{
	static const struct {
		u32 number;
		const char *id;
	} absent[] = {
		{ 7, "calls.7" }, { 11, "calls.11" }, { 20, "calls.20" }, { 22, "calls.22" }, { 25, "calls.25" },
		{ 27, "calls.27" }, { 31, "calls.31" }, { 34, "calls.34" }, { 35, "calls.35" }, { 36, "calls.36" },
		{ 37, "calls.37" }, { 38, "calls.38" }, { 39, "calls.39" }, { 40, "calls.40" }, { 41, "calls.41" },
		{ 42, "calls.42" }, { 43, "calls.43" }, { 47, "calls.47" }, { 48, "calls.48" }, { 49, "calls.49" },
		{ 55, "calls.55" }, { 56, "calls.56" }, { 60, "calls.60" }, { 63, "calls.63" }, { 64, "calls.64" },
		{ 127, "calls.127" }, { 128, "calls.128" }, { 0x7FFFFFFF, "calls.7fffffff" }, { 0xFFFFFFFF, "calls.ffffffff" },
	};

	for (u32 i = 0; i < sizeof absent / sizeof *absent; i++)
		say(absent[i].id, "hypercall of this number with zeros", "%e", call0(absent[i].number));
}

static void multi(struct xen_multicall_entry *list, u32 number, u32 op, u32 a, u32 b)
{
	clear(&list[number], sizeof *list);
	list[number].op = op;
	list[number].result = 0x77;
	list[number].args[0] = a;
	list[number].args[1] = b;
}

static void ask_multicall(void)
{
	struct xen_multicall_entry *list = page(0);

	multi(list, 0, XEN_HYPERCALL_XEN_VERSION, XEN_XENVER_VERSION, 0);
	multi(list, 1, XEN_HYPERCALL_XEN_VERSION, 99, 0);
	multi(list, 2, 60, 0, 0);
	multi(list, 3, XEN_HYPERCALL_MULTICALL, (u32)list, 1);
	multi(list, 4, XEN_HYPERCALL_FPU_TASKSWITCH, 0, 0);
	multi(list, 5, 0xFFFF, 0, 0);
	say("multi.6", "a multicall of six", "%e", call2(XEN_HYPERCALL_MULTICALL, list, 6));
	say("multi.0", "first result", "%x", list[0].result);
	say("multi.1", "result of an unknown command, the rest goes on", "%e", list[1].result);
	say("multi.2", "result of an unknown hypercall", "%e", list[2].result);
	say("multi.3", "result of a multicall inside", "%e", list[3].result);
	say("multi.4", "result of the one behind it", "%e", list[4].result);
	say("multi.5", "result of a number past all", "%e", list[5].result);
	say("multi.args", "an argument afterwards", "%x", list[0].args[0]);
	say("multi.empty", "a multicall of none", "%e", call2(XEN_HYPERCALL_MULTICALL, list, 0));
	say("multi.null", "a multicall at address 0", "%e", call2(XEN_HYPERCALL_MULTICALL, 0, 1));
	say("multi.hole", "a multicall in the hole", "%e", call2(XEN_HYPERCALL_MULTICALL, m2p, 1));
	remap(1, P);
	say("multi.read-only", "a multicall of a read-only page", "%e", call2(XEN_HYPERCALL_MULTICALL, page(1), 1));
	remap(1, P | RW);
}

static void ask_assist(void)
{
	static const char *const on[] = { "assist.0", "assist.1", "assist.2", "assist.3", "assist.4", "assist.5", "assist.6",
					  "assist.31" };
	static const u32 kinds[] = { 0, 1, 2, 3, 4, 5, 6, 31 };

	for (u32 i = 0; i < 8; i++)
		if (kinds[i] != 4)
			say(on[i], "vm_assist of this type, on", "%e", call2(XEN_HYPERCALL_VM_ASSIST, 0, kinds[i]));
	for (u32 i = 0; i < 6; i++)
		call2(XEN_HYPERCALL_VM_ASSIST, 1, kinds[i]);
	say("assist.off", "off, although it was off", "%e", call2(XEN_HYPERCALL_VM_ASSIST, 1, 0));
	say("assist.command", "vm_assist command 2", "%e", call2(XEN_HYPERCALL_VM_ASSIST, 2, 0));
	say("assist.both", "unknown command and type", "%e", call2(XEN_HYPERCALL_VM_ASSIST, 2, 99));
}

static void ask_debug(void)
{
	static const struct {
		u32 number, value;
		const char *id;
	} cases[] = {
		{ 0, 0x1000, "debug.0" }, { 3, BASE, "debug.3" }, { 0, 0xF5800000, "debug.hole" }, { 1, 0xFFFFFFFF, "debug.top" },
		{ 4, 0, "debug.4" }, { 5, 0x400, "debug.5" }, { 6, 0xFFFFFFFF, "debug.6.ones" }, { 6, 0, "debug.6.0" },
		{ 7, 0, "debug.7.0" }, { 7, 0x401, "debug.7.l0" }, { 7, 0x402, "debug.7.g0" }, { 7, 0x2400, "debug.7.gd" },
		{ 7, 0x20401, "debug.7.io" }, { 7, 0xC400, "debug.7.reserved" }, { 7, 0x300, "debug.7.le" }, { 8, 0, "debug.8" },
		{ 0xFFFFFFFF, 0, "debug.ones" },
	};

	for (u32 i = 0; i < sizeof cases / sizeof *cases; i++) {
		s32 result = call2(XEN_HYPERCALL_SET_DEBUGREG, cases[i].number, cases[i].value);

		say(cases[i].id, "set_debugreg of this, and what get_debugreg reads", "%e %x", result,
		    call1(XEN_HYPERCALL_GET_DEBUGREG, cases[i].number));
		call2(XEN_HYPERCALL_SET_DEBUGREG, 7, 0);
	}
	call2(XEN_HYPERCALL_SET_DEBUGREG, 0, 0);
	call2(XEN_HYPERCALL_SET_DEBUGREG, 3, 0);
	call2(XEN_HYPERCALL_SET_DEBUGREG, 6, 0);
}

static s32 callback(u32 type, u32 flags, u32 cs)
{
	extern const u8 probe_upcall[];
	struct xen_callback_register argument = { (u16)type, (u16)flags, cs, (u32)probe_upcall };

	return call2(XEN_HYPERCALL_CALLBACK_OP, XEN_CALLBACK_OP_REGISTER, &argument);
}

static void ask_callbacks(void)
{
	static const struct {
		u32 type;
		const char *id;
	} kinds[] = {
		{ 0, "callback.event" }, { 1, "callback.failsafe" }, { 2, "callback.syscall" }, { 3, "callback.sysenter-old" },
		{ 4, "callback.nmi" }, { 5, "callback.sysenter" }, { 6, "callback.6" }, { 7, "callback.syscall32" },
		{ 8, "callback.8" },
	};
	struct xen_callback_unregister undo = { 0, { 0, 0 } };
	struct xen_nmi_callback nmi = { (u32)probe_hypercall_page, { 0 } };

	for (u32 i = 0; i < 9; i++)
		say(kinds[i].id, "callback_op register of this type", "%e", callback(kinds[i].type, 0, XEN_SELECTOR_KERNEL_CS));
	say("callback.flags", "register event with unknown flags", "%e", callback(0, 0xFFFE, XEN_SELECTOR_KERNEL_CS));
	for (u32 i = 0; i < 9; i++) {
		static const char *const ids[] = { "uncallback.event", "uncallback.failsafe", "uncallback.syscall",
						   "uncallback.sysenter-old", "uncallback.nmi", "uncallback.sysenter",
						   "uncallback.6", "uncallback.syscall32", "uncallback.8" };

		undo.type = (u16)i;
		say(ids[i], "callback_op unregister of this type", "%e",
		    call2(XEN_HYPERCALL_CALLBACK_OP, XEN_CALLBACK_OP_UNREGISTER, &undo));
	}
	say("callback.2", "callback_op command 2", "%e", call2(XEN_HYPERCALL_CALLBACK_OP, 2, &undo));
	say("callback.null", "callback_op register at address 0", "%e", call2(XEN_HYPERCALL_CALLBACK_OP, 0, 0));
	say("nmi.on", "nmi_op register", "%e", call2(XEN_HYPERCALL_NMI_OP, 0, &nmi));
	say("nmi.off", "nmi_op unregister", "%e", call2(XEN_HYPERCALL_NMI_OP, 1, 0));
	say("nmi.2", "nmi_op command 2", "%e", call2(XEN_HYPERCALL_NMI_OP, 2, 0));
	say("callback.set", "set_callbacks", "%e", call4(XEN_HYPERCALL_SET_CALLBACKS, 0, 0, 0, 0));
	events_on();
}

static void ask_console(void)
{
	say("console.none", "console_io write of nothing", "%e", call3(XEN_HYPERCALL_CONSOLE_IO, 0, 0, 0));
	say("console.null", "console_io write from address 0", "%e", call3(XEN_HYPERCALL_CONSOLE_IO, 0, 4, 0));
	say("console.read", "console_io read with nothing typed", "%e", call3(XEN_HYPERCALL_CONSOLE_IO, 1, 16, page(0)));
	say("console.read.minus", "console_io read of -1 bytes", "%e", call3(XEN_HYPERCALL_CONSOLE_IO, 1, -1, page(0)));
	say("console.2", "console_io command 2", "%e", call3(XEN_HYPERCALL_CONSOLE_IO, 2, 0, 0));
}

void ask_calls(void)
{
	ask_numbers();
	ask_multicall();
	ask_assist();
	ask_debug();
	ask_callbacks();
	ask_console();
	say("trap.null", "set_trap_table at address 0", "%e", call1(XEN_HYPERCALL_SET_TRAP_TABLE, 0));
	say("trap.hole", "set_trap_table in the hole", "%e", call1(XEN_HYPERCALL_SET_TRAP_TABLE, 0xFFFFF000));
	say("trap.unmapped", "set_trap_table in unmapped memory", "%e", call1(XEN_HYPERCALL_SET_TRAP_TABLE, 0x1000));
	say("stack.null", "stack_switch to a null SS", "%e", call2(XEN_HYPERCALL_STACK_SWITCH, 0, 0));
	say("stack.user", "stack_switch to the user's SS", "%e", call2(XEN_HYPERCALL_STACK_SWITCH, XEN_SELECTOR_USER_DS, 0));
	say("fpu.1", "fpu_taskswitch 1", "%e", call1(XEN_HYPERCALL_FPU_TASKSWITCH, 1));
	say("fpu.0", "fpu_taskswitch 0", "%e", call1(XEN_HYPERCALL_FPU_TASKSWITCH, 0));
	say("fpu.2", "fpu_taskswitch 2", "%e", call1(XEN_HYPERCALL_FPU_TASKSWITCH, 2));
	call1(XEN_HYPERCALL_FPU_TASKSWITCH, 0);
	traps_on();
}
