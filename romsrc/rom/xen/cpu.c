/*
 * Control, debug and model-specific registers: calls 1, 2, 15 to 28 as far as they are about no table.
 *
 * CR0, CR2, CR3 and CR4 are answered from what the guest set: Xen's own are not its business. Of CR0 only TS has an
 * effect (PE, PG and WP stay on), of CR4 none.
 */
#include "frame.h"
#include "memory.h"
#include "platform.h"

#define CR0_TS 0x00000008u
#define CR0_STICKY 0x80010001u /* PG, WP, PE */
#define CR4_STICKY 0x000000B0u /* PGE, PAE, PSE: once set they stay */

u32 ROMCALL vmi_GetCR0(void)
{
	return state()->backend.cr0;
}

static void cr0_set(u32 value)
{
	struct backend_state *b = &state()->backend;
	u32 saved = events_mask(), before = b->cr0;

	b->cr0 = value;
	if ((value ^ before) & CR0_TS)
		batch_put(XEN_HYPERCALL_FPU_TASKSWITCH, value & CR0_TS ? 1 : 0, 0, 0, 0);
	events_unmask(saved);
}

void ROMCALL vmi_SetCR0(u32 value)
{
	cr0_set(value | CR0_STICKY);
}

/*
 * Vector 7. Xen clears TS when it delivers it, a processor does not: TS goes back first, so that only CLTS or SetCR0
 * end it.
 */
u32 ROMCALL no_fpu(struct xen_frame *frame)
{
	batch_flush();
	if (state()->backend.cr0 & CR0_TS)
		hypercall(XEN_HYPERCALL_FPU_TASKSWITCH, 1, 0, 0, 0, 0);
	return gate_enter(frame, NO_FPU);
}

void ROMCALL vmi_CLTS(void)
{
	cr0_set(state()->backend.cr0 & ~CR0_TS);
}

u32 ROMCALL vmi_GetCR2(void)
{
	return state()->backend.cr2;
}

void ROMCALL vmi_SetCR2(u32 value)
{
	state()->backend.cr2 = value;
}

u32 ROMCALL vmi_GetCR4(void)
{
	return state()->backend.cr4;
}

void ROMCALL vmi_SetCR4(u32 value)
{
	state()->backend.cr4 = value | (state()->backend.cr4 & CR4_STICKY);
}

void ROMCALL vmi_WBINVD(void)
{
	u32 saved = events_mask();

	mmuext(XEN_MMUEXT_FLUSH_CACHE, 0, 0);
	events_unmask(saved);
}

void ROMCALL vmi_SetDR(u32 number, u32 value)
{
	hypercall(XEN_HYPERCALL_SET_DEBUGREG, number, value, 0, 0, 0);
}

u32 ROMCALL vmi_GetDR(u32 number)
{
	return (u32)hypercall(XEN_HYPERCALL_GET_DEBUGREG, number, 0, 0, 0, 0);
}

/* vmi_init of a guest that our boot stub started: everything is in place. Others have no Xen to talk to. */
int ROMCALL backend_init(void)
{
	return state()->backend.mem_pages ? 0 : -1;
}
