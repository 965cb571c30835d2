/* What ends the guest. Each is asked in a boot of its own; the host's last words are the answer. */
#include "probe.h"

static char goodbye[LGUEST_CONSTANTS_MESSAGE_SIZE] __attribute__((aligned(128))) = "all is told";
static const char last_words[] = "is still heard\n";

void death_ud2(void);
void death_load(void);
void death_hole(void);
void death_hlt(void);
void death_divide(void);
void death_stack(void);
void death_port(void);
void death_far(void);
void death_middle(void);

static void before(void)
{
	call0(LGUEST_HCALL_FLUSH_ASYNC);
}

static void before_ts(void)
{
	call1(LGUEST_HCALL_TS, 1);
}

static void twice(void)
{
	initialise();
	call1(LGUEST_HCALL_LGUEST_INIT, GPA(&probe_data));
}

static void init_at(u32 gpa)
{
	call1(LGUEST_HCALL_LGUEST_INIT, gpa);
}

static void init_far(void)
{
	init_at(0xFFFFF000);
}

static void init_edge(void)
{
	init_at(memory_limit() - sizeof(struct lguest_data) + 4);
}

static void init_last(void)
{
	init_at(memory_limit() - sizeof(struct lguest_data));
}

static void init_vector(void)
{
	probe_data.syscall_vec = 0x81;
	init_at(GPA(&probe_data));
}

static void init_kernel(void)
{
	probe_data.syscall_vec = 0x80;
	probe_data.kernel_address = LGUEST_HOLE_PAE_START;
	init_at(GPA(&probe_data));
}

static void unknown(u32 number)
{
	initialise();
	call0(number);
}

static void unknown_3(void) { unknown(3); }
static void unknown_11(void) { unknown(11); }
static void unknown_12(void) { unknown(12); }
static void unknown_20(void) { unknown(20); }
static void unknown_ones(void) { unknown(0xFFFFFFFF); }

static void ring_unknown(void)
{
	initialise();
	probe_data.hcalls[0].arg0 = 99;
	probe_data.hcall_status[0] = 0;
	call0(LGUEST_HCALL_FLUSH_ASYNC);
}

/* A guest that the host has killed still has the rest of its calls performed. */
static void ring(u32 slot, u32 number, u32 a, u32 b)
{
	probe_data.hcalls[slot].arg0 = number;
	probe_data.hcalls[slot].arg1 = a;
	probe_data.hcalls[slot].arg2 = b;
	probe_data.hcall_status[slot] = LGUEST_CONSTANTS_RING_PENDING;
}

/* Which shadow is taken is chance: all are dropped in the same exit. */
static void top_far(void)
{
	initialise();
	ring(0, LGUEST_HCALL_NEW_PGTABLE, 0x7F000000, 0);
	call1(LGUEST_HCALL_FLUSH_TLB, 1);
}

static void ring_notify(void)
{
	initialise();
	ring(0, 99, 0, 0);
	ring(1, LGUEST_HCALL_NOTIFY, GPA(last_words), 0);
	call0(LGUEST_HCALL_FLUSH_ASYNC);
}

static void ring_then_notify(void)
{
	initialise();
	ring(0, 99, 0, 0);
	call1(LGUEST_HCALL_NOTIFY, GPA(last_words));
}

static void ring_then_restart(void)
{
	initialise();
	ring(0, 99, 0, 0);
	call2(LGUEST_HCALL_SHUTDOWN, GPA(goodbye), LGUEST_SHUTDOWN_REASON_RESTART);
}

static void ring_twice(void)
{
	initialise();
	ring(0, LGUEST_HCALL_SHUTDOWN, GPA(goodbye), LGUEST_SHUTDOWN_REASON_RESTART);
	call2(LGUEST_HCALL_SHUTDOWN, GPA(goodbye), LGUEST_SHUTDOWN_REASON_POWEROFF);
}

static void idt(u32 vector, u32 high)
{
	initialise();
	call3(LGUEST_HCALL_LOAD_IDT_ENTRY, vector, 0, high);
}

static void idt_256(void) { idt(256, 0x8E00); }
static void idt_ones(void) { idt(0xFFFFFFFF, 0x8E00); }
static void idt_256_absent(void) { idt(256, 0); }
static void idt_task(void) { idt(0x30, 0x8500); }
static void idt_16(void) { idt(0x30, 0x8600); }

static void stack(u32 ss, u32 esp, u32 pages)
{
	initialise();
	call3(LGUEST_HCALL_SET_STACK, ss, esp, pages);
}

