/* Hypercalls: every number in turn, arguments at and beyond their edges, rings, the other maker's instruction. */
#include "probe.h"

#define NOWHERE 0xF0000000u /* no memory is there */

static const struct {
	const char *id, *question;
	u32 number, a, b, c, d;
} calls[] = {
	{ "call.0", "number 0", 0, 0, 0, 0, 0 },
	{ "call.1", "VAPIC_POLL_IRQ", 1, 0, 0, 0, 0 },
	{ "call.1.args", "VAPIC_POLL_IRQ with arguments", 1, 1, 2, 3, 4 },
	{ "call.2", "MMU_OP of nothing", 2, 0, 0, 0, 0 },
	{ "call.2.args", "MMU_OP of memory that is not there", 2, 24, NOWHERE, 0, 0 },
	{ "call.3", "number 3", 3, 0, 0, 0, 0 },
	{ "call.4", "number 4", 4, 0, 0, 0, 0 },
	{ "call.5", "KICK_CPU of this processor", 5, 0, 0, 0, 0 },
	{ "call.5.flags", "KICK_CPU with flags", 5, 0xff, 0, 0, 0 },
	{ "call.5.nobody", "KICK_CPU of nobody", 5, 0, 77, 0, 0 },
	{ "call.6", "number 6", 6, 0, 0, 0, 0 },
	{ "call.7", "number 7", 7, 0, 0, 0, 0 },
	{ "call.8", "number 8", 8, 0, 0, 0, 0 },
	{ "call.9.type", "CLOCK_PAIRING of type 1", 9, 0x200000, 1, 0, 0 },
	{ "call.9.high", "CLOCK_PAIRING of type FFFFFFFF", 9, 0x200000, 0xffffffff, 0, 0 },
	{ "call.9.order", "CLOCK_PAIRING of type 1 to nowhere", 9, NOWHERE, 1, 0, 0 },
	{ "call.10.none", "SEND_IPI to nobody", 10, 0, 0, 0, 0x50 },
	{ "call.10.other", "SEND_IPI to processor 1", 10, 2, 0, 0, 0x50 },
	{ "call.10.far", "SEND_IPI to processor 1000", 10, 1, 0, 1000, 0x50 },
	{ "call.10.short", "SEND_IPI with a shorthand", 10, 1, 0, 0, 0x40050 },
	{ "call.10.self", "SEND_IPI with shorthand 2", 10, 1, 0, 0, 0x80050 },
	{ "call.10.all", "SEND_IPI with shorthand 3", 10, 1, 0, 0, 0xc0050 },
	{ "call.10.logical", "SEND_IPI with logical destination", 10, 1, 0, 0, 0x850 },
	{ "call.11", "SCHED_YIELD to this processor", 11, 0, 0, 0, 0 },
	{ "call.11.nobody", "SCHED_YIELD to nobody", 11, 77, 0, 0, 0 },
	{ "call.12", "MAP_GPA_RANGE", 12, 0x200000, 0, 1, 0 },
	{ "call.12.args", "MAP_GPA_RANGE of an odd address", 12, 0x200001, 0, 1, 1 },
	{ "call.13", "number 13", 13, 0, 0, 0, 0 },
	{ "call.14", "number 14", 14, 0, 0, 0, 0 },
	{ "call.99", "number 99", 99, 0, 0, 0, 0 },
	{ "call.999", "number 999", 999, 0, 0, 0, 0 },
	{ "call.1000", "number 1000", 1000, 0, 0, 0, 0 },
	{ "call.80000000", "number 80000000", 0x80000000, 0, 0, 0, 0 },
	{ "call.ffffffff", "number FFFFFFFF", 0xffffffff, 0, 0, 0, 0 },
};

