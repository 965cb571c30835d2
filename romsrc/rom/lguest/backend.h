/* What the lguest ROM remembers besides the shared part of struct rom_state. */
#ifndef BACKEND_H
#define BACKEND_H

#include "lguest.h"
#include "places.h"

struct backend_state {
	u32 initialised; /* LGUEST_INIT was made */
	u32 pae;         /* the host's page-table format */
	u32 hole;        /* lowest gva that is the host's */
	u32 mem_pages;    /* of RAM */
	u32 linear_pages; /* of it that the guest got, and its linear map shows */
	u32 khz;         /* of the TSC */

	/* ring */
	u32 next;   /* entry to be filled next */
	u32 queued; /* something may be waiting */

	/* registers as the guest set them */
	u32 cr0, cr3, cr4;
	u32 gdt_base, idt_base;
	u16 gdt_limit, idt_limit;
	u16 tr, pad;

	u64 deadline; /* real counter at which alarm_tick() is wanted */

	/* wall clock, as of the host's last word */
	u32 wall_sec, wall_nsec;
	u64 wall_tsc;

	u32 delivered; /* interrupts that the guest got */
};

#endif
