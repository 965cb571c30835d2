/* Ring 3: entered by IRET and SYSEXIT, left by system calls and faults, on the kernel stack that was named. */
#include "reference.h"

#define KERNEL_WORD ((u32)(uintptr_t)&kernel_root)
#define ABSENT 0x09000000u
#define NO_GATE (0x30u * 8 + 2)
#define IOPL_3 0x3000u
#define SYSENTER_CS 0x174u
#define UNUSED_PORT 0x80u

static u32 demanded;

static bool offered(u32 call)
{
	u32 answer = vmi_GetCallInfo(call);

	return answer == VMI_ANSWER_NATIVE || answer == VMI_ANSWER_TRANSLATED;
}

static bool map_user_page(struct vmi_frame *frame, u32 address)
{
	if (address != ABSENT || frame->error != 6)
		return false;
	demanded++;
	space_map(process.root, address, P | W | U);
	return true;
}

static void calls(void)
{
	check(process_run(user_sum, 0) && process.code == 55 && process.calls == 11,
	      "a program at ring 3 makes system calls, and its registers survive them");
	check(process_run(user_where, 0) && process.code == 0x1234 && process.cs == VMI_USER_CS && process.ss == VMI_USER_DS &&
		      (process.eflags & (VMI_IF | IOPL_3)) == VMI_IF,
	      "the frame of a system call shows user selectors, interrupts on and no I/O privilege");
	check(process.where + sizeof(struct vmi_frame) == vmi_tss.esp0,
	      "it begins at the top of the stack given to UpdateKernelStack");
	check(process_run(user_breakpoint, 0) && process.code == 42 && caught.times == 1 && caught.vector == 3 &&
		      (caught.cs & 3) == 3,
	      "user code may use int3");
}

static bool refused(const u8 *program, u32 argument, u32 vector, u32 error, u32 address)
{
	return !process_run(program, argument) && caught_is(vector, error, address) && (caught.cs & 3) == 3;
}

static void faults(void)
{
	check(refused(user_read, KERNEL_WORD, 14, 5, KERNEL_WORD), "reading kernel memory faults with error 5");
	check(refused(user_write, KERNEL_WORD, 14, 7, KERNEL_WORD), "writing it faults with error 7");
	check(refused(user_read, ABSENT, 14, 4, ABSENT), "reading where nothing is mapped faults with error 4");
	check(refused(user_read_write, USER_CONST, 14, 7, USER_CONST), "writing a read-only page faults with error 7");
	check(refused(user_cli, 0, 13, 0, 0), "cli is a protection fault");
	check(refused(user_in, UNUSED_PORT, 13, 0, 0), "so is port input");
	check(refused(user_int, 0, 13, NO_GATE, 0), "so is an interrupt vector whose gate is the kernel's");
	check(refused(user_divide, 0, 0, 0, 0), "dividing by zero is reported");
	fault_hook = map_user_page;
	check(process_run(user_write, ABSENT) && demanded == 1, "a page that is mapped on demand lets the program go on");
	fault_hook = NULL;
	check(process_run(user_sum, 0) && process.code == 55, "after all these faults a program still runs");
}

static bool privilege_given(void)
{
	bool exited;

	vmi_SetIOPLMask(IOPL_3);
	exited = process_run_with(user_in, UNUSED_PORT, 0x202 | IOPL_3);
	vmi_SetIOPLMask(0);
	return exited && refused(user_in, UNUSED_PORT, 13, 0, 0);
}

static void set_sysenter_cs(u32 unused)
{
	(void)unused;
	vmi_WRMSR(SYSENTER_CS, vmi_kernel_cs() & ~3u);
}

static bool left_by_sysexit(void)
{
	/* hardware takes the user selectors from this register; a ROM that translates SYSEXIT does not need it */
	if (vmi_GetCallInfo(VMI_CALL_WRMSR) != VMI_ANSWER_ABSENT)
		catch(set_sysenter_cs, 0);
	process.exited = false;
	user_running = true;
	user_sysexit(USER_CODE + (u32)(user_where - user_start), USER_STACK + VMI_PAGE);
	user_running = false;
	vmi_DisableInterrupts();
	return process.exited && process.code == 0x1234 && process.cs == VMI_USER_CS && process.eflags & VMI_IF;
}

void user(void)
{
	process_start();
	calls();
	faults();
	check(!offered(VMI_CALL_SetIOPLMask) || privilege_given(),
	      "SetIOPLMask gives user code the ports and takes them back, or is honestly absent");
	check(!offered(VMI_CALL_SYSEXIT) || left_by_sysexit(),
	      "SYSEXIT enters user code with interrupts on, or is honestly absent");
	note("SetIOPLMask: GetCallInfo says %u; SYSEXIT: %u", vmi_GetCallInfo(VMI_CALL_SetIOPLMask),
	     vmi_GetCallInfo(VMI_CALL_SYSEXIT));
	process_end();
}
