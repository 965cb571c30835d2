/* L2 and L3 entries, pinning, and the rest of mmuext_op. */
#include "probe.h"

#define L1A 8  /* pages that become tables here */
#define L1B 9
#define L2A 10
#define L3A 11
#define VA 0x40000000u /* slot 1, whose L2 is empty at start */

static u64 frame_of(u32 number)
{
	return (u64)mfn(page(number)) << 12;
}

static u64 slot_address(u32 slot, u32 index)
{
	return ((u64)directory(slot) << 12) + index * 8;
}

/* A page of ours, cleared or filled with one entry, mapped read-only: ready to become a table. */
static void blank(u32 number, u32 slot, u64 value)
{
	volatile u64 *at = page(number);

	remap(number, P | RW);
	clear(page(number), PAGE);
	at[slot] = value;
	remap(number, P);
}

static void ask_l2_bits(void)
{
	static const struct {
		u64 bits;
		const char *id;
	} cases[] = {
		{ P | RW | US, "l2.rwu" }, { P, "l2.ro" }, { P | RW, "l2.rw" }, { P | RW | US | ACC, "l2.accessed" },
		{ P | RW | US | DIR, "l2.dirty" }, { P | RW | US | PWT, "l2.pwt" }, { P | RW | US | PCD, "l2.pcd" },
		{ P | RW | US | PSE, "l2.pse" }, { P | RW | US | GLB, "l2.global" }, { P | RW | US | AVAIL, "l2.avail" },
		{ P | RW | US | NX, "l2.nx" }, { RW | US, "l2.absent" }, { P | RW | US | 1ull << 52, "l2.bit52" },
		{ P | RW | US | 1ull << 62, "l2.bit62" },
	};

	blank(L1A, 0, frame_of(3) | P | RW);
	for (u32 i = 0; i < sizeof cases / sizeof *cases; i++) {
		s32 result = update(slot_address(1, 0), frame_of(L1A) | cases[i].bits);
		u64 stored = table_at(directory(1))[0];

		say(cases[i].id, "an L2 entry with these bits, and what is stored", "%e %x:%x", result, (u32)(stored >> 52),
		    (u32)stored & 0xF9F);
		update(slot_address(1, 0), 0);
	}
}

