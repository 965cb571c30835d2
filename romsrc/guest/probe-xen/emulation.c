/* Forms of privileged instructions: prefixes, operand sizes, and operands that can't be used. */
#include "probe.h"

u32 form_value, form_address;

#define ASK(id, question, text) do { form_value = 0; TRY(text); say(id, question, "%t %x", form_value); } while (0)

static void ask_control(void)
{
	ASK("form.cr0.16", "mov from cr0 with an operand-size prefix", ".byte 0x66, 0x0F, 0x20, 0xC0\n\tmovl %%eax, form_value");
	ASK("form.cr0.mod", "mov from cr0 with a memory form's mod", ".byte 0x0F, 0x20, 0x00\n\tmovl %%eax, form_value");
	ASK("form.cr0.seg", "mov from cr0 with a segment prefix", ".byte 0x65, 0x0F, 0x20, 0xC0\n\tmovl %%eax, form_value");
	ASK("form.cr0.rep", "mov from cr0 with a rep prefix", ".byte 0xF3, 0x0F, 0x20, 0xC0\n\tmovl %%eax, form_value");
	ASK("form.cr3.ecx", "mov from cr3 to ecx is what it is to eax", "movl %%cr3, %%ecx\n\tmovl %%cr3, %%eax\n\tcmpl %%eax, %%ecx\n\tsetz form_value");
	ASK("form.cr3.esp", "mov from cr0 to esp", "movl %%esp, %%edx\n\t.byte 0x0F, 0x20, 0xC4\n\tmovl %%esp, form_value\n\tmovl %%edx, %%esp");
	ASK("form.cr2.lock", "mov from cr2 with lock", ".byte 0xF0, 0x0F, 0x20, 0xD0");
	ASK("form.cr4.all", "mov to cr4 of all bits", "movl $-1, %%eax\n\tmovl %%eax, %%cr4\n\tmovl %%cr4, %%eax\n\tmovl %%eax, form_value");
	ASK("form.cr4.none", "mov to cr4 of none", "xorl %%eax, %%eax\n\tmovl %%eax, %%cr4\n\tmovl %%cr4, %%eax\n\tmovl %%eax, form_value");
	ASK("form.cr0.all", "mov to cr0 of all bits", "movl $-1, %%eax\n\tmovl %%eax, %%cr0");
	ASK("form.cr0.none", "mov to cr0 of none", "xorl %%eax, %%eax\n\tmovl %%eax, %%cr0");
	ASK("form.cr0.ne", "mov to cr0 toggling NE", "movl %%cr0, %%eax\n\txorl $0x20, %%eax\n\tmovl %%eax, %%cr0");
	ASK("form.cr0.et", "mov to cr0 toggling ET", "movl %%cr0, %%eax\n\txorl $0x10, %%eax\n\tmovl %%eax, %%cr0");
	ASK("form.cr0.cd", "mov to cr0 toggling CD", "movl %%cr0, %%eax\n\txorl $0x40000000, %%eax\n\tmovl %%eax, %%cr0");
	ASK("form.cr0.ts", "mov to cr0 setting TS, and what reads back", "movl %%cr0, %%eax\n\torl $8, %%eax\n\tmovl %%eax, %%cr0\n\tmovl %%cr0, %%eax\n\tandl $8, %%eax\n\tmovl %%eax, form_value");
	ASK("form.clts", "clts, and what reads back", "clts\n\tmovl %%cr0, %%eax\n\tandl $8, %%eax\n\tmovl %%eax, form_value");
	ASK("form.clts.rep", "clts with a rep prefix", ".byte 0xF3, 0x0F, 0x06");
	ASK("form.smsw.mem", "smsw to memory", "smsw form_value");
	ASK("form.lmsw.same", "lmsw of what it is", "smsw %%ax\n\tlmsw %%ax");
	ASK("form.cr2.value", "mov to cr2 of all bits, and what reads back", "movl $-1, %%eax\n\tmovl %%eax, %%cr2\n\tmovl %%cr2, %%ecx\n\tmovl %%ecx, form_value");
	ASK("form.cr7.write", "mov to cr7", ".byte 0x0F, 0x22, 0xF8");
	ASK("form.cr1.write", "mov to cr1", ".byte 0x0F, 0x22, 0xC8");
}

