/* Hypercalls, gates and tables: what every file of questions stands on. */
#include "probe.h"

volatile struct seen seen;
volatile struct irq irq;
u32 probe_resume, probe_resume_esp, probe_irq_after = IF, got;

struct trap trap_met(void)
{
	return (struct trap){ seen.hits, seen.vector, seen.error };
}

u32 same(const char *a, const char *b, u32 count)
{
	while (count && *a == *b) {
		a++;
		b++;
		count--;
	}
	return !count;
}

void call(u32 number, u32 a, u32 b, u32 c, u32 d)
{
	__asm__ volatile("int $0x1f" : : "a"(number), "b"(a), "c"(b), "d"(c), "S"(d) : "memory");
}

void gate(u32 vector, u32 type, u32 dpl, const void *at)
{
	u32 offset = (u32)at;

	call3(LGUEST_HCALL_LOAD_IDT_ENTRY, vector, (LGUEST_CONSTANTS_KERNEL_CS << 16) | (offset & 0xFFFF),
	      (offset & 0xFFFF0000u) | (at ? 0x8000 : 0) | dpl << 13 | type << 8);
}

void gates_on(void)
{
	extern const u8 stub_clock[];

	for (const u32 *p = probe_stubs; p[1]; p += 2)
		gate(p[0], LGUEST_GATE_TYPE_TRAP, p[0] == 3 || p[0] == 4 || p[0] == 0x80 ? 3 : 0, (const void *)p[1]);
	gate(LGUEST_CONSTANTS_FIRST_INTERRUPT_VECTOR, LGUEST_GATE_TYPE_INTERRUPT, 0, stub_clock);
}

/* INIT, and nothing else. */
void initialise(void)
{
	for (u32 i = 0; i < LGUEST_CONSTANTS_RING_SIZE; i++)
		probe_data.hcall_status[i] = LGUEST_CONSTANTS_RING_FREE;
	probe_data.irq_enabled = 0;
	probe_data.blocked_interrupts = 1;
	probe_data.kernel_address = OFFSET;
	probe_data.syscall_vec = LGUEST_CONSTANTS_SYSCALL_VECTOR;
	call1(LGUEST_HCALL_LGUEST_INIT, GPA(&probe_data));
}

static volatile u64 *entry_in(u32 tables, u32 va)
{
	volatile u64 *top = (volatile u64 *)(tables + OFFSET);
	volatile u64 *middle = (volatile u64 *)(((u32)top[va >> 30] & ~0xFFFu) + OFFSET);
	volatile u64 *table = (volatile u64 *)(((u32)middle[va >> 21 & 511] & ~0xFFFu) + OFFSET);

	return &table[va >> 12 & 511];
}

/* The entry of the host's first tables that maps va; they are in memory like any other. */
volatile u64 *entry_of(u32 va)
{
	return entry_in(probe_data.pgdir, va);
}

/* Where RAM ends, in bytes; device pages follow. */
u32 memory_end(void)
{
	return *(volatile u32 *)(OFFSET + 0x2D8);
}

/* The device descriptors, in a page that nobody touched before. Works before INIT, for whoever flushes afterwards. */
const volatile u8 *devices(void)
{
	volatile u64 *entry = entry_in(memory_end() - PAGE, (u32)probe_pages[7]);

	*entry = memory_end() | 7;
	return probe_pages[7];
}

/* Where memory ends for the host, in bytes: behind the last queue that a descriptor names, or behind the descriptors. */
u32 memory_limit(void)
{
	u32 end = memory_end() + PAGE;

	for (const volatile u8 *p = devices(); *p != LGUEST_DEVICE_TYPE_END;) {
		const volatile struct lguest_device_desc *device = (const volatile struct lguest_device_desc *)p;
		const volatile struct lguest_vqconfig *queue = (const volatile struct lguest_vqconfig *)(p + sizeof *device);

		for (u32 n = 0; n < device->num_vq; n++)
			end = (queue[n].pfn + LGUEST_VRING_PAGES) * PAGE;
		p += sizeof *device + device->num_vq * sizeof *queue + 2u * device->feature_len + device->config_len;
	}
	return end;
}
