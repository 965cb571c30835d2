/*
 * Joints between the files of the lguest backend.
 */
#ifndef LGUEST_ROM_H
#define LGUEST_ROM_H

#include "inject.h"
#include "platform.h"

static inline struct backend_state *lguest(void)
{
	return &state()->backend;
}

/* gva of a gpa of the state pages, in the alias now executing */
static inline u32 state_page_gva(u32 gpa)
{
	return state_gva() + gpa - STATE_PAGE_GPA(VMI_LAYOUT_STATE_ROM);
}

static inline volatile struct lguest_data *data(void)
{
	return &AT(struct lguest_data, state_page_gva(DATA_GPA));
}

/* hypercall.S: make a hypercall now. Nothing comes back; the ring is drained first. */
void ROMCALL lguest_hypercall(u32 number, u32 a, u32 b, u32 c, u32 d);
/* hypercall.S: gva in the linear map of a place in the ROM (PLACE_...) */
u32 ROMCALL lguest_place(u32 which);
u64 ROMCALL lguest_tsc(void);

/* ring.c */
void lguest_now(u32 number, u32 a, u32 b, u32 c, u32 d);           /* in force on return, all before it too */
void lguest_later(u32 number, u32 a, u32 b, u32 c, u32 d);         /* in the ring if there is room; order is kept */
void lguest_soon(u32 number, u32 a, u32 b, u32 c, u32 d);          /* later in a lazy mode, else now */
void lguest_drain(void);

/* interrupts.c */
u32 ROMCALL lguest_clock(struct rom_frame *frame);
u32 ROMCALL lguest_iret(struct rom_frame *frame);
u32 ROMCALL lguest_page_fault(struct rom_frame *frame);
void ROMCALL lguest_deliver(void);
void ROMCALL lguest_interrupt(u32 handler); /* flags.S: as if an interrupt came now; returns when it is served */

/* mmu.c: low word of the guest's own entry for gva, or 0 if it or a level above is not present */
u32 lguest_entry(u32 gva);
/* mmu.c: whether SET_STACK may ask for the page of gva to be pinned, instead of being killed for it */
bool lguest_can_pin(u32 gva);

/* time.c */
void lguest_sample_wallclock(void);
void lguest_calibrate(void);

/* io.c */
void lguest_die(const char *why);

#endif
