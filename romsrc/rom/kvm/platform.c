/*
 * Time and features under KVM. What the host offers is read from its features leaf, never guessed from a version: the
 * clock gives the TSC's rate and the date, steal time gives the stolen counter; without them the machine's own
 * devices have to do.
 */
#include "cpu.h"
#include "inject.h"
#include "io.h"
#include "kvm_rom.h"
#include "lapic.h"
#include "math.h"
#include "platform.h"

#define VENDOR_INTEL_EBX 0x756e6547u /* "Genu"; every other processor that KVM runs on has vmmcall */
#define VENDOR_CENTAUR_EBX 0x746e6543u
#define VENDOR_SHANGHAI_EBX 0x68532020u

struct native_state *native(void)
{
	return &kvm()->native;
}

static bool by_vmmcall(void)
{
	u32 ebx = cpu_id(0).ebx;

	return ebx != VENDOR_INTEL_EBX && ebx != VENDOR_CENTAUR_EBX && ebx != VENDOR_SHANGHAI_EBX;
}

static u32 host_features(void)
{
	struct cpu_id id;

	if (!(cpu_id(1).ecx >> 31))
		return 0;
	id = cpu_id(KVM_CPUID_LEAF_SIGNATURE);
	if (id.ebx != KVM_SIGNATURE_EBX || id.ecx != KVM_SIGNATURE_ECX || id.edx != KVM_SIGNATURE_EDX)
		return 0;
	if (id.eax != 0 && id.eax < KVM_CPUID_LEAF_FEATURES)
		return 0;
	return cpu_id(KVM_CPUID_LEAF_FEATURES).eax;
}

static volatile struct pvclock_vcpu_time_info *vcpu_clock(void)
{
	return &AT(struct pvclock_vcpu_time_info, shared_gva() + CLOCK_OFFSET);
}

/* Give KVM the addresses. The rate comes from the clock's own scale, so that both agree. */
static void start_clock(void)
{
	struct backend_state *k = kvm();
	bool new_msrs = kvm_has(KVM_FEATURE_CLOCKSOURCE2);
	u32 system = new_msrs ? KVM_MSR_SYSTEM_TIME_NEW : KVM_MSR_SYSTEM_TIME, khz;

	if (!new_msrs && !kvm_has(KVM_FEATURE_CLOCKSOURCE))
		return;
	cpu_write_msr(system, (shared_gpa() + CLOCK_OFFSET) | KVM_MSR_FLAG_ENABLED);
	khz = pvclock_khz(vcpu_clock()->tsc_to_system_mul, vcpu_clock()->tsc_shift);
	if (khz == 0)
		return;
	k->native.khz = khz;
	k->wall_msr = new_msrs ? KVM_MSR_WALL_CLOCK_NEW : KVM_MSR_WALL_CLOCK;
}

int ROMCALL backend_init(void)
{
	struct backend_state *k = kvm();

	if (k->native.khz == 0) {
		k->amd = by_vmmcall();
		k->features = host_features();
		start_clock();
		if (kvm_has(KVM_FEATURE_STEAL_TIME))
			cpu_write_msr(KVM_MSR_STEAL_TIME, (shared_gpa() + STEAL_OFFSET) | KVM_MSR_FLAG_ENABLED);
		if (k->native.khz == 0)
			k->native.khz = native_measure_khz();
		if (k->wall_msr == 0) {
			k->native.clock_ns = native_cmos_ns();
			k->native.clock_real = platform_real();
		}
		mmu_init();
	}
	native_cpus_init();
	lapic_detect();
	native_idt_adopt();
	return 0;
}

void backend_cpu_init(u32 number)
{
	if (kvm_has(KVM_FEATURE_STEAL_TIME))
		cpu_write_msr(KVM_MSR_STEAL_TIME, (shared_gpa() + steal_offset(number)) | KVM_MSR_FLAG_ENABLED);
}

u64 platform_real(void)
{
	return cpu_tsc();
}

u64 platform_hz(void)
{
	return (u64)native()->khz * 1000;
}

/* An odd version means that KVM is writing. */
u64 platform_stolen(void)
{
	volatile struct kvm_steal_time *steal;
	u32 version;
	u64 ns;

	if (!kvm_has(KVM_FEATURE_STEAL_TIME))
		return 0;
	steal = &AT(struct kvm_steal_time, shared_gva() + steal_offset(platform_cpu()));
	do {
		version = steal->version;
		ns = steal->steal;
	} while (version & 1 || version != steal->version);
	return ns_to_cycles(ns, native()->khz);
}

/* ns since the host started the clock. */
static u64 system_time(void)
{
	volatile struct pvclock_vcpu_time_info *clock = vcpu_clock();
	u32 version;
	u64 ns;

	do {
		version = clock->version;
		ns = clock->system_time + pvclock_scale(platform_real() - clock->tsc_timestamp,
							clock->tsc_to_system_mul, clock->tsc_shift);
	} while (version & 1 || version != clock->version);
	return ns;
}

/* The wall clock structure is the date of the boot; KVM writes it anew each time its MSR is written, so that a host
 * whose clock was set shows it. */
u64 platform_wallclock(void)
{
	volatile struct pvclock_wall_clock *wall = &AT(struct pvclock_wall_clock, shared_gva() + WALL_OFFSET);
	const struct backend_state *k = kvm();
	u32 version, sec, nsec;

	if (k->wall_msr == 0)
		return k->native.clock_ns + cycles_to_ns(platform_real() - k->native.clock_real, k->native.khz);
	cpu_write_msr(k->wall_msr, shared_gpa() + WALL_OFFSET);
	do {
		version = wall->version;
		sec = wall->sec;
		nsec = wall->nsec;
	} while (version & 1 || version != wall->version);
	return (u64)sec * 1000000000u + nsec + system_time();
}

void ROMCALL vmi_IODelay(void)
{
	if (!kvm_has(KVM_FEATURE_NOP_IO_DELAY))
		io_out8(NATIVE_PORT_IO_DELAY, 0);
}
