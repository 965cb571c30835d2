/* Setting up, and the loop: wait at the gate, make the steps, write down what came of them. */
#include "player.h"
#include "native_asm.h"

void *memset(void *to, int value, size_t length);

#define P 0x001u
#define RW 0x002u
#define US 0x004u
#define FIRST_OF_APIC 0x40u
#define VMI_APIC_EOI 0xB0u
#define SYSENTER_CS 0x174u
#define PATIENCE 1000u /* looks behind a tick that is overdue */
#define PER_TABLE 1024u /* two levels: entries of a table */
#define LINEAR_AT (VMI_LAYOUT_LINEAR_BASE >> 22)
#define KERNEL 3u /* entry of the PDPT that covers C0000000h up */
#define CODE_AT 0x800u /* in each frame: a routine that tells which frame it is */
#define USER_AT 0xC00u

u32 player_interrupts;
extern u32 player_out[16];

static u32 vector, error, address;

/* Registers of a user frame, as far as they are promised. */
static void tell_user(const struct vmi_frame *frame)
{
	player_out[0] = frame->eflags;
	player_out[1] = (u32)(uintptr_t)(frame + 1);
	player_out[2] = (u32)frame->ss << 16 | frame->cs;
	player_out[3] = frame->esp;
	player_out[4] = frame->eip;
}

static void interrupt(const struct vmi_frame *frame)
{
	player_interrupts++;
	if (!(frame->eflags & VMI_IF) || vmi_GetInterruptMask() & VMI_IF ||
	    (frame->cs != vmi_kernel_cs() && frame->cs != VMI_USER_CS))
		player_interrupts += 1u << 24;
	if (frame->vector >= FIRST_OF_APIC)
		vmi_APICWrite(VMI_APIC_EOI, 0);
	else
		vmi_OUTB(0x20, 0x20);
}

void vmi_trap(struct vmi_frame *frame)
{
	u32 cr2 = frame->vector == 14 ? vmi_GetCR2() : 0;

	if (frame->vector >= 0x30 && frame->vector < 0x80) {
		interrupt(frame);
		return;
	}
	vector = frame->vector;
	error = frame->error;
	address = cr2;
	player_out[5] = frame->eflags & VMI_IF;
	player_out[6] = vmi_GetInterruptMask() & VMI_IF;
	if (vmi_from_user(frame)) {
		tell_user(frame);
		player_leave();
	}
	if (vector != 3)
		frame->eip = (u32)(uintptr_t)player_return;
}

VMICALL u32 player_await(u32 bound)
{
	vmi_OUTB(0x0A, 0x20);
	while (bound && !(vmi_INB(0x20) & 1))
		bound--;
	return bound != 0;
}

/* Sixteenths of a period, 16 for a whole one or more. */
static u32 lateness(u64 now, u64 expiry, u32 period)
{
	return now - expiry >= period ? 16 : (u32)(now - expiry) / ((period + 15) / 16);
}

/* A periodic alarm from one period on: how late each of three ticks came, a byte each, or that one came too early,
 * or never. Interrupts are off afterwards. */
VMICALL u32 player_pace(u32 counter, u32 period);
VMICALL u32 player_pace(u32 counter, u32 period)
{
	u64 expiry = vmi_GetCycleCounter(counter) + period;
	u32 told = 0;

	vmi_SetAlarm(counter | VMI_ALARM_PERIODIC, expiry, period);
	vmi_EnableInterrupts();
	for (u32 tick = 0; tick < 3; tick++, expiry += period) {
		u32 before = *(volatile u32 *)&player_interrupts, overdue = 0;
		u64 now;

		/* whoever runs us may take us away for longer than that: a tick is lost when looks show it, not the clock */
		do {
			now = vmi_GetCycleCounter(counter);
			overdue += now >= expiry + 32ull * period;
		} while (*(volatile u32 *)&player_interrupts == before && overdue < PATIENCE);
		now = vmi_GetCycleCounter(counter);
		if (*(volatile u32 *)&player_interrupts == before)
			told = PLAYER_NEVER;
		else if (now < expiry)
			told = PLAYER_EARLY;
		else
			told |= lateness(now, expiry, period) << 8 * tick;
		if (told >= PLAYER_EARLY)
			break;
	}
	vmi_DisableInterrupts();
	vmi_CancelAlarm(counter);
	return told;
}

/* Halt, which turns interrupts on and comes back behind one. */
VMICALL u32 player_halt(void);
VMICALL u32 player_halt(void)
{
	vmi_Halt();
	return vmi_GetInterruptMask();
}

