/* set_gdt, update_descriptor, and the LDT. */
#include "probe.h"

#define GDT 12
#define LDT 13
#define PLAIN 14

u32 selector, read_back;

static void ask_kinds(void)
{
	/* Access byte and flags of descriptors with base 0 and limit 0xFFFFF. */
	static const struct {
		u32 high;
		const char *id;
	} kinds[] = {
		{ 0x00CF9B00, "desc.code0" }, { 0x00CFBB00, "desc.code1" }, { 0x00CFDB00, "desc.code2" }, { 0x00CFFB00, "desc.code3" },
		{ 0x00CF9300, "desc.data0" }, { 0x00CFB300, "desc.data1" }, { 0x00CFF300, "desc.data3" },
		{ 0x00CF9200, "desc.data0.new" }, { 0x00CF9F00, "desc.conforming0" }, { 0x00CFFF00, "desc.conforming3" },
		{ 0x008F9B00, "desc.code16" }, { 0x00CF9700, "desc.down" }, { 0x00CF1B00, "desc.absent" }, { 0x00EF9B00, "desc.long" },
		{ 0x00AF9B00, "desc.long64" }, { 0x00AF1B00, "desc.long.absent" }, { 0x00EF9300, "desc.data.long" },
		{ 0x00CF8900, "desc.tss" }, { 0x00CF8B00, "desc.tss.busy" }, { 0x00CF8200, "desc.ldt" }, { 0x00CF8E00, "desc.intgate" },
		{ 0x00CF8F00, "desc.trapgate" }, { 0x00CF8500, "desc.taskgate" }, { 0x00CF8000, "desc.type0" },
		{ 0x00CF8400, "desc.callgate16" }, { 0x00CF8800, "desc.type8" }, { 0x00CF8D00, "desc.typeD" },
		{ 0x00CF0900, "desc.tss.absent" }, { 0x00008B00, "desc.tss.small" },
	};
	u64 at = ((u64)mfn(page(GDT)) << 12) + 0x100;

	for (u32 i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		volatile u32 *slot = (u32 *)((u8 *)page(GDT) + 0x100);
		s32 result = call4(XEN_HYPERCALL_UPDATE_DESCRIPTOR, (u32)at, (u32)(at >> 32), 0xFFFF, kinds[i].high);

		say(kinds[i].id, "update_descriptor in the GDT, and what is stored", "%e %x", result, result ? 0 : slot[1]);
	}
	call4(XEN_HYPERCALL_UPDATE_DESCRIPTOR, (u32)at, (u32)(at >> 32), 0, 0);
}

static void ask_gates(void)
{
	static const struct {
		u32 low, high;
		const char *id;
	} gates[] = {
		{ 0xE0190000, 0x8C00, "gate.kernel" }, { 0xE01B0000, 0x8C00, "gate.kernel3" }, { 0xE0180000, 0x8C00, "gate.kernel0" },
		{ 0xE0190000, 0xEC00, "gate.dpl3" }, { 0xE02B0000, 0xEC00, "gate.user" }, { 0xE0080000, 0xEC00, "gate.xen" },
		{ 0xE0210000, 0xEC00, "gate.data" }, { 0x00000000, 0xEC00, "gate.null" }, { 0x00090000, 0xEC00, "gate.own" },
		{ 0x000C0000, 0xEC00, "gate.local" }, { 0xE0190000, 0xEC1F, "gate.count" }, { 0xE0190000, 0xEC20, "gate.reserved" },
		{ 0xE0190000, 0x0C00, "gate.absent" },
	};
	u64 at = ((u64)mfn(page(GDT)) << 12) + 0x108;

	for (u32 i = 0; i < sizeof gates / sizeof *gates; i++) {
		volatile u32 *slot = (u32 *)((u8 *)page(GDT) + 0x108);
		s32 result = call4(XEN_HYPERCALL_UPDATE_DESCRIPTOR, (u32)at, (u32)(at >> 32), gates[i].low | 0x1234, gates[i].high);

		say(gates[i].id, "update_descriptor of this call gate, and what is stored", "%e %x:%x", result,
		    result ? 0 : slot[1], result ? 0 : slot[0]);
	}
	call4(XEN_HYPERCALL_UPDATE_DESCRIPTOR, (u32)at, (u32)(at >> 32), 0, 0);
}

static s32 set_gdt(u32 frame, u32 entries)
{
	u32 frames[16];

	for (u32 i = 0; i < 16; i++)
		frames[i] = frame;
	return call2(XEN_HYPERCALL_SET_GDT, frames, entries);
}

static s32 put(u64 at, u32 low, u32 high)
{
	return call4(XEN_HYPERCALL_UPDATE_DESCRIPTOR, (u32)at, (u32)(at >> 32), low, high);
}

