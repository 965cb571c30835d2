/* Ring 3: its traps, and the stack they get. */
#include "probe.h"

static void frame(const char *id, const char *question)
{
	say(id, question, "%t, cs %x, IF %u", seen.cs, seen.eflags >> 9 & 1);
}

#define ASK(id, question, text) do { USER(text); frame(id, question); } while (0)

void ask_user(void)
{
	u32 top = (u32)probe_user_stack + PAGE;

	ASK("user.80", "int 0x80 from ring 3", "nop");
	say("user.stack", "SS in the frame, and ESP is the user's", "%x %s", seen.ss, yes(seen.esp == top));
	ASK("user.int3", "int3", "int3");
	ASK("user.divide", "division by zero", "xorl %%edx, %%edx\n\txorl %%ecx, %%ecx\n\tdivl %%ecx");
	ASK("user.ud2", "ud2", "ud2");
	ASK("user.hlt", "hlt", "hlt");
	ASK("user.cli", "cli", "cli");
	ASK("user.in", "in, which is not carried out for ring 3", "inb $0x60, %%al");
	ASK("user.cr3", "mov from cr3", "movl %%cr3, %%eax");
	ASK("user.1f", "int 0x1f", "int $0x1f");
	ASK("user.vmcall", "vmcall", ".byte 0x0F, 0x01, 0xC1");
	ASK("user.absent", "a load from an absent page", "movl 0x7F000000, %%eax");
	ASK("user.store", "a store there", "movl %%eax, 0x7F000000");
	ASK("user.jump", "a jump there", "movl $0x7F000000, %%eax\n\tjmp *%%eax");
	ASK("user.cpuid", "cpuid", "xorl %%eax, %%eax\n\tcpuid");
	ASK("user.rdtsc", "rdtsc", "rdtsc");
	ASK("user.kernel-data", "load DS with the kernel's", "movl $0x69, %%eax\n\tmovl %%eax, %%ds");
	ASK("user.kernel-code", "far jump to the kernel's code", "ljmp $0x61, $0");
	ASK("user.null", "load GS with null", "xorl %%eax, %%eax\n\tmovl %%eax, %%gs");
	ASK("user.tls", "load GS with a TLS entry", "movl $0x33, %%eax\n\tmovl %%eax, %%gs");
	ASK("user.sysenter", "sysenter", ".byte 0x0F, 0x34");
	*entry_of((u32)probe_pages[5]) = GPA(probe_pages[5]) | 3;
	call1(LGUEST_HCALL_FLUSH_TLB, 1);
	ASK("user.kernel-page", "a load from a page without USER", "movl probe_pages + 0x5000, %%eax");
	ASK("user.kernel-page.store", "a store there", "movl %%eax, probe_pages + 0x5000");
	say("user.kernel-page.cr2", "cr2 is its address", "%s", yes(probe_data.cr2 == (u32)probe_pages[5]));
	*entry_of((u32)probe_pages[5]) = GPA(probe_pages[5]) | 5;
	call1(LGUEST_HCALL_FLUSH_TLB, 1);
	ASK("user.read-only", "a store to a page without RW", "movl %%eax, probe_pages + 0x5000");
	ASK("user.read-only.load", "a load from it", "movl probe_pages + 0x5000, %%eax");
	*entry_of((u32)probe_pages[5]) = GPA(probe_pages[5]) | 7;
	call1(LGUEST_HCALL_FLUSH_TLB, 1);
	probe_data.irq_enabled = IF;
	ASK("user.enabled", "ud2 with irq_enabled on", "ud2");
	probe_data.irq_enabled = 0;
}