static void make(const struct player_step *step, struct player_result *result)
{
	void *target = step->routine == PLAYER_CALL ? vmi_entry[step->call] : player_routines[step->routine];

	vector = ~0u;
	error = address = 0;
	player_make(step, result, target);
	result->trap = vector;
	result->error = error;
	result->address = address;
	result->interrupts = player_interrupts;
	result->peek = step->peek ? *(volatile u64 *)(uintptr_t)step->peek : 0;
}

static void copy(void *to, const void *from, u32 words)
{
	const u32 *source = from;

	for (u32 *at = to; words; words--)
		*at++ = *source++;
}

static void tables(void)
{
	struct vmi_dtr gdt = {VMI_GDT_ENTRIES * 8 - 1, (u32)(uintptr_t)player_arena.gdt[0]};
	struct vmi_dtr idt = {256 * 8 - 1, (u32)(uintptr_t)player_arena.idt[0]};

	vmi_tables_load();
	for (u32 which = 0; which < 2; which++) {
		copy(player_arena.gdt[which], vmi_gdt, VMI_PAGE / 4);
		copy(player_arena.idt[which], vmi_idt, VMI_PAGE / 4);
	}
	vmi_SetGDT(&gdt);
	vmi_SetIDT(&idt);
	vmi_UpdateKernelStack(VMI_SS0, (u32)(uintptr_t)(player_arena.stacks[0] + VMI_PAGE));
}

static void set_entry(u64 *entry, u64 value, u32 level)
{
	vmi_SetPxELong(value, entry, level);
}

/* Two address spaces that differ in what the window at PLAYER_WINDOW shows. */
static void spaces(void)
{
	u32 root = vmi_GetCR3(), slot = PLAYER_WINDOW >> 21 & 511;
	u64 *entry = (u64 *)VMI_LINEAR(root & ~31u) + KERNEL;
	u64 *directory = VMI_LINEAR(*entry & 0xFFFFF000u);
	u64 *own[2] = {directory, player_arena.directory};

	copy(player_arena.directory, directory, VMI_PAGE / 4);
	copy(player_arena.root, VMI_LINEAR(root & ~31u), 8);
	player_arena.root[KERNEL] = VMI_GPA(player_arena.directory) | P;
	for (u32 which = 0; which < 2; which++) {
		vmi_AllocatePage(VMI_GPA(player_arena.window[which]) >> 12, VMI_PAGE_TYPE_PT, 0, 0, 0);
		if (which) {
			vmi_AllocatePage(VMI_GPA(player_arena.directory) >> 12, VMI_PAGE_TYPE_PD, 0, 0, 0);
			vmi_AllocatePage(VMI_GPA(player_arena.root) >> 12, VMI_PAGE_TYPE_PDP, 0, 0, 0);
		}
		set_entry(&own[which][slot], VMI_GPA(player_arena.window[which]) | P | RW | US, VMI_PAGE_TYPE_PD);
	}
	vmi_FlushTLB(3);
	player_arena.mailbox.roots[0] = root;
	player_arena.mailbox.roots[1] = VMI_GPA(player_arena.root);
	player_arena.mailbox.window_pde = (u32)(uintptr_t)&directory[slot];
}

/* One linear range of 4 MiB a table. */
static void linear_tables(u32 root, u32 pages)
{
	for (u32 page = 0; page < pages; page++) {
		u64 *pte = vmi_walk(root, VMI_LAYOUT_LINEAR_BASE + page * VMI_PAGE, VMI_PAGE_TYPE_PT);

		player_arena.linear[page / PER_TABLE][page % PER_TABLE] = pte ? (u32)*pte : 0;
	}
}

/*
 * The same two spaces with tables of two levels. A guest of VMI 3.0 has chosen its form before it takes a ROM; this one
 * was entered with PAE and leaves it behind: its new directory begins, for a moment, with the four entries of a PAE top
 * table, so that CR3 is right before CR4 changes and behind it. What these four words map at 0 is taken away then.
 */