static void ask_l2(void)
{
	say("l2.writable", "link an L1 that is mapped writable", "%e",
	    (remap(L1A, P | RW), update(slot_address(1, 0), frame_of(L1A) | P | RW | US)));
	blank(L1A, 0, frame_of(L1A) | P | RW);
	say("l2.self-map", "link an L1 that maps itself writable", "%e", update(slot_address(1, 0), frame_of(L1A) | P | RW | US));
	blank(L1A, 0, 0xFFFFFFFFFull << 12 | P);
	say("l2.bad-entry", "link an L1 with an entry past all memory", "%e", update(slot_address(1, 0), frame_of(L1A) | P | RW | US));
	blank(L1A, 0, frame_of(3) | P | RW);
	update(slot_address(1, 0), frame_of(L1A) | P | RW | US | 0x7FFull << 52);
	TRY("movl 0x40000000, %%eax");
	say("l2.high", "a load through an L2 entry whose bits 52 to 62 are set", "%t", 0);
	update(slot_address(1, 0), 0);
	say("l2.twice", "link one L1 in two places", "%e %e", update(slot_address(1, 0), frame_of(L1A) | P | RW | US),
	    update(slot_address(1, 1), frame_of(L1A) | P | RW | US));
	say("l2.live", "a page seen through it", "%e %x", map_address(VA + PAGE, frame_of(4) | P | RW),
	    *(volatile u32 *)(VA + PAGE) == *(volatile u32 *)page(4));
	say("l2.in-use", "map a linked L1 writable", "%e", remap(L1A, P | RW));
	say("l2.unlink", "unlink both", "%e %e", update(slot_address(1, 0), 0), update(slot_address(1, 1), 0));
	say("l2.free", "map the L1 writable then", "%e", remap(L1A, P | RW));
	say("l2.foreign", "an L2 entry naming shared_info", "%e", update(slot_address(1, 0), start->shared_info | P | RW | US));
	say("l2.huge", "an L2 entry past all memory", "%e", update(slot_address(1, 0), 0xFFFFFFFFFull << 12 | P | RW | US));
	say("l2.io", "an L2 entry naming 0xB8000", "%e", update(slot_address(1, 0), 0xB8000 | P | RW | US));
	say("l2.linear", "slot 0 of an L2 maps the L2 itself, read-only", "%e",
	    update(slot_address(1, 2), (u64)directory(1) << 12 | P | US));
	update(slot_address(1, 2), 0);
	say("l2.linear.rw", "the same writable", "%e", update(slot_address(1, 2), (u64)directory(1) << 12 | P | RW | US));
	say("l2.linear.other", "an L2 maps another slot's L2 read-only", "%e",
	    update(slot_address(1, 2), (u64)directory(0) << 12 | P | US));
	say("l2.linear.back", "and that one maps it back", "%e", update(slot_address(0, 2), (u64)directory(1) << 12 | P | US));
	say("l2.linear.chain", "a third maps the first of them", "%e", update(slot_address(2, 2), (u64)directory(1) << 12 | P | US));
	update(slot_address(2, 2), 0);
	update(slot_address(0, 2), 0);
	update(slot_address(1, 2), 0);
	say("l2.linear.top", "an L2 maps slot 3's L2 read-only", "%e",
	    update(slot_address(1, 2), (u64)directory(3) << 12 | P | US));
	update(slot_address(1, 2), 0);
	say("l2.l3", "an L2 entry naming the L3", "%e", update(slot_address(1, 2), (u64)mfn((void *)start->pt_base) << 12 | P | US));
	say("l2.hole", "mmu_update of the first entry of the hole", "%e",
	    update(slot_address(3, (u32)m2p >> 21 & 511), 0));
	say("l2.hole.same", "the same with the value it has", "%e",
	    update(slot_address(3, (u32)m2p >> 21 & 511), table_at(directory(3))[(u32)m2p >> 21 & 511]));
	say("l2.hole.last", "mmu_update of the last entry of slot 3's L2", "%e", update(slot_address(3, 511), 0));
	say("l2.hole.below", "the last entry below the hole", "%e", update(slot_address(3, ((u32)m2p >> 21 & 511) - 1), 0));
	say("l2.hole.m2p", "the hole's first entry is readable in the L2, and large", "%x",
	    (u32)table_at(directory(3))[(u32)m2p >> 21 & 511] & 0x81);
}

static u64 top(void)
{
	return (u64)mfn((void *)start->pt_base) << 12;
}

static void ask_l3(void)
{
	static const struct {
		u64 bits;
		const char *id;
	} cases[] = {
		{ P, "l3.p" }, { P | RW | US, "l3.rwu" }, { P | RW, "l3.rw" }, { P | ACC, "l3.accessed" }, { P | DIR, "l3.dirty" },
		{ P | AVAIL, "l3.avail" }, { P | PWT, "l3.pwt" }, { P | PCD, "l3.pcd" }, { P | PSE, "l3.pse" }, { P | GLB, "l3.global" },
		{ P | NX, "l3.nx" }, { P | 1ull << 52, "l3.bit52" }, { RW, "l3.absent" },
	};
	u64 two = (u64)directory(2) << 12, three = (u64)directory(3) << 12, old = ((volatile u64 *)start->pt_base)[2];
	static const u32 far[] = { 4, 5, 511 };
	static const char *const ids[] = { "l3.slot4", "l3.slot5", "l3.slot511" };

	for (u32 i = 0; i < sizeof cases / sizeof *cases; i++) {
		s32 result = update(top() + 16, two | cases[i].bits);
		u64 stored = ((volatile u64 *)start->pt_base)[2];

		say(cases[i].id, "an L3 entry with these bits, and what is stored", "%e %x:%x", result, (u32)(stored >> 52),
		    (u32)stored & 0xF9F);
		update(top() + 16, old);
	}
	say("l3.clear", "clear slot 2", "%e", update(top() + 16, 0));
	say("l3.shared", "slot 2 shares slot 0's L2", "%e", update(top() + 16, (u64)directory(0) << 12 | P));
	say("l3.back", "set slot 2 again", "%e", update(top() + 16, two | P));
	say("l3.clear3", "clear slot 3", "%e", update(top() + 24, 0));
	say("l3.same3", "set slot 3 to what it is", "%e", update(top() + 24, three | P));
	say("l3.other3", "slot 3 shares slot 0's L2", "%e", update(top() + 24, (u64)directory(0) << 12 | P));
	say("l3.top2", "slot 2 shares slot 3's L2", "%e", update(top() + 16, three | P));
	update(top() + 16, two | P);
	for (u32 i = 0; i < 3; i++)
		say(ids[i], "an entry past the fourth", "%e", update(top() + far[i] * 8, 0));
	say("l3.slot4.set", "an L2 in the fifth entry", "%e", update(top() + 32, two | P));
	say("l3.l1", "an L1 in slot 2", "%e", update(top() + 16, (u64)table_of(BASE) << 12 | P));
	say("l3.writable", "an L2 mapped writable in slot 2", "%e", (remap(L2A, P | RW), update(top() + 16, frame_of(L2A) | P)));
	update(top() + 16, two | P);
}