static void stack_ring0(void) { stack(0x68, (u32)probe_stack[3], 1); }
static void stack_ring3(void) { stack(0x7B, (u32)probe_stack[3], 1); }
static void stack_three(void) { stack(0x69, (u32)probe_stack[3], 3); }
static void stack_unmapped(void) { stack(0x69, 0x7F001000, 1); }
static void stack_zero(void) { stack(0x69, 0x40000000, 1); }
static void stack_hole(void) { stack(0x69, LGUEST_HOLE_PAE_START + 0x1000, 1); }
static void stack_top(void) { stack(0x69, 0, 1); }

static void gdt_32(void)
{
	initialise();
	call3(LGUEST_HCALL_LOAD_GDT_ENTRY, 32, 0xFFFF, 0x00CF9200);
}

static void gdt_ones(void)
{
	initialise();
	call3(LGUEST_HCALL_LOAD_GDT_ENTRY, 0xFFFFFFFF, 0xFFFF, 0x00CF9200);
}

static void tls_far(void)
{
	initialise();
	call1(LGUEST_HCALL_LOAD_TLS, 0xFFFFFFF0);
}

static void tls_edge(void)
{
	initialise();
	call1(LGUEST_HCALL_LOAD_TLS, memory_limit() - 24);
}

static void pte_hole(void)
{
	initialise();
	call4(LGUEST_HCALL_SET_PTE, probe_data.pgdir, LGUEST_HOLE_PAE_START, 0, 0);
}

static void pte_frame(void)
{
	initialise();
	call4(LGUEST_HCALL_SET_PTE, probe_data.pgdir, OFFSET + 0x100000, 0x7F000067, 0);
}

static void pte_large(void)
{
	initialise();
	call4(LGUEST_HCALL_SET_PTE, probe_data.pgdir, OFFSET + 0x100000, 0x001000E7, 0);
}

static void used(u64 value)
{
	initialise();
	*entry_of((u32)probe_pages[6]) = value;
	call1(LGUEST_HCALL_FLUSH_TLB, 1);
	got = *(volatile u32 *)probe_pages[6];
}

static void used_frame(void) { used(0x7F000007); }
static void used_large(void) { used(GPA(probe_pages[6]) | 0x87); }

static void middle(u64 value)
{
	volatile u64 *top;

	initialise();
	top = (volatile u64 *)(probe_data.pgdir + OFFSET);
	((volatile u64 *)((((u32)top[0]) & ~0xFFFu) + OFFSET))[511] = value;
	call1(LGUEST_HCALL_FLUSH_TLB, 1);
	got = *(volatile u32 *)(511u << 21);
}

static void middle_large(void) { middle(0xE7); }
static void middle_frame(void) { middle(0x7F000067); }

static void shutdown(u32 gpa, u32 reason)
{
	initialise();
	call2(LGUEST_HCALL_SHUTDOWN, gpa, reason);
}

static void shutdown_text(void) { shutdown(GPA(goodbye), LGUEST_SHUTDOWN_REASON_POWEROFF); }
static void shutdown_other(void) { shutdown(GPA(goodbye), 77); }
static void shutdown_restart(void) { shutdown(GPA(goodbye), LGUEST_SHUTDOWN_REASON_RESTART); }
static void shutdown_edge(void) { shutdown(memory_limit() - 128, 1); }
static void shutdown_far(void) { shutdown(0xFFFFFF80, 1); }

static void shutdown_far_restart(void) { shutdown(0xFFFFFF80, LGUEST_SHUTDOWN_REASON_RESTART); }

static void shutdown_long(void)
{
	for (u32 i = 0; i < sizeof goodbye; i++)
		goodbye[i] = 'x';
	shutdown(GPA(goodbye), 1);
}

static void notify_far(void)
{
	initialise();
	call1(LGUEST_HCALL_NOTIFY, 0x7F000000);
}

static void after_init(void (*what)(void))
{
	initialise();
	what();
}

static void no_gate_ud2(void) { after_init(death_ud2); }
static void no_gate_load(void) { after_init(death_load); }
static void no_gate_hlt(void) { after_init(death_hlt); }
static void no_gate_divide(void) { after_init(death_divide); }
static void no_gate_port(void) { after_init(death_port); }
static void no_init_ud2(void) { death_ud2(); }
static void hole(void) { after_init(death_hole); }

static void hole_far(void) { after_init(death_far); }

