/*
 * Hypercalls, and the shared page. Numbers and structures are the ABI's (xen.h); here is only the way in.
 */
#ifndef HYPERCALL_H
#define HYPERCALL_H

#include "rom.h"

/* hypercall.S: int $0x82. Result or negative errno. On the host the test supplies it. */
s32 ROMCALL hypercall(u32 number, u32 a, u32 b, u32 c, u32 d, u32 e);

/* gva of an object in the window, for structures that Xen reads */
#ifdef ROM_HOST
u32 host_gva(const volatile void *object);
#define GVA(object) host_gva(object)
u64 cpu_tsc(void);
void exit_port_write(u32 status);
#else
#define GVA(object) ((u32)(uintptr_t)(object))

static inline u64 cpu_tsc(void)
{
	return __builtin_ia32_rdtsc();
}

/* A real port: the domain needs I/O privilege. */
static inline void exit_port_write(u32 status)
{
	__asm__ volatile("outb %b0, %w1" : : "a"(status), "Nd"((u16)VMI_PORT_EXIT));
}
#endif

#define SHARED (&AT(struct xen_shared_info, WINDOW_BASE))

/* The virtual interrupt flag for the ROM's own critical sections: clear it, tell what it was; put it back. */
static inline u32 events_mask(void)
{
	u32 enabled = AT(u8, UPCALL_MASK) ? 0 : 0x200;

	AT(u8, UPCALL_MASK) = 1;
	__asm__ volatile("" ::: "memory");
	return enabled;
}

/* forms.c: in whichever form this Xen knows. The argument's structure begins at words[1]; words[0] is taken. */
s32 event_channel_op(u32 command, u32 *words);
s32 physdev_op(u32 command, u32 *words);
void sched_block(void);
void sched_shutdown(volatile u32 *reason);

void events_unmask(u32 saved); /* events.c: what became pending is delivered */

#define DOMID_SELF XEN_DOMID_SELF

/* The compiler must not move accesses to the shared page over this. */
#define BARRIER() __asm__ volatile("" ::: "memory")

#endif