static void ask_debug(void)
{
	ASK("form.dr0", "mov to dr0 and back", "movl $0x12345678, %%eax\n\tmovl %%eax, %%dr0\n\tmovl %%dr0, %%ecx\n\tmovl %%ecx, form_value");
	ASK("form.dr5", "mov from dr5", ".byte 0x0F, 0x21, 0xE8\n\tmovl %%eax, form_value");
	ASK("form.dr4.write", "mov to dr4 of 0, and what dr6 reads", "xorl %%eax, %%eax\n\t.byte 0x0F, 0x23, 0xE0\n\tmovl %%dr6, %%eax\n\tmovl %%eax, form_value");
	ASK("form.dr6.write", "mov to dr6 of all bits, and what reads back", "movl $-1, %%eax\n\tmovl %%eax, %%dr6\n\tmovl %%dr6, %%eax\n\tmovl %%eax, form_value");
	ASK("form.dr6.zero", "mov to dr6 of 0, and what reads back", "xorl %%eax, %%eax\n\tmovl %%eax, %%dr6\n\tmovl %%dr6, %%eax\n\tmovl %%eax, form_value");
	ASK("form.dr7.gd", "mov to dr7 with GD", "movl $0x2400, %%eax\n\tmovl %%eax, %%dr7\n\tmovl %%dr7, %%eax\n\tmovl %%eax, form_value");
	ASK("form.dr7.io", "mov to dr7 with an I/O breakpoint", "movl $0x20402, %%eax\n\tmovl %%eax, %%dr7\n\tmovl %%dr7, %%eax\n\tmovl %%eax, form_value");
	ASK("form.dr7.len8", "mov to dr7 with a breakpoint of 8 bytes", "movl $0x90402, %%eax\n\tmovl %%eax, %%dr7\n\tmovl %%dr7, %%eax\n\tmovl %%eax, form_value");
	ASK("form.dr7.zero", "mov to dr7 of 0, and what reads back", "xorl %%eax, %%eax\n\tmovl %%eax, %%dr7\n\tmovl %%dr7, %%eax\n\tmovl %%eax, form_value");
	ASK("form.dr4.de", "mov from dr4 with CR4.DE", "movl %%cr4, %%eax\n\torl $8, %%eax\n\tmovl %%eax, %%cr4\n\t.byte 0x0F, 0x21, 0xE0\n\tmovl %%eax, form_value");
	TRY("movl %%cr4, %%eax\n\tandl $~8, %%eax\n\tmovl %%eax, %%cr4");
	form_address = (u32)&form_value;
	ASK("watch.write", "a data breakpoint on a store", "movl form_address, %%eax\n\tmovl %%eax, %%dr0\n\tmovl $0xD0402, %%eax\n\tmovl %%eax, %%dr7\n\tincl form_value\n\tnop");
	say("watch.write.6", "DR6 then", "%x", call1(XEN_HYPERCALL_GET_DEBUGREG, 6));
	call2(XEN_HYPERCALL_SET_DEBUGREG, 7, 0);
	call2(XEN_HYPERCALL_SET_DEBUGREG, 6, 0);
	ASK("watch.fetch", "an instruction breakpoint", "movl $1f, %%eax\n\tmovl %%eax, %%dr0\n\tmovl $0x402, %%eax\n\tmovl %%eax, %%dr7\n\tnop\n1:\tincl form_value");
	say("watch.fetch.6", "DR6 then", "%x", call1(XEN_HYPERCALL_GET_DEBUGREG, 6));
	call2(XEN_HYPERCALL_SET_DEBUGREG, 7, 0);
	call2(XEN_HYPERCALL_SET_DEBUGREG, 6, 0);
	call2(XEN_HYPERCALL_SET_DEBUGREG, 0, 0);
}

