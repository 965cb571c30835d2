/*
 * Traps in awkward places: within one another, at the edge of a stack, on a frame across pages, in the middle of an
 * interrupt; virtual-8086 mode.
 */
#include "../checking/checking.h"

#define DEEP 6u
#define AREA (KERNEL_AREA + 0x400000u)
#define STACKS (KERNEL_AREA + 0x600000u) /* an absent page, then one that is there */
#define EDGE 32u                         /* bytes that a fault may ask for */
#define VM 0x20000u
#define SHORT 300 /* us */
#define V86_PAGE 0x10000u
#define USUAL 0x30u     /* the vector of IRQ 0 */
#define ELSEWHERE 0x40u /* and another one */

const char title[] = "conformance: traps\n";

/* traps.S */
extern u32 edge_traps;
bool trap_at(u32 esp);
void edge_handler(void);
extern const u8 v86_start[], v86_end[], v86_stop[];
u32 user_v86(u32 cs, u32 eip, u32 ss, u32 esp, u32 segments);

static u32 order[2 * DEEP], seen[DEEP], at, depth, ticks_inside;

/* Each level reads the next absent page before its own is mapped. */
static bool descend(struct vmi_frame *frame, u32 address)
{
	u32 mine = depth++;

	(void)frame;
	if (mine >= DEEP)
		return false;
	seen[mine] = address;
	order[at++] = mine;
	if (depth < DEEP)
		do_read(AREA + depth * VMI_PAGE);
	space_map(kernel_root, address, P | W);
	order[at++] = mine;
	return true;
}

static void nested(void)
{
	bool right = true;

	at = depth = 0;
	fault_hook = descend;
	do_read(AREA);
	fault_hook = NULL;
	for (u32 n = 0; n < DEEP; n++)
		right &= seen[n] == AREA + n * VMI_PAGE && order[n] == n && order[2 * DEEP - 1 - n] == n;
	check(right && at == 2 * DEEP, "faults six deep come in order, each with its own address, and end in the reverse one");
}

static bool interrupted(struct vmi_frame *frame, u32 address)
{
	(void)frame;
	vmi_EnableInterrupts();
	WAIT(timer_ticks == 1, LONG);
	ticks_inside = timer_ticks;
	vmi_DisableInterrupts();
	space_map(kernel_root, address, P | W);
	return true;
}

static void fault_in_interrupt(void)
{
	static u32 fault;

	if (catch(do_breakpoint, 0) || caught.vector != 3)
		return;
	fault++;
	ticks_inside = fault;
}

static void mixed(void)
{
	timer_drain();
	vmi_SetAlarm(VMI_COUNTER_REAL, now() + microseconds(SHORT), 0);
	fault_hook = interrupted;
	do_read(AREA + 0x100000);
	fault_hook = NULL;
	check(ticks_inside == 1 && !(vmi_GetInterruptMask() & VMI_IF),
	      "an interrupt comes in a fault handler that turns interrupts on, and they are off again behind the fault");
	timer_drain();
	ticks_inside = 0;
	timer_hook = fault_in_interrupt;
	vmi_SetAlarm(VMI_COUNTER_REAL, now() + microseconds(SHORT), 0);
	vmi_EnableInterrupts();
	WAIT(timer_ticks == 1, LONG);
	vmi_DisableInterrupts();
	timer_hook = NULL;
	check(ticks_inside == 1, "a trap in an interrupt's handler comes back to it");
	timer_drain();
}

/* Frames lie one behind the other here: lguest's host pushes by physical addresses, as all kernel stacks allow. */
static u8 two_pages[2 * VMI_PAGE] __attribute__((aligned(4096)));

static void stacks(void)
{
	u64 own = vmi_idt[3], other = vmi_gate(edge_handler, 0xEE);
	u32 base = STACKS + VMI_PAGE, right = 0;

	space_map(kernel_root, base, P | W | A | D);
	for (u32 n = 0; n < VMI_PAGE / 4; n++)
		((volatile u32 *)(uintptr_t)base)[n] = 0;
	vmi_WriteIDTEntry(vmi_idt, 3, (u32)other, (u32)(other >> 32));
	edge_traps = 0;
	check(trap_at(base + EDGE) && edge_traps == 1, "a trap with 32 bytes of stack left is served and returned from");
	for (u32 n = 4; n <= 64; n += 4)
		right += trap_at((u32)(uintptr_t)two_pages + VMI_PAGE + n);
	check(right == 16 && edge_traps == 17, "so is one whose frame lies across the end of a page, wherever it begins");
	vmi_WriteIDTEntry(vmi_idt, 3, (u32)own, (u32)(own >> 32));
	space_set(kernel_root, base, 0);
}

