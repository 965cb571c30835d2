/*
 * Runs places of machine code that a test has written into the image, one after the other, and goes on behind each
 * after a trap. A place is called with EBX = vmi_entry, ESI = EBP = the words, EDI = the root of the page tables
 * (linear), ECX = 7, EDX = 0, on the guest's ordinary stack.
 */
#include "vmi_guest.h"

#define PLACES 256
#define PLACE 64
#define TRAPS_MAX 20000
#define OPEN_UP 1 /* flags: everything from 1 MiB up can be written and executed */
#define TICKS 4   /* a periodic alarm, and interrupts on */
#define EFLAGS_NEVER 0x34100u /* TF, NT, RF, VM: what would follow a place into the next */

extern const u8 snippet_places[];
__attribute__((aligned(4096))) u8 snippet_words[8192] = "VMI-SNIPPET-WORDS";
const u32 snippet_setup[4] = {0x54455355, 0x54455355, 0, 0}; /* how many places, flags */
u32 snippet_esp;
static u32 traps;

void snippet_run(const void *place, void *entries, void *words, void *root);
void snippet_next(void);

__asm__(".section .text.zz_snippets, \"ax\", @progbits\n"
	"	.balign 4096\n"
	"snippet_places:\n"
	"	.ascii \"VMI-SNIPPET-PLACES\"\n"
	"	.fill 256 * 64 - 18, 1, 0xc3\n"
	"	.text\n"
	"snippet_run:\n" /* regparm does not apply: four words on the stack; everything but flags kept */
	"	pushal\n"
	"	movl 36(%esp), %eax\n"
	"	movl 40(%esp), %ebx\n"
	"	movl 44(%esp), %esi\n"
	"	movl 48(%esp), %edi\n"
	"	movl %esp, snippet_esp\n"
	"	movl %esi, %ebp\n"
	"	movl $7, %ecx\n"
	"	xorl %edx, %edx\n"
	"	call *%eax\n"
	"snippet_next:\n" /* from a return or from vmi_trap, with any registers */
	"	movl snippet_esp, %esp\n"
	"	cld\n"
	"	popal\n"
	"	ret\n");

void vmi_trap(struct vmi_frame *frame)
{
	if (traps++ > TRAPS_MAX)
		vmi_exit(VMI_EXIT_STATUS_SKIP);
	if (frame->vector >= 32) {
		if (frame->vector < 48)
			vmi_OUTB(0x20, VMI_PORT_PIC_MASTER);
		return;
	}
	frame->eip = (u32)(uintptr_t)snippet_next;
	frame->eflags &= ~EFLAGS_NEVER;
}

static void open_up(u32 root)
{
	for (u32 va = 0xC0100000; va < 0xC0400000; va += VMI_PAGE) {
		u64 *entry = vmi_walk(root, va, 1);

		if (entry)
			*entry = (*entry | 6) & ~(1ull << 63);
	}
	vmi_FlushTLB(VMI_FLUSH_TLB_TLB | VMI_FLUSH_TLB_GLOBAL);
}

static void tick(void)
{
	static const u8 words[][2] = {{0x11, 0}, {0x30, 1}, {0x04, 1}, {0x01, 1}, {0xFE, 1}};

	for (u32 n = 0; n < 5; n++)
		vmi_OUTB(words[n][0], VMI_PORT_PIC_MASTER + words[n][1]);
	vmi_SetAlarm(VMI_COUNTER_REAL | VMI_ALARM_PERIODIC, 0, 1000000);
	vmi_EnableInterrupts();
}

int guest_main(struct vmi_boot_info *boot)
{
	volatile const u32 *setup = snippet_setup;

	vmi_tables_load();
	if (setup[1] & OPEN_UP)
		open_up(boot->root_gpa);
	if (setup[1] & TICKS)
		tick();
	for (u32 n = 0; n < setup[0] && n < PLACES; n++)
		snippet_run(snippet_places + n * PLACE, vmi_entry, snippet_words, VMI_LINEAR(boot->root_gpa));
	vmi_print("still here\n");
	return VMI_EXIT_STATUS_SUCCESS;
}
