/* Privileged instructions in ring 1. */
#include "probe.h"

u32 got, got_high, wanted;

static void fault(const char *id, const char *question)
{
	say(id, question, "%t");
}

#define ASK(id, name, text) do { TRY(text); fault(id, name); } while (0)
#define GET(text) got = 0; TRY(text "\n\tmovl %%eax, got\n\tmovl %%edx, got_high")

static void ask_control(void)
{
	GET("movl %%cr0, %%eax");
	say("cr0.read", "mov from cr0", "%t %x", got);
	GET("movl %%cr3, %%eax");
	say("cr3.read", "mov from cr3: xen_pfn_to_cr3 of the base", "%t %s", yes(got == (mfn((void *)start->pt_base) << 12 | mfn((void *)start->pt_base) >> 20)));
	GET("movl %%cr4, %%eax");
	say("cr4.read", "mov from cr4", "%t %x", got);
	GET("movl $0x1234, %%eax\n\tmovl %%eax, %%cr2\n\tmovl %%cr2, %%eax");
	say("cr2.write", "mov to and from cr2, and vcpu_info's", "%t %x %x", got, vcpu->arch_cr2);
	ASK("cr1.read", "mov from cr1", "movl %%cr1, %%eax");
	ASK("cr5.read", "mov from cr5", ".byte 0x0F, 0x20, 0xE8");
	ASK("cr8.read", "mov from cr8 by lock", ".byte 0xF0, 0x0F, 0x20, 0xC0");
	ASK("cr0.same", "mov to cr0 of what it is", "movl %%cr0, %%eax\n\tmovl %%eax, %%cr0");
	ASK("cr0.wp", "mov to cr0 without WP", "movl %%cr0, %%eax\n\tandl $~0x10000, %%eax\n\tmovl %%eax, %%cr0");
	ASK("cr0.pg", "mov to cr0 without PG", "movl %%cr0, %%eax\n\tandl $~0x80000000, %%eax\n\tmovl %%eax, %%cr0");
	ASK("cr0.em", "mov to cr0 with EM", "movl %%cr0, %%eax\n\torl $4, %%eax\n\tmovl %%eax, %%cr0");
	ASK("cr0.mp", "mov to cr0 without MP", "movl %%cr0, %%eax\n\tandl $~2, %%eax\n\tmovl %%eax, %%cr0");
	ASK("cr0.am", "mov to cr0 toggling AM", "movl %%cr0, %%eax\n\txorl $0x40000, %%eax\n\tmovl %%eax, %%cr0");
	ASK("cr3.same", "mov to cr3 of what it is", "movl %%cr3, %%eax\n\tmovl %%eax, %%cr3");
	wanted = mfn(page(3)) << 12 | mfn(page(3)) >> 20;
	ASK("cr3.bad", "mov to cr3 of a plain page", "movl wanted, %%eax\n\tmovl %%eax, %%cr3");
	ASK("cr3.huge", "mov to cr3 of a frame past all memory", "movl $-1, %%eax\n\tmovl %%eax, %%cr3");
	ASK("cr4.same", "mov to cr4 of what it is", "movl %%cr4, %%eax\n\tmovl %%eax, %%cr4");
	GET("movl %%cr4, %%eax\n\torl $4, %%eax\n\tmovl %%eax, %%cr4\n\tmovl %%cr4, %%eax");
	say("cr4.tsd", "TSD set in cr4: reads back", "%t %x", got & 4);
	ASK("cr4.tsd.rdtsc", "rdtsc then", "rdtsc");
	GET("movl %%cr4, %%eax\n\tandl $~4, %%eax\n\tmovl %%eax, %%cr4\n\tmovl %%cr4, %%eax");
	say("cr4.tsd.off", "and cleared again", "%t %x", got & 4);
	GET("movl %%cr4, %%eax\n\torl $8, %%eax\n\tmovl %%eax, %%cr4\n\tmovl %%cr4, %%eax");
	say("cr4.de", "DE set: reads back", "%t %x", got & 8);
	TRY("movl %%cr4, %%eax\n\tandl $~8, %%eax\n\tmovl %%eax, %%cr4");
	GET("movl %%cr4, %%eax\n\tandl $~0x20, %%eax\n\tmovl %%eax, %%cr4\n\tmovl %%cr4, %%eax");
	say("cr4.pae", "PAE cleared: reads back", "%t %x", got & 0x20);
	GET("movl %%cr4, %%eax\n\torl $0x10, %%eax\n\tmovl %%eax, %%cr4\n\tmovl %%cr4, %%eax");
	say("cr4.pse", "PSE set: reads back", "%t %x", got & 0x10);
	GET("movl %%cr4, %%eax\n\torl $0x80, %%eax\n\tmovl %%eax, %%cr4\n\tmovl %%cr4, %%eax");
	say("cr4.pge", "PGE set: reads back", "%t %x", got & 0x80);
	GET("movl %%cr4, %%eax\n\torl $0x40000, %%eax\n\tmovl %%eax, %%cr4\n\tmovl %%cr4, %%eax");
	say("cr4.osxsave", "OSXSAVE set: reads back", "%t %x", got & 0x40000);
	GET("movl %%cr4, %%eax\n\txorl $0x200, %%eax\n\tmovl %%eax, %%cr4\n\tmovl %%cr4, %%eax");
	say("cr4.fxsr", "OSFXSR cleared: reads back", "%t %x", got & 0x200);
	ASK("clts", "clts", "clts");
	ASK("lmsw", "lmsw", "movl $9, %%eax\n\tlmsw %%ax");
	GET("xorl %%eax, %%eax\n\tsmsw %%eax");
	say("smsw", "smsw", "%t %x", got & 0xFFFF);
	GET("movl %%dr7, %%eax");
	say("dr7.read", "mov from dr7", "%t %x", got);
	GET("movl %%dr6, %%eax");
	say("dr6.read", "mov from dr6", "%t %x", got);
	GET("movl $0x5678, %%eax\n\tmovl %%eax, %%dr1\n\tmovl %%dr1, %%eax");
	say("dr1.write", "mov to and from dr1, and get_debugreg", "%t %x %x", got, call1(XEN_HYPERCALL_GET_DEBUGREG, 1));
	ASK("dr0.hole", "mov to dr0 of an address in the hole", "movl $0xFFFFF000, %%eax\n\tmovl %%eax, %%dr0");
	ASK("dr4.read", "mov from dr4", ".byte 0x0F, 0x21, 0xE0");
}

