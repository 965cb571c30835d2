/* Trap tables and returns at their edges: odd gates, odd stacks, and the iret hypercall's frames. */
#include "probe.h"

u32 back_flags, back_esp, back_cs, back_count;
extern const u8 back_landing[], back_handler[];

/* Where a return lands, noting the state; a handler that only counts and returns to behind its trap. */
__asm__(".text\nback_landing:\n\tmovl %esp, back_esp\n\tmovl %cs, %ecx\n\tmovl %ecx, back_cs\n\tpushfl\n\tpopl back_flags\n\tjmp *probe_resume\n"
	"back_handler:\n\tincl back_count\n\tiret");

#define CALL_IRET "movl $23, %%eax\n\tint $0x82"

static void set_gate(u32 vector, u32 flags, u32 cs, const void *at)
{
	struct xen_trap_info table[2] = { { (u8)vector, (u8)flags, (u16)cs, (u32)at }, { 0, 0, 0, 0 } };

	call1(XEN_HYPERCALL_SET_TRAP_TABLE, table);
}

static void ask_gates(void)
{
	static const struct {
		const char *id;
		u32 flags, cs;
	} gates[] = {
		{ "table.dpl0", 0, 0xE019 }, { "table.dpl1", 1, 0xE019 }, { "table.dpl2", 2, 0xE019 }, { "table.dpl3", 3, 0xE019 },
		{ "table.rpl0", 3, 0xE018 }, { "table.rpl2", 3, 0xE01A }, { "table.user", 3, 0xE02B },
		{ "table.data", 3, 0xE021 }, { "table.absent", 3, 0x1001 }, { "table.flags", 0xFB, 0xE019 },
	};

	for (u32 i = 0; i < 9; i++) {
		set_gate(0x60, gates[i].flags, gates[i].cs, back_handler);
		back_count = 0;
		TRY("int $0x60");
		say(gates[i].id, "int 0x60 through a gate of these flags and selector: fault, and times arrived", "%t %u", back_count);
	}
	set_gate(0x60, 0xFB, 0xE019, back_handler);
	back_count = 0;
	TRY("int $0x60");
	say(gates[9].id, "the same with unknown flags", "%t %u", back_count);
	set_gate(0x60, 3, 0xE019, 0);
	back_count = 0;
	TRY("int $0x60");
	say("table.null", "an entry of address 0 ends the table: the old gate is still there", "%t %u", back_count);
	struct xen_trap_info twice[3] = { { 0x60, 0, 0xE019, (u32)back_handler }, { 0x60, 3, 0xE019, (u32)back_handler }, { 0, 0, 0, 0 } };
	say("table.twice", "one vector twice in a table", "%e", call1(XEN_HYPERCALL_SET_TRAP_TABLE, twice));
	back_count = 0;
	TRY("int $0x60");
	say("table.twice.last", "the last one counts", "%t %u", back_count);
	set_gate(0x82, 3, 0xE019, back_handler);
	back_count = 0;
	TRY("movl $17, %%eax\n\txorl %%ebx, %%ebx\n\tint $0x82\n\tmovl %%eax, back_flags");
	say("table.82", "a gate for 0x82 changes nothing: arrived, result", "%t %u %x", back_count, back_flags);
	set_gate(2, 0, 0xE019, back_handler);
	back_count = 0;
	TRY("int $2");
	say("table.nmi", "int 2", "%t %u", back_count);
	set_gate(0xFF, 3, 0xE019, back_handler);
	back_count = 0;
	TRY("int $0xFF");
	say("table.ff", "int 0xFF", "%t %u", back_count);
	set_gate(8, 3, 0xE019, back_handler);
	back_count = 0;
	TRY("int $8");
	say("table.8", "int 8 through a gate of DPL 3 pushes no error code", "%t %u", back_count);
	set_gate(14, 3, 0xE019, back_handler);
	back_count = 0;
	TRY("int $14");
	say("table.14", "int 14 through a gate of DPL 3 pushes no error code", "%t %u", back_count);
	traps_on();
}

