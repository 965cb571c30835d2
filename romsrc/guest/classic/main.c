/* The boot, in Linux's order. */
#include "classic.h"

struct vmi_boot_info *boot;

static volatile u32 ticks;
u8 kernel_stack[KERNEL_STACK] __attribute__((aligned(4096)));

static void line(const char *text)
{
	vmi_print(text);
	vmi_print("\n");
}

void vmi_exit(int status)
{
	vmi_DisableInterrupts();
	vmi_OUTB((u32)status, VMI_PORT_EXIT);
	vmi_Shutdown();
	for (;;)
		vmi_Halt();
}

void must(bool good, const char *what)
{
	if (good)
		return;
	vmi_print("FAIL ");
	line(what);
	vmi_exit(VMI_EXIT_STATUS_FAILURE);
}

void vmi_trap(struct vmi_frame *at)
{
	if (at->vector == 14) {
		space_fault(at);
	} else if (at->vector == 0x80) {
		if (at->eax == 0)
			user_leave(at->ebx);
		at->ebx += space_call(at->eax);
	} else if (at->vector == 0x30) {
		ticks++;
		vmi_OUTB(0x20, VMI_PORT_PIC_MASTER);
	} else {
		must(false, "trap: none was expected");
	}
}

static void processor(void)
{
	struct vmi_dtr gdt = {VMI_GDT_ENTRIES * 8 - 1, (u32)(uintptr_t)vmi_gdt};
	struct vmi_dtr idt = {256 * 8 - 1, (u32)(uintptr_t)vmi_idt};
	u64 gate, tss = vmi_segment((u32)(uintptr_t)&vmi_tss, VMI_TSS_LENGTH - 1, 0x8900);

	for (u32 vector = 0; vector < 32; vector++) {
		gate = vmi_gate(vmi_stubs[vector], vector == 3 ? 0xEF : 0x8E);
		vmi_WriteIDTEntry(vmi_idt, vector, (u32)gate, (u32)(gate >> 32));
	}
	vmi_SetCR4(vmi_GetCR4());
	vmi_SetIDT(&idt);
	vmi_gdt_fill();
	vmi_SetGDT(&gdt);
	vmi_reload_segments(vmi_kernel_cs(), vmi_kernel_ds());
	vmi_tss.ss0 = vmi_kernel_ds();
	vmi_tss.io_map = VMI_TSS_LENGTH;
	vmi_UpdateKernelStack(VMI_SS0, (u32)(uintptr_t)kernel_stack + KERNEL_STACK);
	vmi_WriteGDTEntry(vmi_gdt, VMI_GUEST_GDT_TSS, (u32)tss, (u32)(tss >> 32));
	vmi_SetTR(VMI_SELECTOR(TSS));
	vmi_SetLDT(0);
	vmi_CLTS();
	vmi_SetCR0(vmi_GetCR0());
}

static void interrupts(void)
{
	static const u8 commands[][2] = {{0x20, 0x11}, {0x21, 0x30}, {0x21, 4}, {0x21, 1}, {0xA0, 0x11},
					 {0xA1, 0x38}, {0xA1, 2},    {0xA1, 1}, {0x21, 0xFE}, {0xA1, 0xFF}};

	for (u32 vector = 0x30; vector < 0x81; vector++) {
		u64 gate = vmi_stubs[vector] ? vmi_gate(vmi_stubs[vector], vector == 0x80 ? 0xEF : 0x8E) : 0;

		vmi_WriteIDTEntry(vmi_idt, vector, (u32)gate, (u32)(gate >> 32));
	}
	for (u32 n = 0; n < sizeof(commands) / 2; n++) {
		vmi_OUTB(commands[n][1], commands[n][0]);
		vmi_IODelay();
	}
}

static void timer(void)
{
	u64 hz = vmi_GetCycleFrequency(), now = vmi_GetCycleCounter(0), expiry = now + 2000000;

	must(hz > 1000000, "timer: there is a rate");
	vmi_SetAlarm(0, expiry, 0);
	while (!ticks)
		vmi_Halt();
	vmi_DisableInterrupts();
	must(ticks == 1 && vmi_GetCycleCounter(0) >= expiry, "timer: one shot, not before its time");
	line("timer: one shot");
	now = vmi_GetCycleCounter(0);
	vmi_SetAlarm(0x100, now, 2000000);
	while (ticks < 5)
		vmi_Halt();
	vmi_DisableInterrupts();
	vmi_CancelAlarm(0x100);
	must(vmi_GetCycleCounter(0) >= now + 3 * 2000000, "timer: a sequence keeps its period");
	line("timer: a sequence");
	must(vmi_GetCycleCounter(1) <= vmi_GetCycleCounter(0), "timer: no more was available than passed");
	must(vmi_GetWallclockTime() / 1000000000 > 1500000000, "timer: it is after 2017");
}

/* Called by start.S. */
void vmi_begin(struct vmi_boot_info *info);

void vmi_begin(struct vmi_boot_info *info)
{
	bool good;
	u32 features[4];

	boot = info;
	good = classic_attach(info->mem_pages);
	if (!vmi_attached.rom)
		vmi_exit(VMI_EXIT_STATUS_ERROR);
	vmi_console_start();
	line("VMI: found a ROM, API version 3");
	must(good, "attach: every answer is one that Linux can use");
	vmi_CPUID(1, 0, features);
	must(features[3] & 1u << 6, "cpu: PAE");
	processor();
	line("processor: tables, stack, registers");
	tables_check();
	line("tables: as Linux fills them");
	interrupts();
	must(classic_patch_again(), "attach: the second pass finds every site as the first left it");
	line("attach: the second pass changes nothing");
	timer();
	spaces_check();
	line("spaces: made, torn down and made again");
	vmi_exit(VMI_EXIT_STATUS_SUCCESS);
}
