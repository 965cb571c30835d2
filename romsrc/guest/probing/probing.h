/*
 * What the probes have in common. A probe is a bare kernel that asks one hypervisor questions. Each question is one
 * line, `id: question = answer`; lines that begin with "~ " are notes. Numbers that differ from one boot to the next
 * (frames, times, addresses of the host's choice) are told as classes.
 *
 * Nothing here knows a hypervisor: what is behind "supplied" each probe brings. `seen`, the last trap, has the members
 * that the hypervisor gives it; its `hits` counts traps since TRY began.
 */
#ifndef PROBING_H
#define PROBING_H

#include "vmi.h"
#include "vmi_asm.h"

/* ---- report.c: %d signed, %u unsigned, %x hex, %s text, %t the last trap, %e an error's name or the number ---- */

void say(const char *id, const char *question, const char *format, ...);
void say_of(const char *id, const char *part, const char *question, const char *format, ...);
void say_at(const char *id, u32 number, const char *part, const char *question, const char *format, ...);
void note(const char *format, ...);
const char *yes(u32 truth);
void unexpected(u32 eip) __attribute__((noreturn)); /* a trap where no TRY is: a note, and the end */

/* ---- fill.c ---- */

void clear(volatile void *at, u32 count);

/* ---- stubs.h: pairs of a vector and its stub's address, the last without an address ---- */

extern const u32 probe_stubs[];

/* ---- Supplied: the way out ---- */

void print(const char *line, u32 length); /* to the console: a whole line with its end; a zero follows it */
void end(u32 status) __attribute__((noreturn));

/* ---- Supplied: what answers are told by ---- */

struct trap {
	u32 times, vector, error;
};

struct trap trap_met(void); /* since the last TRY began; no times: none */

struct error_name {
	s32 code;
	const char *name;
};

extern const struct error_name error_names[]; /* of the hypervisor's errors, the last without a name */

/* ---- Supplied: where a trap goes on, 0 outside a TRY, and with which stack ---- */

extern u32 probe_resume, probe_resume_esp;

/* Runs instructions with the next trap going on behind them; ask `seen` afterwards. */
#define TRY(text) \
	do { \
		seen.hits = 0; \
		__asm__ volatile("movl $9f, probe_resume\n\tmovl %%esp, probe_resume_esp\n\t" text "\n9:\n\t" \
				 "movl probe_resume_esp, %%esp\n\tmovl $0, probe_resume" \
				 ::: "eax", "ebx", "ecx", "edx", "esi", "edi", "memory", "cc"); \
	} while (0)

#endif