static void ask_frames(void)
{
	static const struct {
		const char *id;
		u32 flags;
	} cases[] = {
		{ "back.0", 0 }, { "back.2", 2 }, { "back.200", 0x200 }, { "back.ff", 0xFF }, { "back.8d5", 0x8D5 }, { "back.400", 0x400 },
		{ "back.4000", 0x4000 }, { "back.10000", 0x10000 }, { "back.40000", 0x40000 }, { "back.80000", 0x80000 },
		{ "back.100000", 0x100000 }, { "back.200000", 0x200000 }, { "back.3000", 0x3000 }, { "back.ffc0ffff", 0xFFC0FEFF },
	};

	for (u32 i = 0; i < sizeof cases / sizeof *cases; i++) {
		back_flags = cases[i].flags;
		mask_events();
		TRY("pushl back_flags\n\tpushl $0xE019\n\tpushl $back_landing\n\tpushl $0x99\n\t" CALL_IRET);
		say(cases[i].id, "the iret hypercall with these flags: flags and mask afterwards", "%t %x %u", back_flags & ~2u,
		    vcpu->evtchn_upcall_mask);
		__asm__ volatile("pushl $2\n\tpopfl");
		mask_events();
	}
	TRY("pushl $2\n\tpushl $0xE018\n\tpushl $back_landing\n\tpushl $0x99\n\tmovl $23, %%eax\n\tmovl %%esp, %%edx\n\tmovl $0, back_cs\n\t"
	    "movl $2, back_flags\n\tmovl $0xE019, 8(%%esp)\n\tint $0x82");
	say("back.esp", "the stack afterwards is where the frame began", "%s", yes(back_esp == probe_resume_esp));
	TRY("pushl $2\n\tpushl $0xFFFFE019\n\tpushl $back_landing\n\tpushl $0x99\n\t" CALL_IRET);
	say("back.cs.high", "all bits above CS set", "%t %x", back_cs);
	TRY("pushl $2\n\tpushl $0xE021\n\tpushl $back_landing\n\tpushl $0x99\n\t" CALL_IRET);
	say("back.cs.data", "to a data selector", "%t");
	TRY("pushl $2\n\tpushl $1\n\tpushl $back_landing\n\tpushl $0x99\n\t" CALL_IRET);
	say("back.cs.null", "to a null selector of RPL 1", "%t");
	TRY("pushl $2\n\tpushl $0x1001\n\tpushl $back_landing\n\tpushl $0x99\n\t" CALL_IRET);
	say("back.cs.past", "to a selector past the GDT", "%t");
	TRY("pushl $0xE021\n\tpushl %%esp\n\tpushl $2\n\tpushl $0xE01A\n\tpushl $back_landing\n\tpushl $0x99\n\t" CALL_IRET);
	say("back.cs.rpl2", "to the kernel's code with RPL 2", "%t");
	TRY("pushl $0xE033\n\tpushl $0\n\tpushl $2\n\tpushl $0xE02B\n\tpushl $0x1000\n\tpushl $0x99\n\t" CALL_IRET);
	say("back.user.absent", "to ring 3 at an absent page", "%t");
	TRY("pushl $0xE021\n\tpushl $0\n\tpushl $2\n\tpushl $0xE02B\n\tpushl $0x1000\n\tpushl $0x99\n\t" CALL_IRET);
	say("back.user.kernel-ss", "to ring 3 with the kernel's SS", "%t");
	TRY("pushl $0\n\tpushl $0\n\tpushl $2\n\tpushl $0xE02B\n\tpushl $0x1000\n\tpushl $0x99\n\t" CALL_IRET);
	say("back.user.null-ss", "to ring 3 with a null SS", "%t");
	TRY("pushl $0x302\n\tpushl $0xE019\n\tpushl $1f\n\tpushl $0x99\n\t" CALL_IRET "\n1:\tnop\n\tnop");
	say("back.tf", "with TF: a single step", "%t");
	TRY("pushl $2\n\tpushl $0xE019\n\tpushl $0x1000\n\tpushl $0x99\n\t" CALL_IRET);
	say("back.eip.absent", "to an absent page", "%t, eip %x", seen.eip);
	TRY("pushl $2\n\tpushl $0xE019\n\tpushl $0xFFFFF000\n\tpushl $0x99\n\t" CALL_IRET);
	say("back.eip.hole", "into the hole", "%t, eip %x", seen.eip);
	__asm__ volatile("pushl $2\n\tpopfl");
}

static void ask_plain(void)
{
	static const struct {
		const char *id;
		u32 flags;
	} cases[] = {
		{ "plain.0", 0 }, { "plain.ff", 0xFF }, { "plain.3202", 0x3202 }, { "plain.24000", 0x4002 }, { "plain.20000", 0x40002 },
		{ "plain.200000", 0x200002 },
	};

	for (u32 i = 0; i < sizeof cases / sizeof *cases; i++) {
		back_flags = cases[i].flags;
		TRY("pushl back_flags\n\tpushl $0xE019\n\tpushl $back_landing\n\tiret");
		say(cases[i].id, "a plain iret with these flags: flags afterwards", "%t %x", back_flags & ~2u);
		__asm__ volatile("pushl $2\n\tpopfl");
	}
	TRY("pushl $2\n\tpushl $0xE021\n\tpushl $back_landing\n\tiret");
	say("plain.data", "a plain iret to a data selector", "%t");
	TRY("pushl $2\n\tpushl $0\n\tpushl $back_landing\n\tiret");
	say("plain.null", "a plain iret to a null selector", "%t");
	TRY("pushl $0xE033\n\tpushl $0\n\tpushl $2\n\tpushl $0xE02B\n\tpushl $0x1000\n\tiret");
	say("plain.user", "a plain iret to ring 3 at an absent page", "%t, cs %x", seen.cs);
	TRY("pushl $0xE021\n\tpushl $0\n\tpushl $2\n\tpushl $0xE02B\n\tpushl $0x1000\n\tiret");
	say("plain.user.ss", "a plain iret to ring 3 with the kernel's SS", "%t");
	TRY("pushl $0x4002\n\tpopfl\n\tpushl $2\n\tpushl $0xE019\n\tpushl $back_landing\n\tiret");
	say("plain.nt", "a plain iret with NT set", "%t");
	__asm__ volatile("pushl $2\n\tpopfl");
}

void ask_returns(void)
{
	ask_gates();
	ask_frames();
	ask_plain();
}
