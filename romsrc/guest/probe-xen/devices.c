/* Every command of the hypercalls that take an argument in memory, with arguments of every kind. */
#include "probe.h"

#define EDGE 20
#define READ_ONLY 22
#define AT 0x40u

extern u32 got;

/* What stands at the argument's address: nothing, zeros, ones, a read-only page, a page's last word, an odd address. */
enum kind { NOWHERE, ZEROS, ONES, FILLED, LOCKED, CUT, ODD, KINDS };
static const char *const kinds[KINDS] = { "nowhere", "zeros", "ones", "filled", "read-only", "cut", "odd" };

/* A hypercall whose commands first to last are asked, except those in `skip`; `place` is where the address stands. */
struct sweep {
	const char *id, *question;
	u32 call, first, last, place;
	u64 skip;
};

static const struct sweep sweeps[] = {
	{ "devices.physdev", "physdev_op of this number", XEN_HYPERCALL_PHYSDEV_OP, 3, 34, 1, 0 },
	{ "devices.memory", "memory_op of this number", XEN_HYPERCALL_MEMORY_OP, 7, 32, 1, 1ull << XEN_XENMEM_MACHINE_MEMORY_MAP },
	{ "devices.event", "event_channel_op of this number", XEN_HYPERCALL_EVENT_CHANNEL_OP, 11, 16, 1, 0 },
	{ "devices.vcpu", "vcpu_op of this number for virtual CPU 1", XEN_HYPERCALL_VCPU_OP, 0, 16, 2, 0 },
	{ "devices.sched", "sched_op of this number", XEN_HYPERCALL_SCHED_OP, 7, 9, 1, 0 },
	{ "devices.platform", "platform_op", XEN_HYPERCALL_PLATFORM_OP, 0, 0, 0, 0 },
	{ "devices.arch-1", "the second of the hypercalls of x86 alone", 49, 0, 0, 0, 0 },
	{ "devices.event.old", "the old event_channel_op", XEN_HYPERCALL_EVENT_CHANNEL_OP_COMPAT, 0, 0, 0, 0 },
	{ "devices.physdev.old", "the old physdev_op", XEN_HYPERCALL_PHYSDEV_OP_COMPAT, 0, 0, 0, 0 },
};

static u32 prepared(enum kind kind)
{
	u8 *at = page(EDGE);
	u8 fill = kind == ONES ? 0xFF : kind == FILLED ? 1 : 0;

	for (u32 i = 0; i < PAGE; i++)
		at[i] = fill;
	switch (kind) {
	case NOWHERE: return 0x1000;
	case LOCKED: return (u32)page(READ_ONLY) + AT;
	case CUT: return (u32)at + PAGE - 4;
	case ODD: return (u32)at + AT + 3;
	default: return (u32)at + AT;
	}
}

static void ask_one(const struct sweep *sweep, u32 command, enum kind kind)
{
	u32 arguments[3] = { command, 1, 0 };

	arguments[sweep->place] = prepared(kind);
	say_at(sweep->id, command, kinds[kind], sweep->question, "%e",
	       call3(sweep->call, arguments[0], arguments[1], arguments[2]));
}

static void ask_sweeps(void)
{
	map(page(EDGE + 1), 0);
	remap(READ_ONLY, P);
	for (u32 i = 0; i < sizeof sweeps / sizeof *sweeps; i++)
		for (u32 command = sweeps[i].first; command <= sweeps[i].last; command++)
			if (!(sweeps[i].skip >> command & 1))
				for (u32 kind = 0; kind < KINDS; kind++)
					ask_one(&sweeps[i], command, kind);
	remap(EDGE + 1, P | RW);
	remap(READ_ONLY, P | RW);
}

/* Interrupt lines, free numbers, the I/O APIC: what is answered, not only whether. */
static void ask_machine(void)
{
	static const u32 irqs[] = { 0, 1, 15, 16, 207, 208, 4096 }, registers[] = { 0, 1, 2, 0x10, 0x11 };
	u32 words[9];

	for (u32 i = 0; i < sizeof irqs / sizeof *irqs; i++) {
		clear(words, sizeof words);
		words[0] = irqs[i];
		s32 result = call2(XEN_HYPERCALL_PHYSDEV_OP, XEN_PHYSDEVOP_IRQ_STATUS_QUERY, words);

		say_at("devices.irq", irqs[i], "status", "irq_status_query of this one", "%e %x", result, words[1]);
		words[1] = 0;
		say_at("devices.irq", irqs[i], "bind", "bind_pirq of it", "%e",
		       call2(XEN_HYPERCALL_EVENT_CHANNEL_OP, XEN_EVTCHNOP_BIND_PIRQ, words));
		say_at("devices.irq", irqs[i], "eoi", "EOI of it", "%e",
		       call2(XEN_HYPERCALL_PHYSDEV_OP, XEN_PHYSDEVOP_EOI, words));
	}
	for (u32 line = 0; line < 26; line++) {
		clear(words, sizeof words);
		words[0] = line;
		say_at("devices.line", line, "setup", "setup_gsi of this line", "%e",
		       call2(XEN_HYPERCALL_PHYSDEV_OP, XEN_PHYSDEVOP_SETUP_GSI, words));
	}
	for (u32 i = 0; i < sizeof registers / sizeof *registers; i++) {
		words[0] = 0xFEC00000;
		words[1] = registers[i];
		words[2] = 77;
		s32 result = call2(XEN_HYPERCALL_PHYSDEV_OP, XEN_PHYSDEVOP_APIC_READ, words);

		say_at("devices.apic", registers[i], "read", "the I/O APIC's register", "%e %x", result, words[2]);
	}
}

