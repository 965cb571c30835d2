/*
 * The ROM's private window: 4 MiB of linear space just below Xen's own, present at these addresses in every
 * machine address space that the ROM builds. The guest knows it only as `virtual_top` of the ROM header and never
 * maps anything there. C and assembly both use this file.
 *
 *   pages        content
 *   0            shared_info (the only mapping of it: flags calls touch it with one instruction)
 *   1 .. 15      the state pages (gpa STATE_GPA)
 *   16 .. 23     the ROM, read-only and executable: where traps and upcalls enter
 *   24           the machine GDT, read-only
 *   32 .. 47     the machine LDT, read-only while it is in use
 *   64 .. 127    slots: any frame of the guest, read-write, one at a time each
 *   128 .. 383   p2m: machine frame of every frame of the guest, 4 bytes each
 *   384 .. 1023  the pool: frames that are not the guest's; read-only as soon as Xen types them
 */
#ifndef WINDOW_H
#define WINDOW_H

#include "vmi_asm.h"
#include "xen_asm.h"

#define WINDOW_BASE XEN_WINDOW_START
#define WINDOW_END XEN_WINDOW_END
#define WINDOW_PAGES 1024

#define WINDOW_PAGE_STATE 1
#define WINDOW_PAGE_ROM 16
#define WINDOW_PAGE_GDT 24
#define WINDOW_PAGE_LDT 32
#define WINDOW_PAGE_SLOTS 64
#define WINDOW_PAGE_P2M 128
#define WINDOW_PAGE_POOL 384

#define WINDOW_ROM_PAGES 8
#define WINDOW_LDT_PAGES 16
#define WINDOW_SLOTS 64
#define WINDOW_P2M_PAGES 256
#define WINDOW_POOL_PAGES 640

#define WINDOW_AT(page) (WINDOW_BASE + (page) * 4096)
#define WINDOW_STATE WINDOW_AT(WINDOW_PAGE_STATE)
#define WINDOW_ROM WINDOW_AT(WINDOW_PAGE_ROM)
#define WINDOW_GDT WINDOW_AT(WINDOW_PAGE_GDT)
#define WINDOW_LDT WINDOW_AT(WINDOW_PAGE_LDT)
#define WINDOW_SLOT(n) WINDOW_AT(WINDOW_PAGE_SLOTS + (n))
#define WINDOW_P2M WINDOW_AT(WINDOW_PAGE_P2M)
#define WINDOW_POOL(n) WINDOW_AT(WINDOW_PAGE_POOL + (n))

/* struct rom_state, and the two bytes of vcpu_info that are the virtual interrupt flag */
#define WINDOW_ROM_STATE (WINDOW_STATE + 4096 * VMI_LAYOUT_STATE_ROM)
#define WINDOW_POOL_STATE (WINDOW_ROM_STATE + 4096 * 4)
#define UPCALL_PENDING (WINDOW_BASE + xen_vcpu_info_OFF_evtchn_upcall_pending)
#define UPCALL_MASK (WINDOW_BASE + xen_vcpu_info_OFF_evtchn_upcall_mask)

#endif
