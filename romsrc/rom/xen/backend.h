/*
 * What the Xen ROM remembers. Words of the trade:
 *
 *   twin    the machine page table (L1) that the processor walks in place of one page table of the guest
 *   space   the machine L3 and L2s for one top table of the guest (one value of CR3)
 *   pool    frames taken from the top of the domain's memory before the guest saw it; all twins live there
 *   link    a machine L2 entry that points to a twin, remembered as 16 bits
 */
#ifndef BACKEND_H
#define BACKEND_H

#include "window.h"
#include "xen.h"
#include "xen_asm.h"

#define NOWHERE 0xFFFFu       /* no pool index, no space */
#define NO_FRAME 0xFFFFFFFFu  /* no pfn */
#define SPACES 16
#define QUEUE 128
#define BATCH 16
#define BUCKETS 256

/* bits of page-table entries, and of page-fault error codes */
#define PTE_P 0x001u
#define PTE_W 0x002u
#define PTE_U 0x004u
#define PTE_PWT 0x008u
#define PTE_PCD 0x010u
#define PTE_A 0x020u
#define PTE_D 0x040u
#define PTE_PS 0x080u
#define PTE_NX_HIGH 0x80000000u /* of the upper word */
#define PTE_NX ((u64)PTE_NX_HIGH << 32)
#define FAULT_P 0x01u
#define FAULT_W 0x02u
#define FAULT_U 0x04u
#define FAULT_RSVD 0x08u
#define FAULT_FETCH 0x10u

enum pool_use {
	POOL_FREE,  /* writable in the window, or becomes so when taken (pool_sealed) */
	POOL_TWIN,
	POOL_LEVEL2,
	POOL_LEVEL3,
	POOL_DATA,  /* the ROM's own: window tables, GDT, LDT, links */
	POOL_BOOT,  /* a table of Xen's boot space; given back when that is left */
	POOL_LOST   /* Xen would not give it back */
};

/* one per pool page; meaning of pfn, next and links for POOL_TWIN only */
struct pool_page {
	u32 pfn;   /* the guest's page table */
	u16 next;  /* in its bucket */
	u16 links; /* L2 entries that point here */
	u8 use;
	u8 sealed; /* read-only in the window (as far as queued updates go) */
	u16 pad;
};

/* link: twin index, permissions of the guest's directory entry, in use */
#define LINK_INDEX 0x03FFu
#define LINK_W 0x0400u
#define LINK_U 0x0800u
#define LINK_NX 0x1000u
#define LINK_SET 0x8000u

struct space {
	u32 cr3;         /* bits 31:5 as the guest gives them */
	u32 stamp;       /* of last use */
	u32 directory[4]; /* pfn of the guest's page directories, or NO_FRAME */
	u16 level3;
	u16 level2[4];
	u16 links;       /* pool page of u16[4][512] */
	u8 used, pinned;
	u16 pad;
};

struct linear {
	u32 va, pages, pfn;
};

/* In the state pages behind struct rom_state (VMI_LAYOUT_STATE_ROM + 4). */
struct pool {
	u32 pages, free_count;
	u32 mfn[WINDOW_POOL_PAGES];
	struct pool_page page[WINDOW_POOL_PAGES];
	u16 free_list[WINDOW_POOL_PAGES];
};

struct backend_state {
	/* memory */
	u32 mem_pages;   /* the guest's frames are 0 .. mem_pages - 1 */
	u32 rom_pages;   /* from ROM_GPA; never writable, never page tables */
	u32 sealed_first, sealed_end; /* frames that are page tables of Xen's boot space: read-only for now */
	u16 bucket[BUCKETS];
	u32 slot_pfn[WINDOW_SLOTS]; /* what each window slot maps, or NO_FRAME */
	struct linear linear[4];    /* SetLinearMapping */

	/* spaces */
	struct space spaces[SPACES];
	u32 current;  /* the space that the guest wants */
	u32 loaded;   /* the one in the processor; differs while a SetCR3 waits in the batch */
	u32 busy;     /* under construction: not to be evicted */
	u32 clock;

	/* updates that wait */
	u32 queued;
	u32 done;     /* written by Xen */
	u32 refused;  /* updates that Xen would not do */
	struct xen_mmu_update queue[QUEUE];
	u32 batched;
	struct xen_multicall_entry batch[BATCH];
	struct xen_mmuext_op batch_op[BATCH];

	/* registers as the guest set them */
	u32 cr0, cr2, cr3, cr4;
	u32 gdt_base, gdt_limit, idt_base, idt_limit;
	u32 ldt_base, ldt_entries;
	u32 gdt_page;  /* pool page of the machine GDT */
	u32 ldt_pages; /* how many of these are there */
	u16 ldt_page[WINDOW_LDT_PAGES];
	u16 tr, ldt;
	u32 idt[256][2];

	/* time and events */
	u32 timer_port, console_port;
	u32 console_input; /* Xen may have input that we have not read */
	u32 delivered; /* interrupts that the guest got */
	u32 khz; /* of the TSC */
	u64 armed; /* real counter for which Xen's timer is set */
	struct xen_vcpu_runstate_info runstate;
	u32 runstate_registered;
	u32 sched_old; /* Xen knows sched_op in its old form only */

	struct xen_trap_info traps[33]; /* scratch for set_trap_table */
	struct xen_mmuext_op op;        /* scratch, with interrupts masked */
	u32 scratch[4];
};

#endif
