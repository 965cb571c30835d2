/*
 * Faults of the ROM's own IRET.
 *
 * A guest knows which of its instructions is IRET, and looks at its address when that faults because a process has
 * made its own segments impossible. But the instruction is the ROM's, and the guest has only jumped there: to its
 * handler this is a fault in the kernel. So a fault that a return to the user takes for its frame's sake is told as the
 * user's: with the frame that was to be returned to, as if the first instruction there had faulted. That is where the
 * frame came from, so the guest's stack is as at any fault of the user.
 *
 * Returns within the kernel, and to virtual 8086 mode, have no selectors of the user's; their faults come as they are.
 * Only where the shadow of the interrupt table is loaded, which it is as soon as an alarm was set.
 */
#include "inject.h"
#include "native.h"
#include "platform.h"
#include "stubs.h"

u32 ROMCALL native_invalid_tss(struct rom_frame *frame);
u32 ROMCALL native_not_present(struct rom_frame *frame);
u32 ROMCALL native_stack_fault(struct rom_frame *frame);
u32 ROMCALL native_protection(struct rom_frame *frame);

/* What IRET found on its stack lies right above the frame of its fault, which has no ESP and SS. */
static bool was_for_the_user(const struct rom_frame *frame)
{
	const u32 *target = &frame->esp; /* EIP, CS, EFLAGS */

	return (frame->cs & 3) == 0 && frame->eip == native_iret() && (target[1] & 3) == 3 && !(target[2] & NATIVE_EFLAGS_VM);
}

/* Where to go on: to the guest's handler, by a way that drops the fault's own frame where it is the user's. */
static u32 fault(struct rom_frame *frame, u32 vector)
{
	u32 handler = native_gate(vector);

	if (handler == 0 || !was_for_the_user(frame))
		return handler;
	frame->cs = handler;
	frame->eflags = frame->error;
	return native_as_user_gva();
}

u32 ROMCALL native_invalid_tss(struct rom_frame *frame)
{
	return fault(frame, NATIVE_VECTOR_TS);
}

u32 ROMCALL native_not_present(struct rom_frame *frame)
{
	return fault(frame, NATIVE_VECTOR_NP);
}

u32 ROMCALL native_stack_fault(struct rom_frame *frame)
{
	return fault(frame, NATIVE_VECTOR_SS);
}

u32 ROMCALL native_protection(struct rom_frame *frame)
{
	return fault(frame, NATIVE_VECTOR_GP);
}