static void pin(const char *id, const char *question, u32 command, u32 frame)
{
	s32 result = extended(command, frame, 0);

	say(id, question, "%e %x", result, page_done);
}

void ask_pins(void)
{
	volatile u64 *at = page(L3A);

	remap(L1A, P | RW);
	pin("pin.writable", "pin an L1 that is mapped writable", XEN_MMUEXT_PIN_L1_TABLE, mfn(page(L1A)));
	blank(L1A, 0, 0);
	pin("pin.l1", "pin an empty L1", XEN_MMUEXT_PIN_L1_TABLE, mfn(page(L1A)));
	pin("pin.l1.again", "pin it again", XEN_MMUEXT_PIN_L1_TABLE, mfn(page(L1A)));
	pin("pin.l1.l2", "pin it as an L2", XEN_MMUEXT_PIN_L2_TABLE, mfn(page(L1A)));
	say("pin.l1.rw", "map a pinned L1 writable", "%e", remap(L1A, P | RW));
	pin("unpin.l1", "unpin it", XEN_MMUEXT_UNPIN_TABLE, mfn(page(L1A)));
	pin("unpin.again", "unpin it again", XEN_MMUEXT_UNPIN_TABLE, mfn(page(L1A)));
	blank(L1A, 1, 0xFFFFFFFFFull << 12 | P);
	pin("pin.bad", "pin an L1 with an entry past all memory", XEN_MMUEXT_PIN_L1_TABLE, mfn(page(L1A)));
	blank(L1A, 1, start->shared_info | P | RW);
	pin("pin.shared", "pin an L1 that maps shared_info", XEN_MMUEXT_PIN_L1_TABLE, mfn(page(L1A)));
	extended(XEN_MMUEXT_UNPIN_TABLE, mfn(page(L1A)), 0);
	blank(L1A, 1, (u64)table_of(BASE) << 12 | P | RW);
	pin("pin.table", "pin an L1 that maps a table writable", XEN_MMUEXT_PIN_L1_TABLE, mfn(page(L1A)));
	blank(L1A, 1, 0xFFFFFFFFFFFFFFFEull);
	pin("pin.garbage", "pin an L1 with non-present garbage", XEN_MMUEXT_PIN_L1_TABLE, mfn(page(L1A)));
	extended(XEN_MMUEXT_UNPIN_TABLE, mfn(page(L1A)), 0);
	blank(L1A, 1, frame_of(3) | P | RW | 1ull << 53);
	pin("pin.bit53", "pin an L1 with bit 53 in an entry", XEN_MMUEXT_PIN_L1_TABLE, mfn(page(L1A)));
	extended(XEN_MMUEXT_UNPIN_TABLE, mfn(page(L1A)), 0);
	blank(L1A, 1, 0xB8000 | P | RW);
	pin("pin.io", "pin an L1 that maps 0xB8000", XEN_MMUEXT_PIN_L1_TABLE, mfn(page(L1A)));
	remap(L1A, P);
	say("pin.io.stored", "that entry afterwards", "%x", (u32)((volatile u64 *)page(L1A))[1] & 0xFFF);
	extended(XEN_MMUEXT_UNPIN_TABLE, mfn(page(L1A)), 0);
	blank(L2A, 0, 0);
	pin("pin.l2", "pin an empty L2", XEN_MMUEXT_PIN_L2_TABLE, mfn(page(L2A)));
	say("pin.l2.slot3", "a new L3 with a pinned empty L2 in slot 3", "%e",
	    (blank(L3A, 3, frame_of(L2A) | P), extended(XEN_MMUEXT_PIN_L3_TABLE, mfn(page(L3A)), 0)));
	pin("unpin.l2", "unpin the L2", XEN_MMUEXT_UNPIN_TABLE, mfn(page(L2A)));
	blank(L3A, 0, 0);
	pin("pin.l3.empty", "pin an L3 without slot 3", XEN_MMUEXT_PIN_L3_TABLE, mfn(page(L3A)));
	blank(L3A, 3, (u64)directory(3) << 12 | P);
	pin("pin.l3.share", "pin an L3 that shares slot 3's L2", XEN_MMUEXT_PIN_L3_TABLE, mfn(page(L3A)));
	blank(L2A, 0, 0);
	blank(L3A, 3, frame_of(L2A) | P);
	remap(L3A, P | RW);
	at[4] = 0x1234567;
	at[511] = P;
	remap(L3A, P);
	pin("pin.l3", "pin an L3 with its own empty L2 in slot 3, and garbage behind", XEN_MMUEXT_PIN_L3_TABLE, mfn(page(L3A)));
	say("pin.l3.stored", "slot 3's bits then", "%x", (u32)at[3] & 0xFFF);
	say("pin.l3.rest", "entries 4 and 511 then", "%x %x", (u32)at[4], (u32)at[511]);
	say("pin.l3.fill", "Xen filled its slots in the L2", "%s",
	    yes(!((((volatile u64 *)page(L2A))[(u32)m2p >> 21 & 511] ^ table_at(directory(3))[(u32)m2p >> 21 & 511]) & ~(ACC | DIR))));
	pin("unpin.l3", "unpin the L3", XEN_MMUEXT_UNPIN_TABLE, mfn(page(L3A)));
	say("unpin.l3.rw", "map both writable then", "%e %e", remap(L3A, P | RW), remap(L2A, P | RW));
	say("unpin.l3.left", "slot 3's bits after that", "%x", (u32)at[3] & 0xFFF);
	pin("pin.l4", "pin an L4", XEN_MMUEXT_PIN_L4_TABLE, mfn(page(L3A)));
	pin("pin.l4.huge", "pin an L4 past all memory", XEN_MMUEXT_PIN_L4_TABLE, 0xFFFFFFFF);
	pin("pin.huge", "pin an L1 past all memory", XEN_MMUEXT_PIN_L1_TABLE, 0xFFFFFFFF);
	pin("pin.foreign", "pin shared_info as an L1", XEN_MMUEXT_PIN_L1_TABLE, start->shared_info >> 12);
	pin("unpin.huge", "unpin a frame past all memory", XEN_MMUEXT_UNPIN_TABLE, 0xFFFFFFFF);
	pin("unpin.foreign", "unpin shared_info", XEN_MMUEXT_UNPIN_TABLE, start->shared_info >> 12);
	remap(L1A, P | RW);
}