void ask_descriptors(void)
{
	u32 *words = page(GDT);
	u64 frame = (u64)mfn(page(GDT)) << 12;

	words[2] = 0xFFFF;
	words[3] = 0x00CF9A00; /* 8: code, DPL 0, not accessed */
	words[4] = 0xFFFF;
	words[5] = 0x00CFF200; /* 16: data, DPL 3 */
	words[6] = 0xFFFF;
	words[7] = 0x00CF1200; /* 24: data, absent */
	words[8] = 0xFFFF;
	words[9] = 0x00CFFA00; /* 32: code, DPL 3 */
	say("gdt.writable", "set_gdt of a page that is mapped writable", "%e", set_gdt((u32)(frame >> 12), 512));
	remap(GDT, P);
	say("gdt.many", "set_gdt of 7169 entries", "%e", set_gdt((u32)(frame >> 12), 7169));
	say("gdt.huge", "set_gdt of a frame past all memory", "%e", set_gdt(0xFFFFFFFF, 512));
	say("gdt.foreign", "set_gdt of shared_info", "%e", set_gdt(start->shared_info >> 12, 512));
	say("gdt.table", "set_gdt of a page table", "%e", set_gdt(table_of(BASE), 512));
	say("gdt.null", "set_gdt with the list at address 0", "%e", call2(XEN_HYPERCALL_SET_GDT, 0, 512));
	say("gdt.none", "set_gdt of no entries", "%e", set_gdt(0, 0));
	say("gdt.set", "set_gdt", "%e", set_gdt((u32)(frame >> 12), 512));
	say("gdt.stored", "DPL 0 code is stored as", "%x", words[3]);
	say("gdt.stored3", "DPL 3 data is stored as", "%x", words[5]);
	say("gdt.rw", "map the GDT's page writable then", "%e", remap(GDT, P | RW));
	say("gdt.all", "the same page in 14 places", "%e", set_gdt((u32)(frame >> 12), 7168));
	set_gdt((u32)(frame >> 12), 512);
	ask_kinds();
	ask_gates();
	say("desc.misaligned", "update_descriptor at a misaligned address", "%e", put(frame + 4, 0, 0));
	say("desc.huge", "update_descriptor past all memory", "%e", put(0xFFFFFFFFull << 12, 0, 0));
	say("desc.foreign", "update_descriptor in shared_info", "%e", put(start->shared_info, 0, 0));
	say("desc.table", "update_descriptor in a page table", "%e", put((u64)table_of(BASE) << 12, 0, 0));
	say("desc.plain", "update_descriptor in a plain page, and what is there", "%e %x",
	    put((u64)mfn(page(PLAIN)) << 12, 0x1111, 0x00CF9A00), ((u32 *)page(PLAIN))[1]);
	TRY("movl $16, %%eax\n\tmovl %%eax, %%fs");
	say("load.data3", "load FS with own DPL 3 data", "%t");
	say("load.data3.accessed", "its access byte then", "%x", words[5] >> 8 & 0xFF);
	TRY("movl $19, %%eax\n\tmovl %%eax, %%fs");
	say("load.data3.rpl3", "with RPL 3", "%t");
	TRY("movl $24, %%eax\n\tmovl %%eax, %%fs");
	say("load.absent", "load FS with an absent one", "%t");
	TRY("movl $32, %%eax\n\tmovl %%eax, %%fs");
	say("load.code3", "load FS with own DPL 3 code", "%t");
	TRY("movl $0x48, %%eax\n\tmovl %%eax, %%fs");
	say("load.empty", "load FS with an empty entry", "%t");
	TRY("movl $0x1008, %%eax\n\tmovl %%eax, %%fs");
	say("load.past", "load FS with an entry past the GDT", "%t");
	TRY("movl $0xE008, %%eax\n\tmovl %%eax, %%fs");
	say("load.xen", "load FS with Xen's own selector", "%t");
	TRY("movl $0xE033, %%eax\n\tmovl %%eax, %%fs");
	say("load.user", "load FS with the user's data selector", "%t");
	TRY("movl $0, %%eax\n\tmovl %%eax, %%fs");
	say("load.null", "load FS with null", "%t");
	TRY("movl %%ss, %%ecx\n\tmovl $0, %%eax\n\tmovl %%eax, %%ss");
	say("load.ss.null", "load SS with null", "%t");
	TRY("movl $0xE033, %%eax\n\tmovl %%eax, %%ss");
	say("load.ss.user", "load SS with the user's data selector", "%t");
	TRY("movl $9, %%eax\n\tmovl %%eax, %%ss");
	say("load.ss.code", "load SS with code", "%t");
	TRY("movl $9, %%eax\n\tpushl %%eax\n\tpushl $1f\n\tlret\n1:\tljmp $0xE019, $2f\n2:");
	say("load.cs", "far return to own code of DPL 1, far jump back", "%t");
	TRY("ljmp $0xE018, $1f\n1:\tmovl %%cs, %%eax\n\tmovl %%eax, read_back\n\tljmp $0xE019, $2f\n2:");
	say("load.cs.rpl0", "far jump to e018, and CS then", "%t %x", seen.hits ? 0 : read_back);
	TRY("ljmp $0xE02B, $1f\n1:");
	say("load.cs.user", "far jump to the user's code", "%t");
	TRY("ljmp $0xE008, $1f\n1:");
	say("load.cs.xen", "far jump to Xen's own code", "%t");
	selector = 0xE019;
	TRY("larl selector, %%eax\n\tmovl %%eax, read_back");
	say("lar.cs", "lar of the kernel's CS", "%t %x", read_back);
	selector = 0xE021;
	TRY("larl selector, %%eax\n\tmovl %%eax, read_back");
	say("lar.ds", "lar of the kernel's DS", "%t %x", read_back);
	selector = 0xE02B;
	TRY("larl selector, %%eax\n\tmovl %%eax, read_back");
	say("lar.user", "lar of the user's CS", "%t %x", read_back);
	selector = 0xE033;
	TRY("lsll selector, %%eax\n\tmovl %%eax, read_back");
	say("lsl.user", "lsl of the user's DS", "%t %x", read_back);
	TRY("verw selector\n\tsetz read_back");
	say("verw.user", "verw of the user's DS: zero flag", "%t %x", read_back & 0xFF);
	__asm__ volatile("movl %0, %%fs" : : "r"(XEN_SELECTOR_KERNEL_DS));
	set_gdt(0, 0);
	say("gdt.off", "map the page writable once no GDT uses it", "%e", remap(GDT, P | RW));
}