/* Writes to model-specific registers: what they read, 0, 1, all ones. */
static void ask_registers(void)
{
	static const u32 numbers[] = {
		0x0, 0x1B, 0x8B, 0xCE, 0xE7, 0xE8, 0x140, 0x179, 0x17A, 0x17B, 0x1A0, 0x277, 0x280, 0x29F, 0x2A0, 0x345, 0x400,
		0x401, 0x402, 0x403, 0x404, 0x407, 0x408, 0x409, 0x47F, 0x480, 0xC0000080, 0xC0000081, 0xC0010000, 0xC0010007,
		0xC0010010, 0xC0010015, 0xC0010016, 0xC001001D, 0xC001001F, 0xC0010041, 0xC0010061, 0xC001006B, 0xC0010112,
		0xC0010200, 0xC001020B, 0xC001020C, 0xC0011029,
	};

	for (u32 i = 0; i < sizeof numbers / sizeof *numbers; i++) {
		got = numbers[i];
		TRY("movl got, %%ecx\n\txorl %%eax, %%eax\n\txorl %%edx, %%edx\n\twrmsr");
		say_at("devices.msr", numbers[i], "0", "wrmsr of 0", "%t");
		TRY("movl got, %%ecx\n\tmovl $1, %%eax\n\txorl %%edx, %%edx\n\twrmsr");
		say_at("devices.msr", numbers[i], "1", "of 1", "%t");
		TRY("movl got, %%ecx\n\tmovl $-1, %%eax\n\tmovl $-1, %%edx\n\twrmsr");
		say_at("devices.msr", numbers[i], "ones", "of all ones", "%t");
	}
}

/* RF in the frames of faults and of traps, and the system call vector through any gate. */
static void ask_frames(void)
{
	static const char *const flags[] = { "0", "1", "2", "3", "4" };

#define FRAME(id, question, text) do { TRY(text); say(id, question, "%t RF %x", seen.eflags >> 16 & 1); } while (0)
	FRAME("frame.ud", "RF in the frame of #UD", "ud2");
	FRAME("frame.gp", "of #GP", "cli");
	FRAME("frame.pf", "of #PF", "movl 0x10, %%eax");
	FRAME("frame.de", "of #DE", "xorl %%ecx, %%ecx\n\tdivl %%ecx");
	FRAME("frame.refused", "of an int that is refused", "int $0x41");
	/* A handler returned with RF set; whatever has gone on for one instruction has it no more. */
	FRAME("frame.bp", "of int3", "pushl $2\n\tpopfl\n\tjmp 1f\n1:\tint3");
	FRAME("frame.80", "of int 80h", "pushl $2\n\tpopfl\n\tjmp 1f\n1:\tint $0x80");
	for (u32 i = 0; i < 5; i++) {
		gate(0x80, i);
		TRY("int $0x80");
		say_of("frame.gate", flags[i], "int 80h through a gate of these flags: mask", "%t %x", seen.mask & 1);
		mask_events();
	}
	gate(0x80, 3);
}

/* Whose frames and whose tables an mmu_update speaks of, and how far a batch came. */
static void ask_batches(void)
{
	static const u32 domains[] = { 0, 1, 0x7FF0, 0x7FF1, 0x7FF3, 0xFFFF, 0x10000, 0x17FF0, 0x27FF0, 0x7FF07FF0 };
	u8 *edge = (u8 *)page(EDGE + 1);
	u64 *request = (u64 *)(edge - 32);
	u32 done;

	request[0] = request[2] = entry_address((u32)page(3));
	request[1] = request[3] = entry((u32)page(3));
	for (u32 i = 0; i < sizeof domains / sizeof *domains; i++) {
		done = 9;
		s32 result = call4(XEN_HYPERCALL_MMU_UPDATE, request, 1, &done, domains[i]);

		say_at("batch.domain", domains[i], "mmu", "mmu_update in this domain's name, and done", "%e %u", result, done);
	}
	map(edge, 0);
	done = 9;
	s32 result = call4(XEN_HYPERCALL_MMU_UPDATE, request, 4, &done, SELF);

	say("batch.cut", "a batch of four of which two can be read", "%e %u", result, done);
	remap(EDGE + 1, P | RW);
	for (u32 i = 0; i < 16; i++)
		say_at("batch.flags", i, "va", "update_va_mapping with these flags", "%e",
		       call4(XEN_HYPERCALL_UPDATE_VA_MAPPING, page(3), (u32)entry((u32)page(3)), (u32)(entry((u32)page(3)) >> 32), i));
}

void ask_devices(void)
{
	ask_sweeps();
	ask_machine();
	ask_registers();
	ask_frames();
	ask_batches();
	traps_on();
	events_on();
	mask_events();
}
