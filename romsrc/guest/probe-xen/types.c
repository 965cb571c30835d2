/* What a frame is used for, and what it can't be used for at the same time. */
#include "probe.h"

#define ONE 50
#define TWO 51
#define SLOT 1
#define VA 0x40000000u

static u64 frame_of(u32 number)
{
	return (u64)mfn(page(number)) << 12;
}

static void blank(u32 number, u32 slot, u64 value)
{
	remap(number, P | RW);
	clear(page(number), PAGE);
	((volatile u64 *)page(number))[slot] = value;
	remap(number, P);
}

static s32 link(u32 index, u64 value)
{
	return update(((u64)directory(SLOT) << 12) + index * 8, value);
}

/* Every use that a frame can be put to, tried on one that is in another use. */
static void ask_uses(const char *id, u32 number)
{
	u32 frame = mfn(page(number));
	s32 gdt = call2(XEN_HYPERCALL_SET_GDT, &frame, 8), l1, l2, l3, linked, base, rw, ro, clearing, ldt;

	if (!gdt)
		call2(XEN_HYPERCALL_SET_GDT, 0, 0);
	l1 = extended(XEN_MMUEXT_PIN_L1_TABLE, frame, 0);
	if (!l1)
		extended(XEN_MMUEXT_UNPIN_TABLE, frame, 0);
	l2 = extended(XEN_MMUEXT_PIN_L2_TABLE, frame, 0);
	if (!l2)
		extended(XEN_MMUEXT_UNPIN_TABLE, frame, 0);
	l3 = extended(XEN_MMUEXT_PIN_L3_TABLE, frame, 0);
	linked = link(9, frame_of(number) | P | RW | US);
	if (!linked)
		link(9, 0);
	base = extended(XEN_MMUEXT_NEW_BASEPTR, frame, 0);
	clearing = extended(XEN_MMUEXT_CLEAR_PAGE, mfn(page(TWO)), 0);
	rw = map(page(TWO), frame_of(number) | P | RW);
	ro = map(page(TWO), frame_of(number) | P);
	remap(TWO, P | RW);
	ldt = extended(XEN_MMUEXT_SET_LDT, (u32)page(number), 8);
	extended(XEN_MMUEXT_SET_LDT, 0, 0);
	say_of(id, "pins", "as GDT, pinned as L1, L2, L3, linked in an L2, as the base", "%e %e %e %e %e %e", gdt, l1, l2, l3,
	       linked, base);
	say_of(id, "maps", "mapped writable, read-only; the page beside it cleared; as LDT", "%e %e %e %e", rw, ro, clearing, ldt);
}

static void ask_conflicts(void)
{
	u32 frame = mfn(page(ONE));

	blank(ONE, 0, 0);
	ask_uses("use.plain", ONE);
	remap(ONE, P | RW);
	ask_uses("use.writable", ONE);
	blank(ONE, 0, 0);
	extended(XEN_MMUEXT_PIN_L1_TABLE, frame, 0);
	ask_uses("use.l1", ONE);
	extended(XEN_MMUEXT_PIN_L1_TABLE, frame, 0);
	extended(XEN_MMUEXT_UNPIN_TABLE, frame, 0);
	blank(ONE, 0, 0);
	extended(XEN_MMUEXT_PIN_L2_TABLE, frame, 0);
	ask_uses("use.l2", ONE);
	extended(XEN_MMUEXT_UNPIN_TABLE, frame, 0);
	blank(ONE, 0, 0);
	call2(XEN_HYPERCALL_SET_GDT, &frame, 8);
	say("use.gdt.rw", "a GDT mapped writable", "%e", remap(ONE, P | RW));
	say("use.gdt.pin", "a GDT pinned as L1, L2", "%e %e", extended(XEN_MMUEXT_PIN_L1_TABLE, frame, 0),
	    extended(XEN_MMUEXT_PIN_L2_TABLE, frame, 0));
	say("use.gdt.mmu", "mmu_update of a GDT", "%e", update(frame_of(ONE), 0));
	say("use.gdt.again", "set_gdt of the same page again", "%e", call2(XEN_HYPERCALL_SET_GDT, &frame, 8));
	call2(XEN_HYPERCALL_SET_GDT, 0, 0);
	say("use.gdt.off", "mapped writable once no GDT uses it", "%e", remap(ONE, P | RW));
}

