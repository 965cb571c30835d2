/*
 * Where traps go: interrupts to the timer's file, system calls and user faults to the process, page faults to whoever
 * asked for them, expected ones to `caught`. Anything else fails the run at once, with a note of where it was.
 */
#include "checking.h"

struct caught caught;
bool (*fault_hook)(struct vmi_frame *, u32);
void (*absent_fpu_hook)(void);
bool (*trap_hook)(struct vmi_frame *);

extern u32 catch_esp; /* instructions.S; 0: nobody expects a trap */
bool catch_enter(void (*function)(u32), u32 argument);
void catch_exit(void);

bool catch(void (*function)(u32), u32 argument)
{
	caught.times = 0;
	caught.vector = caught.error = caught.address = caught.eip = ~0u;
	return catch_enter(function, argument);
}

bool caught_is(u32 vector, u32 error, u32 address)
{
	bool same = caught.times == 1 && caught.vector == vector && caught.error == error && caught.address == address;

	if (!same)
		note("caught %u times: vector %u error %x address %x at %x", caught.times, caught.vector, caught.error,
		     caught.address, caught.eip);
	return same;
}

static void record(const struct vmi_frame *frame, u32 address)
{
	caught.times++;
	caught.vector = frame->vector;
	caught.error = frame->error;
	caught.address = address;
	caught.eip = frame->eip;
	caught.cs = frame->cs;
	caught.eflags = frame->eflags;
	caught.mask = vmi_GetInterruptMask() & VMI_IF;
	caught.frame = frame;
}

static void unexpected(const struct vmi_frame *frame, u32 address)
{
	static bool dying;

	if (dying)
		vmi_exit(VMI_EXIT_STATUS_FAILURE);
	dying = true;
	check(false, "an unexpected trap ended the run");
	note("vector %u error %x address %x at %x, cs %x, flags %x", frame->vector, frame->error, address, frame->eip,
	     frame->cs, frame->eflags);
	note("eax %x ebx %x ecx %x edx %x esi %x edi %x ebp %x", frame->eax, frame->ebx, frame->ecx, frame->edx,
	     frame->esi, frame->edi, frame->ebp);
	finish();
}

void vmi_trap(struct vmi_frame *frame)
{
	/* CR2 first: any later fault overwrites it */
	u32 address = frame->vector == 14 ? vmi_GetCR2() : 0;

	if (trap_hook && trap_hook(frame))
		return;
	if (frame->vector >= 0x30 && frame->vector < 0x48) {
		interrupt(frame);
		return;
	}
	if (frame->vector == 0x80 && vmi_from_user(frame)) {
		process_call(frame);
		return;
	}
	if (frame->vector == 14 && fault_hook && fault_hook(frame, address))
		return;
	if (frame->vector == 7 && absent_fpu_hook) {
		absent_fpu_hook();
		return;
	}
	if (user_running && vmi_from_user(frame)) {
		record(frame, address);
		if (frame->vector != 3)
			user_leave(0);
		return;
	}
	if (!catch_esp || vmi_from_user(frame))
		unexpected(frame, address);
	record(frame, address);
	if (frame->vector != 3 && frame->vector != 4)
		frame->eip = (u32)(uintptr_t)catch_exit;
}
