/* A kernel that asks Xen questions. */
#ifndef PROBE_H
#define PROBE_H

#include "../probing/probing.h"
#include "xen.h"

#define BASE 0xC0000000u
#define PAGE 4096u
#define PAGES 64
#define P 1ull
#define RW 2ull
#define US 4ull
#define PWT 8ull
#define PCD 0x10ull
#define ACC 0x20ull
#define DIR 0x40ull
#define PSE 0x80ull
#define GLB 0x100ull
#define AVAIL 0xE00ull
#define NX (1ull << 63)
#define SELF XEN_DOMID_SELF

/* What the last trap or upcall was, and how many came since try_begin. */
struct seen {
	u32 hits, vector, error, eip, cs, eflags, esp, ss, cr2, mask;
	u32 eax;
};

/* The stack of a trap, lowest first. */
struct trap_frame {
	u32 edi, esi, ebp, ignored, ebx, edx, ecx, eax;
	u32 vector, error, eip, cs, eflags, esp, ss;
};

struct first {
	u32 eax, ebx, ecx, edx, esi, edi, ebp, esp, cs, ds, ss, eflags;
};

extern struct first probe_first;
extern u8 probe_pages[PAGES][PAGE], probe_hypercall_page[PAGE], probe_user_stack[PAGE];
extern struct xen_start_info *start;
extern volatile struct xen_shared_info *shared;
extern volatile struct xen_vcpu_info *vcpu;
extern struct seen seen, event;
extern u32 failsafe_hits, page_done;
extern const u32 *m2p;

s32 hypercall(u32 number, u32 a, u32 b, u32 c, u32 d, u32 e);
#define call0(n) hypercall(n, 0, 0, 0, 0, 0)
#define call1(n, a) hypercall(n, (u32)(a), 0, 0, 0, 0)
#define call2(n, a, b) hypercall(n, (u32)(a), (u32)(b), 0, 0, 0)
#define call3(n, a, b, c) hypercall(n, (u32)(a), (u32)(b), (u32)(c), 0, 0)
#define call4(n, a, b, c, d) hypercall(n, (u32)(a), (u32)(b), (u32)(c), (u32)(d), 0)

/* machine.c */
void machine_begin(void);
u32 mfn(const volatile void *va);
void *page(u32 number);
u32 table_of(u32 va);              /* frame of the L1 that maps va */
u32 directory(u32 slot);           /* frame of the L2 of a slot */
volatile u64 *table_at(u32 frame); /* virtual address of a frame of ours */
u64 entry(u32 va);                 /* the L1 entry of va */
u64 entry_address(u32 va);         /* its machine address */
s32 map(const volatile void *va, u64 value);
s32 map_address(u32 va, u64 value);
s32 remap(u32 number, u64 bits);   /* a page of ours with these bits; 0 or the error */
s32 update(u64 pointer, u64 value);
s32 extended(u32 command, u32 first, u32 second);
s32 set_iopl(u32 level);
void gate(u32 vector, u32 flags);
void traps_on(void);
u64 now(void);                     /* system time in ns, by the TSC */
void events_on(void);
void mask_events(void);
void unmask_events(void);

/* Runs the instructions between two labels in ring 3; flags as given. */
void user_run(const void *code, u32 flags);

/* One file each. */
void ask_boot(void);
void ask_version(void);
void ask_calls(void);
void ask_entries(void);
void ask_directories(void);
void ask_pins(void);
void ask_stores(void);
void ask_descriptors(void);
void ask_local_table(void);
void ask_traps(void);
void ask_privileged(void);
void ask_ports(void);
void ask_user(void);
void ask_memory(void);
void ask_events(void);
void ask_time(void);
void ask_virtual_cpu(void);
void ask_pointers(void);
void ask_grants(void);
void ask_loads(void);
void ask_emulation(void);
void ask_returns(void);
void ask_types(void);
void ask_devices(void);

/* deaths.c: the questions that end the domain, and one of them. */
void tell_deaths(void);
void die(u32 number);

#endif