static void ask_tables(void)
{
	ASK("lgdt", "lgdt", "lgdt got");
	ASK("lidt", "lidt", "lidt got");
	ASK("lldt", "lldt", "xorl %%eax, %%eax\n\tlldt %%ax");
	ASK("ltr", "ltr", "movl $8, %%eax\n\tltr %%ax");
	ASK("sgdt", "sgdt", "sgdt probe_pages");
	ASK("sidt", "sidt", "sidt probe_pages");
	ASK("sldt", "sldt", "sldt %%eax");
	ASK("str", "str", "str %%eax");
	GET("sgdt probe_pages\n\tmovzwl probe_pages, %%eax");
	say("sgdt.limit", "the limit that sgdt shows", "%t %x", got);
	GET("sidt probe_pages\n\tmovzwl probe_pages, %%eax");
	say("sidt.limit", "the limit that sidt shows", "%t %x", got);
	GET("xorl %%eax, %%eax\n\tstr %%eax");
	say("str.selector", "the selector that str shows", "%t %x", got);
	GET("xorl %%eax, %%eax\n\tsldt %%eax");
	say("sldt.selector", "the selector that sldt shows without an LDT", "%t %x", got);
}

static void ask_others(void)
{
	ASK("cli", "cli", "cli");
	ASK("sti", "sti", "sti");
	ASK("hlt", "hlt", "hlt");
	ASK("invd", "invd", "invd");
	ASK("wbinvd", "wbinvd", "wbinvd");
	ASK("invlpg", "invlpg", "invlpg probe_pages");
	ASK("in.dx", "in from port 0x80", "movl $0x80, %%edx\n\tinb %%dx, %%al");
	ASK("in.imm", "in from an immediate port", "inb $0x80, %%al");
	ASK("out.dx", "out to port 0x80", "movl $0x80, %%edx\n\toutb %%al, %%dx");
	ASK("out.imm", "out to an immediate port", "outb %%al, $0x80");
	ASK("ins", "ins", "pushl %%edi\n\tmovl $probe_pages, %%edi\n\tmovl $0x80, %%edx\n\tinsb\n\tpopl %%edi");
	ASK("outs", "outs", "pushl %%esi\n\tmovl $probe_pages, %%esi\n\tmovl $0x80, %%edx\n\toutsb\n\tpopl %%esi");
	ASK("rdtsc", "rdtsc", "rdtsc");
	ASK("rdtscp", "rdtscp", "rdtscp");
	ASK("rdpmc", "rdpmc", "xorl %%ecx, %%ecx\n\trdpmc");
	ASK("monitor", "monitor", "movl $probe_pages, %%eax\n\txorl %%ecx, %%ecx\n\txorl %%edx, %%edx\n\t.byte 0x0F, 0x01, 0xC8");
	ASK("mwait", "mwait", "xorl %%eax, %%eax\n\txorl %%ecx, %%ecx\n\t.byte 0x0F, 0x01, 0xC9");
	ASK("vmmcall", "vmmcall", ".byte 0x0F, 0x01, 0xD9");
	ASK("vmcall", "vmcall", ".byte 0x0F, 0x01, 0xC1");
	ASK("vmrun", "vmrun", ".byte 0x0F, 0x01, 0xD8");
	ASK("clgi", "clgi", ".byte 0x0F, 0x01, 0xDD");
	ASK("swapgs", "swapgs", ".byte 0x0F, 0x01, 0xF8");
	ASK("xgetbv", "xgetbv", "xorl %%ecx, %%ecx\n\t.byte 0x0F, 0x01, 0xD0");
	ASK("xsetbv", "xsetbv", "xorl %%ecx, %%ecx\n\t.byte 0x0F, 0x01, 0xD1");
	ASK("clac", "clac", ".byte 0x0F, 0x01, 0xCA");
	ASK("sysret", "sysret", ".byte 0x0F, 0x07");
	ASK("sysexit", "sysexit", "xorl %%ecx, %%ecx\n\txorl %%edx, %%edx\n\t.byte 0x0F, 0x35");
	ASK("rsm", "rsm", ".byte 0x0F, 0xAA");
	ASK("lar", "lar", "movl $0xE019, %%eax\n\tlarl %%eax, %%eax");
	ASK("verr", "verr", "movl $0xE019, %%eax\n\tverr %%ax");
	ASK("arpl", "arpl", "movl $0xE019, %%eax\n\tarpl %%ax, %%ax");
	ASK("salc", "salc", ".byte 0xD6");
	ASK("cli.repz", "cli with a rep prefix", ".byte 0xF3, 0xFA");
}

