/*
 * The joints between the files that keep machine tables beside the guest's. Everything here is called with events
 * masked; nothing here touches a linear address that the guest maps.
 */
#ifndef MEMORY_H
#define MEMORY_H

#include "hypercall.h"

/* ---- window.c: frames seen through the window ---- */
static inline struct pool *pool(void)
{
	return (struct pool *)&AT(u32, WINDOW_POOL_STATE);
}
/* May this frame of the guest be read as a page table? */
static inline bool table_frame(const struct backend_state *b, u32 pfn)
{
	return pfn < b->mem_pages && pfn - (VMI_LAYOUT_ROM_GPA >> PAGE_SHIFT) >= b->rom_pages;
}
/* May the guest have it writable? */
static inline bool writable_frame(const struct backend_state *b, u32 pfn)
{
	return table_frame(b, pfn) && (pfn < b->sealed_first || pfn >= b->sealed_end);
}
/* Its machine address; pfn < mem_pages. */
static inline u64 frame_machine(u32 pfn)
{
	return (u64)AT(u32, WINDOW_P2M + 4 * pfn) << PAGE_SHIFT;
}
bool frame_is_table(u32 pfn);
bool frame_is_writable(u32 pfn);
volatile u64 *guest_page(u32 pfn); /* the frame, writable, until the next guest_page(); 0 if it is no table */
volatile u64 *pool_entry(u32 page, u32 index);
u32 pool_take(u32 use);          /* a writable page, content undefined; NOWHERE if there is none */
void pool_give(u32 page);        /* its last use may still wait in the queue */
bool pool_unseal(u32 page);      /* writable again, its last use over; false if Xen refuses */
void pool_seal(u32 page);        /* queue its read-only mapping */
u64 pool_machine(u32 page);
s32 window_map(u32 va, u64 entry); /* one entry of the window, at once */

/* ---- updates.c: what waits for Xen ---- */
void update_put(u64 where, u64 value); /* where: machine address of the entry */
void update_flush(void);
void batch_put(u32 number, u32 a, u32 b, u32 c, u32 d); /* a hypercall for the end of lazy mode 2 */
void batch_mmuext(u32 command, u32 argument);
void batch_flush(void);
void mmuext(u32 command, u32 arg1, u32 arg2);

/* ---- twins.c: L1 ---- */
u64 machine_entry(u64 guest); /* what the machine may be given for a guest's L1 entry; 0: nothing */
u32 twin_find(u32 pfn);
u32 twin_make(u32 pfn); /* filled from the guest's page; NOWHERE if the pool is empty or pfn no table */
void twin_set(u32 twin, u32 index, u64 guest); /* the guest's entry is now this */
void twin_resync(u32 twin); /* all entries; the queue must be empty */
void twin_release(u32 twin); /* one link less */

/* ---- spaces.c: L2 and L3 ---- */
u32 space_select(u32 cr3); /* find or make, and read the four top entries; NOWHERE if the pool is empty */
void space_load(u32 space); /* NEW_BASEPTR, or later if lazy mode allows */
void space_drop(u32 space); /* neither current nor loaded */
bool space_evict(void); /* give pool pages back: the least recently used space, else twins of user space */
void space_resync(u32 space, bool kernel); /* links and twins; the kernel's part too? */
void space_refresh(u32 space, u32 va); /* the one translation, as the guest's tables are now */
void directory_refresh(struct space *s, u32 slot, u32 index, u64 guest, bool make);
void directories_set(u32 pfn, u32 index, u64 guest); /* an entry of a page directory of any space */
void directories_resync(u32 pfn); /* every entry of one */
void directories_release(u32 pfn);
void twin_unlink(u32 twin); /* from every space */

/* ---- faults.c ---- */
/* Make va usable in the space for this access (error-code bits), if the guest's own tables allow it: sets A and D
 * there. 0, or 1 and the error code that the guest is to see. The updates may still be queued. */
int space_fill(u32 space, u32 va, u32 access, u32 *error);
/* Translation of va by the guest's tables: its L1 entry, or 0. */
u64 guest_translate(u32 space, u32 va);
void stack_ready(u32 space, u32 sp);

u32 ROMCALL stack_pointer(void);

#define SLOT(va) ((va) >> 30)
#define DIRECTORY_INDEX(va) (((va) >> 21) & 511)
#define TABLE_INDEX(va) (((va) >> 12) & 511)
#define KERNEL_SLOT 3
#define WINDOW_DIRECTORY_INDEX DIRECTORY_INDEX(WINDOW_BASE) /* entries of slot 3 from here on are not the guest's */

/* Under Xen a frame number of the guest fits 20 bits: whatever is above is a reserved bit. */
#define PFN_OF(entry) ((u32)(entry) >> PAGE_SHIFT)
#define HIGH_BAD(entry) ((u32)((entry) >> 32) & ~PTE_NX_HIGH)

#endif
