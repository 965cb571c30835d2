/* The kvm backend's part of struct rom_state: a bare machine's, and what KVM's paravirtual features need. */
#ifndef BACKEND_H
#define BACKEND_H

#include "machine.h"

#define LINEAR_SLOTS 4

/* One of the guest's linear maps, as told by SetLinearMapping. */
struct linear_slot {
	u32 gva, pages, pfn;
};

struct backend_state {
	struct native_state native;
	u32 features;      /* EAX of the features leaf; 0 if this is not KVM */
	u32 amd;           /* hypercalls by vmmcall */
	u32 lock;          /* of the MMU_OP buffer */
	u32 queued;        /* bytes waiting in it */
	u32 lazy_modes[ROM_CPUS]; /* as given to SetLazyMode */
	u32 wall_msr;
	u32 refused;       /* MMU_OP batches that KVM did not take */
	struct linear_slot slots[LINEAR_SLOTS];
};

#endif
