/*
 * A guest as Linux 2.6.21 to 2.6.36 were: it knows calls 0 to 73, takes a ROM as Linux took it, and uses it in the
 * order and with the arguments Linux did. What is not Linux's: the entry (3.1's contract, as any ROM boots a guest
 * with it) and the console, whose port calls Linux never made.
 */
#ifndef CLASSIC_H
#define CLASSIC_H

#include "vmi_guest.h"

#define CLASSIC_CALLS (VMI_CALL_SetLazyMode + 1)

/* Page-table bits, and the flags of calls in Linux's words */
#define P 0x01u
#define W 0x02u
#define U 0x04u
#define A 0x20u
#define D 0x40u
#define TABLE (P | W | U | A | D)
#define PT 1u
#define PD 2u
#define PDP 4u
#define ADDRESS(va) (((u32)(uintptr_t)(va) & ~0xFFFu) | 0x11)  /* CURRENT_AS, a page-table entry */
#define DEFERRED(va) (((u32)(uintptr_t)(va) & ~0xFFFu) | 0x31) /* and DEFER */
#define NEW_PT 0x51u                                           /* ZEROED PAE PT */
#define NEW_PD 0x52u
#define NEW_TOP 0x72u /* the top table is announced as a directory, with CLONE */

/* attach.c */
bool classic_attach(u32 mem_pages);
bool classic_patch_again(void); /* the second pass: whether every answer is what it was */

/* A check that fails says so and ends the machine. */
void must(bool good, const char *what);

/* space.c */
#define KERNEL_STACK (2 * VMI_PAGE)
extern struct vmi_boot_info *boot;
extern u8 kernel_stack[KERNEL_STACK]; /* for entries from user code */
u32 frame(void); /* gpa of a page of zeros */
u64 *entry_of(u32 va, u32 level);
void tables_check(void);
void spaces_check(void);
void space_fault(struct vmi_frame *at);
u32 space_call(u32 number);

/* user.S: to ring 3 by IRET; comes back when user_leave() is called, with what it is told */
u32 user_enter(u32 eip, u32 esp);
void user_leave(u32 value) __attribute__((noreturn));
extern const u8 user_code[], user_code_end[];

#define USER_CODE 0x08048000u
#define USER_DATA 0x08050000u
#define USER_STACK 0x0804A000u /* top */

#endif
