/* Exceptions and software interrupts in ring 1: who sees them, frames, irq_enabled. */
#include "probe.h"

static void frame(const char *id, const char *question)
{
	say(id, question, "%t, cs %x, IF %u, irq_enabled %x", seen.cs, seen.eflags >> 9 & 1, seen.enabled);
}

static void with(u32 vector, u32 type)
{
	for (const u32 *p = probe_stubs; p[1]; p += 2)
		if (p[0] == vector)
			gate(vector, type, 3, (const void *)p[1]);
}

/* One instruction under both types of gate, with irq_enabled off and on. */
#define BOTH(vector, name, id, text) \
	do { \
		static const char *const ids[] = { id ".trap.off", id ".trap.on", id ".interrupt.off", id ".interrupt.on" }; \
		for (u32 n = 0; n < 4; n++) { \
			with(vector, n & 2 ? LGUEST_GATE_TYPE_INTERRUPT : LGUEST_GATE_TYPE_TRAP); \
			probe_data.irq_enabled = n & 1 ? IF : 0; \
			TRY(text); \
			frame(ids[n], name); \
			probe_data.irq_enabled = 0; \
		} \
		with(vector, LGUEST_GATE_TYPE_TRAP); \
	} while (0)

static void ask_exceptions(void)
{
	BOTH(0, "division by zero: trap gate, then interrupt gate, irq_enabled off and on", "trap.divide", "xorl %%edx, %%edx\n\tdivl probe_zero");
	BOTH(3, "int3", "trap.int3", "int3");
	BOTH(6, "ud2", "trap.ud2", "ud2");
	BOTH(14, "a load from an absent page", "trap.page", "movl 0x7F000000, %%eax");
	say("trap.page.cr2", "cr2 in lguest_data", "%x", probe_data.cr2);
	BOTH(13, "hlt", "trap.hlt", "hlt");
	TRY("movb $0x7F, %%al\n\taddb $1, %%al\n\tinto");
	frame("trap.into", "into with OF");
	TRY("movl $5, %%eax\n\tpushl $4\n\tpushl $0\n\t.byte 0x62, 0x04, 0x24");
	frame("trap.bound", "bound out of range");
	TRY("movl $1f, got\n1:\tud2");
	say("trap.ud2.eip", "EIP of ud2 is the instruction", "%s", yes(seen.eip == got));
	TRY("movl $1f, got\n\tint3\n1:");
	say("trap.int3.eip", "EIP of int3 is behind it", "%s", yes(seen.eip == got));
}

static void ask_interrupts_by_hand(void)
{
	TRY("int $0x80");
	frame("int.80", "int 0x80, trap gate");
	with(0x80, LGUEST_GATE_TYPE_INTERRUPT);
	TRY("movl $0x77, %%eax\n\tint $0x80\n\tmovl %%eax, got");
	say("int.80.interrupt", "int 0x80, interrupt gate: swallowed, EAX", "%t %x", got);
	gate(0x80, 0, 0, 0);
	TRY("int $0x80");
	say("int.80.absent", "int 0x80 without a gate", "%t");
	with(0x80, LGUEST_GATE_TYPE_TRAP);
	TRY("int $0x21");
	say("int.21", "int 0x21, with a trap gate", "%t");
	TRY("int $0x50");
	say("int.50", "int 0x50, with a trap gate", "%t");
	TRY("int $0x20");
	say("int.20", "int 0x20, the clock's", "%t");
	TRY("int $0x1E");
	say("int.1e", "int 0x1E, without a gate", "%t");
	TRY("int $13");
	say("int.13", "int 13, which never goes direct", "%t");
	TRY("int $14");
	say("int.14", "int 14", "%t");
	TRY("int $2");
	say("int.2", "int 2", "%t");
	TRY("int $8");
	say("int.8", "int 8", "%t");
	with(9, LGUEST_GATE_TYPE_TRAP);
	TRY("int $9");
	say("int.9", "int 9, gate of DPL 3", "%t");
	gate(9, LGUEST_GATE_TYPE_TRAP, 0, (const void *)probe_stubs[1]);
	TRY("int $9");
	say("int.9.dpl0", "int 9, gate of DPL 0", "%t");
	call3(LGUEST_HCALL_LOAD_IDT_ENTRY, LGUEST_CONSTANTS_HYPERCALL_VECTOR, 0, 0x8F00);
	call0(LGUEST_HCALL_FLUSH_ASYNC);
	say("int.1f", "a gate for the hypercall's vector changes nothing", "%s", "yes");
	call3(LGUEST_HCALL_LOAD_IDT_ENTRY, 2, 0, 0x8500);
	say("idt.2", "a gate of a bad type for vector 2 is ignored", "%s", "yes");
	call3(LGUEST_HCALL_LOAD_IDT_ENTRY, 0x90, 0, 0x0500);
	say("idt.absent", "a gate of a bad type that is not present clears the entry", "%s", "yes");
}

void ask_traps(void)
{
	ask_exceptions();
	ask_interrupts_by_hand();
}
