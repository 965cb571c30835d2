/* Descriptors of every kind loaded into every segment register, in ring 1; far transfers through them. */
#include "probe.h"

#define GDT 46
#define FIRST 2

u32 load_selector, load_far[2], loaded;

struct kind {
	const char *id;
	u32 low, high;
};

/* Access bytes as a guest may have them; the segment's first bytes are those of the image. */
static const struct kind kinds[] = {
	{ "flat.code1", 0xFFFF, 0x00CFBA00 }, { "flat.code1.xo", 0xFFFF, 0x00CFB800 }, { "flat.code2", 0xFFFF, 0x00CFDA00 },
	{ "flat.code3", 0xFFFF, 0x00CFFA00 }, { "flat.code1.conf", 0xFFFF, 0x00CFBE00 }, { "flat.code3.conf", 0xFFFF, 0x00CFFE00 },
	{ "flat.data1", 0xFFFF, 0x00CFB200 }, { "flat.data1.ro", 0xFFFF, 0x00CFB000 }, { "flat.data2", 0xFFFF, 0x00CFD200 },
	{ "flat.data3", 0xFFFF, 0x00CFF200 }, { "flat.data1.down", 0, 0x00C0B600 }, { "flat.data1.16", 0xFFFF, 0x008FB200 },
	{ "flat.data1.absent", 0xFFFF, 0x00CF3200 }, { "flat.code1.absent", 0xFFFF, 0x00CF3A00 },
	{ "flat.data1.small", 0x000F, 0x0040B200 }, { "flat.system0", 0xFFFF, 0x00CF8000 },
};

#define COUNT (sizeof kinds / sizeof *kinds)

static u32 selector_of(u32 i, u32 rpl)
{
	return (FIRST + i) * 8 | rpl;
}

static void fill(void)
{
	u32 *words = page(GDT), frame = mfn(page(GDT));

	remap(GDT, P | RW);
	clear(page(GDT), PAGE);
	for (u32 i = 0; i < COUNT; i++) {
		words[2 * (FIRST + i)] = kinds[i].low;
		words[2 * (FIRST + i) + 1] = kinds[i].high;
	}
	remap(GDT, P);
	call2(XEN_HYPERCALL_SET_GDT, &frame, 512);
}

static void restore(void)
{
	__asm__ volatile("movl %0, %%ds\n\tmovl %0, %%es\n\tmovl %0, %%fs\n\tmovl %0, %%gs" : : "r"(XEN_SELECTOR_KERNEL_DS));
}

static void ask_data(void)
{
	for (u32 i = 0; i < COUNT; i++)
		for (u32 rpl = 1; rpl < 4; rpl += 2) {
			load_selector = selector_of(i, rpl);
			TRY("movl load_selector, %%eax\n\tmovl %%eax, %%gs");
			say_of(kinds[i].id, rpl == 1 ? "gs" : "gs3", "load GS with a descriptor of this kind", "%t");
			restore();
		}
	for (u32 i = 0; i < COUNT; i++) {
		load_selector = selector_of(i, 1);
		TRY("movl load_selector, %%eax\n\tmovl %%ss, %%edx\n\tmovl %%eax, %%ss\n\tmovl %%edx, %%ss");
		say_of(kinds[i].id, "ss", "load SS with it", "%t");
		restore();
	}
	for (u32 rpl = 0; rpl < 4; rpl++) {
		static const char *const ids[] = { "rpl.0", "rpl.1", "rpl.2", "rpl.3" };

		load_selector = selector_of(6, rpl);
		TRY("movl load_selector, %%eax\n\tmovl %%ss, %%edx\n\tmovl %%eax, %%ss\n\tmovl %%edx, %%ss");
		say(ids[rpl], "load SS with flat data of DPL 1 and this RPL", "%t");
	}
	load_selector = selector_of(1, 1);
	TRY("movl load_selector, %%eax\n\tmovl %%eax, %%gs\n\tmovl %%gs:0, %%eax");
	say("through.execute-only", "load GS with execute-only code", "%t");
	restore();
	for (u32 null = 0; null < 4; null++) {
		static const char *const ids[] = { "null.0", "null.1", "null.2", "null.3" };

		load_selector = null;
		TRY("movl load_selector, %%eax\n\tmovl %%eax, %%gs\n\tmovl %%gs, %%eax\n\tmovl %%eax, loaded");
		say(ids[null], "load GS with a null selector, and what reads back", "%t %x", loaded & 0xFFFF);
		restore();
	}
}

