/*
 * Descriptor tables in the layout that every backend agrees on. Each table has a page of its own: the specification
 * asks for page alignment, and Xen makes such pages read-only.
 *
 * Descriptors are written with DPL 0 as on hardware; a backend that runs the kernel at a lower privilege raises them.
 */
#include "vmi_guest.h"

#define FLAT_CODE 0x00C09A00u
#define FLAT_DATA 0x00C09200u
#define DPL3 0x6000u
#define TSS_AVAILABLE 0x8900u

#define PAGE_ALIGNED __attribute__((aligned(4096)))

u64 vmi_gdt[VMI_PAGE / 8] PAGE_ALIGNED;
u64 vmi_idt[VMI_PAGE / 8] PAGE_ALIGNED;
struct vmi_tss vmi_tss PAGE_ALIGNED;

u64 vmi_segment(u32 base, u32 limit, u32 attributes)
{
	u32 low = base << 16 | (limit & 0xFFFF);
	u32 high = (base & 0xFF000000) | (limit & 0xF0000) | (base >> 16 & 0xFF) | attributes;

	return (u64)high << 32 | low;
}

u64 vmi_gate(void (*entry)(void), u32 type)
{
	u32 eip = (u32)(uintptr_t)entry;

	return (u64)((eip & 0xFFFF0000) | type << 8) << 32 | vmi_kernel_cs() << 16 | (eip & 0xFFFF);
}

static u32 privilege(void)
{
	u32 cs;

	__asm__("movl %%cs, %0" : "=r"(cs));
	return cs & 3;
}

u32 vmi_kernel_cs(void)
{
	return VMI_GUEST_GDT_KERNEL_CS * 8 | privilege();
}

u32 vmi_kernel_ds(void)
{
	return VMI_GUEST_GDT_KERNEL_DS * 8 | privilege();
}

void vmi_gdt_fill(void)
{
	vmi_gdt[VMI_GUEST_GDT_KERNEL_CS] = vmi_segment(0, 0xFFFFF, FLAT_CODE);
	vmi_gdt[VMI_GUEST_GDT_KERNEL_DS] = vmi_segment(0, 0xFFFFF, FLAT_DATA);
	vmi_gdt[VMI_GUEST_GDT_USER_CS] = vmi_segment(0, 0xFFFFF, FLAT_CODE | DPL3);
	vmi_gdt[VMI_GUEST_GDT_USER_DS] = vmi_segment(0, 0xFFFFF, FLAT_DATA | DPL3);
}

void vmi_idt_fill(void)
{
	for (u32 vector = 0; vector < 256; vector++)
		if (vmi_stubs[vector])
			vmi_idt[vector] = vmi_gate(vmi_stubs[vector], 0x8E);
	vmi_idt[3] = vmi_gate(vmi_stubs[3], 0xEF);
	vmi_idt[4] = vmi_gate(vmi_stubs[4], 0xEF);
	vmi_idt[0x80] = vmi_gate(vmi_stubs[0x80], 0xEF);
}

void vmi_tables_load(void)
{
	struct vmi_dtr gdt = {VMI_GDT_ENTRIES * 8 - 1, (u32)(uintptr_t)vmi_gdt};
	struct vmi_dtr idt = {256 * 8 - 1, (u32)(uintptr_t)vmi_idt};
	u64 tss = vmi_segment((u32)(uintptr_t)&vmi_tss, VMI_TSS_LENGTH - 1, TSS_AVAILABLE);

	vmi_gdt_fill();
	vmi_idt_fill();
	vmi_SetGDT(&gdt);
	vmi_reload_segments(vmi_kernel_cs(), vmi_kernel_ds());
	vmi_tss.ss0 = vmi_kernel_ds();
	vmi_tss.io_map = VMI_TSS_LENGTH;
	vmi_WriteGDTEntry(vmi_gdt, VMI_GUEST_GDT_TSS, (u32)tss, (u32)(tss >> 32));
	vmi_SetTR(VMI_SELECTOR(TSS));
	vmi_SetLDT(0);
	vmi_SetIDT(&idt);
}

static void hex(char *text, u32 value)
{
	for (int n = 7; n >= 0; n--, value >>= 4)
		text[n] = "0123456789abcdef"[value & 15];
}

__attribute__((weak)) void vmi_trap(struct vmi_frame *frame)
{
	char line[] = "~ trap ........ error ........ at ........\n";

	hex(line + 7, frame->vector);
	hex(line + 22, frame->error);
	hex(line + 34, frame->eip);
	vmi_print("unexpected trap\n");
	vmi_print(line);
	vmi_exit(VMI_EXIT_STATUS_ERROR);
}