/* The TSS that the guest keeps is left alone: the call is all that names the stack. */
static void named_stack(void)
{
	static u8 other[VMI_PAGE] __attribute__((aligned(4096)));
	u32 mask = vmi_GetInterruptMask(), top = (u32)(uintptr_t)other + sizeof other;
	bool right;

	process_start();
	vmi_UpdateKernelStack(VMI_SS0, top);
	right = process_run(user_where, 0) && process.where + sizeof(struct vmi_frame) == top;
	vmi_UpdateKernelStack(VMI_SS0, (u32)(uintptr_t)trap_stack + sizeof trap_stack);
	right &= process_run(user_where, 0) && process.where + sizeof(struct vmi_frame) == (u32)(uintptr_t)trap_stack + sizeof trap_stack;
	process_end();
	vmi_SetInterruptMask(mask);
	check(right, "the next trap of user code is taken on the stack that UpdateKernelStack named, each time");
}

static u32 elsewhere, usual;

static bool arrived(struct vmi_frame *frame)
{
	if (frame->vector != ELSEWHERE && frame->vector != USUAL)
		return false;
	elsewhere += frame->vector == ELSEWHERE;
	usual += frame->vector == USUAL;
	pic_end();
	return true;
}

/* An alarm behind an initialisation of the master with this vector. */
static bool comes_at(u32 vector)
{
	static const u8 rest[] = {0x04, 0x01};
	u64 expiry;

	vmi_DisableInterrupts();
	vmi_OUTB(0x11, VMI_PORT_PIC_MASTER);
	vmi_OUTB(vector, VMI_PORT_PIC_MASTER + 1);
	for (u32 n = 0; n < sizeof rest; n++)
		vmi_OUTB(rest[n], VMI_PORT_PIC_MASTER + 1);
	pic_mask(0xFE);
	elsewhere = usual = 0;
	expiry = now() + microseconds(SHORT);
	vmi_SetAlarm(VMI_COUNTER_REAL, expiry, 0);
	vmi_EnableInterrupts();
	WAIT(elsewhere + usual, LONG);
	vmi_DisableInterrupts();
	vmi_CancelAlarm(VMI_COUNTER_REAL);
	return vector == ELSEWHERE ? elsewhere == 1 && !usual : usual == 1 && !elsewhere;
}

static void vectors(void)
{
	bool right;

	timer_drain();
	trap_hook = arrived;
	right = comes_at(ELSEWHERE);
	right &= comes_at(USUAL);
	trap_hook = NULL;
	timer_drain();
	check(right, "an alarm comes at the vector of the last ICW2, each time that the 8259 is initialised");
}

static u32 v86_segments[4], v86_cs, v86_eip, v86_flags, v86_vector;

static bool leave_v86(struct vmi_frame *frame)
{
	const u32 *behind = (const u32 *)(frame + 1);

	if (!(frame->eflags & VM))
		return false;
	for (u32 n = 0; n < 4; n++)
		v86_segments[n] = behind[n] & 0xFFFF;
	v86_cs = frame->cs;
	v86_eip = frame->eip;
	v86_flags = frame->eflags;
	v86_vector = frame->vector;
	user_leave(0);
}

static bool v86_works(void)
{
	u32 root = space_new(), code, mask = vmi_GetInterruptMask();
	const u32 *left;
	u8 *to;
	bool right;

	space_enter(root);
	code = space_map(root, V86_PAGE, P | W | U);
	to = VMI_LINEAR(code);
	for (const u8 *from = v86_start; from < v86_end; from++)
		*to++ = *from;
	left = VMI_LINEAR(code + 0x800);
	vmi_tss.esp0 = (u32)(uintptr_t)trap_stack + sizeof trap_stack;
	vmi_UpdateKernelStack(VMI_SS0, vmi_tss.esp0);
	trap_hook = leave_v86;
	user_v86(V86_PAGE >> 4, 0, V86_PAGE >> 4, 0xF00, V86_PAGE >> 4);
	trap_hook = NULL;
	vmi_SetInterruptMask(mask);
	right = v86_vector == 13 && v86_cs == V86_PAGE >> 4 && v86_eip == (u32)(v86_stop - v86_start) && v86_flags & VM &&
		left[0] == 0x8086;
	for (u32 n = 0; n < 4; n++) /* ES, DS, FS, GS lie one paragraph apart, so that none is taken for another */
		right &= v86_segments[n] == (V86_PAGE >> 4) + n;
	space_enter(kernel_root);
	space_free(root);
	return right;
}

static void traps(void)
{
	nested();
	mixed();
	stacks();
	named_stack();
	vectors();
	check(vmi_kernel_cs() & 3 || v86_works(),
	      "IRET goes to virtual-8086 mode with ES, DS, FS and GS of the frame, or that is honestly absent");
}

const struct subject subjects[] = {
	{"traps", traps},
	{NULL, NULL},
};
