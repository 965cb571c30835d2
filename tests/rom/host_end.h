/* A way out of routines that never return, for the C of the ROMs on the host. */
#ifndef HOST_END_H
#define HOST_END_H

#include <setjmp.h>
#include <stdlib.h>

static jmp_buf way_out;
static bool inside, over;

/* Of Python: the machine ends as soon as the callback has returned. */
static void end_machine(void)
{
	over = inside;
}

/* Nothing comes behind this. */
static __attribute__((noreturn)) void leave(void)
{
	over = false;
	if (!inside)
		abort();
	longjmp(way_out, 1);
}

/* Behind every callback that may have ended the machine. */
static void leave_if_over(void)
{
	if (over)
		leave();
}

/* Whether the machine ended during a call. */
#define ENDED(call)                         \
	({                                  \
		volatile bool ended = true; \
		inside = true;              \
		if (!setjmp(way_out)) {     \
			call;               \
			ended = false;      \
		}                           \
		inside = false;             \
		(int)ended;                 \
	})

#endif
