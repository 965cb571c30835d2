/* L1 entries: what update_va_mapping and mmu_update accept, and how it is stored. */
#include "probe.h"

#define TEST 2

/* A page that can be reached only through entries whose software bits are set. */
static void ask_high_bits(void)
{
	static const struct {
		u64 bits;
		const char *id;
	} cases[] = { { 1ull << 52, "high.52" }, { 1ull << 57, "high.57" }, { 1ull << 62, "high.62" }, { 0x7FFull << 52, "high.all" } };

	for (u32 i = 0; i < sizeof cases / sizeof *cases; i++) {
		s32 result = remap(TEST, P | RW | cases[i].bits);

		TRY("movl probe_pages + 0x2000, %%eax\n\tmovl %%eax, probe_pages + 0x2000");
		say(cases[i].id, "map a page with these bits, and a load and a store there", "%e, %t, %x", result,
		    (u32)(entry((u32)page(TEST)) >> 52));
	}
	remap(TEST, P | RW);
}

static void ask_bits(void)
{
	static const struct {
		u64 bits;
		const char *id;
	} cases[] = {
		{ P | RW, "l1.rw" }, { P, "l1.ro" }, { P | RW | US, "l1.user" }, { P | RW | PWT, "l1.pwt" }, { P | RW | PCD, "l1.pcd" },
		{ P | RW | PSE, "l1.pat" }, { P | RW | GLB, "l1.global" }, { P | RW | 0x200, "l1.avail0" },
		{ P | RW | 0x400, "l1.avail1" }, { P | RW | 0x800, "l1.avail2" }, { P | RW | ACC | DIR, "l1.ad" },
		{ P | RW | NX, "l1.nx" }, { P | US | GLB, "l1.user-global" }, { RW, "l1.absent" }, { 0, "l1.zero" },
		{ P | RW | 1ull << 52, "l1.bit52" }, { P | RW | 1ull << 55, "l1.bit55" }, { P | RW | 1ull << 58, "l1.bit58" },
		{ P | RW | 1ull << 59, "l1.bit59" }, { P | RW | 1ull << 62, "l1.bit62" }, { NX, "l1.absent-nx" },
		{ P | RW | 1ull << 40, "l1.bit40" }, { P | RW | 1ull << 44, "l1.bit44" }, { P | RW | 1ull << 51, "l1.bit51" },
	};

	for (u32 i = 0; i < sizeof cases / sizeof *cases; i++) {
		s32 result = remap(TEST, cases[i].bits);
		u64 stored = entry((u32)page(TEST));

		say(cases[i].id, "update_va_mapping with these bits, and what is stored", "%e %x:%x", result,
		    (u32)(stored >> 52), (u32)stored & 0xF9F);
		remap(TEST, P | RW);
	}
}

static void foreign(const char *id, const char *question, u64 value)
{
	s32 result = map(page(TEST), value);
	u64 stored = entry((u32)page(TEST));

	say(id, question, "%e %x", result, result ? 0 : (u32)stored & 0xF9F);
	remap(TEST, P | RW);
}

static void ask_frames(void)
{
	u32 hole = start->shared_info >> 12;
	volatile u64 *top = table_at(directory(3));
	u64 of_m2p = top[(u32)m2p >> 21 & 511];

	foreign("map.huge", "map a frame past all memory", 0xFFFFFFFFFull << 12 | P | RW);
	foreign("map.wide", "map a frame at 512 GiB", 0x8000000ull << 12 | P | RW);
	foreign("map.vga", "map 0xB8000 writable", 0xB8000 | P | RW);
	foreign("map.bios", "map 0xF0000 read-only", 0xF0000 | P);
	foreign("map.above", "map a frame above RAM at 0xE0000000", 0xE0000000ull | P | RW);
	foreign("map.lapic", "map the local APIC", 0xFEE00000ull | P | RW);
	foreign("map.ioapic", "map the IO-APIC writable", 0xFEC00000ull | P | RW);
	foreign("map.ioapic.ro", "map the IO-APIC read-only", 0xFEC00000ull | P);
	foreign("map.shared", "map shared_info a second time, writable", (u64)hole << 12 | P | RW);
	foreign("map.table", "map a page table writable", (u64)table_of(BASE) << 12 | P | RW);
	foreign("map.table.ro", "map a page table read-only", (u64)table_of(BASE) << 12 | P);
	foreign("map.directory", "map an L2 writable", (u64)directory(3) << 12 | P | RW);
	foreign("map.top", "map the L3 writable", (u64)mfn((void *)start->pt_base) << 12 | P | RW);
	foreign("map.top.ro", "map the L3 read-only", (u64)mfn((void *)start->pt_base) << 12 | P);
	foreign("map.m2p", "map the frame of M2P writable", (of_m2p & 0xFFFFFF000ull) | P | RW);
	foreign("map.m2p.ro", "map the frame of M2P read-only", (of_m2p & 0xFFFFFF000ull) | P);
	foreign("map.self", "map the page of another address, too", (u64)mfn(page(3)) << 12 | P | RW);
	foreign("map.frame0", "map frame 0 read-only", P);
}