static void ask_counts(void)
{
	blank(ONE, 0, frame_of(3) | P | RW);
	say("count.link", "an L1 linked, then pinned, then unlinked, then mapped writable", "%e %e %e %e", link(0, frame_of(ONE) | P | RW | US),
	    extended(XEN_MMUEXT_PIN_L1_TABLE, mfn(page(ONE)), 0), link(0, 0), remap(ONE, P | RW));
	say("count.unpin", "unpinned, and mapped writable", "%e %e", extended(XEN_MMUEXT_UNPIN_TABLE, mfn(page(ONE)), 0), remap(ONE, P | RW));
	blank(ONE, 0, frame_of(3) | P | RW);
	link(0, frame_of(ONE) | P | RW | US);
	say("count.unpin.linked", "unpin of an L1 that is linked and was never pinned", "%e", extended(XEN_MMUEXT_UNPIN_TABLE, mfn(page(ONE)), 0));
	say("count.as-l2", "a linked L1 pinned as an L2", "%e", extended(XEN_MMUEXT_PIN_L2_TABLE, mfn(page(ONE)), 0));
	say("count.alias", "through the linked L1: the page seen, and its own table mapped read-only", "%s %e",
	    yes(*(volatile u32 *)VA == *(volatile u32 *)page(3)), map_address(VA + PAGE, frame_of(ONE) | P));
	say("count.alias.rw", "and writable", "%e", map_address(VA + PAGE, frame_of(ONE) | P | RW));
	say("count.flags", "update_va_mapping through it with flush kinds 0 to 3 and a bad mask", "%e %e %e %e %e",
	    call4(XEN_HYPERCALL_UPDATE_VA_MAPPING, VA + PAGE, 0, 0, 0), call4(XEN_HYPERCALL_UPDATE_VA_MAPPING, VA + PAGE, 0, 0, 1),
	    call4(XEN_HYPERCALL_UPDATE_VA_MAPPING, VA + PAGE, 0, 0, 2), call4(XEN_HYPERCALL_UPDATE_VA_MAPPING, VA + PAGE, 0, 0, 3),
	    call4(XEN_HYPERCALL_UPDATE_VA_MAPPING, VA + PAGE, 0, 0, 0xFFFFFFF1));
	say("count.last", "the last entry of it, and the one behind", "%e %e", map_address(VA + 511 * PAGE, frame_of(4) | P),
	    map_address(VA + 512 * PAGE, frame_of(4) | P));
	link(0, 0);
	TRY("movl 0x40000000, %%eax");
	say("count.gone", "a load once it is unlinked", "%t");
	remap(ONE, P | RW);
}

static void ask_batches(void)
{
	struct xen_mmu_update list[3] = { { entry_address((u32)page(ONE)), 0 }, { entry_address((u32)page(ONE)), frame_of(ONE) | P },
					  { entry_address((u32)page(ONE)), frame_of(ONE) | P | RW } };
	struct xen_mmuext_op ops[3] = { { XEN_MMUEXT_TLB_FLUSH_LOCAL, 0, 0 }, { 99, 0, 0 }, { XEN_MMUEXT_TLB_FLUSH_LOCAL, 0, 0 } };
	u32 done = 77;

	say("batch.mmu", "three updates of one entry, done, and what stands there", "%e %u %x",
	    call4(XEN_HYPERCALL_MMU_UPDATE, list, 3, &done, SELF), done, (u32)entry((u32)page(ONE)) & 3);
	done = 77;
	say("batch.mmuext", "three operations, the second unknown: result and done", "%e %u",
	    call4(XEN_HYPERCALL_MMUEXT_OP, ops, 3, &done, SELF), done);
	ops[1].cmd = XEN_MMUEXT_TLB_FLUSH_LOCAL;
	done = 77;
	say("batch.mmuext.good", "three good ones: result and done", "%e %u", call4(XEN_HYPERCALL_MMUEXT_OP, ops, 3, &done, SELF), done);
	done = 77;
	say("batch.mmuext.none", "none: result and done", "%e %u", call4(XEN_HYPERCALL_MMUEXT_OP, ops, 0, &done, SELF), done);
	say("batch.mmuext.hole", "done in the hole, and on a read-only page", "%e %e", call4(XEN_HYPERCALL_MMUEXT_OP, ops, 1, m2p, SELF),
	    (remap(TWO, P), call4(XEN_HYPERCALL_MMUEXT_OP, ops, 1, page(TWO), SELF)));
	remap(TWO, P | RW);
	say("batch.flag", "a count with its top bit set", "%e %e", call4(XEN_HYPERCALL_MMU_UPDATE, list, 0x80000001, &done, SELF),
	    call4(XEN_HYPERCALL_MMUEXT_OP, ops, 0x80000001, &done, SELF));
	say("batch.mmu.odd", "pointers with the bits 8 and 16 set", "%e %e",
	    update(entry_address((u32)page(TWO)) + 8 - 8, frame_of(TWO) | P | RW), update(entry_address((u32)page(TWO)) & ~7ull, frame_of(TWO) | P | RW));
	say("batch.mmu.across", "an address with bits past the machine's", "%e", update(1ull << 52 | entry_address((u32)page(TWO)), 0));
	remap(ONE, P | RW);
}

void ask_types(void)
{
	ask_conflicts();
	ask_counts();
	ask_batches();
}
