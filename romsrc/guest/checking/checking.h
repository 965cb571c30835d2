/*
 * What guests that check have in common: the transcript, where traps go, frames, address spaces, a user process, the
 * timer. A guest is this, the kit, and a table of subjects.
 *
 * Nothing here knows a backend. The transcript (every line that does not begin with "~ ") is the same on all of them:
 * where a backend may honestly lack something, the line says "or is honestly absent" and the ROM's own GetCallInfo
 * decides. Times and addresses go into notes. Every wait is bounded by the real counter.
 */
#ifndef CHECKING_H
#define CHECKING_H

#include "vmi_guest.h"

/* ---- report.c: the transcript ---- */

extern u32 passed, failed;
void subject(const char *name);
bool check(bool ok, const char *sentence);
/* %u decimal, %x hex, %X 64-bit hex, %s text */
void note(const char *format, ...);
u32 divide(u64 value, u32 by);
bool same_text(const char *a, const char *b, u32 length);

/* ---- main.c ---- */

struct subject {
	const char *name;
	void (*run)(void);
};

/* What the guest supplies: its first line, and its subjects in the order in which they run, the last without a name. */
extern const char title[];
extern const struct subject subjects[];

extern struct vmi_boot_info *boot;
extern u32 first_mask; /* what GetInterruptMask said before anything else */
const char *option(const char *name, u32 *length); /* of the command line: NAME=VALUE, NULL if absent */
void finish(void) __attribute__((noreturn));       /* end.c */

/* ---- dispatch.c: where traps go ---- */

struct caught { /* the last trap that nobody claimed */
	u32 times, vector, error, address, eip, cs, eflags;
	u32 mask; /* GetInterruptMask inside the handler */
	const struct vmi_frame *frame;
};

extern struct caught caught;
extern bool (*fault_hook)(struct vmi_frame *frame, u32 address); /* page faults; true: mended, go on */
extern void (*absent_fpu_hook)(void);                             /* #NM */
extern bool (*trap_hook)(struct vmi_frame *frame);                /* any, before all others; true: done, go on */
/* Run function(argument); true if a trap ended it. Breakpoint and overflow are recorded and resumed. */
bool catch(void (*function)(u32), u32 argument);
bool caught_is(u32 vector, u32 error, u32 address);

/* ---- instructions.S: one that traps each, with the address at which it does ---- */

void do_divide(u32 unused), do_breakpoint(u32 unused), do_overflow(u32 unused), do_bound(u32 unused);
void do_undefined(u32 unused), do_load_fs(u32 selector), do_read(u32 va), do_write(u32 va), do_call(u32 va);
extern const u8 at_divide[], after_breakpoint[], after_overflow[], at_bound[], at_undefined[], at_load_fs[];
extern const u8 at_read[], at_write[];
bool registers_survive_breakpoint(void);
bool registers_survive_flags(void);
bool registers_survive_cpuid(void *entry);
bool registers_survive_interrupt(volatile u32 *ticks);
bool registers_survive_out(void *entry, u32 port, u32 value);
bool registers_survive_in(void *entry, u32 port);
void enable_by_iret(void);
extern u32 other_handler_ran;
void other_handler(void);
u32 read_fs(u32 offset);
u32 read_gs(u32 offset);
void load_fs(u32 selector);
void load_gs(u32 selector);

/* ---- frames.c: page frames by gpa ---- */

void frames_start(void);
u32 frame_get(void);  /* zeroed */
void frame_put(u32 gpa);
u32 frames_free(void);
u32 frames_untouched(void); /* gpa of the first that was never handed out; all behind it are free, too */

/* ---- space.c: address spaces ---- */

enum { /* page-table entry bits */
	P = 1,
	W = 2,
	U = 4,
	A = 0x20,
	D = 0x40,
	G = 0x100,
};
#define NX (1ull << 63)
#define FRAME 0x000FFFFFFFFFF000ull
#define KERNEL_AREA 0xE8000000u /* mapped by the tests, above the linear mapping and below every virtual_top */

extern u32 kernel_root;
u32 space_new(void);                         /* root gpa; kernel part shared */
void space_free(u32 root);                   /* tables and the frames that are mapped in its user part */
void space_enter(u32 root);
u64 *space_entry(u32 root, u32 va);          /* level 1, its tables made as needed */
u32 entry_flags(u32 root, u32 va);           /* what SetPxELong and UpdatePxELong are told */
void space_set(u32 root, u32 va, u64 value); /* SetPxELong, then InvalPage if it replaces a present entry */
u32 space_map(u32 root, u32 va, u64 flags);  /* a new frame; its gpa */
bool nx_offered(void);

/* ---- process.c, process.S: user mode ---- */

enum { EXIT = 1, ADD, WHERE };
#define USER_CODE 0x08048000u
#define USER_DATA 0x0804A000u
#define USER_CONST 0x0804B000u
#define USER_STACK 0x0BFFF000u

struct process {
	u32 root;
	const u8 *programs; /* what lies at USER_CODE */
	u32 calls;
	u32 code;    /* of EXIT */
	bool exited; /* otherwise it was ended by the trap in `caught` */
	u32 where, cs, ss, eflags; /* of the last WHERE: address of its frame, and what was in it */
};

extern struct process process;
extern u8 trap_stack[8192];
void process_start(void); /* with the programs of process.S */
void process_load(const u8 *programs, const u8 *end);
void process_end(void);
bool process_run(const u8 *program, u32 argument); /* true if it exited */
bool process_run_with(const u8 *program, u32 argument, u32 eflags);
void process_call(struct vmi_frame *frame);
u32 user_run(u32 eip, u32 esp, u32 eflags, u32 argument);
u32 user_sysexit(u32 eip, u32 esp);
void user_leave(u32 result) __attribute__((noreturn)); /* from a handler back to who went to user code */
extern bool user_running;
extern const u8 user_start[], user_end[];
extern const u8 user_sum[], user_read[], user_write[], user_read_write[], user_cli[], user_in[], user_int[], user_divide[];
extern const u8 user_breakpoint[], user_spin[], user_where[];

/* ---- timer.c: time and the timer interrupt ---- */

struct patience {
	u64 until;
	u32 looks;
};

extern volatile u32 timer_ticks, timer_mask, timer_eflags;
extern u64 timer_last;
extern bool timer_quiet; /* the handler leaves the interrupt in service */
extern volatile u32 lvtt_ticks;
extern void (*timer_hook)(void);
void timer_start(void);
void interrupt(struct vmi_frame *frame);
u64 now(void);
u64 microseconds(u32 count); /* in cycles */
struct patience patience(u32 milliseconds);
bool patient(struct patience *left);
bool pic_pending(void);
void pic_mask(u32 mask);
void pic_end(void);
void timer_drain(void);                  /* cancel, let out what is pending, forget it; interrupts are off after */
bool timer_await(u64 expiry);            /* until an alarm of that expiry must be pending, interrupts being off */

/* Waits at most that long of real time for the condition, and says whether it came true. */
#define WAIT(condition, milliseconds) \
	({ \
		struct patience left_ = patience(milliseconds); \
		while (!(condition) && patient(&left_)) \
			; \
		(condition); \
	})
#define LONG 2000 /* ms: far more than anything here takes, on a host that is busy with other things */

#endif
