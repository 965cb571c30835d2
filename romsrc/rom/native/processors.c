/*
 * Which processor is calling.
 *
 * A guest on one processor is the first and pays nothing. With several, SIDT tells: the shadow that the ROM has loaded
 * carries the number in its limit, beyond the 256th gate, where it means nothing. A processor that has another table
 * loaded is known by its APIC number, which CPUID tells.
 */
#include "cpu.h"
#include "io.h"
#include "pages.h"
#include "platform.h"

#define TABLE_LIMIT 0x7ffu

static u32 own_apic_id(void)
{
	return cpu_id(1).ebx >> 24;
}

static struct native_cpu *add(u32 apic_id)
{
	struct native_state *n = native();
	struct native_cpu *cpu = &n->cpus[n->count];

	if (n->count == ROM_CPUS)
		return 0;
	memset(cpu, 0, sizeof(*cpu));
	cpu->apic_id = apic_id;
	cpu->deadline = cpu->lvtt_deadline = NEVER;
	n->count++;
	return cpu;
}

struct native_cpu *native_cpu_of(u32 apic_id)
{
	struct native_state *n = native();
	struct native_cpu *found = 0;
	u32 saved = lock(&n->lock);

	for (u32 i = 0; i < n->count && !found; i++)
		if (n->cpus[i].apic_id == apic_id)
			found = &n->cpus[i];
	if (!found)
		found = add(apic_id);
	unlock(&n->lock, saved);
	return found;
}

void native_cpus_init(void)
{
	if (native()->count == 0)
		add(own_apic_id());
}

u32 platform_cpu(void)
{
	struct native_state *n = native();
	struct native_cpu *cpu;
	struct vmi_dtr dtr;

	if (n->count < 2)
		return 0;
	dtr = read_idt();
	if (dtr.base - half_gva(0) < HALF * 14u)
		return dtr.limit <= TABLE_LIMIT ? 0 : (dtr.limit - TABLE_LIMIT) / 8;
	cpu = native_cpu_of(own_apic_id());
	return cpu ? (u32)(cpu - n->cpus) : 0;
}

struct native_cpu *native_cpu(void)
{
	return &native()->cpus[platform_cpu()];
}