static void ask_pairing(void)
{
	volatile struct kvm_clock_pairing *pairing = (void *)probe_page;
	s32 answer;
	u32 rest = 0;

	for (u32 i = 0; i < sizeof probe_page; i++)
		probe_page[i] = 0xaa;
	answer = hypercall(KVM_HYPERCALL_CLOCK_PAIRING, (u32)probe_page, 0, 0, 0);
	say("pairing", "CLOCK_PAIRING", "%d, %t", answer);
	if (answer)
		return;
	say("pairing.flags", "its flags", "%x", pairing->flags);
	say("pairing.ns", "its nanoseconds are fewer than a second", "%s", yes(pairing->nsec < 1000000000));
	say("pairing.tsc", "its TSC is in the past", "%s", yes(pairing->tsc <= tsc()));
	say("pairing.tsc0", "its TSC is set", "%s", yes(pairing->tsc != 0));
	for (u32 i = 0; i < 9; i++)
		rest |= pairing->pad[i];
	say("pairing.pad", "its padding is zero", "%s", yes(rest == 0));
	say("pairing.behind", "the byte behind it", "%x", probe_page[sizeof *pairing]);
	answer = hypercall(KVM_HYPERCALL_CLOCK_PAIRING, (u32)probe_page + 1, 0, 0, 0);
	say("pairing.odd", "to an odd address", "%d", answer);
	answer = hypercall(KVM_HYPERCALL_CLOCK_PAIRING, NOWHERE, 0, 0, 0);
	say("pairing.nowhere", "to where no memory is", "%d", answer);
}

#define SIX "movl $999, %%eax\n\tmovl $1, %%ebx\n\tmovl $2, %%ecx\n\tmovl $3, %%edx\n\tmovl $4, %%esi\n\tmovl $5, %%edi\n\t"
#define FIVE \
	"\n\tmovl %%ebx, probe_registers\n\tmovl %%ecx, probe_registers + 4\n\tmovl %%edx, probe_registers + 8\n\t" \
	"movl %%esi, probe_registers + 12\n\tmovl %%edi, probe_registers + 16"

static void ask_registers_kept(void)
{
	u32 kept = 0;

	if (by_vmmcall())
		TRY(SIX "vmmcall" FIVE);
	else
		TRY(SIX "vmcall" FIVE);
	for (u32 i = 0; i < 5; i++)
		kept |= (u32)(probe_registers[i] == i + 1) << i;
	say("kept", "registers that a hypercall leaves, a bit each", "%x, %t", kept);
}

/* The other maker's instruction, in code that nothing else runs: where it is, and what is answered. */
#define FOREIGN(text) \
	TRY("jmp 2f\n1:\t" text "\n\tret\n2:\tmovl $1b, probe_registers + 4\n\tmovl $999, %%eax\n\tcall 1b\n\t" \
	    "movl %%eax, probe_registers")

static void ask_foreign(void)
{
	const u8 *at;

	if (by_vmmcall())
		FOREIGN("vmcall");
	else
		FOREIGN("vmmcall");
	say("foreign", "number 999 by the other maker's instruction", "%d, %t", probe_registers[0]);
	at = (const u8 *)probe_registers[1];
	say("foreign.code", "it has become this processor's own", "%s", yes(at[2] == (by_vmmcall() ? 0xd9 : 0xc1)));
	say("foreign.start", "and begins with", "%x %x", at[0], at[1]);
}

static void ask_rings(void)
{
	if (by_vmmcall())
		TRY_USER("movl $1, %%eax\n\tvmmcall");
	else
		TRY_USER("movl $1, %%eax\n\tvmcall");
	say("user.call", "number 1 in ring 3", "%d, %t", seen.eax);
	if (by_vmmcall())
		TRY_USER("movl $999, %%eax\n\tvmmcall");
	else
		TRY_USER("movl $999, %%eax\n\tvmcall");
	say("user.call.999", "number 999 in ring 3", "%d, %t", seen.eax);
	if (by_vmmcall())
		TRY_USER("vmcall");
	else
		TRY_USER("vmmcall");
	say("user.foreign", "the other maker's instruction in ring 3", "%t");
}

void ask_calls(void)
{
	for (u32 i = 0; i < sizeof calls / sizeof *calls; i++) {
		s32 answer = hypercall(calls[i].number, calls[i].a, calls[i].b, calls[i].c, calls[i].d);

		say(calls[i].id, calls[i].question, "%d, %t", answer);
	}
	ask_pairing();
	ask_registers_kept();
	ask_foreign();
	ask_rings();
}