static void ask_registers(void)
{
	ASK("form.rdmsr.rep", "rdmsr of the APIC base with a rep prefix", "movl $0x1B, %%ecx\n\t.byte 0xF3, 0x0F, 0x32\n\tmovl %%eax, form_value");
	ASK("form.rdmsr.16", "rdmsr of the APIC base with an operand-size prefix", "movl $0x1B, %%ecx\n\t.byte 0x66, 0x0F, 0x32\n\tmovl %%eax, form_value");
	ASK("form.rdmsr.lock", "rdmsr with lock", "movl $0x1B, %%ecx\n\t.byte 0xF0, 0x0F, 0x32");
	ASK("form.efer.sce", "wrmsr of EFER without SCE", "movl $0xC0000080, %%ecx\n\trdmsr\n\txorl $1, %%eax\n\twrmsr");
	ASK("form.efer.nx", "wrmsr of EFER without NX", "movl $0xC0000080, %%ecx\n\trdmsr\n\txorl $0x800, %%eax\n\twrmsr");
	ASK("form.efer.svme", "wrmsr of EFER with SVME", "movl $0xC0000080, %%ecx\n\trdmsr\n\torl $0x1000, %%eax\n\twrmsr");
	ASK("form.tsc.write", "wrmsr of the TSC", "movl $0x10, %%ecx\n\trdmsr\n\twrmsr");
	ASK("form.pat.same", "wrmsr of the PAT with what it is", "movl $0x277, %%ecx\n\trdmsr\n\twrmsr");
	ASK("form.apic.off", "wrmsr of the APIC base, switched off", "movl $0x1B, %%ecx\n\trdmsr\n\tandl $~0x800, %%eax\n\twrmsr");
	ASK("form.misc.other", "wrmsr of MISC_ENABLE with another value", "movl $0x1A0, %%ecx\n\trdmsr\n\txorl $1, %%eax\n\twrmsr");
	ASK("form.sysenter.cs", "wrmsr of SYSENTER_CS", "movl $0x174, %%ecx\n\tmovl $0xE019, %%eax\n\txorl %%edx, %%edx\n\twrmsr");
	ASK("form.cstar", "rdmsr of CSTAR", "movl $0xC0000083, %%ecx\n\trdmsr");
	ASK("form.gsbase", "rdmsr of GS.base", "movl $0xC0000101, %%ecx\n\trdmsr");
	ASK("form.kernel-gs", "rdmsr of the kernel's GS.base", "movl $0xC0000102, %%ecx\n\trdmsr");
	ASK("form.smm", "rdmsr of the K8's SMM base", "movl $0xC0010111, %%ecx\n\trdmsr");
	ASK("form.vm-cr", "rdmsr of VM_CR", "movl $0xC0010114, %%ecx\n\trdmsr\n\tmovl %%eax, form_value");
	ASK("form.pstate", "rdmsr of the P-state", "movl $0xC0010063, %%ecx\n\trdmsr\n\tmovl %%eax, form_value");
	ASK("form.nbcfg", "rdmsr of NB_CFG", "movl $0xC001001F, %%ecx\n\trdmsr\n\tmovl %%eax, form_value");
	ASK("form.perfctr", "rdmsr of a K7 counter", "movl $0xC0010004, %%ecx\n\trdmsr\n\tmovl %%eax, form_value");
	ASK("form.mtrr", "rdmsr of the first variable MTRR", "movl $0x200, %%ecx\n\trdmsr");
	ASK("form.perf", "rdmsr of PERF_STATUS", "movl $0x198, %%ecx\n\trdmsr\n\tmovl %%eax, form_value");
	ASK("form.therm", "rdmsr of THERM_CONTROL", "movl $0x19A, %%ecx\n\trdmsr\n\tmovl %%eax, form_value");
	ASK("form.tscadj", "rdmsr of TSC_ADJUST", "movl $0x3B, %%ecx\n\trdmsr");
	ASK("form.pred", "wrmsr of PRED_CMD with 0", "movl $0x49, %%ecx\n\txorl %%eax, %%eax\n\txorl %%edx, %%edx\n\twrmsr");
	ASK("form.flush", "wrmsr of FLUSH_CMD with 0", "movl $0x10B, %%ecx\n\txorl %%eax, %%eax\n\txorl %%edx, %%edx\n\twrmsr");
	ASK("form.mc0.status", "rdmsr of MC0_STATUS", "movl $0x401, %%ecx\n\trdmsr\n\tmovl %%eax, form_value");
	ASK("form.mcg.ctl", "rdmsr of MCG_CTL", "movl $0x17B, %%ecx\n\trdmsr\n\tmovl %%eax, form_value");
}

/* Which of a range of model-specific registers can be read, each with its value if it is small. */
static void ask_range(const char *id, u32 first, u32 count)
{
	u32 readable = 0, sum = 0, list[6] = { 0 };

	for (u32 i = 0; i < count; i++) {
		form_address = first + i;
		if (form_address == 0x10)
			continue;
		TRY("movl form_address, %%ecx\n\trdmsr\n\tmovl %%eax, form_value");
		if (seen.hits)
			continue;
		if (readable < 6)
			list[readable] = form_address;
		readable++;
		sum = (sum << 5 | sum >> 27) ^ form_address ^ form_value;
	}
	say(id, "rdmsr of a range: how many can be read, the first of them, and a sum over all", "%u: %x %x %x %x %x %x, %x", readable,
	    list[0], list[1], list[2], list[3], list[4], list[5], sum);
}

