/* Generated from abi/ by `python -m vmirom.generate`; do not edit. */
#ifndef VMIROM_KVM_H
#define VMIROM_KVM_H

#include "kvm_asm.h"
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int8_t s8;
typedef int16_t s16;
typedef int32_t s32;
typedef int64_t s64;

/* Time = (((tsc - tsc_timestamp) shifted left by tsc_shift, or right by its negative) times tsc_to_system_mul >> 32) + system_time. */
struct pvclock_vcpu_time_info {
	u32 version; /* odd while it is being written */
	u8 pad0[4];
	u64 tsc_timestamp;
	u64 system_time; /* ns since boot, at tsc_timestamp */
	u32 tsc_to_system_mul;
	s8 tsc_shift;
	u8 flags;
	u8 pad[2];
} __attribute__((packed));
_Static_assert(sizeof(struct pvclock_vcpu_time_info) == 32, "pvclock_vcpu_time_info");
_Static_assert(__builtin_offsetof(struct pvclock_vcpu_time_info, version) == 0, "pvclock_vcpu_time_info.version");
_Static_assert(__builtin_offsetof(struct pvclock_vcpu_time_info, pad0) == 4, "pvclock_vcpu_time_info.pad0");
_Static_assert(__builtin_offsetof(struct pvclock_vcpu_time_info, tsc_timestamp) == 8, "pvclock_vcpu_time_info.tsc_timestamp");
_Static_assert(__builtin_offsetof(struct pvclock_vcpu_time_info, system_time) == 16, "pvclock_vcpu_time_info.system_time");
_Static_assert(__builtin_offsetof(struct pvclock_vcpu_time_info, tsc_to_system_mul) == 24, "pvclock_vcpu_time_info.tsc_to_system_mul");
_Static_assert(__builtin_offsetof(struct pvclock_vcpu_time_info, tsc_shift) == 28, "pvclock_vcpu_time_info.tsc_shift");
_Static_assert(__builtin_offsetof(struct pvclock_vcpu_time_info, flags) == 29, "pvclock_vcpu_time_info.flags");
_Static_assert(__builtin_offsetof(struct pvclock_vcpu_time_info, pad) == 30, "pvclock_vcpu_time_info.pad");

/* Wall clock at boot; add the system time. */
struct pvclock_wall_clock {
	u32 version; /* odd while it is being written */
	u32 sec;
	u32 nsec;
} __attribute__((packed));
_Static_assert(sizeof(struct pvclock_wall_clock) == 12, "pvclock_wall_clock");
_Static_assert(__builtin_offsetof(struct pvclock_wall_clock, version) == 0, "pvclock_wall_clock.version");
_Static_assert(__builtin_offsetof(struct pvclock_wall_clock, sec) == 4, "pvclock_wall_clock.sec");
_Static_assert(__builtin_offsetof(struct pvclock_wall_clock, nsec) == 8, "pvclock_wall_clock.nsec");

/* Head of every MMU operation. */
struct kvm_mmu_op_header {
	u32 op;
	u8 pad[4];
} __attribute__((packed));
_Static_assert(sizeof(struct kvm_mmu_op_header) == 8, "kvm_mmu_op_header");
_Static_assert(__builtin_offsetof(struct kvm_mmu_op_header, op) == 0, "kvm_mmu_op_header.op");
_Static_assert(__builtin_offsetof(struct kvm_mmu_op_header, pad) == 4, "kvm_mmu_op_header.pad");

/* MMU operation: store a page-table entry. */
struct kvm_mmu_op_write_pte {
	struct kvm_mmu_op_header header;
	u64 pte_phys;
	u64 pte_val;
} __attribute__((packed));
_Static_assert(sizeof(struct kvm_mmu_op_write_pte) == 24, "kvm_mmu_op_write_pte");
_Static_assert(__builtin_offsetof(struct kvm_mmu_op_write_pte, header) == 0, "kvm_mmu_op_write_pte.header");
_Static_assert(__builtin_offsetof(struct kvm_mmu_op_write_pte, pte_phys) == 8, "kvm_mmu_op_write_pte.pte_phys");
_Static_assert(__builtin_offsetof(struct kvm_mmu_op_write_pte, pte_val) == 16, "kvm_mmu_op_write_pte.pte_val");

/* MMU operation: flush the TLB. */
struct kvm_mmu_op_flush_tlb {
	struct kvm_mmu_op_header header;
} __attribute__((packed));
_Static_assert(sizeof(struct kvm_mmu_op_flush_tlb) == 8, "kvm_mmu_op_flush_tlb");
_Static_assert(__builtin_offsetof(struct kvm_mmu_op_flush_tlb, header) == 0, "kvm_mmu_op_flush_tlb.header");

/* MMU operation: a frame is no longer a page table. */
struct kvm_mmu_op_release_pt {
	struct kvm_mmu_op_header header;
	u64 pt_phys;
} __attribute__((packed));
_Static_assert(sizeof(struct kvm_mmu_op_release_pt) == 16, "kvm_mmu_op_release_pt");
_Static_assert(__builtin_offsetof(struct kvm_mmu_op_release_pt, header) == 0, "kvm_mmu_op_release_pt.header");
_Static_assert(__builtin_offsetof(struct kvm_mmu_op_release_pt, pt_phys) == 8, "kvm_mmu_op_release_pt.pt_phys");

/* Stolen time of a virtual CPU; 64-byte aligned. */
struct kvm_steal_time {
	u64 steal; /* ns this CPU was ready and did not run */
	u32 version; /* odd while it is being written */
	u32 flags;
	u8 preempted;
	u8 u8_pad[3];
	u8 pad[44];
} __attribute__((packed));
_Static_assert(sizeof(struct kvm_steal_time) == 64, "kvm_steal_time");
_Static_assert(__builtin_offsetof(struct kvm_steal_time, steal) == 0, "kvm_steal_time.steal");
_Static_assert(__builtin_offsetof(struct kvm_steal_time, version) == 8, "kvm_steal_time.version");
_Static_assert(__builtin_offsetof(struct kvm_steal_time, flags) == 12, "kvm_steal_time.flags");
_Static_assert(__builtin_offsetof(struct kvm_steal_time, preempted) == 16, "kvm_steal_time.preempted");
_Static_assert(__builtin_offsetof(struct kvm_steal_time, u8_pad) == 17, "kvm_steal_time.u8_pad");
_Static_assert(__builtin_offsetof(struct kvm_steal_time, pad) == 20, "kvm_steal_time.pad");

/* Answer of CLOCK_PAIRING. */
struct kvm_clock_pairing {
	s64 sec;
	s64 nsec;
	u64 tsc;
	u32 flags;
	u32 pad[9];
} __attribute__((packed));
_Static_assert(sizeof(struct kvm_clock_pairing) == 64, "kvm_clock_pairing");
_Static_assert(__builtin_offsetof(struct kvm_clock_pairing, sec) == 0, "kvm_clock_pairing.sec");
_Static_assert(__builtin_offsetof(struct kvm_clock_pairing, nsec) == 8, "kvm_clock_pairing.nsec");
_Static_assert(__builtin_offsetof(struct kvm_clock_pairing, tsc) == 16, "kvm_clock_pairing.tsc");
_Static_assert(__builtin_offsetof(struct kvm_clock_pairing, flags) == 24, "kvm_clock_pairing.flags");
_Static_assert(__builtin_offsetof(struct kvm_clock_pairing, pad) == 28, "kvm_clock_pairing.pad");

#endif
