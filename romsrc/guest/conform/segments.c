/*
 * Descriptor tables under a register that holds an entry: what is written while it is in use, what is taken away, where
 * the six bytes may lie, and what no descriptor opens.
 *
 * Hardware keeps what it loaded until the next load, and a ROM that answers NONE leaves it at that; a ROM that
 * translates loads anew. Either is right where the kernel runs on level 0.
 */
#include "../checking/checking.h"

#define DATA3 0x0040F200u /* byte-granular data, DPL 3 */
#define FLAT3 0x00C0F200u
#define PRESENT 0x8000u
#define LDT_PRESENT 0x8200u
#define TLS VMI_GUEST_GDT_TLS_FIRST
#define TLS_SELECTOR (TLS * 8 | 3)
#define LDT_ENTRY_1 0xFu
#define STEP 0x200000u

const char title[] = "conformance: segments\n";

extern const u8 programs[], programs_end[], user_touch[]; /* segments.S */
u32 fs_selector(void), gs_selector(void);

static u32 words[2] = {0x11111111, 0x22222222};
static u64 other_gdt[VMI_PAGE / 8] __attribute__((aligned(4096)));
static u64 ldt[VMI_PAGE / 8] __attribute__((aligned(4096)));
static u8 across[2 * VMI_PAGE] __attribute__((aligned(4096)));

static bool translated(u32 call)
{
	return vmi_GetCallInfo(call) == VMI_ANSWER_TRANSLATED;
}

static u64 pointing_to(const u32 *word)
{
	return vmi_segment((u32)(uintptr_t)word, 3, DATA3);
}

static void write_gdt(u32 entry, u64 descriptor)
{
	vmi_WriteGDTEntry(vmi_gdt, entry, (u32)descriptor, (u32)(descriptor >> 32));
}

static void written_in_use(void)
{
	bool anew = translated(VMI_CALL_WriteGDTEntry);
	u32 fs, gs;

	write_gdt(TLS, pointing_to(&words[0]));
	load_fs(TLS_SELECTOR);
	load_gs(TLS_SELECTOR);
	write_gdt(TLS, pointing_to(&words[1]));
	fs = read_fs(0);
	gs = read_gs(0);
	check(fs == gs && fs == words[anew], "an entry written while FS and GS hold it is loaded anew, or hardware keeps the old until the next load");
	vmi_SetLazyMode(VMI_LAZY_MODE_CPU);
	write_gdt(TLS, pointing_to(&words[0]));
	vmi_SetLazyMode(VMI_LAZY_MODE_NONE);
	fs = read_fs(0);
	gs = read_gs(0);
	check(fs == gs && fs_selector() == TLS_SELECTOR && fs == words[0], "so is one written in lazy CPU mode, when that has ended");
	vmi_SetLazyMode(VMI_LAZY_MODE_CPU);
	write_gdt(TLS, pointing_to(&words[1]));
	load_fs(0);
	vmi_SetLazyMode(VMI_LAZY_MODE_NONE);
	load_fs(TLS_SELECTOR);
	load_gs(TLS_SELECTOR);
	check(read_fs(0) == words[1] && read_gs(0) == words[1], "loaded again, both show the new one");
}

static void taken_away(void)
{
	bool anew = translated(VMI_CALL_WriteGDTEntry), right;

	write_gdt(TLS, pointing_to(words) & ~((u64)PRESENT << 32));
	if (anew)
		right = !(fs_selector() & ~3u) && !(gs_selector() & ~3u);
	else
		right = fs_selector() == TLS_SELECTOR && read_fs(0) == words[1] && read_gs(0) == words[1];
	check(right, "FS and GS become null when their entry is taken away, or hardware keeps it until the next load");
	load_fs(0);
	load_gs(0);
	check(catch(do_load_fs, TLS_SELECTOR) && caught_is(11, TLS_SELECTOR & ~3u, 0), "it can't be loaded again");
	load_fs(0);
}