static void hole_mapped(void)
{
	volatile u64 *top;

	initialise();
	top = (volatile u64 *)(probe_data.pgdir + OFFSET);
	((volatile u64 *)((((u32)top[0]) & ~0xFFFu) + OFFSET))[511] = GPA(probe_tables[1]) | 7;
	got = *(volatile u32 *)(LGUEST_HOLE_PAE_START + 0x100000);
}

static void bad_stack(void)
{
	initialise();
	gates_on();
	death_stack();
}

/* A stack in the part of the address space whose top entry is there, and whose middle entry is not. */
static void bad_stack_middle(void)
{
	initialise();
	gates_on();
	death_middle();
}

/* A segment register holds an entry of the table, and then that is changed. */
static void held(u32 selector, u32 index, u32 low, u32 high)
{
	initialise();
	call3(LGUEST_HCALL_LOAD_GDT_ENTRY, 20, 0xFFFF, 0x00CFB200);
	call3(LGUEST_HCALL_LOAD_GDT_ENTRY, 21, 0xFFFF, 0x00CFF200);
	__asm__ volatile("movl %0, %%fs" : : "r"(selector));
	__asm__ volatile("call death_hypercall" : : "a"(LGUEST_HCALL_LOAD_GDT_ENTRY), "b"(index), "c"(low), "d"(high) : "memory");
}

static void held_gone(void) { held(0xA1, 20, 0, 0); }
static void held_absent(void) { held(0xA1, 20, 0xFFFF, 0x00CF3200); }
static void held_code(void) { held(0xA1, 20, 0xFFFF, 0x00CFB800); }
static void held_rights(void) { held(0xAB, 21, 0xFFFF, 0x00CFB200); }
static void held_moved(void) { held(0xA1, 20, 0x0000FFFF, 0x01CFB200); }
static void held_back(void)
{
	initialise();
	call3(LGUEST_HCALL_LOAD_GDT_ENTRY, 20, 0xFFFF, 0x00CFB200);
	__asm__ volatile("movl %0, %%fs" : : "r"(0xA1));
	ring(0, LGUEST_HCALL_LOAD_GDT_ENTRY, 20, 0);
	call3(LGUEST_HCALL_LOAD_GDT_ENTRY, 20, 0xFFFF, 0x00CFB200);
}

static void held_data(void) { held(0, LGUEST_GDT_KERNEL_DATA, 0, 0); }
static void held_kernel(void) { held(0, LGUEST_GDT_KERNEL_CODE, 0, 0); }

static void held_stack(void)
{
	initialise();
	gates_on();
	call3(LGUEST_HCALL_LOAD_GDT_ENTRY, 14, 0xFFFF, 0x00CFFA00);
	call3(LGUEST_HCALL_LOAD_GDT_ENTRY, 15, 0xFFFF, 0x00CFF200);
	gate(LGUEST_CONSTANTS_SYSCALL_VECTOR, LGUEST_GATE_TYPE_TRAP, 3, (const void *)death_ud2);
	gate(6, LGUEST_GATE_TYPE_TRAP, 3, (const void *)death_ud2);
	call3(LGUEST_HCALL_SET_STACK, 0xA1, probe_stack[3], 1);
	USER("ud2");
}

