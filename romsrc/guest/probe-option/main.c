/* The console, the native preparations that Linux makes before it looks for a ROM, and the order of it all. */
#include "native_asm.h"
#include "probe.h"

#define PIC_MASTER 0x20
#define PIC_SLAVE 0xA0

#define TSS_STACK0 1 /* words of a TSS */
#define TSS_SS0 2
#define DESCRIPTOR_DATA 0x00409300u /* 32-bit data of up to 1 MiB, in bytes */

bool pae;
u32 multiboot_info;
u64 idt[256];
struct percpu percpu[CPUS];
static u32 passed, failed;

extern u64 gdt[];
extern u32 returned[]; /* error code, EIP, CS, EFLAGS, ESP */
void bad_return(void);
extern u8 protection_gate[], timer_gate[], local_gate[], fault_gate[], ipi_gate[], spurious_gate[];
void probe_main(void);

void say(const char *text)
{
	for (; *text; text++)
		out8(VMI_PORT_UART, (u8)*text);
}

void say_hex(u32 value)
{
	for (s32 shift = 28; shift >= 0; shift -= 4)
		out8(VMI_PORT_UART, (u8) "0123456789abcdef"[value >> shift & 15]);
}

void say_number(u32 value)
{
	if (value >= 10)
		say_number(value / 10);
	out8(VMI_PORT_UART, (u8)('0' + value % 10));
}

void check(bool good, const char *what)
{
	if (good)
		passed++;
	else
		failed++;
	say_number(passed + failed);
	say(good ? " ok " : " FAIL ");
	say(what);
	say("\n");
}

u32 option(const char *name)
{
	const u32 *info = GVA(multiboot_info);
	const char *at = info[0] & 4 ? GVA(info[4]) : "";

	for (; *at; at++) {
		u32 n = 0, value = 0;

		while (name[n] && name[n] == at[n])
			n++;
		for (at += name[n] ? 0 : n; !name[n] && *at >= '0' && *at <= '9'; at++)
			value = 10 * value + (u32)(*at - '0');
		if (!name[n])
			return value;
	}
	return 0;
}

/* GDT and per-CPU segment, before anybody has them loaded. */
void percpu_prepare(struct percpu *cpu, u32 number)
{
	u32 at = (u32)(uintptr_t)cpu;

	cpu->self = cpu;
	cpu->number = number;
	for (u32 n = 0; n < 32; n++)
		cpu->gdt[n] = gdt[n];
	cpu->gdt[PROBE_PERCPU / 8] = (u64)((at & 0xff000000) | DESCRIPTOR_DATA | (at >> 16 & 0xff)) << 32 | at << 16 | 0xffff;
}

static void load_percpu(struct percpu *cpu)
{
	struct vmi_dtr dtr = {.limit = sizeof(cpu->gdt) - 1, .base = (u32)(uintptr_t)cpu->gdt};

	percpu_prepare(cpu, 0);
	__asm__ volatile("lgdt %0; movl %1, %%fs" : : "m"(dtr), "r"(PROBE_PERCPU));
}

static void gate(u32 vector, const u8 *handler)
{
	u32 at = (u32)(uintptr_t)handler;

	idt[vector] = ((u64)((at & 0xffff0000) | 0x8e00) << 32) | PROBE_CS << 16 | (at & 0xffff);
}

/* Interrupt 0 at TIMER_VECTOR, all lines masked but that one. Linux writes to the controllers itself. */
static void set_controllers(void)
{
	static const u8 words[2][4] = {{0x11, TIMER_VECTOR, 4, 1}, {0x11, TIMER_VECTOR + 8, 2, 1}};

	for (u32 chip = 0; chip < 2; chip++)
		for (u32 word = 0; word < 4; word++)
			out8((u16)((chip ? PIC_SLAVE : PIC_MASTER) + (word != 0)), words[chip][word]);
	out8(PIC_MASTER + 1, 0xfe);
	out8(PIC_SLAVE + 1, 0xff);
}

static void load_tables(void)
{
	struct vmi_dtr dtr = {.limit = sizeof(idt) - 1, .base = (u32)(uintptr_t)idt};

	gate(FAULT_VECTOR, fault_gate);
	gate(NATIVE_VECTOR_GP, protection_gate);
	gate(TIMER_VECTOR, timer_gate);
	gate(LOCAL_VECTOR, local_gate);
	gate(IPI_VECTOR, ipi_gate);
	gate(SPURIOUS_VECTOR, spurious_gate);
	__asm__ volatile("lidt %0" : : "m"(dtr));
}

void load_tss(struct percpu *cpu)
{
	u32 at = (u32)(uintptr_t)cpu->tss;

	cpu->tss[TSS_SS0] = PROBE_DS;
	call5(VMI_CALL_WriteGDTEntry, (u32)(uintptr_t)cpu->gdt, PROBE_TSS / 8, at << 16 | (sizeof(cpu->tss) - 1),
	      (at & 0xff000000) | 0x8900 | (at >> 16 & 0xff), 0);
	call(SetTR, PROBE_TSS, 0, 0);
	call(UpdateKernelStack, PROBE_DS, 0xC0123450, 0);
}

/* As if the first instruction of the user had faulted: Linux would look for the address of its own IRET. */
static void bad_return_check(void)
{
	bad_return();
	check(returned[0] == (BAD_CS & ~3u) && returned[1] == BAD_EIP && returned[2] == BAD_CS && returned[3] == BAD_EFLAGS &&
		      returned[4] == BAD_ESP,
	      "a return to a user whose segment is gone faults as the user's");
}

void probe_main(void)
{
	say(pae ? "probe of an option ROM, PAE\n" : "probe of an option ROM, two-level paging\n");
	load_percpu(&percpu[0]);
	load_tables();
	set_controllers();
	attach();
	flags_check();
	linear_map(8192);
	load_tss(&percpu[0]);
	check(percpu[0].tss[TSS_STACK0] == 0xC0123450, "UpdateKernelStack stores the stack into the TSS");
	tables_check();
	high_tables_check();
	timers_check();
	lazy_check();
	bad_return_check();
	if (has_apic()) {
		apic_check();
		if (option("cpus=") > 1)
			smp_check(option("cpus="));
	}
	patch_again();
	check_rom_again();
	say("result: ");
	say_number(passed);
	say(" passed, ");
	say_number(failed);
	say(" failed\n");
	__asm__ volatile("outb %0, %1" : : "a"((u8)(failed ? VMI_EXIT_STATUS_FAILURE : VMI_EXIT_STATUS_SUCCESS)),
			 "d"((u16)VMI_PORT_EXIT));
}
