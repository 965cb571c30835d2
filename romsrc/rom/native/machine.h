/*
 * What the native backend remembers, and what its files offer each other. The kvm backend is made of the same files
 * and keeps the same state at the head of its own.
 */
#ifndef MACHINE_H
#define MACHINE_H

struct native_state {
	u32 khz;            /* of the TSC; 0 until it is known */
	u32 idt_limit;      /* the table the guest set, in bytes - 1 */
	u32 idt_base;       /* gva */
	u32 shadow;         /* the shadow table is loaded */
	u32 timer_taken;    /* an alarm was set: the PIT is ours */
	u32 irq0_vector;    /* 0: not known yet */
	u32 irq0_due;       /* the next timer interrupt is the guest's */
	u32 in_stub;        /* the timer stub is running: it will program the PIT itself */
	u32 icw;            /* the master PIC expects ICW2 */
	u32 fault_stub;     /* gva of a stub to stand before the guest's page-fault gate, or 0 */
	u64 deadline;       /* as given to platform_arm */
	u64 clock_real;     /* real counter when ... */
	u64 clock_ns;       /* ... this was the wallclock */
};

struct native_state *native(void); /* backend.h says where it is */

/* idt.c */
void native_idt_adopt(void);     /* at init: what LIDT loaded last is the guest's table */
void native_idt_refresh(void);   /* the set of gates with stubs has changed */
u32 native_gate(u32 vector);     /* where the guest's gate leads, or 0 if there is none */

/* timer.c */
void ROMCALL native_snoop(u32 value, u32 port);

/* clock.c */
u32 native_measure_khz(void);    /* of the TSC, against the PIT's second channel */
u64 native_cmos_ns(void);        /* the battery-backed clock, ns since 1970 */

/* boot_native.c */
void native_die(const char *why) __attribute__((noreturn)); /* before there is a guest: to the console, and out */

/* io.h has the instructions */
#endif
