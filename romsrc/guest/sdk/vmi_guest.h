/*
 * A VMI 3.1 guest's side of the ABI, in C.
 *
 * The calls come in two kinds, as Linux used them. Those that matter for speed or that can't be called (interrupt
 * flag, IRET, SYSEXIT) are call sites: native code that vmi_attach overwrites with what GetRelocationInfo says. All
 * others go through vmi_entry[], one pointer per call, which holds the native routine until the ROM has a better one.
 * A guest therefore writes vmi_SetCR3(x) and is right natively and on every backend.
 *
 * Order of a guest's life: start.S enters vmi_begin, which attaches to the ROM and calls guest_main on an 8 KiB stack
 * with interrupts off; what guest_main returns is the exit status. Tables (GDT, IDT, TSS) are the guest's to load:
 * vmi_tables_load does it in the usual way.
 */
#ifndef VMI_GUEST_H
#define VMI_GUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vmi.h"
#include "vmi_asm.h"

#define VMI_CALLS (VMI_CALL_SetCounters + 1)
#define VMICALL __attribute__((regparm(3)))
#define VMI_PAGE 0x1000u
#define VMI_IF ((u32)VMI_EFLAGS_IF) /* as GetInterruptMask tells it */

/* An object at a guest-physical address of low memory, through the linear mapping. */
#define VMI_LINEAR(gpa) ((void *)(uintptr_t)((u32)(gpa) + VMI_LAYOUT_LINEAR_BASE))
#define VMI_GPA(pointer) ((u32)(uintptr_t)(pointer)-VMI_LAYOUT_LINEAR_BASE)

/* ---- what the guest supplies ---- */

int guest_main(struct vmi_boot_info *boot);

/* ---- attaching (attach.c) ---- */

struct vmi_entry_state { /* as the ROM's boot stub left it; the upper halves of selectors mean nothing */
	u32 eax, esp, cs, ss, ds, es, fs, gs, eflags;
};

struct vmi_reloc { /* EDX:EAX of GetRelocationInfo; only `type` of the upper word is defined */
	u32 eip;
	u8 type;
};

enum vmi_refusal { /* why a place in the option-ROM area holds no ROM for this guest, in the order of checks */
	VMI_ACCEPTED,
	VMI_NO_SIGNATURE,
	VMI_NO_VMI_SIGNATURE,
	VMI_OTHER_VERSION,
	VMI_NO_PCI_HEADER,
	VMI_OTHER_LICENCE,
};

struct vmi_attachment {
	u32 rom_gpa;           /* 0: none found */
	const u8 *rom;         /* where it is called */
	s32 init;              /* what vmi_init returned */
	u64 began;             /* RDTSC before it was called */
	u32 sites, patched;    /* call sites seen, and those that were overwritten */
};

extern struct vmi_entry_state vmi_entry_state;
extern struct vmi_attachment vmi_attached;
extern void *vmi_entry[VMI_CALLS];
extern void *const vmi_native[VMI_CALLS];

/* Whether a ROM of at least 3.`minor` stands at `rom`, by the rules of Linux. */
enum vmi_refusal vmi_accept(const u8 *rom, u8 minor);

/* gpa of the first acceptable ROM from C0000h to DFFFFh, or 0. */
u32 vmi_scan(u8 minor);

/* Find the ROM, initialise it, fill vmi_entry, patch the sites, announce the linear mapping. False: stay native. */
bool vmi_attach(const struct vmi_boot_info *boot);

struct vmi_reloc vmi_get_reloc(u32 call);

/* The entry (of any level) that maps `va` under `root_gpa`, level 1 PT, 2 PD, 4 PDP; NULL if one above is absent. */
u64 *vmi_walk(u32 root_gpa, u32 va, u32 level);

/* Print what can be printed, and end the machine. */
void vmi_exit(int status) __attribute__((noreturn));

/* start.S */
bool vmi_call_keeps(void *entry, u32 eax, u32 edx, u32 ecx);
void vmi_reload_segments(u32 cs, u32 ds);

/* ---- the console (console.c): the 16550 at 3F8h through OUTSB ---- */

void vmi_console_start(void);
void vmi_write(const char *text, u32 length);
void vmi_print(const char *text);

/* ---- tables and traps (tables.c, traps.S) ---- */

#define VMI_GDT_ENTRIES 32

#define VMI_SELECTOR(entry) (VMI_GUEST_GDT_##entry * 8u)
#define VMI_USER_CS (VMI_SELECTOR(USER_CS) | 3)
#define VMI_USER_DS (VMI_SELECTOR(USER_DS) | 3)
#define VMI_SS0 VMI_SELECTOR(KERNEL_DS) /* what UpdateKernelStack is told, whatever the kernel's RPL */

#define VMI_TSS_LENGTH 104u

struct vmi_tss { /* a page of its own; the processor sees the first VMI_TSS_LENGTH bytes */
	u32 link, esp0, ss0, unused[22];
	u16 trace, io_map;
	u8 rest[VMI_PAGE - VMI_TSS_LENGTH];
};

/* What a trap leaves on the stack, lowest first. esp and ss are there only if the trap came from user mode; the
 * upper half of cs is not ours to read (Xen keeps a mask in it). */
struct vmi_frame {
	u32 gs, fs, es, ds;
	u32 edi, esi, ebp, skipped, ebx, edx, ecx, eax;
	u32 vector, error;
	u32 eip;
	u16 cs, cs_high;
	u32 eflags;
	u32 esp;
	u16 ss, ss_high;
};

extern u64 vmi_gdt[VMI_PAGE / 8]; /* VMI_GDT_ENTRIES of them in use */
extern u64 vmi_idt[VMI_PAGE / 8]; /* 256 of them in use */
extern struct vmi_tss vmi_tss;

u64 vmi_segment(u32 base, u32 limit, u32 attributes); /* attributes: bits 8..15, 20..23 of the second dword */
u64 vmi_gate(void (*entry)(void), u32 type);          /* type: P, DPL and 0xE or 0xF, e.g. 0x8E */
u32 vmi_kernel_cs(void);                              /* 0x60 with the RPL at which we run */
u32 vmi_kernel_ds(void);
void vmi_gdt_fill(void);
void vmi_idt_fill(void); /* interrupt gates to the stubs of traps.S; 3, 4 and 80h trap gates open to user code */
void vmi_tables_load(void);

/* Called by the stubs with interrupts as the gate left them; returning resumes through the IRET call. The kit's own
 * (weak) prints the vector and ends the machine with an error. */
void vmi_trap(struct vmi_frame *frame);

extern void (*const vmi_stubs[256])(void); /* traps.S */

static inline bool vmi_from_user(const struct vmi_frame *frame)
{
	return (frame->cs & 3) == 3; /* never "RPL 0": a kernel may run at 1 */
}

#include "vmi_calls.h"

#endif
