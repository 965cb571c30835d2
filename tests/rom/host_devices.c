/*
 * The shared C of the ROMs on the host: where the state and guest memory are. An access outside the buffer goes to a
 * page of its own and is counted.
 */
#include "platform.h"
#include "apic.h"
#include "math.h"

int rom_init(void);
void vmi_SetAlarm(u32 flags, u32 expiry_low, u32 expiry_high, u32 period_low, u32 period_high);
u32 vmi_CancelAlarm(u32 flags);
u64 vmi_GetCycleCounter(u32 counter);
u64 vmi_GetCycleFrequency(void);
u64 vmi_GetWallclockTime(void);
u32 vmi_WallclockUpdated(void);
void vmi_APICWrite(u32 offset, u32 value);
u32 vmi_APICRead(u32 offset);
s32 vmi_SetCounters(u32 array, u32 entries);

static struct rom_state the_state;
static unsigned char guest[1 << 22], elsewhere[1 << 16];
static u32 wild_accesses;
const u8 rom_call_answers[1] = {0};

struct rom_state *state(void)
{
	return &the_state;
}

u32 rom_base(void)
{
	return VMI_LAYOUT_ROM_GPA;
}

u32 state_gva(void)
{
	return VMI_LAYOUT_STATE_GPA + PAGE_SIZE * VMI_LAYOUT_STATE_ROM;
}

void *host_at(u32 gva, u32 length)
{
	if (length <= sizeof(guest) && gva <= sizeof(guest) - length)
		return guest + gva;
	wild_accesses++;
	return elsewhere;
}

int backend_init(void)
{
	return 0;
}

static void reset(void)
{
	the_state.magic = 0;
	rom_init();
	wild_accesses = 0;
	memset(guest, 0, sizeof(guest));
}

static unsigned char *guest_memory(void)
{
	return guest;
}

static u32 wild(void)
{
	return wild_accesses;
}

static u64 host_mod(u64 n, u64 d)
{
	return mod_u64(n, d);
}

static u64 host_div(u64 n, u32 d)
{
	u32 rest;

	return div_u64(n, d, &rest);
}

static u64 host_mul_div(u64 a, u32 m, u32 d)
{
	return mul_div(a, m, d);
}

static u64 host_mul_shift32(u64 a, u32 b)
{
	return mul_shift32(a, b);
}

static u64 host_pvclock(u64 delta, u32 mul, int shift)
{
	return pvclock_scale(delta, mul, (s8)shift);
}

static u32 host_pvclock_khz(u32 mul, int shift)
{
	return pvclock_khz(mul, (s8)shift);
}