void ask_local_table(void)
{
	u32 *words = page(LDT);

	words[0] = 0xFFFF;
	words[1] = 0x00CFF200;
	words[2] = 0xFFFF;
	words[3] = 0x00CF9200; /* DPL 0 */
	words[4] = 0xFFFF;
	words[5] = 0x00CF1200;
	say("ldt.unaligned", "SET_LDT at an unaligned address", "%e", extended(XEN_MMUEXT_SET_LDT, (u32)words + 8, 4));
	say("ldt.many", "SET_LDT of 8193 entries", "%e", extended(XEN_MMUEXT_SET_LDT, (u32)words, 8193));
	say("ldt.most", "SET_LDT of 8192 entries", "%e", extended(XEN_MMUEXT_SET_LDT, BASE, 8192));
	say("ldt.hole", "SET_LDT in the hole", "%e", extended(XEN_MMUEXT_SET_LDT, (u32)m2p, 4));
	say("ldt.none", "SET_LDT of nothing at an odd address", "%e", extended(XEN_MMUEXT_SET_LDT, 5, 0));
	say("ldt.unmapped", "SET_LDT at an unmapped address", "%e", extended(XEN_MMUEXT_SET_LDT, 0x1000, 4));
	TRY("movl $7, %%eax\n\tmovl %%eax, %%fs");
	say("ldt.unmapped.load", "and a load from it", "%t");
	say("ldt.unmapped.cr2", "CR2 is the entry's address", "%x", seen.cr2);
	say("ldt.set", "SET_LDT of a page that is mapped writable", "%e", extended(XEN_MMUEXT_SET_LDT, (u32)words, 3));
	TRY("movl $7, %%eax\n\tmovl %%eax, %%fs");
	say("ldt.writable", "a load from it", "%t");
	say("ldt.writable.cr2", "CR2 is the LDT's address", "%s", yes(seen.cr2 == (u32)words));
	remap(LDT, P);
	TRY("movl $7, %%eax\n\tmovl %%eax, %%fs");
	say("ldt.load", "a load once it is read-only", "%t");
	say("ldt.accessed", "its access byte then", "%x", words[1] >> 8 & 0xFF);
	TRY("movl $0xF, %%eax\n\tmovl %%eax, %%fs");
	say("ldt.dpl0", "a load of a DPL 0 entry with RPL 3", "%t");
	say("ldt.dpl0.stored", "how that is stored", "%x", words[3]);
	TRY("movl $0x17, %%eax\n\tmovl %%eax, %%fs");
	say("ldt.absent", "a load of an absent entry", "%t");
	TRY("movl $0x1F, %%eax\n\tmovl %%eax, %%fs");
	say("ldt.past", "a load past the limit", "%t");
	say("ldt.rw", "map it writable while in use", "%e", remap(LDT, P | RW));
	TRY("movl $0, %%eax\n\tmovl %%eax, %%fs");
	extended(XEN_MMUEXT_SET_LDT, 0, 0);
	TRY("movl $7, %%eax\n\tmovl %%eax, %%fs");
	say("ldt.off", "a load without an LDT", "%t");
	say("ldt.free", "map it writable then", "%e", remap(LDT, P | RW));
	words[1] = 0x00CF8900;
	remap(LDT, P);
	extended(XEN_MMUEXT_SET_LDT, (u32)words, 3);
	TRY("movl $0xF, %%eax\n\tmovl %%eax, %%fs");
	say("ldt.bad", "a load from a page with a TSS in it", "%t");
	say("ldt.bad.cr2", "CR2 is the entry's address", "%s", yes(seen.cr2 == (u32)words + 8));
	extended(XEN_MMUEXT_SET_LDT, 0, 0);
	remap(LDT, P | RW);
	__asm__ volatile("movl %0, %%fs" : : "r"(XEN_SELECTOR_KERNEL_DS));
}
