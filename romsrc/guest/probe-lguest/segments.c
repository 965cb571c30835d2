/* The GDT: what becomes of a descriptor, which entries are the host's, and what a load of it does. */
#include "probe.h"

static u32 rights(u32 selector)
{
	got = 0;
	__asm__ volatile("movl %0, %%ecx\n\tlarl %%ecx, %%eax\n\tjnz 1f\n\tmovl %%eax, got\n1:" : : "r"(selector) : "eax", "ecx", "cc", "memory");
	return got & 0xF0FF00;
}

static u32 load(u32 index, u32 low, u32 high)
{
	call3(LGUEST_HCALL_LOAD_GDT_ENTRY, index, low, high);
	return rights(index * 8 + 1);
}

void ask_segments(void)
{
	static u32 tls[6] __attribute__((aligned(64)));
	u32 before;

	say("gdt.kernel", "rights of the kernel's code and data at start", "%x %x", rights(0x61), rights(0x69));
	say("gdt.code0", "code of DPL 0 is loaded: rights", "%x", load(20, 0xFFFF, 0x00CF9A00));
	say("gdt.data0", "data of DPL 0", "%x", load(20, 0xFFFF, 0x00CF9200));
	say("gdt.data3", "data of DPL 3, not accessed", "%x", load(20, 0xFFFF, 0x00CFF200));
	say("gdt.code1", "code of DPL 1", "%x", load(20, 0xFFFF, 0x00CFBA00));
	say("gdt.absent", "data that is not present, seen by lar", "%x", load(20, 0xFFFF, 0x00CF7200));
	say("gdt.small", "data of 16 bytes: limit that lsl shows", "%x", (load(20, 0x000F, 0x0040B200), ({
		u32 limit;
		__asm__("lsll %1, %0" : "=r"(limit) : "r"(0xA1));
		limit;
	})));
	before = rights(0x51);
	call3(LGUEST_HCALL_LOAD_GDT_ENTRY, LGUEST_GDT_HOST_CODE, 0xFFFF, 0x00CFF200);
	say("gdt.10", "an entry for the host's code changes nothing", "%s", yes(rights(0x51) == before));
	before = rights(0x59);
	call3(LGUEST_HCALL_LOAD_GDT_ENTRY, LGUEST_GDT_HOST_DATA, 0xFFFF, 0x00CFFA00);
	say("gdt.11", "an entry for the host's data changes nothing", "%s", yes(rights(0x59) == before));
	call3(LGUEST_HCALL_LOAD_GDT_ENTRY, LGUEST_GDT_TSS, 0xFFFF, 0x00CFF200);
	say("gdt.16", "an entry for the task segment shows no data there", "%s", yes(rights(0x83) != 0xCFF300));
	call3(LGUEST_HCALL_LOAD_GDT_ENTRY, LGUEST_GDT_DOUBLE_FAULT_TSS, 0xFFFF, 0x00CFF200);
	say("gdt.31", "nor one for the double fault's", "%s", yes(rights(0xFB) != 0xCFF300));
	for (u32 i = 0; i < 3; i++) {
		tls[2 * i] = 0xFFFF;
		tls[2 * i + 1] = i == 0 ? 0x00CFF200 : i == 1 ? 0x00CF9200 : 0;
	}
	call1(LGUEST_HCALL_LOAD_TLS, GPA(tls));
	say("tls.rights", "LOAD_TLS of data of DPL 3, data of DPL 0, nothing: rights", "%x %x %x", rights(0x33), rights(0x39), rights(0x43));
	load(20, GPA(probe_pages) << 16 | 0xFFFF, 0x00CFB200 | (GPA(probe_pages) >> 16 & 0xFF) | (GPA(probe_pages) & 0xFF000000u));
	*(volatile u32 *)probe_pages[0] = 0x5EED;
	TRY("movl $0xA1, %%eax\n\tmovl %%eax, %%fs\n\tmovl %%fs:0, %%eax\n\tmovl %%eax, got");
	say("load.base", "a load through FS with a base", "%t %x", got);
	TRY("xorl %%eax, %%eax\n\tmovl %%eax, %%fs"); /* what a register holds must not be taken away: die.held */
	load(20, 0xFFFF, 0x00CF7200);
	TRY("movl $0xA1, %%eax\n\tmovl %%eax, %%gs");
	say("load.absent", "load GS with an entry that is not present", "%t");
	load(20, 0, 0);
	TRY("movl $0xA1, %%eax\n\tmovl %%eax, %%gs");
	say("load.empty", "load GS with an empty entry", "%t");
	TRY("movl $0x101, %%eax\n\tmovl %%eax, %%gs");
	say("load.past", "load GS with an entry past the table", "%t");
	TRY("movl $5, %%eax\n\tmovl %%eax, %%gs");
	say("load.local", "load GS with an entry of an LDT, which there is none", "%t");
	TRY("xorl %%eax, %%eax\n\tmovl %%eax, %%fs\n\tmovl %%eax, %%gs");
	say("load.null", "load FS and GS with null", "%t");
	load(14, 0xFFFF, 0x00CFFA00);
	load(15, 0xFFFF, 0x00CFF200);
}
