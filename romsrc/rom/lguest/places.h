/*
 * Where the lguest ROM keeps what it shares with the host, for C and assembly. lguest has one linear map, gpa at
 * LINEAR_BASE, for as long as the guest lives: the host jumps to stubs there and compares EIP with a range that
 * was told once, at INIT. So the fast roads use absolute addresses in that map.
 */
#ifndef PLACES_H
#define PLACES_H

#include "lguest_asm.h"
#include "vmi_asm.h"

#define STATE_PAGE_GPA(n) (VMI_LAYOUT_STATE_GPA + 0x1000 * (n))
#define DATA_GPA STATE_PAGE_GPA(VMI_LAYOUT_STATE_SHARED) /* struct lguest_data */
#define GATES_GPA STATE_PAGE_GPA(VMI_LAYOUT_STATE_BACKEND) /* the guest's gates in force, 256 of 8 bytes */
#define TEXT_GPA STATE_PAGE_GPA(VMI_LAYOUT_STATE_BACKEND + 1) /* strings for the host */

#define ROM_LINEAR (VMI_LAYOUT_LINEAR_BASE + VMI_LAYOUT_ROM_GPA)
#define DATA_LINEAR (VMI_LAYOUT_LINEAR_BASE + DATA_GPA)
#define GATES_LINEAR (VMI_LAYOUT_LINEAR_BASE + GATES_GPA)

#define IRQ_ENABLED (DATA_LINEAR + lguest_data_OFF_irq_enabled)
#define IRQ_PENDING (DATA_LINEAR + lguest_data_OFF_irq_pending)
#define IF LGUEST_CONSTANTS_IRQ_ENABLED

/* Selectors of the contract's GDT that SYSEXIT returns to: user code and data, entries 14 and 15. */
#define USER_CS 0x73
#define USER_DS 0x7b

/* lguest_place() */
#define PLACE_NOIRQ_START 0
#define PLACE_NOIRQ_END 1
#define PLACE_TRAPS 2
#define PLACE_CLOCK 3
#define PLACE_SYSTEM_CALL 4
#define PLACE_PAGE_FAULT 5

#define TRAP_STUB_SIZE 16

#endif
