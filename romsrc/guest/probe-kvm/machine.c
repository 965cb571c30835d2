/* The probe's processor state, and the instructions that it asks with. */
#include "probe.h"

struct seen seen;
u32 probe_resume, probe_resume_esp;

/* What instructions are given and give, in memory, since a trap may lose registers: EAX EBX ECX EDX ESI. */
u32 probe_registers[5];

static u64 gdt[6], idt[33];
static u32 tss[26];

struct pointer {
	u16 limit;
	u32 base;
} __attribute__((packed));

/* By LEFT ring 3 comes back: that is no fault. */
struct trap trap_met(void)
{
	return (struct trap){ seen.vector == LEFT ? 0 : seen.hits, seen.vector, seen.error };
}

void machine_begin(void)
{
	static const u64 flat[] = { 0, 0x00cf9b000000ffff, 0x00cf93000000ffff, 0x00cffb000000ffff, 0x00cff3000000ffff };
	struct pointer gdtr = { sizeof gdt - 1, (u32)gdt }, idtr = { sizeof idt - 1, (u32)idt };
	u32 at = (u32)tss;

	for (u32 i = 0; i < 5; i++)
		gdt[i] = flat[i];
	gdt[5] = (u64)(at >> 24) << 56 | 0x0000890000000000ull | (u64)(at & 0xffffff) << 16 | (sizeof tss - 1);
	tss[1] = (u32)(probe_user_stack - 64) + 64; /* the page below ring 3's stack */
	tss[2] = KERNEL_DS;
	tss[25] = sizeof tss << 16;
	for (const u32 *stub = probe_stubs; stub[1]; stub += 2) {
		u32 kind = stub[0] == 3 || stub[0] == 4 || stub[0] == LEFT ? 0xee00 : 0x8e00;

		idt[stub[0]] = (u64)((stub[1] & 0xffff0000) | kind) << 32 | KERNEL_CS << 16 | (stub[1] & 0xffff);
	}
	__asm__ volatile("lgdt %0\n\tlidt %1\n\tljmp $0x08, $1f\n1:\tmovl $0x10, %%eax\n\tmovl %%eax, %%ds\n\t"
			 "movl %%eax, %%es\n\tmovl %%eax, %%ss\n\tmovl $0x28, %%eax\n\tltr %%ax"
			 :: "m"(gdtr), "m"(idtr) : "eax", "memory");
}

void cpuid(u32 leaf, u32 out[4])
{
	__asm__ volatile("cpuid" : "=a"(out[0]), "=b"(out[1]), "=c"(out[2]), "=d"(out[3]) : "a"(leaf), "c"(0));
}

u32 by_vmmcall(void)
{
	u32 out[4];

	cpuid(0, out);
	return out[1] != 0x756e6547;
}

#define LOAD "movl probe_registers, %%eax\n\tmovl probe_registers + 4, %%ebx\n\tmovl probe_registers + 8, %%ecx\n\t" \
	"movl probe_registers + 12, %%edx\n\tmovl probe_registers + 16, %%esi\n\t"
#define KEEP "\n\tmovl %%eax, probe_registers\n\tmovl %%edx, probe_registers + 12"

s32 hypercall(u32 number, u32 a, u32 b, u32 c, u32 d)
{
	u32 given[5] = { number, a, b, c, d };

	for (u32 i = 0; i < 5; i++)
		probe_registers[i] = given[i];
	if (by_vmmcall())
		TRY(LOAD "vmmcall" KEEP);
	else
		TRY(LOAD "vmcall" KEEP);
	return (s32)probe_registers[0];
}

u64 read_msr(u32 index)
{
	probe_registers[0] = probe_registers[3] = 0;
	probe_registers[2] = index;
	TRY("movl probe_registers + 8, %%ecx\n\trdmsr" KEEP);
	return (u64)probe_registers[3] << 32 | probe_registers[0];
}

void write_msr(u32 index, u64 value)
{
	probe_registers[0] = (u32)value;
	probe_registers[2] = index;
	probe_registers[3] = (u32)(value >> 32);
	TRY(LOAD "wrmsr");
}

u64 tsc(void)
{
	u32 low, high;

	__asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
	return (u64)high << 32 | low;
}