static void ask_ranges(void)
{
	ask_range("range.0", 0, 0x100);
	ask_range("range.100", 0x100, 0x100);
	ask_range("range.200", 0x200, 0x100);
	ask_range("range.300", 0x300, 0x100);
	ask_range("range.400", 0x400, 0x80);
	ask_range("range.480", 0x480, 0x80);
	ask_range("range.500", 0x500, 0x100);
	ask_range("range.600", 0x600, 0x200);
	ask_range("range.800", 0x800, 0x100);
	ask_range("range.d00", 0xC80, 0x180);
	ask_range("range.40000000", 0x40000000, 0x120);
	ask_range("range.c0000000", 0xC0000000, 0x140);
	ask_range("range.c0010000", 0xC0010000, 0x80);
	ask_range("range.c0010100", 0xC0010100, 0x180);
	ask_range("range.c0011000", 0xC0011000, 0x60);
	ask_range("range.c001103f", 0xC0011060, 0x100);
}

static void ask_flow(void)
{
	ASK("form.hlt.rep", "hlt with a rep prefix", ".byte 0xF3, 0xF4");
	ASK("form.wbinvd.rep", "wbinvd with a rep prefix", ".byte 0xF3, 0x0F, 0x09");
	ASK("form.in.16", "inw from 0x300 without the right", "movl $0x300, %%edx\n\tinw %%dx, %%ax");
	ASK("form.rep.ins.none", "rep insb of none without the right", "pushl %%edi\n\tmovl $probe_pages, %%edi\n\txorl %%ecx, %%ecx\n\trep; insb\n\tpopl %%edi");
	ASK("form.int82.rep", "int 0x82 with a rep prefix", "movl $17, %%eax\n\txorl %%ebx, %%ebx\n\t.byte 0xF3, 0xCD, 0x82\n\tmovl %%eax, form_value");
	ASK("form.popf.if", "popf with IF clear, then pushf", "pushfl\n\tandl $~0x200, (%%esp)\n\tpopfl\n\tpushfl\n\tpopl %%eax\n\tandl $0x200, %%eax\n\tmovl %%eax, form_value");
	ASK("form.popf.vm", "popf with VM, VIF and VIP", "pushfl\n\torl $0x1A0000, (%%esp)\n\tpopfl\n\tpushfl\n\tpopl %%eax\n\tandl $0x1A0000, %%eax\n\tmovl %%eax, form_value");
	ASK("form.popf.rf", "popf with RF", "pushfl\n\torl $0x10000, (%%esp)\n\tpopfl\n\tpushfl\n\tpopl %%eax\n\tandl $0x10000, %%eax\n\tmovl %%eax, form_value");
	ASK("form.popfw", "a word's popf and pushf", "pushw $0x3202\n\tpopfw\n\tpushfw\n\tmovzwl (%%esp), %%eax\n\taddl $2, %%esp\n\tmovl %%eax, form_value");
	ASK("form.bound.ok", "bound in range", "pushl $4\n\tpushl $0\n\tmovl $3, %%eax\n\t.byte 0x62, 0x04, 0x24\n\taddl $8, %%esp");
	ASK("form.bound.reg", "bound of a register, which is none", ".byte 0x62, 0xC0");
	ASK("form.lds", "lds of a null selector", "pushl $0\n\tpushl $5\n\t.byte 0x0F, 0xB5, 0x04, 0x24\n\taddl $8, %%esp\n\tmovl %%eax, form_value");
	ASK("form.enter", "enter and leave", "enter $16, $0\n\tleave");
	ASK("form.aad0", "aam by 0", "movl $5, %%eax\n\t.byte 0xD4, 0");
	ASK("form.idiv", "idiv that overflows", "movl $0x80000000, %%eax\n\tcltd\n\tmovl $-1, %%ecx\n\tidivl %%ecx");
	ASK("form.ud1", "ud1", ".byte 0x0F, 0xB9, 0xC0");
	ASK("form.lock.reg", "lock inc of a register", ".byte 0xF0, 0x40");
	ASK("form.lock.cmp", "lock cmp of memory", ".byte 0xF0, 0x83, 0x3D\n\t.long form_value\n\t.byte 0");
	ASK("form.nop", "a long nop", ".byte 0x0F, 0x1F, 0x84, 0, 0, 0, 0, 0");
	ASK("form.pause", "pause", "pause");
	ASK("form.mfence", "mfence", "mfence");
	ASK("form.sysenter.prefix", "ud2 behind a prefix", ".byte 0x65, 0x0F, 0x0B");
	ASK("form.forced.rdtsc", "forced emulation of rdtsc", ".byte 0x0F, 0x0B, 0x78, 0x65, 0x6E, 0x0F, 0x31");
	ASK("form.forced.prefix", "forced cpuid behind a prefix", "movl $0x40000000, %%eax\n\t.byte 0x66, 0x0F, 0x0B, 0x78, 0x65, 0x6E, 0x0F, 0xA2");
	ASK("form.forced.max", "forced cpuid of the highest leaf", "pushl %%ebx\n\tmovl $0x40000000, %%eax\n\t.byte 0x0F, 0x0B, 0x78, 0x65, 0x6E, 0x0F, 0xA2\n\tpopl %%ebx\n\tmovl %%eax, form_value");
	ASK("form.forced.3", "forced cpuid of 0x40000003, subleaf 0: EAX", "pushl %%ebx\n\tmovl $0x40000003, %%eax\n\txorl %%ecx, %%ecx\n\t.byte 0x0F, 0x0B, 0x78, 0x65, 0x6E, 0x0F, 0xA2\n\tpopl %%ebx\n\tmovl %%eax, form_value");
	ASK("form.forced.3.9", "the same, subleaf 9", "pushl %%ebx\n\tmovl $0x40000003, %%eax\n\tmovl $9, %%ecx\n\t.byte 0x0F, 0x0B, 0x78, 0x65, 0x6E, 0x0F, 0xA2\n\tpopl %%ebx\n\tmovl %%eax, form_value");
	ASK("form.forced.4", "forced cpuid of 0x40000004: EAX", "pushl %%ebx\n\tmovl $0x40000004, %%eax\n\txorl %%ecx, %%ecx\n\t.byte 0x0F, 0x0B, 0x78, 0x65, 0x6E, 0x0F, 0xA2\n\tpopl %%ebx\n\tmovl %%eax, form_value");
	ASK("form.forced.6", "forced cpuid of 0x40000006: EAX", "pushl %%ebx\n\tmovl $0x40000006, %%eax\n\txorl %%ecx, %%ecx\n\t.byte 0x0F, 0x0B, 0x78, 0x65, 0x6E, 0x0F, 0xA2\n\tpopl %%ebx\n\tmovl %%eax, form_value");
}