static void ask_addresses(void)
{
	u64 value = (u64)mfn(page(TEST)) << 12 | P | RW;

	say("va.hole", "update_va_mapping at the hole's start", "%e", map_address((u32)m2p, value));
	say("va.top", "update_va_mapping of the last page", "%e", map_address(0xFFFFF000, value));
	say("va.no-l1", "update_va_mapping where there is no L1", "%e", map_address(0x40000000, value));
	say("va.zero", "update_va_mapping of address 0", "%e", map_address(0, value));
	say("va.unaligned", "update_va_mapping of an address within a page", "%e", map_address((u32)page(TEST) + 5, value));
	say("va.flags.8", "update_va_mapping with flags 8", "%e",
	    call4(XEN_HYPERCALL_UPDATE_VA_MAPPING, page(TEST), (u32)value, (u32)(value >> 32), 8));
	say("va.flags.3", "with flags 3", "%e",
	    call4(XEN_HYPERCALL_UPDATE_VA_MAPPING, page(TEST), (u32)value, (u32)(value >> 32), 3));
	say("va.flags.all", "with a flush of all", "%e",
	    call4(XEN_HYPERCALL_UPDATE_VA_MAPPING, page(TEST), (u32)value, (u32)(value >> 32), XEN_UVMF_INVLPG | XEN_UVMF_ALL));
	say("va.flags.mask", "with a flush mask at an unmapped address", "%e",
	    call4(XEN_HYPERCALL_UPDATE_VA_MAPPING, page(TEST), (u32)value, (u32)(value >> 32), 0x1000 | XEN_UVMF_INVLPG));
	remap(TEST, P | RW);
}

