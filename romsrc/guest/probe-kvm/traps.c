/* Traps as the processor under KVM gives them. */
#include "probe.h"

#define ASK(id, question, text) do { TRY(text); say(id, question, "%t"); } while (0)
#define ASK_USER(id, question, text) do { TRY_USER(text); say(id, question, "%t"); } while (0)

void ask_traps(void)
{
	ASK("trap.div", "division by 0", "xorl %%ecx, %%ecx\n\tdivl %%ecx");
	ASK("trap.ud2", "ud2", "ud2");
	ASK("trap.int3", "int3", "int3");
	ASK("trap.into", "into after an overflow", "movb $0x7f, %%al\n\taddb $1, %%al\n\tinto");
	ASK("trap.into.not", "into without", "xorl %%eax, %%eax\n\tinto");
	ASK("trap.bound", "bound outside", "movl $5, %%eax\n\tpushl $4\n\tpushl $1\n\tbound %%eax, (%%esp)");
	ASK("trap.int33", "int 0x21, beyond the IDT", "int $0x21");
	ASK("trap.int22", "int 0x16, an empty gate", "int $0x16");
	ASK("trap.selector", "a selector beyond the GDT", "movl $0x1000, %%eax\n\tmovl %%eax, %%fs");
	ASK("trap.ldt", "a selector of the LDT", "movl $0x0c, %%eax\n\tmovl %%eax, %%fs");
	ASK("trap.null", "null into SS", "xorl %%eax, %%eax\n\tmovl %%eax, %%ss");
	ASK("trap.code", "code into SS", "movl $0x08, %%eax\n\tmovl %%eax, %%ss");
	ASK("trap.far", "a far jump to null", "ljmp $0, $0");
	ASK("trap.fardata", "a far jump to data", "ljmp $0x10, $0");
	ASK("trap.ltr", "ltr of a busy TSS", "movl $0x28, %%eax\n\tltr %%ax");
	ASK("trap.ltrdata", "ltr of data", "movl $0x10, %%eax\n\tltr %%ax");
	ASK("trap.cr4", "a reserved bit of CR4", "movl $0x80000000, %%eax\n\tmovl %%eax, %%cr4");
	TRY("xorl %%eax, %%eax\n\tmovl %%eax, %%cr4");
	ASK("trap.cr0nw", "NW without CD", "movl %%cr0, %%eax\n\torl $0x20000000, %%eax\n\tmovl %%eax, %%cr0");
	TRY("movl $0x11, %%eax\n\tmovl %%eax, %%cr0");
	ASK_USER("user.cli", "cli in ring 3", "cli");
	ASK_USER("user.hlt", "hlt in ring 3", "hlt");
	ASK_USER("user.in", "in of 0x80 in ring 3", "inb $0x80, %%al");
	ASK_USER("user.cr0", "CR0 in ring 3", "movl %%cr0, %%eax");
	ASK_USER("user.lgdt", "lgdt in ring 3", "lgdt probe_page");
	ASK_USER("user.int13", "int 13 in ring 3", "int $13");
	ASK_USER("user.int3", "int3 in ring 3", "int3");
	ASK_USER("user.ud2", "ud2 in ring 3", "ud2");
	ASK_USER("user.ds", "the kernel's data in ring 3", "movl $0x10, %%eax\n\tmovl %%eax, %%ds");
	ASK_USER("user.invlpg", "invlpg in ring 3", "invlpg probe_page");
	ASK_USER("user.clts", "clts in ring 3", "clts");
	ASK_USER("user.cpuid", "cpuid in ring 3", "cpuid");
	ASK_USER("user.rdtsc", "rdtsc in ring 3", "rdtsc");
}
