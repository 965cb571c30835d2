/* Stores to tables through their read-only mappings, and faults on them. */
#include "probe.h"

u32 store_at, store_low, store_high;

#define STORE_AT(text) "movl store_at, %%ecx\n\tmovl store_low, %%eax\n\tmovl store_high, %%edx\n\t" text

static void reset(u32 va)
{
	u64 value = (u64)mfn(page(2)) << 12 | P | RW;

	map(page(2), value);
	store_at = va;
	store_low = (u32)value & ~2u;
	store_high = (u32)(value >> 32);
}

static void stored(const char *id, const char *question)
{
	say(id, question, "%t, %x:%x", (u32)(entry((u32)page(2)) >> 32), (u32)entry((u32)page(2)) & 0xF9F);
}

void ask_stores(void)
{
	u32 l1 = (u32)&table_at(table_of((u32)page(2)))[(u32)page(2) >> 12 & 511];
	u32 l2 = (u32)&table_at(directory(1))[4], l3 = start->pt_base + 16;

	for (u32 on = 0; on < 2; on++) {
		call2(XEN_HYPERCALL_VM_ASSIST, !on, XEN_ASSIST_TYPE_WRITABLE_PAGETABLES);
		reset(l1);
		TRY(STORE_AT("movl %%eax, (%%ecx)"));
		stored(on ? "store.l1.assist" : "store.l1", "mov to an L1 entry (writable_pagetables off, then on)");
	}
	reset(l1);
	TRY(STORE_AT("movl $0, 4(%%ecx)"));
	stored("store.l1.high", "mov 0 to its upper half");
	reset(l1);
	TRY(STORE_AT("movl $0x80000000, 4(%%ecx)"));
	stored("store.l1.high-nx", "mov of the NX bit to its upper half");
	reset(l1);
	TRY(STORE_AT("movb $0x21, (%%ecx)"));
	stored("store.l1.byte", "a byte's mov");
	reset(l1);
	TRY(STORE_AT("movw %%ax, (%%ecx)"));
	stored("store.l1.word", "a word's mov");
	reset(l1);
	TRY(STORE_AT("andl $0xFFFFFFFD, (%%ecx)"));
	stored("store.l1.and", "and");
	reset(l1);
	TRY(STORE_AT("orl $0x200, (%%ecx)"));
	stored("store.l1.or", "or");
	reset(l1);
	TRY(STORE_AT("lock; btrl $1, (%%ecx)"));
	stored("store.l1.btr", "lock btr of RW");
	reset(l1);
	TRY(STORE_AT("lock; btsl $9, (%%ecx)"));
	stored("store.l1.bts", "lock bts of an available bit");
	reset(l1);
	TRY(STORE_AT("xchgl %%eax, (%%ecx)"));
	stored("store.l1.xchg", "xchg");
	reset(l1);
	TRY("pushl %%ebx\n\tmovl store_at, %%esi\n\tmovl (%%esi), %%eax\n\tmovl 4(%%esi), %%edx\n\tmovl store_low, %%ebx\n\t"
	    "movl store_high, %%ecx\n\tlock; cmpxchg8b (%%esi)\n\tpopl %%ebx");
	stored("store.l1.cmpxchg8b", "cmpxchg8b");
	reset(l1);
	TRY("movl store_at, %%ecx\n\tmovl (%%ecx), %%eax\n\tmovl store_low, %%edx\n\tlock; cmpxchgl %%edx, (%%ecx)");
	stored("store.l1.cmpxchg", "lock cmpxchg");
	reset(l1);
	store_low = (u32)((u64)table_of(BASE) << 12) | 3;
	TRY(STORE_AT("movl %%eax, (%%ecx)"));
	stored("store.l1.refused", "mov of an entry that maps a table writable");
	say("store.l1.refused.cr2", "CR2 of it is the entry's address", "%s", yes(seen.cr2 == l1));
	reset(l1);
	TRY(STORE_AT("movl %%eax, 2(%%ecx)"));
	stored("store.l1.across", "a misaligned mov");
	reset(l1);
	TRY("pushl %%edi\n\tmovl store_at, %%edi\n\tmovl store_low, %%eax\n\tstosl\n\tpopl %%edi");
	stored("store.l1.stos", "stos");
	reset(l1);
	store_at = l2;
	TRY(STORE_AT("movl $0, (%%ecx)"));
	say("store.l2", "mov to an L2 entry", "%t");
	say("store.l2.cr2", "CR2 is the entry's address", "%s", yes(seen.cr2 == l2));
	store_at = l3;
	TRY(STORE_AT("movl $0, (%%ecx)"));
	say("store.l3", "mov to an L3 entry", "%t");
	remap(3, P);
	store_at = (u32)page(3);
	TRY(STORE_AT("movl $0, (%%ecx)"));
	say("store.ro", "mov to a plain page that is mapped read-only", "%t");
	TRY(STORE_AT("lock; btsl $0, (%%ecx)"));
	say("store.ro.lock", "lock bts there", "%t");
	remap(3, P | RW);
	store_at = (u32)m2p;
	TRY(STORE_AT("movl $0, (%%ecx)"));
	say("store.m2p", "mov to M2P", "%t");
	say("store.m2p.cr2", "CR2 of it", "%s", yes(seen.cr2 == (u32)m2p));
	store_at = 0xFFFFF000;
	TRY(STORE_AT("movl (%%ecx), %%eax"));
	say("read.top", "a load from the last page", "%t");
	store_at = 0x1000;
	TRY(STORE_AT("movl (%%ecx), %%eax"));
	say("read.absent", "a load from an absent page", "%t");
	TRY(STORE_AT("movl %%eax, (%%ecx)"));
	say("store.absent", "a store to an absent page", "%t");
	TRY(STORE_AT("call *%%ecx"));
	say("fetch.absent", "a call to an absent page", "%t");
	*(u8 *)page(3) = 0xC3;
	remap(3, P | RW | NX);
	store_at = (u32)page(3);
	TRY(STORE_AT("call *%%ecx"));
	say("fetch.nx", "a call to a no-execute page", "%t");
	say("fetch.nx.cr2", "CR2 is its address", "%s", yes(seen.cr2 == (u32)page(3)));
	remap(3, P | RW);
	TRY(STORE_AT("call *%%ecx"));
	say("fetch.data", "a call to a plain data page that returns", "%t");
	reset(l1);
	call2(XEN_HYPERCALL_VM_ASSIST, 1, XEN_ASSIST_TYPE_WRITABLE_PAGETABLES);
}
