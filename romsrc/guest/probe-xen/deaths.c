/* What may end the domain. Each is asked in a boot of its own; how that boot ends is the answer. */
#include "probe.h"

static u32 words[8];

static u32 power_off(u32 reason)
{
	words[0] = reason;
	return (u32)call2(XEN_HYPERCALL_SCHED_OP, XEN_SCHEDOP_SHUTDOWN, words);
}

static void off(void) { power_off(XEN_SHUTDOWN_POWEROFF); }
static void reboot(void) { power_off(XEN_SHUTDOWN_REBOOT); }
static void suspend(void) { power_off(XEN_SHUTDOWN_SUSPEND); }
static void crash(void) { power_off(XEN_SHUTDOWN_CRASH); }
static void dog(void) { power_off(XEN_SHUTDOWN_WATCHDOG); }
static void soft(void) { power_off(XEN_SHUTDOWN_SOFT_RESET); }
static void other(void) { power_off(77); }
static void no_reason(void) { call2(XEN_HYPERCALL_SCHED_OP, XEN_SCHEDOP_SHUTDOWN, 0); }
static void old_off(void) { call2(XEN_HYPERCALL_SCHED_OP_COMPAT, XEN_SCHEDOP_SHUTDOWN, XEN_SHUTDOWN_POWEROFF); }
static void old_crash(void) { call2(XEN_HYPERCALL_SCHED_OP_COMPAT, XEN_SCHEDOP_SHUTDOWN, XEN_SHUTDOWN_CRASH); }
static void down(void) { call3(XEN_HYPERCALL_VCPU_OP, XEN_VCPUOP_DOWN, 0, 0); }

static void remote(u32 domain, u32 reason)
{
	words[0] = domain;
	words[1] = reason;
	call2(XEN_HYPERCALL_SCHED_OP, XEN_SCHEDOP_REMOTE_SHUTDOWN, words);
}

static void remote_off(void) { remote(0, XEN_SHUTDOWN_POWEROFF); }
static void remote_crash(void) { remote(0, XEN_SHUTDOWN_CRASH); }
static void remote_other(void) { remote(1, XEN_SHUTDOWN_POWEROFF); }

static void watchdog(void)
{
	call2(XEN_HYPERCALL_SCHED_OP, XEN_SCHEDOP_WATCHDOG, words);
	for (u64 until = now() + 100000000; now() < until;)
		;
}

static void nobody(void) { call1(XEN_HYPERCALL_SET_TRAP_TABLE, 0); }
static void no_gate_ud(void) { nobody(); __asm__ volatile("ud2"); }
static void no_gate_bp(void) { nobody(); __asm__ volatile("int3"); }
static void no_gate_gp(void) { nobody(); __asm__ volatile("cli"); }
static void no_gate_pf(void) { nobody(); __asm__ volatile("movl 0x10, %%eax" ::: "eax"); }
static void no_gate_80(void) { nobody(); __asm__ volatile("int $0x80"); }

static void gate_at(u32 vector, u32 cs, u32 eip)
{
	struct xen_trap_info table[2] = { { (u8)vector, 0, (u16)cs, eip }, { 0, 0, 0, 0 } };

	call1(XEN_HYPERCALL_SET_TRAP_TABLE, table);
}

static void null_gate(void) { gate_at(6, 0, probe_stubs[1]); __asm__ volatile("ud2"); }
static void far_fault_gate(void) { gate_at(14, XEN_SELECTOR_KERNEL_CS, 0x1000); __asm__ volatile("movl 0x10, %%eax\n\thlt" ::: "eax"); }

static void stack_null(void) { __asm__ volatile("movl $0, %esp\n\tud2"); }
static void stack_absent(void) { __asm__ volatile("movl $0x1000, %esp\n\tint3"); }
static void stack_hole(void) { __asm__ volatile("movl $0xFFFFFFF0, %esp\n\tpushl $0"); }

static void stack_read_only(void)
{
	remap(3, P);
	__asm__ volatile("movl %0, %%esp\n\tud2" :: "r"((u32)page(3) + 2048));
}

static void kernel_stack(u32 ss, u32 esp)
{
	extern const u8 death_user[];
	u32 code = (u32)death_user & ~(PAGE - 1);

	map_address(code, (entry(code) & ~(u64)RW) | US);
	map(probe_user_stack, (u64)mfn(probe_user_stack) << 12 | P | RW | US);
	call2(XEN_HYPERCALL_STACK_SWITCH, ss, esp);
	user_run(death_user, 0x202);
}

static u32 top(void) { return (u32)page(9); }
static void kernel_stack_absent(void) { kernel_stack(XEN_SELECTOR_KERNEL_DS, 0x1000); }
static void kernel_stack_null(void) { kernel_stack(0, top()); }
static void kernel_stack_user(void) { kernel_stack(XEN_SELECTOR_USER_DS, top()); }
static void kernel_stack_code(void) { kernel_stack(XEN_SELECTOR_KERNEL_CS, top()); }
static void kernel_stack_3(void) { kernel_stack(XEN_SELECTOR_KERNEL_DS | 3, top()); }
static void kernel_stack_far(void) { kernel_stack(0xFFFF, top()); }

static void syscall_stack(void)
{
	call2(XEN_HYPERCALL_STACK_SWITCH, XEN_SELECTOR_KERNEL_DS, 0x1000);
	__asm__ volatile(".byte 0x0f, 0x05");
}

