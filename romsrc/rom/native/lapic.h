/*
 * The processor's own local APIC, whose registers are memory: how the ROM reaches them (lapic.c).
 */
#ifndef LAPIC_H
#define LAPIC_H

#include "rom.h"
#include "native_asm.h"

/* The registers while they are within reach. */
struct lapic {
	u32 gva; /* of the page; 0: there is no way */
	u32 cr3; /* the guest's, if it has to be put back */
	bool switched;
};

bool lapic_present(void);
void lapic_detect(void); /* at init */

/* Interrupts are off from open to close, and nothing but registers, ROM, state and stack is touched between them. */
void lapic_open(struct lapic *apic);
void lapic_close(const struct lapic *apic);

u32 lapic_read(u32 offset);
void lapic_write(u32 offset, u32 value);
void lapic_send(u32 apic_id, u32 icr); /* an interrupt to another processor */

/* Whether an interrupt of that vector is in service, and whether the timer has run out; both registers at a time. */
bool lapic_in_service(u32 vector, bool *expired);

/* gpa that a gva leads to in the current address space, NO_GPA if it leads nowhere (or may not be written, with
 * `write`). Needs page tables within the linear map. */
#define NO_GPA 0xffffffffu
u32 page_walk(u32 gva, bool write);

#endif