static void whole_table(void)
{
	struct vmi_dtr own = {VMI_GDT_ENTRIES * 8 - 1, (u32)(uintptr_t)vmi_gdt};
	struct vmi_dtr other = {VMI_GDT_ENTRIES * 8 - 1, (u32)(uintptr_t)other_gdt}, told = {0, 0};
	bool anew = translated(VMI_CALL_SetGDT);
	u32 seen;

	write_gdt(TLS, pointing_to(&words[0]));
	load_fs(TLS_SELECTOR);
	for (u32 n = 0; n < VMI_GDT_ENTRIES; n++)
		other_gdt[n] = vmi_gdt[n];
	other_gdt[TLS] = pointing_to(&words[1]);
	vmi_SetGDT(&other);
	seen = read_fs(0);
	vmi_GetGDT(&told);
	check(seen == words[anew] && told.base == other.base && told.limit == other.limit,
	      "SetGDT loads segment registers anew, or hardware keeps the old until the next load");
	load_fs(TLS_SELECTOR);
	check(read_fs(0) == words[1], "loaded again, FS is of the new table");
	write_gdt(TLS, pointing_to(&words[0]) & ~((u64)PRESENT << 32)); /* the table that is out of force */
	load_fs(TLS_SELECTOR);
	check(read_fs(0) == words[1] && !(vmi_gdt[TLS] >> 32 & PRESENT), "an entry written to a table that is not in force is only stored");
	load_fs(0);
	write_gdt(TLS, pointing_to(&words[0]));
	vmi_SetGDT(&own);
	load_fs(TLS_SELECTOR);
	check(read_fs(0) == words[0], "and is there when the table comes back");
	load_fs(0);
}

static bool local_in_use(void)
{
	u64 first = pointing_to(&words[0]), second = pointing_to(&words[1]);
	bool anew = translated(VMI_CALL_WriteLDTEntry), right;

	write_gdt(VMI_GUEST_GDT_LDT, vmi_segment((u32)(uintptr_t)ldt, sizeof ldt - 1, LDT_PRESENT));
	vmi_SetLDT(VMI_SELECTOR(LDT));
	vmi_WriteLDTEntry(ldt, 1, (u32)first, (u32)(first >> 32));
	load_fs(LDT_ENTRY_1);
	right = read_fs(0) == words[0];
	vmi_WriteLDTEntry(ldt, 1, (u32)second, (u32)(second >> 32));
	right &= read_fs(0) == words[anew];
	load_fs(LDT_ENTRY_1);
	right &= read_fs(0) == words[1] && vmi_GetLDT() == VMI_SELECTOR(LDT);
	load_fs(0);
	vmi_SetLDT(0);
	return right && vmi_GetLDT() == 0 && catch(do_load_fs, LDT_ENTRY_1) && caught_is(13, LDT_ENTRY_1 & ~3u, 0);
}

static void local_table(void)
{
	bool offered = translated(VMI_CALL_SetLDT) || vmi_GetCallInfo(VMI_CALL_SetLDT) == VMI_ANSWER_NATIVE;

	check(!offered || local_in_use(), "an LDT's entry written in use is loaded anew, and gone with the LDT, or LDTs are honestly absent");
	load_fs(0);
}

/* The six bytes at an odd address, and across the end of a page. */
static void six_bytes(void)
{
	static const u32 places[] = {1, 3, VMI_PAGE - 1, VMI_PAGE - 3, VMI_PAGE - 5};
	bool right = true;

	for (u32 n = 0; n < sizeof places / sizeof *places; n++) {
		struct vmi_dtr *dtr = (struct vmi_dtr *)(across + places[n]);

		across[places[n] - 1] = across[places[n] + 6] = 0xA5;
		vmi_GetGDT(dtr);
		right &= dtr->limit == VMI_GDT_ENTRIES * 8 - 1 && dtr->base == (u32)(uintptr_t)vmi_gdt;
		vmi_SetGDT(dtr);
		vmi_GetIDT(dtr);
		right &= dtr->limit == 256 * 8 - 1 && dtr->base == (u32)(uintptr_t)vmi_idt;
		vmi_SetIDT(dtr);
		right &= across[places[n] - 1] == 0xA5 && across[places[n] + 6] == 0xA5;
	}
	check(right, "the six bytes of a table's place may lie anywhere, and no other byte is touched");
	check(!catch(do_breakpoint, 0) && caught_is(3, 0, 0), "tables set from there are in force");
}

static void closed(void)
{
	u32 start = boot->virtual_top & ~(STEP - 1), tried = 0, refused = 0;
	u32 mask = vmi_GetInterruptMask();

	process_load(programs, programs_end);
	write_gdt(TLS, vmi_segment(0, 0xFFFFF, FLAT3));
	for (u32 at = start; start && at >= start; at += STEP) {
		u32 place = at < boot->virtual_top ? boot->virtual_top : at;

		tried++;
		refused += !process_run(user_touch, place) && (caught.vector == 14 || caught.vector == 13);
	}
	if (start) {
		tried++;
		refused += !process_run(user_touch, ~3u) && (caught.vector == 14 || caught.vector == 13);
	}
	check(tried == refused, "no descriptor opens the range from virtual_top up to user code");
	note("virtual_top %x, %u places tried", boot->virtual_top, tried);
	process_end();
	vmi_SetInterruptMask(mask);
}

static void segments(void)
{
	written_in_use();
	taken_away();
	whole_table();
	local_table();
	six_bytes();
	closed();
}

const struct subject subjects[] = {
	{"segments", segments},
	{NULL, NULL},
};