static void ask_extended(void)
{
	u32 mask = 1;

	pin("ext.base.self", "NEW_BASEPTR to the base in use", XEN_MMUEXT_NEW_BASEPTR, mfn((void *)start->pt_base));
	pin("ext.base.bad", "NEW_BASEPTR to a plain page", XEN_MMUEXT_NEW_BASEPTR, mfn(page(3)));
	pin("ext.base.l2", "NEW_BASEPTR to an L2", XEN_MMUEXT_NEW_BASEPTR, directory(3));
	pin("ext.base.huge", "NEW_BASEPTR past all memory", XEN_MMUEXT_NEW_BASEPTR, 0xFFFFFFFF);
	pin("ext.user-base", "NEW_USER_BASEPTR", XEN_MMUEXT_NEW_USER_BASEPTR, mfn((void *)start->pt_base));
	pin("ext.user-base.0", "NEW_USER_BASEPTR 0", XEN_MMUEXT_NEW_USER_BASEPTR, 0);
	pin("ext.flush", "TLB_FLUSH_LOCAL", XEN_MMUEXT_TLB_FLUSH_LOCAL, 0);
	pin("ext.invlpg", "INVLPG_LOCAL", XEN_MMUEXT_INVLPG_LOCAL, BASE);
	pin("ext.invlpg.hole", "INVLPG_LOCAL in the hole", XEN_MMUEXT_INVLPG_LOCAL, (u32)m2p);
	say("ext.multi", "TLB_FLUSH_MULTI", "%e", extended(XEN_MMUEXT_TLB_FLUSH_MULTI, 0, (u32)&mask));
	say("ext.multi.bad", "TLB_FLUSH_MULTI with a bad mask", "%e", extended(XEN_MMUEXT_TLB_FLUSH_MULTI, 0, 0x1000));
	say("ext.invlpg-multi", "INVLPG_MULTI", "%e", extended(XEN_MMUEXT_INVLPG_MULTI, BASE, (u32)&mask));
	say("ext.invlpg-multi.bad", "INVLPG_MULTI with a bad mask", "%e", extended(XEN_MMUEXT_INVLPG_MULTI, BASE, 0x1000));
	pin("ext.all", "TLB_FLUSH_ALL", XEN_MMUEXT_TLB_FLUSH_ALL, 0);
	pin("ext.invlpg-all", "INVLPG_ALL", XEN_MMUEXT_INVLPG_ALL, BASE);
	pin("ext.cache", "FLUSH_CACHE", XEN_MMUEXT_FLUSH_CACHE, 0);
	pin("ext.cache.global", "FLUSH_CACHE_GLOBAL", XEN_MMUEXT_FLUSH_CACHE_GLOBAL, 0);
	pin("ext.14", "command 14", 14, 0);
	pin("ext.mark", "MARK_SUPER", XEN_MMUEXT_MARK_SUPER, mfn(page(3)));
	pin("ext.unmark", "UNMARK_SUPER", XEN_MMUEXT_UNMARK_SUPER, mfn(page(3)));
	pin("ext.21", "command 21", 21, 0);
	pin("ext.ones", "command 0xFFFFFFFF", 0xFFFFFFFF, 0);
	*(u32 *)page(5) = 0x1234;
	pin("ext.clear", "CLEAR_PAGE", XEN_MMUEXT_CLEAR_PAGE, mfn(page(5)));
	say("ext.clear.done", "the page's first word", "%x", *(u32 *)page(5));
	pin("ext.clear.table", "CLEAR_PAGE of a page table", XEN_MMUEXT_CLEAR_PAGE, table_of(BASE));
	pin("ext.clear.huge", "CLEAR_PAGE past all memory", XEN_MMUEXT_CLEAR_PAGE, 0xFFFFFFFF);
	*(u32 *)page(6) = 0x4321;
	say("ext.copy", "COPY_PAGE", "%e %x", extended(XEN_MMUEXT_COPY_PAGE, mfn(page(5)), mfn(page(6))), *(u32 *)page(5));
	say("ext.copy.from", "COPY_PAGE from past all memory", "%e", extended(XEN_MMUEXT_COPY_PAGE, mfn(page(5)), 0xFFFFFFFF));
	say("ext.copy.to", "COPY_PAGE onto a page table", "%e", extended(XEN_MMUEXT_COPY_PAGE, table_of(BASE), mfn(page(6))));
	say("ext.copy.table", "COPY_PAGE of a page table", "%e", extended(XEN_MMUEXT_COPY_PAGE, mfn(page(5)), table_of(BASE)));
	say("ext.null", "mmuext_op at address 0", "%e", call4(XEN_HYPERCALL_MMUEXT_OP, 0, 1, 0, SELF));
	say("ext.none", "mmuext_op of none", "%e", call4(XEN_HYPERCALL_MMUEXT_OP, 0, 0, 0, SELF));
}

void ask_directories(void)
{
	ask_l2_bits();
	ask_l2();
	ask_l3();
	ask_extended();
}