static void two_level(u32 pages)
{
	void(VMICALL * set)(u32, u32 *, u32) = vmi_entry[VMI_CALL_SetPxE];
	u32 root = vmi_GetCR3(), count = (pages + PER_TABLE - 1) / PER_TABLE;

	linear_tables(root, pages);
	for (u32 table = 0; table < count; table++)
		vmi_AllocatePage(VMI_GPA(player_arena.linear[table]) >> 12, VMI_PAGE_TYPE_PT, 0, 0, 0);
	for (u32 which = 0; which < 2; which++) {
		u32 *directory = player_arena.directories[which];

		for (u32 table = 0; table < count; table++)
			directory[LINEAR_AT + table] = VMI_GPA(player_arena.linear[table]) | P | RW;
		directory[PLAYER_WINDOW >> 22] = VMI_GPA(player_arena.window[which]) | P | RW | US;
		vmi_AllocatePage(VMI_GPA(player_arena.window[which]) >> 12, VMI_PAGE_TYPE_PT, 0, 0, 0);
		vmi_AllocatePage(VMI_GPA(directory) >> 12, VMI_PAGE_TYPE_PD, 0, 0, 0);
		player_arena.mailbox.roots[which] = VMI_GPA(directory);
	}
	copy(player_arena.directories[0], VMI_LINEAR(root & ~31u), 8);
	vmi_SetCR3(player_arena.mailbox.roots[0]);
	vmi_SetCR4(vmi_GetCR4() & ~NATIVE_CR4_PAE);
	for (u32 entry = 0; entry < 8; entry++)
		set(0, &player_arena.directories[0][entry], VMI_PAGE_TYPE_PD);
	vmi_FlushTLB(3);
}

/* mov $k, %eax; ret */
static void frames(void)
{
	for (u32 which = 0; which < 8; which++) {
		u8 *code = player_arena.frames[which] + CODE_AT;

		code[0] = 0xB8;
		*(u32 *)(code + 1) = 0xC0DE0000u + which;
		code[5] = 0xC3;
		copy(player_arena.frames[which] + USER_AT, (const void *)player_user, 2);
	}
}

static void mailbox(void)
{
	const struct vmi_rom_header *header = (const struct vmi_rom_header *)vmi_attached.rom;
	u32 known = header->api_version_minor ? VMI_CALLS : VMI_CALL_GetCallInfo;

	for (u32 call = 0; call < VMI_CALLS; call++)
		player_arena.mailbox.kinds[call] = call < known ? vmi_get_reloc(call).type : VMI_RELOC_NONE;
	player_arena.mailbox.kernel_cs = vmi_kernel_cs();
	player_arena.mailbox.kernel_ds = vmi_kernel_ds();
	player_arena.mailbox.user_cs = VMI_USER_CS;
	player_arena.mailbox.user_ds = VMI_USER_DS;
	for (u32 which = 0; which < 2; which++)
		player_arena.mailbox.stacks[which] = (u32)(uintptr_t)(player_arena.stacks[which] + VMI_PAGE);
	player_arena.mailbox.magic = PLAYER_MAGIC;
}

/* Whether the command line holds a word. */
static bool is_told(const struct vmi_boot_info *boot, const char *word)
{
	const char *line = VMI_LINEAR(boot->command_line_gpa);

	for (u32 at = 0; at < boot->command_line_length; at++) {
		u32 length = 0;

		while (word[length] && line[at + length] == word[length])
			length++;
		if (!word[length])
			return true;
	}
	return false;
}

/* Where SYSEXIT is the instruction, it takes its selectors from here. */
static void sysenter(void)
{
	struct player_step step = {PLAYER_CALL, VMI_CALL_WRMSR, vmi_kernel_cs() & ~3u, 0, SYSENTER_CS, 0, 0, 0, 0, 0, {0}, 0, 0};
	struct player_result unused; /* where there is no such register, a trap */

	make(&step, &unused);
}

/* Where tables are filled on demand, whoever runs the player finds every page of the arena from here on. */
static void touch(void)
{
	for (u32 at = 0; at < sizeof player_arena; at += VMI_PAGE)
		(void)*(volatile u8 *)(PLAYER_ARENA + at);
}

int guest_main(struct vmi_boot_info *boot)
{
	volatile u32 *state = &player_arena.mailbox.state;

	if (boot->first_free_pfn > VMI_GPA(PLAYER_ARENA) >> 12 ||
	    boot->mem_pages > PLAYER_LINEAR * PER_TABLE || boot->mem_pages < (VMI_GPA(PLAYER_ARENA) + sizeof player_arena) >> 12)
		return VMI_EXIT_STATUS_ERROR;
	memset(&player_arena, 0, sizeof player_arena);
	tables();
	if (is_told(boot, "two-level"))
		two_level(boot->mem_pages);
	else
		spaces();
	frames();
	mailbox();
	sysenter();
	touch();
	for (;;) {
		*state = PLAYER_IDLE;
		while (*state == PLAYER_IDLE)
			player_gate();
		if (*state == PLAYER_END)
			return VMI_EXIT_STATUS_SUCCESS;
		for (u32 n = 0; n < player_arena.mailbox.count; n++)
			make(&player_arena.steps[n], &player_arena.results[n]);
	}
}
