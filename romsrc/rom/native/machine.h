/*
 * What the native backend remembers, and what its files offer each other. The kvm backend is made of the same files
 * and keeps the same state at the head of its own.
 */
#ifndef MACHINE_H
#define MACHINE_H

#define ROM_CPUS 32 /* processors that may call; the state has room for no more */
#define SHADOWS 8   /* different interrupt tables that may be live at once */

/*
 * How another processor is entered (start.S): its APState, and what the ROM adds. Offsets are in start.h; the last
 * instructions reach this by CS alone, whose base is the structure's gva.
 */
struct start {
	struct vmi_ap_state ap;
	u32 given;    /* ap is a possible state, and has not been used yet */
	u32 alias;    /* gva - gpa of the ROM and its state where SetInitialAPState was called */
	u32 cr4;      /* for the moment of the first page tables ... */
	u32 tables;   /* ... which these are: gpa of the root */
	u32 no_efer;  /* the processor has no such register */
	u32 lock;     /* gva of the lock that is released when nothing shared is needed any more */
	u16 gdt_limit; /* of the guest's, in the form that LGDT reads */
	u32 gdt_base;
	u32 target;   /* EIP and CS, in the form of a far pointer */
	u16 target_cs, unused;
} __attribute__((packed));

struct native_cpu {
	u32 apic_id;
	u32 idt_limit;      /* the table the guest set, in bytes - 1 */
	u32 idt_base;       /* gva */
	u32 shadow;         /* number + 1 of the shadow table that is loaded; 0: the guest's own is */
	u32 irq0_due;       /* the next timer interrupt is the guest's */
	u32 irq0_sent;      /* ... and another processor has sent it here */
	u32 lvtt_due;       /* the same for the vector of LVTT */
	u32 lvtt_vector;    /* as LVTT said when its timer was set; 0: never yet */
	u32 lvtt_shot;      /* its timer was set by us and has not been seen to end */
	u32 in_stub;        /* the timer stub is running: it will set the timers itself */
	u64 deadline;       /* of alarms that arrive by IRQ 0 */
	u64 lvtt_deadline;  /* of those wired to LVTT, where that is the hardware's */
	struct start start;
};

struct native_shadow {
	u32 base, limit; /* of the guest's table that it stands for */
	u32 users;       /* processors that have it loaded */
};

struct native_state {
	u32 khz;            /* of the TSC; 0 until it is known */
	u32 timer_taken;    /* an alarm was set: the PIT is ours */
	u32 irq0_vector;    /* 0: not known yet */
	u32 irq0_by_apic;   /* it came through the IO-APIC last */
	u32 pit_shot;       /* the PIT was set and has not been seen to end */
	u32 icw;            /* the master PIC expects ICW2 */
	u32 fault_stub;     /* gva of a stub to stand before the guest's page-fault gate, or 0 */
	u32 lock;           /* held, with interrupts off, by who touches what is shared: the PIT, shadows, the list of CPUs */
	u32 apic_gpa;       /* of the local APIC's page; 0: there is none, or none that is memory */
	u32 apic_gva;       /* where the guest has mapped it, as SetPxE told; 0 not known */
	u32 apic_khz;       /* rate of its timer; 0 until it is known */
	u32 lvtt_vectors[8]; /* set of vectors that have a stub for LVTT */
	u64 clock_real;     /* real counter when ... */
	u64 clock_ns;       /* ... this was the wallclock */
	u32 count;          /* processors known, the first of which called vmi_init */
	struct native_shadow shadows[SHADOWS];
	struct native_cpu cpus[ROM_CPUS];
};

struct native_state *native(void); /* backend.h says where it is */

/* processors.c */
struct native_cpu *native_cpu(void);             /* the calling one */
struct native_cpu *native_cpu_of(u32 apic_id);   /* the one of that number, made known; 0: no room */
void native_cpus_init(void);                     /* the caller is the first */

/* platform.c of each backend: what the host must be told on another processor that starts */
void backend_cpu_init(u32 number);

/* idt.c */
void native_idt_adopt(void);     /* at init: what LIDT loaded last is the guest's table */
void native_idt_refresh(void);   /* the set of gates with stubs has changed */
void native_idt_enter(u32 base, u32 limit); /* the calling processor's table from now on */
void native_idt_stub(u32 vector); /* LVTT has this vector: see that a stub stands there */
u32 native_gate(u32 vector);     /* where the guest's gate leads, or 0 if there is none */

/* timer.c */
void ROMCALL native_snoop(u32 value, u32 port);

/* lapic.c: SetPxE has stored an entry with the APIC's frame for that address */
void ROMCALL native_apic_mapped(u32 gva);

/* start.c */
u32 start_redirect(u32 icr, u32 destination); /* a STARTUP interrupt as it must be sent, or 0: not at all */

/* clock.c */
u32 native_measure_khz(void);    /* of the TSC, against the PIT's second channel */
u64 native_cmos_ns(void);        /* the battery-backed clock, ns since 1970 */

/* boot_native.c */
void native_die(const char *why) __attribute__((noreturn)); /* before there is a guest: to the console, and out */

/* io.h has the instructions */
#endif
