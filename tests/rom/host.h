/*
 * What the C of every ROM finds when it runs on the host, in the place of a guest and of a machine: guest memory as a
 * buffer, and a way out of routines that never return (host_end.h).
 *
 * Memory is seen at LINEAR_BASE and, where HOST_LOW is set before this file is included, at its own addresses too. An
 * access elsewhere goes to a page of its own and is counted.
 */
#ifndef HOST_H
#define HOST_H

#include "rom.h"

#include "host_end.h"

#ifndef HOST_LOW
#define HOST_LOW 0
#endif

const u8 rom_call_answers[256] = {0};
static unsigned char guest[4u << 20], elsewhere[PAGE_SIZE];
static u32 wild_accesses;

void *host_at(u32 gva, u32 length)
{
	u32 gpa = HOST_LOW && gva < VMI_LAYOUT_LINEAR_BASE ? gva : gva - VMI_LAYOUT_LINEAR_BASE;

	if (length <= sizeof(guest) && gpa <= sizeof(guest) - length)
		return guest + gpa;
	wild_accesses++;
	return elsewhere;
}

static unsigned char *guest_memory(void)
{
	return guest;
}

static u32 wild(void)
{
	return wild_accesses;
}

static void clear_memory(void)
{
	memset(guest, 0, sizeof(guest));
	wild_accesses = 0;
	over = false;
}

#endif
