/*
 * The backend's own state pages, in halves of a page from STATE_BACKEND on:
 *
 *   0 1   shadow IDTs
 *   2     the boot stub's GDT and plan (boot_stub.h)       3   shadow
 *   4     where other processors start (start.S)           5   shadow
 *   6 7   a copy of a top page table, with one entry more  8 9 what that entry leads to
 *   10-13 shadows
 */
#ifndef PAGES_H
#define PAGES_H

#include "vmi_asm.h"

#define HALF 2048
#define HALF_START 4
#define HALF_TOP 6
#define HALF_BELOW 8

/* From the start of half HALF_START: 16-bit code, then these, then the stack of a processor on its way. */
#define START_GDTR 0x100
#define START_TARGET 0x108 /* far pointer: gpa of start_flat, its CS */
#define START_LOCK 0x110   /* holds the start page and the page tables; also for lapic.c */
#define START_GDTR_HIGH 0x118 /* for the guest's address space */
#define START_GDT 0x128    /* null; code and data, flat; code whose base is a struct start's gva */
#define START_STACK 0x800
#define START_CS 8
#define START_DS 16
#define START_CS_BASED 24

#ifndef __ASSEMBLER__
#include "rom.h"

/* gva of a half, in the alias now in use (without paging: its gpa). */
static inline u32 half_gva(u32 half)
{
	return state_gva() + PAGE_SIZE * (VMI_LAYOUT_STATE_BACKEND - VMI_LAYOUT_STATE_ROM) + HALF * half;
}

static inline u32 *pages_lock(void)
{
	return (u32 *)(uintptr_t)&AT(u32, half_gva(HALF_START) + START_LOCK);
}

/* gva - gpa of ROM and state in the alias now in use. */
static inline u32 alias(void)
{
	u32 base = rom_base();

	return base - AT(u32, base + vmi_rom_header_OFF_reserved + vmi_rom_private_OFF_rom_gpa);
}
#endif
#endif