static void ask_models(void)
{
	static const struct {
		u32 msr;
		const char *id, *name;
	} msrs[] = {
		{ 0x10, "rdmsr.10", "rdmsr of the TSC" }, { 0x1B, "rdmsr.1b", "rdmsr of the APIC base" },
		{ 0x8B, "rdmsr.8b", "rdmsr of the microcode revision" }, { 0x277, "rdmsr.277", "rdmsr of the PAT" },
		{ 0xC0000080, "rdmsr.efer", "rdmsr of EFER" }, { 0xC0000081, "rdmsr.star", "rdmsr of STAR" },
		{ 0xC0000100, "rdmsr.fsbase", "rdmsr of FS.base" }, { 0x174, "rdmsr.174", "rdmsr of SYSENTER_CS" },
		{ 0xFE, "rdmsr.fe", "rdmsr of MTRRcap" }, { 0x2FF, "rdmsr.2ff", "rdmsr of MTRRdefType" },
		{ 0x1A0, "rdmsr.1a0", "rdmsr of MISC_ENABLE" }, { 0xCE, "rdmsr.ce", "rdmsr of PLATFORM_INFO" },
		{ 0x3A, "rdmsr.3a", "rdmsr of FEATURE_CONTROL" }, { 0x140, "rdmsr.140", "rdmsr of MISC_FEATURES_ENABLES" },
		{ 0x48, "rdmsr.48", "rdmsr of SPEC_CTRL" }, { 0x10A, "rdmsr.10a", "rdmsr of ARCH_CAPABILITIES" },
		{ 0xC0010015, "rdmsr.hwcr", "rdmsr of HWCR" }, { 0xC0010010, "rdmsr.syscfg", "rdmsr of SYSCFG" },
		{ 0xC0000103, "rdmsr.tscaux", "rdmsr of TSC_AUX" }, { 0x40000000, "rdmsr.xen", "rdmsr of 0x40000000" },
		{ 0x12345678, "rdmsr.unknown", "rdmsr of an unknown register" }, { 0x179, "rdmsr.179", "rdmsr of MCG_CAP" },
		{ 0x17A, "rdmsr.17a", "rdmsr of MCG_STATUS" }, { 0x1D9, "rdmsr.1d9", "rdmsr of DEBUGCTL" },
		{ 0x400, "rdmsr.400", "rdmsr of MC0_CTL" }, { 0x802, "rdmsr.802", "rdmsr of an x2APIC register" },
	};

	for (u32 i = 0; i < sizeof msrs / sizeof *msrs; i++) {
		wanted = msrs[i].msr;
		got_high = 0;
		GET("movl wanted, %%ecx\n\trdmsr");
		if (seen.hits || wanted == 0x10)
			say(msrs[i].id, msrs[i].name, "%t");
		else
			say(msrs[i].id, msrs[i].name, "%t %x:%x", got_high, got);
	}
	for (u32 i = 1; i < sizeof msrs / sizeof *msrs; i++) {
		static const char *const ids[] = {
			"", "wrmsr.1b", "wrmsr.8b", "wrmsr.277", "wrmsr.efer", "wrmsr.star", "wrmsr.fsbase", "wrmsr.174",
			"wrmsr.fe", "wrmsr.2ff", "wrmsr.1a0", "wrmsr.ce", "wrmsr.3a", "wrmsr.140", "wrmsr.48", "wrmsr.10a", "wrmsr.hwcr",
			"wrmsr.syscfg", "wrmsr.tscaux", "wrmsr.xen", "wrmsr.unknown", "wrmsr.179", "wrmsr.17a", "wrmsr.1d9",
			"wrmsr.400", "wrmsr.802",
		};

		if (msrs[i].msr == 0x40000000)
			continue;
		wanted = msrs[i].msr;
		TRY("movl wanted, %%ecx\n\trdmsr\n\twrmsr");
		if (seen.hits)
			TRY("movl wanted, %%ecx\n\txorl %%eax, %%eax\n\txorl %%edx, %%edx\n\twrmsr");
		say(ids[i], "wrmsr of what was read there, or else of 0", "%t");
	}
	wanted = (u32)((u64)mfn(page(7)) << 12);
	ASK("wrmsr.page", "wrmsr 0x40000000 with a machine address",
	    "movl $0x40000000, %%ecx\n\tmovl wanted, %%eax\n\txorl %%edx, %%edx\n\twrmsr");
	say("wrmsr.page.byte", "the page's first byte then", "%x", *(u8 *)page(7));
	ASK("wrmsr.page.odd", "with an address within a page",
	    "movl $0x40000000, %%ecx\n\tmovl wanted, %%eax\n\torl $1, %%eax\n\txorl %%edx, %%edx\n\twrmsr");
	wanted = table_of(BASE) << 12;
	ASK("wrmsr.page.table", "with a page table's address",
	    "movl $0x40000000, %%ecx\n\tmovl wanted, %%eax\n\txorl %%edx, %%edx\n\twrmsr");
	ASK("wrmsr.page.huge", "with an address past all memory",
	    "movl $0x40000000, %%ecx\n\tmovl $0xFFFFF000, %%eax\n\tmovl $0xFFFF, %%edx\n\twrmsr");
}

