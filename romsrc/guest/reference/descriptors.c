/* Descriptor tables: what was set is told back, and entries written through calls are in force at once. */
#include "reference.h"

#define DATA3 0x0040F200u /* byte-granular data, DPL 3 */
#define PRESENT 0x8000u
#define LDT_PRESENT 0x8200u
#define TLS_SELECTOR (VMI_GUEST_GDT_TLS_FIRST * 8 | 3)
#define LDT_ENTRY_0 7u

static u32 words[2] = {0x11111111, 0x22222222};
static u64 ldt[VMI_PAGE / 8] __attribute__((aligned(4096)));

static void write_gdt(u32 entry, u64 descriptor)
{
	vmi_WriteGDTEntry(vmi_gdt, entry, (u32)descriptor, (u32)(descriptor >> 32));
}

static void point_tls(const void *base)
{
	write_gdt(VMI_GUEST_GDT_TLS_FIRST, vmi_segment((u32)(uintptr_t)base, 0xFFFF, DATA3));
}

static void told_back(void)
{
	struct vmi_dtr gdt = {0, 0}, idt = {0, 0};
	u32 cs, ss;

	vmi_GetGDT(&gdt);
	vmi_GetIDT(&idt);
	__asm__("movl %%cs, %0\n\tmovl %%ss, %1" : "=r"(cs), "=r"(ss));
	check(gdt.base == (u32)(uintptr_t)vmi_gdt && gdt.limit == VMI_GDT_ENTRIES * 8 - 1,
	      "GetGDT tells base and limit as they were set");
	check(idt.base == (u32)(uintptr_t)vmi_idt && idt.limit == 256 * 8 - 1, "GetIDT does as well");
	check(vmi_GetTR() == VMI_SELECTOR(TSS), "GetTR tells the selector given to SetTR");
	check((cs & 0xFFFF) == vmi_kernel_cs() && (ss & 0xFFFF) == vmi_kernel_ds() &&
		      (cs & 3) == (vmi_entry_state.cs & 3),
	      "the kernel's own code and data segments load from the new GDT");
}

static void tls_segment(void)
{
	u64 stored;

	point_tls(&words[0]);
	load_fs(TLS_SELECTOR);
	check(read_fs(0) == words[0], "a segment written with WriteGDTEntry can be loaded and read through");
	point_tls(&words[1]);
	load_fs(TLS_SELECTOR);
	check(read_fs(0) == words[1], "writing it again moves its base");
	stored = vmi_gdt[VMI_GUEST_GDT_TLS_FIRST];
	check((u32)(stored >> 16 & 0xFFFFFF) == ((u32)(uintptr_t)&words[1] & 0xFFFFFF) &&
		      (stored >> 56) == (u32)(uintptr_t)&words[1] >> 24 && (stored >> 32 & PRESENT),
	      "the guest's own table holds what was written");
	load_fs(0);
	write_gdt(VMI_GUEST_GDT_TLS_FIRST, vmi_segment((u32)(uintptr_t)words, 0xFFFF, DATA3 & ~PRESENT));
	check(catch(do_load_fs, TLS_SELECTOR) && caught_is(11, TLS_SELECTOR & ~3u, 0),
	      "loading an entry that is not present faults with its selector");
	load_fs(0);
	point_tls(&words[0]);
}

static void handler_moved(void)
{
	u64 other = vmi_gate(other_handler, 0xEF), own = vmi_idt[4];

	other_handler_ran = 0;
	vmi_WriteIDTEntry(vmi_idt, 4, (u32)other, (u32)(other >> 32));
	do_overflow(0);
	check(other_handler_ran == 1, "WriteIDTEntry gives a vector another handler");
	vmi_WriteIDTEntry(vmi_idt, 4, (u32)own, (u32)(own >> 32));
	catch(do_overflow, 0);
	check(other_handler_ran == 1 && caught.times == 1, "and gives it back");
}

static bool local_table_works(void)
{
	u64 entry = vmi_segment((u32)(uintptr_t)&words[1], 0xFFFF, DATA3);
	bool right;

	write_gdt(VMI_GUEST_GDT_LDT, vmi_segment((u32)(uintptr_t)ldt, sizeof ldt - 1, LDT_PRESENT));
	vmi_SetLDT(VMI_SELECTOR(LDT));
	vmi_WriteLDTEntry(ldt, 0, (u32)entry, (u32)(entry >> 32));
	right = !catch(do_load_fs, LDT_ENTRY_0) && read_fs(0) == words[1] && vmi_GetLDT() == VMI_SELECTOR(LDT);
	load_fs(0);
	vmi_SetLDT(0);
	return right && vmi_GetLDT() == 0;
}

static void local_table(void)
{
	u32 answer = vmi_GetCallInfo(VMI_CALL_SetLDT);
	bool offered = answer == VMI_ANSWER_TRANSLATED || answer == VMI_ANSWER_NATIVE;

	vmi_SetLDT(0);
	check(vmi_GetLDT() == 0, "SetLDT(0) leaves the processor without an LDT");
	check(!offered || local_table_works(), "a segment in an LDT works, or LDTs are honestly absent");
	note("LDT: GetCallInfo says %u", answer);
}

void descriptors(void)
{
	told_back();
	tls_segment();
	handler_moved();
	local_table();
}