static void ask_edges(void)
{
	u8 *edge = (u8 *)page(48);

	/* cpuid's two bytes, and ud2's, across a page's end; then with nothing behind. */
	edge[PAGE - 2] = 0x0F;
	edge[PAGE - 1] = 0x0B;
	form_address = (u32)edge + PAGE - 2;
	map(page(49), 0);
	ASK("edge.ud2", "ud2 at a page's end with nothing behind", "call *form_address");
	say("edge.ud2.eip", "EIP of it is the instruction", "%s", yes(seen.eip == form_address));
	edge[PAGE - 1] = 0xF4;
	form_address = (u32)edge + PAGE - 1;
	ASK("edge.hlt", "hlt as a page's last byte", "call *form_address");
	edge[PAGE - 1] = 0x0F;
	ASK("edge.half", "half an instruction at a page's end", "call *form_address");
	say("edge.half.cr2", "CR2 is the next page", "%s", yes(seen.cr2 == (u32)page(49)));
	map(page(49), (u64)mfn(page(49)) << 12 | P | RW);
	edge[PAGE - 1] = 0x0F;
	*(u8 *)page(49) = 0x20;
	((u8 *)page(49))[1] = 0xC0;
	((u8 *)page(49))[2] = 0xC3;
	ASK("edge.cr0", "mov from cr0 across a page's end", "call *form_address\n\tmovl %%eax, form_value");
	edge[PAGE - 1] = 0x0F;
	*(u8 *)page(49) = 0x06;
	((u8 *)page(49))[1] = 0xC3;
	remap(49, P | RW | NX);
	ASK("edge.clts.nx", "clts whose second byte may not be executed", "call *form_address");
	remap(49, P | RW);
}

void ask_emulation(void)
{
	ask_control();
	ask_debug();
	ask_registers();
	ask_ranges();
	ask_flow();
	ask_edges();
}
