/* Hypercalls: what comes back, both instructions, and the ring. */
#include "probe.h"

u32 kept[6];

static void ask_kept(const char *id, const char *question, u32 number, u32 a, u32 b)
{
	__asm__ volatile("pushl %%ebp\n\tmovl $0x1234, %%ebp\n\tint $0x1f\n\tmovl %%eax, kept\n\tmovl %%ebx, kept + 4\n\t"
			 "movl %%ecx, kept + 8\n\tmovl %%edx, kept + 12\n\tmovl %%esi, kept + 16\n\tmovl %%ebp, kept + 20\n\tpopl %%ebp"
			 : : "a"(number), "b"(a), "c"(b), "d"(0x33333333), "S"(0x44444444) : "memory");
	say(id, question, "%s", yes(kept[0] == number && kept[1] == a && kept[2] == b && kept[3] == 0x33333333 && kept[4] == 0x44444444 && kept[5] == 0x1234));
}

static void put(u32 slot, u32 number, u32 a, u32 b, u32 c)
{
	probe_data.hcalls[slot].arg0 = number;
	probe_data.hcalls[slot].arg1 = a;
	probe_data.hcalls[slot].arg2 = b;
	probe_data.hcalls[slot].arg3 = c;
	probe_data.hcalls[slot].arg4 = 0;
	probe_data.hcall_status[slot] = LGUEST_CONSTANTS_RING_PENDING;
}

static u32 waiting(void)
{
	u32 count = 0;

	for (u32 i = 0; i < LGUEST_CONSTANTS_RING_SIZE; i++)
		count += probe_data.hcall_status[i] != LGUEST_CONSTANTS_RING_FREE;
	return count;
}

static void ask_registers(void)
{
	ask_kept("kept.flush", "FLUSH_ASYNC leaves all registers as they were", LGUEST_HCALL_FLUSH_ASYNC, 1, 2);
	ask_kept("kept.ts", "TS", LGUEST_HCALL_TS, 0, 2);
	ask_kept("kept.clock", "SET_CLOCKEVENT off", LGUEST_HCALL_SET_CLOCKEVENT, 0, 2);
	ask_kept("kept.tlb", "FLUSH_TLB", LGUEST_HCALL_FLUSH_TLB, 1, 2);
	ask_kept("kept.notify", "NOTIFY of 0, which does nothing", LGUEST_HCALL_NOTIFY, 0, 2);
	ask_kept("kept.send", "SEND_INTERRUPTS", LGUEST_HCALL_SEND_INTERRUPTS, 1, 2);
	ask_kept("kept.pmd", "SET_PMD", LGUEST_HCALL_SET_PMD, 0x12345000, 2);
}

static void ask_vmcall(void)
{
	extern volatile u8 vmcall_site[];

	got = 0;
	TRY("movl $17, %%eax\n\txorl %%ebx, %%ebx\n\t.globl vmcall_site\nvmcall_site:\n\t.byte 0x0F, 0x01, 0xC1\n\tmovl %%eax, got");
	say("vmcall.works", "vmcall of NOTIFY 0, and EAX afterwards", "%t %u", got);
	say("vmcall.bytes", "what stands there then", "%x %x %x", vmcall_site[0], vmcall_site[1], vmcall_site[2]);
}

static void ask_ring(void)
{
	for (u32 i = 0; i < 3; i++)
		put(i, LGUEST_HCALL_TS, 0, 0, 0);
	say("ring.placed", "three entries placed: waiting", "%u", waiting());
	/* The line above was a real hypercall: it drained them. */
	say("ring.drained", "after a hypercall: waiting", "%u", waiting());
	for (u32 i = 3; i < 64; i++)
		put(i, LGUEST_HCALL_TS, 0, 0, 0);
	call0(LGUEST_HCALL_FLUSH_ASYNC);
	say("ring.all", "the rest of the ring placed, then FLUSH_ASYNC: waiting", "%u", waiting());
	put(1, LGUEST_HCALL_TS, 0, 0, 0);
	call0(LGUEST_HCALL_FLUSH_ASYNC);
	say("ring.cursor", "one placed beyond the host's place: waiting", "%u", waiting());
	put(0, LGUEST_HCALL_TS, 0, 0, 0);
	call0(LGUEST_HCALL_FLUSH_ASYNC);
	say("ring.order", "and the one at its place: waiting", "%u", waiting());
	put(2, LGUEST_HCALL_LOAD_GDT_ENTRY, 20, 0x0000FFFF, 0x00CF9200);
	put(3, LGUEST_HCALL_LOAD_GDT_ENTRY, 20, 0x0000FFFF, 0x00CF9A00);
	call0(LGUEST_HCALL_FLUSH_ASYNC);
	TRY("movl $0xA1, %%ecx\n\tlarl %%ecx, %%eax\n\tmovl %%eax, got");
	say("ring.last", "two loads of one descriptor: the later one counts", "%x", got & 0xFF00);
	put(4, LGUEST_HCALL_LOAD_GDT_ENTRY, 20, 0, 0);
	call3(LGUEST_HCALL_LOAD_GDT_ENTRY, 20, 0x0000FFFF, 0x00CF9200);
	TRY("movl $0xA1, %%ecx\n\tlarl %%ecx, %%eax\n\tmovl %%eax, got");
	say("ring.before", "the ring comes before the hypercall that drains it", "%x", got & 0xFF00);
}

void ask_calls(void)
{
	ask_registers();
	ask_vmcall();
	ask_ring();
}
