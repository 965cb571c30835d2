/*
 * The player: a guest that makes the calls it is told to, and tells what came of each.
 *
 * Whoever runs it stops it at player_gate, writes steps, and lets it go on; the player makes them one after another
 * and comes back to the gate. It knows nothing of what is right: that is the model's business (vmirom/conform/model,
 * which reads and writes these structures by the offsets below; a test holds the two together).
 */
#ifndef PLAYER_H
#define PLAYER_H

#define PLAYER_STEPS 512
#define PLAYER_LINEAR 4 /* tables of two levels, which map 4 MiB each */
#define PLAYER_CALL 0xFFFFFFFF /* step.routine: the call itself */
#define PLAYER_STACK_WORDS 4
#define PLAYER_ARITHMETIC 0x8D5
#define PLAYER_EARLY 0x80000000u /* answers of the pace routine */
#define PLAYER_NEVER 0xFFFFFFFFu

/* struct player_step */
#define STEP_ROUTINE 0
#define STEP_CALL 4
#define STEP_EAX 8
#define STEP_EDX 12
#define STEP_ECX 16
#define STEP_EBX 20
#define STEP_ESI 24
#define STEP_EDI 28
#define STEP_EBP 32
#define STEP_FLAGS 36
#define STEP_STACK 40
#define STEP_PEEK 56

/* struct player_result */
#define RESULT_EAX 0
#define RESULT_EDX 4
#define RESULT_ECX 8
#define RESULT_EBX 12
#define RESULT_ESI 16
#define RESULT_EDI 20
#define RESULT_EBP 24
#define RESULT_FLAGS 28
#define RESULT_ESP 32
#define RESULT_SEGMENTS 36

#ifndef __ASSEMBLER__
#include "vmi_guest.h"

struct player_step {
	u32 routine; /* PLAYER_CALL, or an index into player_routines */
	u32 call;    /* number of the call */
	u32 eax, edx, ecx, ebx, esi, edi, ebp;
	u32 flags; /* arithmetic flags to come with */
	u32 stack[PLAYER_STACK_WORDS];
	u32 peek; /* gva of eight bytes to be looked at afterwards, or 0 */
	u32 unused;
};

struct player_result {
	u32 eax, edx, ecx, ebx, esi, edi, ebp, flags;
	u32 esp;      /* how far it is off */
	u32 segments; /* DS in the low half, ES in the high one, as far as they differ from SS */
	u32 trap;     /* vector of the trap that ended the step, or ~0 */
	u32 error, address; /* of that trap; address is what GetCR2 told in its handler */
	u32 interrupts;     /* handled so far; the high byte counts frames that were not as they must be */
	u64 peek;
};

/* Everything that is shared with who runs the player, page by page, in free memory at an address of the linear map
 * that no image reaches. */
struct player_arena {
	struct { /* page 0 */
		u32 magic, state, count, roots[2];
		u32 kernel_cs, kernel_ds, user_cs, user_ds, stacks[2], window_pde;
		u8 kinds[VMI_CALLS]; /* type that get_reloc answered, by call */
		u8 rest[VMI_PAGE - 48 - VMI_CALLS];
	} mailbox;
	struct player_step steps[PLAYER_STEPS];     /* 1 */
	struct player_result results[PLAYER_STEPS]; /* 9 */
	u8 scratch[VMI_PAGE];                       /* 17 */
	u64 gdt[2][VMI_PAGE / 8];                   /* 18 */
	u64 idt[2][VMI_PAGE / 8];                   /* 20 */
	u64 table[VMI_PAGE / 8];                    /* 22: in nobody's use */
	u8 frames[8][VMI_PAGE];                     /* 23: what the window shows */
	u64 window[2][VMI_PAGE / 8];                /* 31: page tables of the window in both spaces */
	u64 root[VMI_PAGE / 8];                     /* 33: of the second space */
	u64 directory[VMI_PAGE / 8];                /* 34 */
	u8 stacks[2][VMI_PAGE];                     /* 35: kernel stacks for UpdateKernelStack */
	u32 directories[2][VMI_PAGE / 4];           /* 37: of both spaces, in tables of two levels */
	u32 linear[PLAYER_LINEAR][VMI_PAGE / 4];    /* 39: and the tables of the linear mapping */
};

enum player_state { PLAYER_IDLE, PLAYER_GO, PLAYER_END };

#define PLAYER_MAGIC 0x59414C50u
#define PLAYER_WINDOW 0xE8000000u
#define PLAYER_ARENA 0xC0400000u

#define player_arena (*(struct player_arena *)PLAYER_ARENA)

extern void *const player_routines[];
extern u32 player_interrupts;

void player_gate(void);
void player_make(const struct player_step *step, struct player_result *result, void *target);
void player_return(void);   /* where a trap in the kernel goes on */
void player_leave(void) __attribute__((noreturn)); /* from a handler on any stack */
void player_user(void);     /* code of ring 3 */
u32 player_await(u32 bound) VMICALL;
#endif
#endif
