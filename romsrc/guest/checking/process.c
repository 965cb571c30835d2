/* A user process: an address space with code, data, constants and a stack, and three system calls. */
#include "checking.h"

#define IF_AND_FIXED 0x202u

struct process process;
bool user_running;
u8 trap_stack[8192] __attribute__((aligned(4096)));

void process_start(void)
{
	process_load(user_start, user_end);
}

void process_load(const u8 *programs, const u8 *end)
{
	u64 data = U | (nx_offered() ? NX : 0);
	u32 code;
	u8 *to;

	process = (struct process){.root = space_new(), .programs = programs};
	code = space_map(process.root, USER_CODE, P | W | U);
	to = VMI_LINEAR(code);
	for (const u8 *from = programs; from < end; from++)
		*to++ = *from;
	space_set(process.root, USER_CODE, code | P | U);
	space_map(process.root, USER_DATA, P | W | data);
	space_map(process.root, USER_CONST, P | data);
	space_map(process.root, USER_STACK, P | W | data);
	space_enter(process.root);
	vmi_tss.esp0 = (u32)(uintptr_t)trap_stack + sizeof trap_stack;
	vmi_UpdateKernelStack(VMI_SS0, vmi_tss.esp0);
}

void process_end(void)
{
	space_enter(kernel_root);
	space_free(process.root);
}

static u32 address(const u8 *program)
{
	return USER_CODE + (u32)(program - process.programs);
}

bool process_run(const u8 *program, u32 argument)
{
	return process_run_with(program, argument, IF_AND_FIXED);
}

bool process_run_with(const u8 *program, u32 argument, u32 eflags)
{
	u32 mask = vmi_GetInterruptMask();

	process.calls = process.code = process.where = 0;
	process.exited = false;
	caught.times = 0;
	user_running = true;
	user_run(address(program), USER_STACK + VMI_PAGE, eflags, argument);
	user_running = false;
	vmi_SetInterruptMask(mask);
	return process.exited;
}

void process_call(struct vmi_frame *frame)
{
	process.calls++;
	switch (frame->eax) {
	case EXIT:
		process.exited = true;
		process.code = frame->ebx;
		user_leave(0);
	case ADD:
		frame->eax = frame->ebx + frame->ecx;
		break;
	case WHERE:
		process.where = (u32)(uintptr_t)frame;
		process.cs = frame->cs;
		process.ss = frame->ss;
		process.eflags = frame->eflags;
		break;
	default:
		frame->eax = ~0u;
	}
}
