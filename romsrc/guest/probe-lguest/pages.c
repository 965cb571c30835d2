/* Page tables: what the host must be told and what it finds out, accessed and dirty bits, other top tables. */
#include "probe.h"

#define WINDOW 6u /* the page whose entry is played with, and where it stands in probe_pages */

static u32 probe(void)
{
	TRY("movl probe_pages + 0x6000, %%eax\n\tmovl %%eax, got");
	return seen.hits ? 0xFA017 : got;
}

static void put(volatile u64 *at, u64 value)
{
	*at = value;
}

static void tell(void)
{
	call4(LGUEST_HCALL_SET_PTE, probe_data.pgdir, probe_pages[WINDOW], 0, 0);
}

static void ask_changes(void)
{
	volatile u64 *at = entry_of((u32)probe_pages[WINDOW]);
	u64 one = GPA(probe_pages[WINDOW]) | 7, two = GPA(probe_pages[WINDOW + 1]) | 7;

	*(volatile u32 *)probe_pages[WINDOW] = 0x111;
	*(volatile u32 *)probe_pages[WINDOW + 1] = 0x222;
	say("pte.first", "a page read", "%x", probe());
	put(at, 0);
	say("pte.untold", "its entry is cleared and nobody told: still read", "%x", probe());
	tell();
	probe();
	say("pte.told", "told by SET_PTE", "%t, error %x", seen.error);
	put(at, two);
	say("pte.appears", "another page appears, nobody told", "%x", probe());
	put(at, one);
	say("pte.moved", "the entry names the first page, nobody told", "%x", probe());
	call1(LGUEST_HCALL_FLUSH_TLB, LGUEST_FLUSH_TLB_USER);
	say("pte.flush.user", "after a flush of the user's part, of which it is none", "%x", probe());
	call1(LGUEST_HCALL_FLUSH_TLB, LGUEST_FLUSH_TLB_ALL);
	say("pte.flush.all", "after a flush of all", "%x", probe());
	call4(LGUEST_HCALL_SET_PTE, probe_data.pgdir, probe_pages[WINDOW], (u32)two | (u32)ACC, 0);
	say("pte.set", "SET_PTE of the second page with the accessed bit: read, and the entry in memory as it was", "%x %s", probe(),
	    yes((*at & ~0xFFFull) == (one & ~0xFFFull)));
	call4(LGUEST_HCALL_SET_PTE, 0x12345000, probe_pages[WINDOW], 0, 0);
	say("pte.other-top", "SET_PTE for the kernel's part with another top table works, too", "%x", probe());
	call4(LGUEST_HCALL_SET_PTE, probe_data.pgdir, probe_pages[WINDOW], (u32)two & ~7u, 0);
	say("pte.absent", "SET_PTE of an entry that is not present: filled from memory again", "%x", probe());
	call2(LGUEST_HCALL_SET_PMD, 0x12345000, 0);
	put(at, two);
	call2(LGUEST_HCALL_SET_PMD, 0x12345000, 0);
	say("pmd.any", "SET_PMD of anything drops all shadows", "%x", probe());
	put(at, one);
	call2(LGUEST_HCALL_SET_PGD, probe_data.pgdir, 3);
	say("pgd.last", "SET_PGD of the last index is ignored", "%x", probe());
	call2(LGUEST_HCALL_SET_PGD, 0x12345000, 0);
	say("pgd.foreign", "SET_PGD of a table without a shadow is ignored", "%x", probe());
	call1(LGUEST_HCALL_FLUSH_TLB, 1);
}

static void ask_bits(void)
{
	volatile u64 *at = entry_of((u32)probe_pages[WINDOW]);
	u64 page = GPA(probe_pages[WINDOW]);

	put(at, page | 7);
	call1(LGUEST_HCALL_FLUSH_TLB, 1);
	probe();
	say("bits.read", "accessed and dirty after a read", "%x", (u32)*at & 0x60);
	TRY("movl $0x111, probe_pages + 0x6000");
	say("bits.write", "after a write", "%x", (u32)*at & 0x60);
	put(at, page | 5);
	call1(LGUEST_HCALL_FLUSH_TLB, 1);
	TRY("movl $0x111, probe_pages + 0x6000");
	say("bits.read-only", "a store to a page without RW", "%t");
	say("bits.none", "bits then", "%x", (u32)*at & 0x60);
	put(at, page | 7);
	TRY("movl $0x111, probe_pages + 0x6000");
	say("bits.more", "RW is given, nobody told: the store", "%t");
	put(at, page | 3);
	call1(LGUEST_HCALL_FLUSH_TLB, 1);
	say("bits.kernel", "without USER the kernel reads it", "%x", probe());
	put(at, page | 7 | 0x100);
	call1(LGUEST_HCALL_FLUSH_TLB, 1);
	say("bits.global", "with GLOBAL", "%x", probe());
	put(at, page | 7);
	call1(LGUEST_HCALL_FLUSH_TLB, 1);
}

/* The host is told of an entry that is writable, used and clean: it believes that. */
static void ask_clean(void)
{
	volatile u64 *at = entry_of((u32)probe_pages[WINDOW]);
	u64 page = GPA(probe_pages[WINDOW]);

	put(at, page | 7);
	call1(LGUEST_HCALL_FLUSH_TLB, 1);
	probe();
	put(at, page | 7 | ACC);
	call4(LGUEST_HCALL_SET_PTE, probe_data.pgdir, probe_pages[WINDOW], (u32)page | 7 | (u32)ACC, 0);
	TRY("movl $0x111, probe_pages + 0x6000");
	say("clean.store", "SET_PTE of an entry that is writable, used and clean, then a store", "%t");
	say("clean.bits", "bits then", "%x", (u32)*at & 0x60);
	put(at, page | 7);
	call1(LGUEST_HCALL_FLUSH_TLB, 1);
}

static void ask_tops(void)
{
	const u64 *old = (const u64 *)(probe_data.pgdir + OFFSET);
	volatile u64 *top = probe_tables[0];

	for (u32 i = 0; i < 4; i++)
		top[i] = old[i];
	call1(LGUEST_HCALL_NEW_PGTABLE, GPA(top));
	say("top.new", "NEW_PGTABLE of a copy: a page read", "%x", probe());
	say("top.pgdir", "pgdir in lguest_data is as it was", "%s", yes(probe_data.pgdir == GPA(old)));
	TRY("movl 0x100000, %%eax");
	say("top.low", "a load from low memory", "%t");
	top[0] = 0;
	TRY("movl 0x100000, %%eax");
	say("top.low.untold", "its top entry is cleared, nobody told", "%t");
	call2(LGUEST_HCALL_SET_PGD, GPA(top), 0);
	TRY("movl 0x100000, %%eax");
	say("top.low.told", "told by SET_PGD", "%t");
	top[3] = old[3] | 1ull << 32;
	call1(LGUEST_HCALL_FLUSH_TLB, 1);
	say("top.high", "the last top entry names a frame 4 GiB further up: a page read", "%x", probe());
	top[3] = old[3];
	call1(LGUEST_HCALL_NEW_PGTABLE, GPA(old));
	TRY("movl 0x100000, %%eax");
	say("top.back", "back to the first table", "%t");
	TRY("movl 0x40000000, %%eax");
	say("top.absent", "a load where the top entry is not present", "%t");
	TRY("movl 0xCF000000, %%eax");
	say("top.beyond", "a load beyond all memory", "%t");
}

void ask_pages(void)
{
	ask_changes();
	ask_bits();
	ask_clean();
	ask_tops();
}