static void ask_cpuid(void)
{
#define FORCED ".byte 0x0F, 0x0B, 0x78, 0x65, 0x6E\n\tcpuid"
	static const struct {
		u32 leaf, mask_c, mask_d;
		const char *id;
	} leaves[] = {
		{ 0x40000000, ~0u, ~0u, "cpuid.40000000" }, { 0x40000001, ~0u, ~0u, "cpuid.40000001" },
		{ 0x40000002, ~0u, ~0u, "cpuid.40000002" }, { 0x40000005, ~0u, ~0u, "cpuid.40000005" }, { 0x40000100, ~0u, ~0u, "cpuid.40000100" },
		{ 0, ~0u, ~0u, "cpuid.0" }, { 1, ~0u, ~0u, "cpuid.1" }, { 7, ~0u, ~0u, "cpuid.7" }, { 0xB, ~0u, ~0u, "cpuid.b" },
		{ 0xD, ~0u, ~0u, "cpuid.d" }, { 0x80000000, ~0u, ~0u, "cpuid.80000000" }, { 0x80000001, ~0u, ~0u, "cpuid.80000001" },
		{ 0x80000008, ~0u, ~0u, "cpuid.80000008" }, { 0x20000000, ~0u, ~0u, "cpuid.20000000" },
	};

	for (u32 i = 0; i < sizeof leaves / sizeof *leaves; i++) {
		u32 b = 0, c = 0;

		wanted = leaves[i].leaf;
		TRY("pushl %%ebx\n\tmovl wanted, %%eax\n\txorl %%ecx, %%ecx\n\t" FORCED
		    "\n\tmovl %%eax, got\n\tmovl %%ebx, got_b\n\tmovl %%ecx, got_c\n\tmovl %%edx, got_high\n\tpopl %%ebx");
		extern u32 got_b, got_c;
		b = got_b;
		c = got_c;
		say(leaves[i].id, "forced cpuid: eax ebx ecx edx", "%t %x %x %x %x", got, b, c & leaves[i].mask_c,
		    got_high & leaves[i].mask_d);
	}
	ASK("cpuid.native", "plain cpuid", "pushl %%ebx\n\txorl %%eax, %%eax\n\tcpuid\n\tpopl %%ebx");
	ASK("cpuid.forced.nop", "forced emulation of a nop", ".byte 0x0F, 0x0B, 0x78, 0x65, 0x6E\n\tnop");
}

u32 got_b, got_c;

void ask_privileged(void)
{
	ask_control();
	ask_tables();
	ask_others();
	ask_models();
	ask_cpuid();
}
