/*
 * The joint between shared code and a backend: what a backend supplies, and what it may call.
 */
#ifndef PLATFORM_H
#define PLATFORM_H

#include "rom.h"

/* ---- supplied by the backend ---- */

/* Adopt the running machine: called by vmi_init (state zeroed or valid), IF clear. 0, or -1 to stay native. */
int ROMCALL backend_init(void);

u64 platform_real(void);      /* the real counter, in cycles of platform_hz(), never backwards */
u64 platform_stolen(void);    /* cycles in which this VCPU was runnable but did not run; <= platform_real() */
u64 platform_hz(void);        /* rate of both, constant */
u64 platform_wallclock(void); /* ns since 1970-01-01T00:00:00Z */

/* Number of the calling processor, below ROM_CPUS; wanted only where ROM_CPUS is greater than 1. */
u32 platform_cpu(void);

/* See that alarm_tick() is called soon after the real counter reaches this value (at once if it already has);
 * NEVER: no tick is needed. Replaces the one before. Early ticks are harmless. Called with interrupts saved. */
void platform_arm(u64 real_deadline);

/* Virtual interrupt flag: clear it and return the old state; put it back and deliver what became pending. */
u32 platform_irq_save(void);
void platform_irq_restore(u32 saved);

/* The virtual PIC or APIC has an interrupt: make the next enabling of interrupts notice. Called with
 * interrupts saved. */
void platform_interrupt_pending(void);

void platform_console(const u8 *text, u32 n); /* the text lies in the state pages */
int platform_console_read(void);              /* one byte, or -1 */
void platform_exit(u32 status);               /* end the machine; does not return if the backend can */

/* ---- supplied by shared code ---- */

/* segments.S: DS to SS behind a change of tables; FS and GS around one */
#define ANY_SEGMENT 0xFFFFu
void ROMCALL segments_reload(void);
u32 ROMCALL segments_let_go(u32 selector); /* of FS or GS, if they hold it: for segments_take */
void ROMCALL segments_take(u32 held);

/* rom.c: zero the state and set what must not be zero. For boot stubs; vmi_init does it if magic is missing. */
void rom_state_init(void);

/* alarm.c (calls 66 to 71), for the calling processor */
#define ALARMS_IRQ0 1u
#define ALARMS_LVTT 2u
void alarm_tick(void); /* the host's timer fired (or might have): fire what is due, arm for the next. IF saved */
u64 alarm_deadline(u32 wirings); /* when the next of these can be due, by the real counter; NEVER */

/* pic.c: the 8259 pair at 0x20 and 0xA0. irq 0 to 15. All with interrupts saved. */
void pic_raise(u32 irq); /* the input goes high */
void pic_lower(u32 irq);
bool pic_has(void);      /* an interrupt could be acknowledged now */
int pic_next(void);      /* acknowledge: vector, or -1 */
u32 pic_in(u32 port);
void pic_out(u32 port, u32 value);

/* apic.h: the state a BIOS leaves behind. apic.c: the registers of a virtual one. apic_calls.c, or a backend that
 * knows a real one: APICRead, APICWrite, and where alarms wired to LVTT go. */
u32 apic_read(u32 offset);
void apic_write(u32 offset, u32 value);
void apic_request_lvtt(void);
void apic_raise_lvtt(void);
bool apic_has(void);
int apic_next(void);

/* interrupt.c: both controllers. The flow of a backend's host-interrupt stub: alarm_tick() / uart_poll(), then
 * while the virtual IF allows: v = interrupt_next(); v >= 0: jump to the guest's gate v. */
bool interrupt_has(void);
int interrupt_next(void);

/* uart.c: the 16550 at 0x3F8, IRQ 4 */
u32 uart_in(u32 port);
void uart_out(u32 port, u32 value);
void uart_poll(void);  /* the platform may have input */
void uart_flush(void); /* give the platform what is buffered; before Halt, Shutdown, Reboot, exit */

/* ports.c: one virtual port access of size 1, 2, 4; unknown ports read as all ones */
u32 ROMCALL port_in(u32 port, u32 size);
void ROMCALL port_out(u32 port, u32 size, u32 value);
void ROMCALL port_string_done(void); /* the end of OUTSx */

/* boot.c */
struct boot_plan {
	u32 base;         /* gva = gpa + base while the stub runs: 0 without paging, else LINEAR_BASE */
	u32 mem_pages;    /* of guest-physical memory from 0; the stub has taken off what is its own */
	u32 command_line; /* gva of a NUL-terminated string, or 0 */
	u32 initrd_gpa;   /* where the loader put it; it is moved down behind the guest's image */
	u32 initrd_length;
	u32 reserve_pages; /* wanted by the stub behind the tables; their first pfn comes back in reserved_pfn */
	u32 reserved_pfn;
	u32 held_pages; /* at the end of memory, which the loader's things are in still: nothing is put there */
	bool no_nx; /* the processor has no NX */
	/* results */
	u32 root_gpa;   /* PDPT of the guest's first page tables */
	u32 entry;      /* gva */
	u32 first_free_pfn;
};
/* Read struct vmi_bundle, copy the command line, move the initrd, build the guest's page tables (its own
 * frames, guest-physical), write struct vmi_boot_info. Everything else that the stub wants from the loader's
 * structures it must have read before. 0, or -1 and nothing written if memory does not suffice or the bundle is not
 * one. */
int boot_prepare(struct boot_plan *plan);

/* boot_enter.S: by the entry contract. Registers, FS = GS = 0, DF; virtual IF and everything that CR3 and CPL mean
 * are the caller's. EAX = gva of the entry, EDX = gva of struct vmi_boot_info, ECX = top of the stack (gva). */
void ROMCALL boot_enter(u32 entry, u32 info, u32 stack) __attribute__((noreturn));

#endif
