/* Lazy switching of the FPU: TS set at the switch, #NM at the first use, CLTS and the right contents in its handler. */
#include "reference.h"

#define CR0_TS 8u
#define USERS 2

void fpu_load(u32 value), fpu_save(void *area), fpu_restore(const void *area), fpu_reset(void);
u32 fpu_store(void);

static struct {
	u8 area[108];
	bool used;
} states[USERS];
static u32 current, owner, traps_;

static void first_use(void)
{
	traps_++;
	vmi_CLTS();
	if (owner == current)
		return;
	if (owner < USERS)
		fpu_save(states[owner].area);
	if (states[current].used)
		fpu_restore(states[current].area);
	else
		fpu_reset();
	states[current].used = true;
	owner = current;
}

static void switch_user(u32 next)
{
	vmi_SetLazyMode(VMI_LAZY_MODE_CPU);
	vmi_SetCR0(vmi_GetCR0() | CR0_TS);
	vmi_SetLazyMode(VMI_LAZY_MODE_NONE);
	current = next;
}

static void load(u32 value)
{
	fpu_load(value);
}

void fpu(void)
{
	bool right = true;

	owner = USERS;
	absent_fpu_hook = NULL;
	vmi_SetCR0(vmi_GetCR0() | CR0_TS);
	check(catch(load, 1) && caught_is(7, 0, 0), "with TS set, the first FPU instruction traps");
	absent_fpu_hook = first_use;
	switch_user(0);
	fpu_load(1234);
	switch_user(1);
	fpu_load(5678);
	check(traps_ == 2 && !(vmi_GetCR0() & CR0_TS), "each user's first instruction traps once; CLTS in the handler ends it");
	for (u32 n = 0; n < 10; n++) {
		u32 value;

		switch_user(n & 1);
		value = fpu_store();
		right &= value == (n & 1 ? 5678u : 1234u);
		fpu_load(value);
	}
	check(right && traps_ == 12, "both users' numbers survive ten switches");
	switch_user(owner);
	traps_ = 0;
	switch_user(0);
	switch_user(1);
	right = owner == 1 && fpu_store() == 5678 && traps_ == 1;
	check(right, "who comes back before another used it finds the FPU as it was");
	absent_fpu_hook = NULL;
	vmi_CLTS();
	fpu_reset();
}
