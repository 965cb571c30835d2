/* Privileged instructions in ring 1, and the few that the host carries out. */
#include "probe.h"

#define ASK(id, question, text) do { TRY(text); say(id, question, "%t", 0); } while (0)
#define GET(id, question, text) do { got = 0; TRY(text "\n\tmovl %%eax, got"); say(id, question, "%t %x", got); } while (0)

static void ask_ports(void)
{
	GET("in.al", "in to AL from 0x60, EAX 0x12345678", "movl $0x12345678, %%eax\n\tinb $0x60, %%al");
	GET("in.ax", "in to AX", "movl $0x12345678, %%eax\n\tinw $0x60, %%ax");
	GET("in.eax", "in to EAX", "movl $0x12345678, %%eax\n\tinl $0x60, %%eax");
	GET("in.dx.al", "in to AL by DX", "movl $0x60, %%edx\n\tmovl $0x12345678, %%eax\n\tinb %%dx, %%al");
	GET("in.dx.eax", "in to EAX by DX", "movl $0x60, %%edx\n\tmovl $0x12345678, %%eax\n\tinl %%dx, %%eax");
	GET("in.66.al", "in to AL with an operand-size prefix", "movl $0x12345678, %%eax\n\t.byte 0x66, 0xE4, 0x60");
	GET("out.al", "out is skipped, EAX", "movl $0x12345678, %%eax\n\toutb %%al, $0x80");
	GET("out.dx.ax", "a word's out by DX", "movl $0x80, %%edx\n\tmovl $0x12345678, %%eax\n\toutw %%ax, %%dx");
	GET("out.eax", "a long's out", "movl $0x12345678, %%eax\n\toutl %%eax, $0x80");
	ASK("ins", "ins", "movl $probe_pages, %%edi\n\tmovl $0x60, %%edx\n\tinsb");
	ASK("outs", "outs", "movl $probe_pages, %%esi\n\tmovl $0x80, %%edx\n\toutsb");
	ASK("in.rep", "in with a rep prefix", ".byte 0xF3, 0xE4, 0x60");
	ASK("in.seg", "in with a segment prefix", ".byte 0x3E, 0xE4, 0x60");
}

static void ask_control(void)
{
	probe_data.irq_enabled = IF;
	ASK("cli", "cli, with irq_enabled on", "cli");
	say("cli.enabled", "irq_enabled then", "%x", probe_data.irq_enabled);
	probe_data.irq_enabled = 0;
	ASK("sti", "sti", "sti");
	ASK("hlt", "hlt", "hlt");
	ASK("cr0.read", "mov from cr0", "movl %%cr0, %%eax");
	ASK("cr0.write", "mov to cr0", "movl %%eax, %%cr0");
	ASK("cr2.read", "mov from cr2", "movl %%cr2, %%eax");
	ASK("cr3.read", "mov from cr3", "movl %%cr3, %%eax");
	ASK("cr3.write", "mov to cr3", "movl %%eax, %%cr3");
	ASK("cr4.read", "mov from cr4", "movl %%cr4, %%eax");
	ASK("dr.read", "mov from dr7", "movl %%dr7, %%eax");
	ASK("dr.write", "mov to dr0", "movl %%eax, %%dr0");
	ASK("clts", "clts", "clts");
	ASK("lmsw", "lmsw", "lmsw %%ax");
	ASK("lgdt", "lgdt", "lgdt probe_pages");
	ASK("lidt", "lidt", "lidt probe_pages");
	ASK("lldt", "lldt", "xorl %%eax, %%eax\n\tlldt %%ax");
	ASK("ltr", "ltr", "movl $0x80, %%eax\n\tltr %%ax");
	ASK("invlpg", "invlpg", "invlpg probe_pages");
	ASK("invd", "invd", "invd");
	ASK("wbinvd", "wbinvd", "wbinvd");
	ASK("rdmsr", "rdmsr", "movl $0x10, %%ecx\n\trdmsr");
	ASK("wrmsr", "wrmsr", "movl $0x10, %%ecx\n\twrmsr");
	ASK("rdpmc", "rdpmc", "xorl %%ecx, %%ecx\n\trdpmc");
	ASK("rdtsc", "rdtsc", "rdtsc");
	ASK("cpuid", "cpuid", "xorl %%eax, %%eax\n\tcpuid");
	ASK("sgdt", "sgdt", "sgdt probe_pages");
	ASK("sidt", "sidt", "sidt probe_pages");
	ASK("smsw", "smsw", "smsw %%eax");
	GET("pushf.off", "IF and IOPL that pushf shows while irq_enabled is off", "pushfl\n\tpopl %%eax\n\tandl $0x3200, %%eax");
	GET("popf", "popf with IF clear and IOPL 3, then pushf", "pushfl\n\tandl $~0x200, (%%esp)\n\torl $0x3000, (%%esp)\n\tpopfl\n\tpushfl\n\tpopl %%eax\n\tandl $0x3200, %%eax");
	GET("iret", "iret to ring 1 with IF clear, then pushf", "pushl $2\n\tpushl $0x61\n\tpushl $1f\n\tiret\n1:\tpushfl\n\tpopl %%eax\n\tandl $0x200, %%eax");
}

static void ask_fpu(void)
{
	call1(LGUEST_HCALL_TS, 0);
	ASK("ts.off", "an FPU instruction with TS off", "fnop");
	call1(LGUEST_HCALL_TS, 1);
	ASK("ts.on", "an FPU instruction with TS on", "fnop");
	ASK("ts.again", "another one: TS stays", "fnop");
	call1(LGUEST_HCALL_TS, 7);
	ASK("ts.7", "with TS 7", "fwait");
	call1(LGUEST_HCALL_TS, 0);
	ASK("ts.clear", "with TS off again", "fwait");
}

void ask_privileged(void)
{
	ask_ports();
	ask_control();
	ask_fpu();
}