static void ask_updates(void)
{
	u64 at = entry_address((u32)page(TEST)), frame = (u64)mfn(page(TEST)) << 12;
	struct xen_mmu_update list[3];
	s32 result;

	result = update(at, frame | P);
	say("mmu.normal", "mmu_update of an L1 entry, and done", "%e %x", result, page_done);
	say("mmu.normal.stored", "what is stored", "%x", (u32)entry((u32)page(TEST)) & 0xF9F);
	result = update(at, frame | P | RW | ACC | DIR);
	result = update(at | XEN_MMU_COMMAND_PRESERVE_AD, frame | P | RW);
	say("mmu.preserve", "command 2 keeps A and D", "%e %x", result, (u32)entry((u32)page(TEST)) & 0x60);
	result = update(at, frame | P | RW);
	say("mmu.lose", "command 0 does not", "%e %x", result, (u32)entry((u32)page(TEST)) & 0x60);
	say("mmu.3", "command 3", "%e", update(at | 3, frame | P | RW));
	say("mmu.4", "command 4", "%e", update(at | 4, frame | P | RW));
	say("mmu.5", "command 5", "%e", update(at | 5, frame | P | RW));
	say("mmu.7", "command 7", "%e", update(at | 7, frame | P | RW));
	result = update((u64)mfn(page(TEST)) << 12 | 1, 0x1234);
	say("mmu.machphys", "command 1 sets the M2P entry", "%e %x", result, m2p[mfn(page(TEST))]);
	update((u64)mfn(page(TEST)) << 12 | 1, ((u32)page(TEST) - BASE) >> 12);
	say("mmu.machphys.foreign", "command 1 for shared_info", "%e", update((u64)start->shared_info | 1, 0));
	say("mmu.machphys.io", "command 1 for frame 0xB8", "%e", update(0xB8000 | 1, 0));
	say("mmu.machphys.huge", "command 1 for a frame past all memory", "%e", update(0xFFFFFFFFull << 12 | 1, 0));
	result = update((u64)mfn(page(4)) << 12 | 8, 0x1122334455667788ull);
	say("mmu.plain", "command 0 on a page that is no table", "%e %x", result, ((u32 *)page(4))[2]);
	say("mmu.foreign", "command 0 on shared_info", "%e", update(start->shared_info, 0));
	say("mmu.huge", "command 0 on a frame past all memory", "%e", update(0xFFFFFFFFull << 12, 0));
	say("mmu.io", "command 0 on frame 0xB8", "%e", update(0xB8000, 0));
	list[0] = (struct xen_mmu_update){ at, frame | P };
	list[1] = (struct xen_mmu_update){ at, (u64)table_of(BASE) << 12 | P | RW };
	list[2] = (struct xen_mmu_update){ at, frame | P | RW };
	page_done = 0xdead;
	result = call4(XEN_HYPERCALL_MMU_UPDATE, list, 3, &page_done, SELF);
	say("mmu.batch", "a batch whose second fails, and done", "%e %x", result, page_done);
	update(at, frame | P | RW);
	page_done = 0xdead;
	result = call4(XEN_HYPERCALL_MMU_UPDATE, list, 0, &page_done, SELF);
	say("mmu.none", "a batch of none, and done", "%e %x", result, page_done);
	say("mmu.null", "a batch at address 0", "%e", call4(XEN_HYPERCALL_MMU_UPDATE, 0, 1, &page_done, SELF));
	say("mmu.no-done", "without a place for done", "%e", call4(XEN_HYPERCALL_MMU_UPDATE, list, 1, 0, SELF));
	update(at, frame | P | RW);
	say("mmu.bad-done", "done at an unmapped address", "%e", call4(XEN_HYPERCALL_MMU_UPDATE, list, 1, 0x1000, SELF));
	update(at, frame | P | RW);
}

static void ask_domains(void)
{
	static const struct {
		u32 domid;
		const char *id;
	} domains[] = {
		{ 0, "dom.0" }, { 1, "dom.1" }, { 0x7FEF, "dom.7fef" }, { XEN_DOMID_IO, "dom.io" }, { XEN_DOMID_XEN, "dom.xen" },
		{ XEN_DOMID_COW, "dom.cow" }, { XEN_DOMID_INVALID, "dom.invalid" }, { XEN_DOMID_IDLE, "dom.idle" },
		{ 0x8000, "dom.8000" }, { 0xFFFF, "dom.ffff" }, { 0x10000 | SELF, "dom.high" },
	};
	struct xen_mmu_update request = { entry_address((u32)page(TEST)), (u64)mfn(page(TEST)) << 12 | P | RW };
	struct xen_mmuext_op flush = { XEN_MMUEXT_TLB_FLUSH_LOCAL, 0, 0 };

	for (u32 i = 0; i < sizeof domains / sizeof *domains; i++) {
		s32 own = call4(XEN_HYPERCALL_MMU_UPDATE, &request, 1, 0, domains[i].domid);
		s32 flushed = call4(XEN_HYPERCALL_MMUEXT_OP, &flush, 1, 0, domains[i].domid);

		say(domains[i].id, "mmu_update of a page of ours, mmuext_op flush, for this domain", "%e %e", own, flushed);
	}
	request.val = 0xB8000 | P | RW;
	say("dom.io.vga", "map 0xB8000 as DOMID_IO's", "%e", call4(XEN_HYPERCALL_MMU_UPDATE, &request, 1, 0, XEN_DOMID_IO));
	request.val = 0;
	say("dom.io.clear", "clear an entry as DOMID_IO", "%e", call4(XEN_HYPERCALL_MMU_UPDATE, &request, 1, 0, XEN_DOMID_IO));
	remap(TEST, P | RW);
}

void ask_entries(void)
{
	ask_bits();
	ask_high_bits();
	ask_frames();
	ask_addresses();
	ask_updates();
	ask_domains();
}