static void ask_code(void)
{
	for (u32 i = 0; i < COUNT; i++)
		for (u32 way = 0; way < 2; way++) {
			load_far[1] = selector_of(i, 1);
			if (way)
				TRY("movl $1f, load_far\n\tljmp *load_far\n1:\tljmp $0xE019, $2f\n2:");
			else
				TRY("pushl load_far + 4\n\tpushl $1f\n\tlret\n1:\tljmp $0xE019, $2f\n2:");
			say_of(kinds[i].id, way ? "jump" : "return", "a far transfer to it and back", "%t");
			restore();
		}
	for (u32 rpl = 0; rpl < 4; rpl++) {
		static const char *const ids[] = { "far.rpl.0", "far.rpl.1", "far.rpl.2", "far.rpl.3" };

		load_far[1] = selector_of(0, rpl);
		TRY("movl $1f, load_far\n\tljmp *load_far\n1:\tmovl %%cs, %%eax\n\tmovl %%eax, loaded\n\tljmp $0xE019, $2f\n2:");
		say(ids[rpl], "far jump to flat code of DPL 1 with this RPL, and CS then", "%t %x", seen.hits ? 0 : loaded);
	}
	load_far[1] = 0;
	TRY("movl $1f, load_far\n\tljmp *load_far\n1:");
	say("far.null", "far jump to a null selector", "%t");
	load_far[1] = 0xFFF9;
	TRY("movl $1f, load_far\n\tljmp *load_far\n1:");
	say("far.last", "far jump to the last selector there is", "%t");
	load_far[1] = 0xE041;
	TRY("movl $1f, load_far\n\tljmp *load_far\n1:");
	say("far.tss", "far jump to Xen's own TSS", "%t");
	load_far[1] = selector_of(0, 1);
	TRY("movl $1f, load_far\n\tlcall *load_far\n\tjmp 2f\n1:\tlret\n2:");
	say("far.call", "far call to flat code of DPL 1, and return", "%t");
}

static void ask_gate(void)
{
	u64 at = ((u64)mfn(page(GDT)) << 12) + 0x200;
	u32 target;

	__asm__ volatile("movl $1f, %0\n\tjmp 2f\n1:\tincl loaded\n\tlret\n2:" : "=r"(target));
	for (u32 dpl = 1; dpl < 4; dpl += 2) {
		call4(XEN_HYPERCALL_UPDATE_DESCRIPTOR, (u32)at, (u32)(at >> 32), (target & 0xFFFF) | 0xE019u << 16,
		      (target & 0xFFFF0000u) | 0x8C00 | dpl << 13);
		loaded = 0;
		TRY("lcall $0x201, $0");
		say(dpl == 1 ? "callgate.1" : "callgate.3", "far call through a call gate of this DPL: fault, and times arrived", "%t %u",
		    loaded);
	}
	loaded = 0;
	TRY("pushl $0xE019\n\tpushl $1f\n\tljmp $0x201, $0\n1:");
	say("callgate.jump", "far jump through it: fault, and times arrived", "%t %u", loaded);
	load_far[1] = 0x201;
	loaded = 0;
	TRY("movl $0, load_far\n\tlcall *load_far");
	say("callgate.memory", "far call through it by a pointer in memory", "%t %u", loaded);
	loaded = 0;
	TRY("movl $load_far, %%ebx\n\tlcall *(%%ebx)");
	say("callgate.register", "far call through it by a pointer that a register names", "%t %u", loaded);
	loaded = 0;
	TRY("lcall $0x203, $0x1234");
	say("callgate.rpl3", "with RPL 3 and an offset", "%t %u", loaded);
	call4(XEN_HYPERCALL_UPDATE_DESCRIPTOR, (u32)at, (u32)(at >> 32), (target & 0xFFFF) | 0xE019u << 16,
	      (target & 0xFFFF0000u) | 0x0C00 | 3u << 13);
	TRY("lcall $0x201, $0");
	say("callgate.absent", "a gate that is not present", "%t");
	call4(XEN_HYPERCALL_UPDATE_DESCRIPTOR, (u32)at, (u32)(at >> 32), (target & 0xFFFF) | 0x0051u << 16,
	      (target & 0xFFFF0000u) | 0x8C00 | 3u << 13);
	TRY("lcall $0x201, $0");
	say("callgate.data", "a gate to data", "%t");
	call4(XEN_HYPERCALL_UPDATE_DESCRIPTOR, (u32)at, (u32)(at >> 32), 0, 0);
}

static void ask_looks(void)
{
	for (u32 i = 0; i < COUNT; i++) {
		load_selector = selector_of(i, 1);
		TRY("xorl %%eax, %%eax\n\tlarl load_selector, %%eax\n\tmovl %%eax, loaded");
		u32 rights = loaded;
		TRY("xorl %%eax, %%eax\n\tlsll load_selector, %%eax\n\tmovl %%eax, loaded");
		u32 limit = loaded;
		TRY("xorl %%eax, %%eax\n\tverr load_selector\n\tsetz %%al\n\tverw load_selector\n\tsetz %%ah\n\tmovl %%eax, loaded");
		say_of(kinds[i].id, "looks", "lar, lsl, verr and verw of it", "%x %x %x", rights & ~0x100u, limit, loaded);
	}
	load_selector = 0xE041;
	TRY("xorl %%eax, %%eax\n\tlarl load_selector, %%eax\n\tmovl %%eax, loaded");
	say("looks.tss", "lar of Xen's TSS", "%t %x", loaded);
	load_selector = 0xE009;
	TRY("xorl %%eax, %%eax\n\tlarl load_selector, %%eax\n\tmovl %%eax, loaded");
	say("looks.xen", "lar of Xen's own code", "%t %x", loaded);
	load_selector = 0;
	TRY("movl $7, %%eax\n\tlarl load_selector, %%eax\n\tmovl %%eax, loaded");
	say("looks.null", "lar of null leaves the register alone", "%t %x", loaded);
}

void ask_loads(void)
{
	fill();
	ask_data();
	ask_code();
	ask_gate();
	ask_looks();
	restore();
	call2(XEN_HYPERCALL_SET_GDT, 0, 0);
	remap(GDT, P | RW);
}