static const struct {
	const char *id, *question;
	void (*what)(void);
} list[] = {
	{ "die.before", "FLUSH_ASYNC before INIT", before },
	{ "die.before.ts", "TS before INIT", before_ts },
	{ "die.before.ud2", "ud2 before INIT", no_init_ud2 },
	{ "die.init.twice", "INIT twice", twice },
	{ "die.init.far", "INIT with an address past all memory", init_far },
	{ "die.init.edge", "INIT with a structure that reaches past the limit", init_edge },
	{ "die.init.last", "INIT with a structure that ends with the last byte below the limit", init_last },
	{ "die.init.vector", "INIT with a system call vector of 0x81", init_vector },
	{ "die.init.kernel", "INIT with a kernel address in the hole", init_kernel },
	{ "die.3", "hypercall 3", unknown_3 },
	{ "die.11", "hypercall 11", unknown_11 },
	{ "die.12", "hypercall 12", unknown_12 },
	{ "die.20", "hypercall 20", unknown_20 },
	{ "die.ones", "hypercall -1", unknown_ones },
	{ "die.ring", "hypercall 99 in the ring", ring_unknown },
	{ "die.ring.notify", "and NOTIFY of a text behind it in the ring", ring_notify },
	{ "die.ring.then.notify", "and NOTIFY of a text as the call that drains the ring", ring_then_notify },
	{ "die.ring.then.restart", "and SHUTDOWN with the reason to start over", ring_then_restart },
	{ "die.ring.twice", "SHUTDOWN to start over in the ring, and one to power off that drains it", ring_twice },
	{ "die.idt.256", "LOAD_IDT_ENTRY of vector 256", idt_256 },
	{ "die.idt.ones", "of vector -1", idt_ones },
	{ "die.idt.256.absent", "of vector 256, not present", idt_256_absent },
	{ "die.idt.task", "of a task gate", idt_task },
	{ "die.idt.16", "of a 16-bit interrupt gate", idt_16 },
	{ "die.stack.ring0", "SET_STACK with an SS of RPL 0", stack_ring0 },
	{ "die.stack.ring3", "with an SS of RPL 3", stack_ring3 },
	{ "die.stack.three", "of three pages", stack_three },
	{ "die.stack.unmapped", "of a page that is not mapped", stack_unmapped },
	{ "die.stack.zero", "of a page where no table is", stack_zero },
	{ "die.stack.hole", "of a page in the hole", stack_hole },
	{ "die.stack.top", "with an ESP of 0", stack_top },
	{ "die.gdt.32", "LOAD_GDT_ENTRY of 32", gdt_32 },
	{ "die.gdt.ones", "of -1", gdt_ones },
	{ "die.tls.far", "LOAD_TLS past all memory", tls_far },
	{ "die.tls.edge", "LOAD_TLS that ends with the last byte below the limit", tls_edge },
	{ "die.pte.hole", "SET_PTE in the hole", pte_hole },
	{ "die.pte.frame", "SET_PTE of a frame past all memory", pte_frame },
	{ "die.pte.large", "SET_PTE with bit 7", pte_large },
	{ "die.use.frame", "use of an entry with a frame past all memory", used_frame },
	{ "die.use.large", "use of an entry with bit 7", used_large },
	{ "die.middle.large", "use of a middle entry with PSE", middle_large },
	{ "die.middle.frame", "use of a middle entry with a frame past all memory", middle_frame },
	{ "die.top.far", "NEW_PGTABLE of a table past all memory", top_far },
	{ "die.shutdown", "SHUTDOWN with a message", shutdown_text },
	{ "die.shutdown.77", "with an unknown reason", shutdown_other },
	{ "die.shutdown.restart", "with the reason to start over", shutdown_restart },
	{ "die.shutdown.long", "with a message of 128 letters", shutdown_long },
	{ "die.shutdown.edge", "with a message that ends with the last byte below the limit", shutdown_edge },
	{ "die.shutdown.far", "with a message past all memory", shutdown_far },
	{ "die.shutdown.far.restart", "with one past all memory, and the reason to start over", shutdown_far_restart },
	{ "die.notify", "NOTIFY past all memory", notify_far },
	{ "die.ud2", "ud2 without a gate", no_gate_ud2 },
	{ "die.load", "a load from an absent page without a gate", no_gate_load },
	{ "die.hlt", "hlt without a gate", no_gate_hlt },
	{ "die.divide", "a division by zero without a gate", no_gate_divide },
	{ "die.ins", "ins without a gate", no_gate_port },
	{ "die.hole", "a load from the hole", hole },
	{ "die.hole.far", "a load further up in it, where the guest's tables have nothing", hole_far },
	{ "die.hole.mapped", "and where they have something", hole_mapped },
	{ "die.bad-stack", "ud2 with a stack that is not mapped", bad_stack },
	{ "die.held.gone", "LOAD_GDT_ENTRY of nothing for the entry that FS holds", held_gone },
	{ "die.held.absent", "of data that is not present", held_absent },
	{ "die.held.code", "of code that can't be read", held_code },
	{ "die.held.rights", "of data of DPL 1, FS having RPL 3", held_rights },
	{ "die.held.moved", "of data with another base", held_moved },
	{ "die.held.back", "of nothing, and of what was there again, in one exit", held_back },
	{ "die.held.data", "of nothing for the kernel's data", held_data },
	{ "die.held.kernel", "of nothing for the kernel's code", held_kernel },
	{ "die.held.stack", "ud2 in ring 3 with SET_STACK of an empty entry", held_stack },
	{ "die.bad-stack.middle", "ud2 with a stack where the middle entry is absent", bad_stack_middle },
};

#define COUNT (sizeof list / sizeof *list)

void tell_deaths(void)
{
	for (u32 i = 0; i < COUNT; i++)
		note("death %u %s: %s", i + 1, list[i].id, list[i].question);
}

void die(u32 number)
{
	if (number <= COUNT)
		list[number - 1].what();
	end(VMI_EXIT_STATUS_SUCCESS);
}