#define NUMBER(x) #x
#define IRET(n) "movl $" NUMBER(n) ", %eax\n\tint $0x82"

static void iret_ring_0(void) { __asm__ volatile("pushl $0x202\n\tpushl $0xe008\n\tpushl $0x1000\n\tpushl $0\n\t" IRET(23)); }
static void iret_null(void) { __asm__ volatile("pushl $0x202\n\tpushl $0\n\tpushl $0x1000\n\tpushl $0\n\t" IRET(23)); }
static void iret_nowhere(void) { __asm__ volatile("movl $0x1000, %esp\n\t" IRET(23)); }

static void upcall_now(void)
{
	vcpu->evtchn_upcall_pending = 1;
	unmask_events();
	call2(XEN_HYPERCALL_XEN_VERSION, XEN_XENVER_VERSION, 0);
}

static void null_upcall(void)
{
	extern const u8 probe_upcall[];

	call4(XEN_HYPERCALL_SET_CALLBACKS, 0, probe_upcall, 0, probe_upcall);
	upcall_now();
}

static void nmi(void)
{
	call2(XEN_HYPERCALL_NMI_OP, XEN_NMI_OP_UNREGISTER_CALLBACK, 0);
	call3(XEN_HYPERCALL_VCPU_OP, XEN_VCPUOP_SEND_NMI, 0, 0);
}

static void port(u32 number, u32 value)
{
	set_iopl(1);
	__asm__ volatile("outb %%al, %%dx" :: "a"(value), "d"(number));
}

static void keyboard(void) { port(0x64, 0xFE); }

__asm__(".pushsection .text\n\t.p2align 12\n\t.globl death_user\ndeath_user:\n\tint $0x80\n\t.p2align 12\n\t.popsection");

static const struct {
	const char *id, *question;
	void (*what)(void);
} list[] = {
	{ "die.off", "shutdown to power off", off },
	{ "die.reboot", "shutdown to reboot", reboot },
	{ "die.suspend", "shutdown to suspend", suspend },
	{ "die.crash", "shutdown for a crash", crash },
	{ "die.watchdog", "shutdown for the watchdog", dog },
	{ "die.soft", "shutdown for a soft reset", soft },
	{ "die.77", "shutdown for an unknown reason", other },
	{ "die.no-reason", "shutdown with the reason at address 0", no_reason },
	{ "die.old.off", "the old sched_op, to power off", old_off },
	{ "die.old.crash", "the old sched_op, for a crash", old_crash },
	{ "die.down", "vcpu_op down of the only virtual CPU", down },
	{ "die.remote.off", "remote_shutdown of itself, to power off", remote_off },
	{ "die.remote.crash", "remote_shutdown of itself, for a crash", remote_crash },
	{ "die.remote.1", "remote_shutdown of domain 1", remote_other },
	{ "die.dog", "a watchdog of 0 seconds, and 100 ms of work", watchdog },
	{ "die.ud", "#UD without a gate", no_gate_ud },
	{ "die.bp", "int3 without a gate", no_gate_bp },
	{ "die.gp", "#GP without a gate", no_gate_gp },
	{ "die.pf", "#PF without a gate", no_gate_pf },
	{ "die.int80", "int 80h without any gate", no_gate_80 },
	{ "die.gate.null", "a gate with a null code selector", null_gate },
	{ "die.gate.nowhere", "a gate for #PF that leads to nowhere", far_fault_gate },
	{ "die.stack.0", "ud2 with the stack at 0", stack_null },
	{ "die.stack.absent", "int3 with a stack that is not mapped", stack_absent },
	{ "die.stack.hole", "a push in Xen's area", stack_hole },
	{ "die.stack.read-only", "ud2 with a read-only stack", stack_read_only },
	{ "die.kernel.absent", "a trap from ring 3 with a kernel stack that is not mapped", kernel_stack_absent },
	{ "die.kernel.null", "with a null SS", kernel_stack_null },
	{ "die.kernel.user", "with the user's SS", kernel_stack_user },
	{ "die.kernel.code", "with a code selector as SS", kernel_stack_code },
	{ "die.kernel.3", "with an SS of RPL 3", kernel_stack_3 },
	{ "die.kernel.far", "with an SS past the table", kernel_stack_far },
	{ "die.syscall", "SYSCALL in ring 1, the kernel stack not mapped", syscall_stack },
	{ "die.iret.0", "the iret hypercall to ring 0", iret_ring_0 },
	{ "die.iret.null", "to a null CS", iret_null },
	{ "die.iret.nowhere", "with a frame that is not mapped", iret_nowhere },
	{ "die.upcall.null", "an upcall to a null CS", null_upcall },
	{ "die.nmi", "an NMI without a handler", nmi },
	{ "die.keyboard", "a reset through the keyboard controller", keyboard },
};

#define COUNT (sizeof list / sizeof *list)

void tell_deaths(void)
{
	for (u32 i = 0; i < COUNT; i++)
		note("death %u %s: %s", i + 1, list[i].id, list[i].question);
}

void die(u32 number)
{
	note("one question");
	if (number <= COUNT)
		list[number - 1].what();
	end(VMI_EXIT_STATUS_SUCCESS);
}
