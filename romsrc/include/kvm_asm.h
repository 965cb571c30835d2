/* Generated from abi/ by `python -m vmirom.generate`; do not edit. */
#ifndef VMIROM_KVM_ASM_H
#define VMIROM_KVM_ASM_H

/* Numbers of the hypercalls. */
#define KVM_HYPERCALL_VAPIC_POLL_IRQ 1
#define KVM_HYPERCALL_MMU_OP 2
#define KVM_HYPERCALL_FEATURES 3
#define KVM_HYPERCALL_PPC_MAP_MAGIC_PAGE 4
#define KVM_HYPERCALL_KICK_CPU 5
#define KVM_HYPERCALL_MIPS_GET_CLOCK_FREQ 6
#define KVM_HYPERCALL_MIPS_EXIT_VM 7
#define KVM_HYPERCALL_MIPS_CONSOLE_OUTPUT 8
#define KVM_HYPERCALL_CLOCK_PAIRING 9
#define KVM_HYPERCALL_SEND_IPI 10
#define KVM_HYPERCALL_SCHED_YIELD 11
#define KVM_HYPERCALL_MAP_GPA_RANGE 12

/* Bit numbers in EAX of CPUID leaf 0x40000001. */
#define KVM_FEATURE_CLOCKSOURCE 0
#define KVM_FEATURE_NOP_IO_DELAY 1
#define KVM_FEATURE_MMU_OP 2
#define KVM_FEATURE_CLOCKSOURCE2 3
#define KVM_FEATURE_ASYNC_PF 4
#define KVM_FEATURE_STEAL_TIME 5
#define KVM_FEATURE_PV_EOI 6
#define KVM_FEATURE_PV_UNHALT 7
#define KVM_FEATURE_PV_TLB_FLUSH 9
#define KVM_FEATURE_ASYNC_PF_VMEXIT 10
#define KVM_FEATURE_PV_SEND_IPI 11
#define KVM_FEATURE_POLL_CONTROL 12
#define KVM_FEATURE_PV_SCHED_YIELD 13
#define KVM_FEATURE_ASYNC_PF_INT 14
#define KVM_FEATURE_MSI_EXT_DEST_ID 15
#define KVM_FEATURE_HC_MAP_GPA_RANGE 16
#define KVM_FEATURE_MIGRATION_CONTROL 17
#define KVM_FEATURE_CLOCKSOURCE_STABLE 24

/* Bit numbers in EDX of CPUID leaf 0x40000001. */
#define KVM_HINT_REALTIME 0

/* Model-specific registers; the first two are the old numbers. */
#define KVM_MSR_WALL_CLOCK 17
#define KVM_MSR_SYSTEM_TIME 18
#define KVM_MSR_WALL_CLOCK_NEW 0x4b564d00
#define KVM_MSR_SYSTEM_TIME_NEW 0x4b564d01
#define KVM_MSR_ASYNC_PF_EN 0x4b564d02
#define KVM_MSR_STEAL_TIME 0x4b564d03
#define KVM_MSR_PV_EOI_EN 0x4b564d04
#define KVM_MSR_POLL_CONTROL 0x4b564d05
#define KVM_MSR_ASYNC_PF_INT 0x4b564d06
#define KVM_MSR_ASYNC_PF_ACK 0x4b564d07
#define KVM_MSR_MIGRATION_CONTROL 0x4b564d08

/* Bit 0 of the MSRs that take an address. */
#define KVM_MSR_FLAG_ENABLED 0x1

/* Operations of hypercall MMU_OP; a buffer holds at most BATCH of them. */
#define KVM_MMU_OP_WRITE_PTE 1
#define KVM_MMU_OP_FLUSH_TLB 2
#define KVM_MMU_OP_RELEASE_PT 3

/* Limits of MMU_OP. */
#define KVM_MMU_LIMIT_BATCH 32

/* Error numbers; a hypercall returns them negative. */
#define KVM_ERRNO_EPERM 1
#define KVM_ERRNO_E2BIG 7
#define KVM_ERRNO_EFAULT 14
#define KVM_ERRNO_EINVAL 22
#define KVM_ERRNO_EOPNOTSUPP 95
#define KVM_ERRNO_ENOSYS 0x3e8

/* Leaves of the hypervisor range. */
#define KVM_CPUID_LEAF_SIGNATURE 0x40000000
#define KVM_CPUID_LEAF_FEATURES 0x40000001

/* KVMKVMKVM in EBX, ECX, EDX of the first leaf. */
#define KVM_SIGNATURE_EBX 0x4b4d564b
#define KVM_SIGNATURE_ECX 0x564b4d56
#define KVM_SIGNATURE_EDX 77

/* The two hypercall instructions, their three bytes as a little-endian number. */
#define KVM_OPCODE_VMCALL 0xc1010f
#define KVM_OPCODE_VMMCALL 0xd9010f

/* Flags of pvclock_vcpu_time_info. */
#define KVM_CLOCK_FLAG_TSC_STABLE 0x1
#define KVM_CLOCK_FLAG_GUEST_STOPPED 0x2

/* Bits of kvm_steal_time.preempted. */
#define KVM_PREEMPTED_PREEMPTED 0x1
#define KVM_PREEMPTED_FLUSH_TLB 0x2

/* Second argument of CLOCK_PAIRING. */
#define KVM_CLOCK_PAIRING_TYPE_WALLCLOCK 0

/* struct pvclock_vcpu_time_info */
#define pvclock_vcpu_time_info_SIZE 32
#define pvclock_vcpu_time_info_OFF_version 0
#define pvclock_vcpu_time_info_OFF_pad0 4
#define pvclock_vcpu_time_info_OFF_tsc_timestamp 8
#define pvclock_vcpu_time_info_OFF_system_time 16
#define pvclock_vcpu_time_info_OFF_tsc_to_system_mul 24
#define pvclock_vcpu_time_info_OFF_tsc_shift 28
#define pvclock_vcpu_time_info_OFF_flags 29
#define pvclock_vcpu_time_info_OFF_pad 30

/* struct pvclock_wall_clock */
#define pvclock_wall_clock_SIZE 12
#define pvclock_wall_clock_OFF_version 0
#define pvclock_wall_clock_OFF_sec 4
#define pvclock_wall_clock_OFF_nsec 8

/* struct kvm_mmu_op_header */
#define kvm_mmu_op_header_SIZE 8
#define kvm_mmu_op_header_OFF_op 0
#define kvm_mmu_op_header_OFF_pad 4

/* struct kvm_mmu_op_write_pte */
#define kvm_mmu_op_write_pte_SIZE 24
#define kvm_mmu_op_write_pte_OFF_header 0
#define kvm_mmu_op_write_pte_OFF_pte_phys 8
#define kvm_mmu_op_write_pte_OFF_pte_val 16

/* struct kvm_mmu_op_flush_tlb */
#define kvm_mmu_op_flush_tlb_SIZE 8
#define kvm_mmu_op_flush_tlb_OFF_header 0

/* struct kvm_mmu_op_release_pt */
#define kvm_mmu_op_release_pt_SIZE 16
#define kvm_mmu_op_release_pt_OFF_header 0
#define kvm_mmu_op_release_pt_OFF_pt_phys 8

/* struct kvm_steal_time */
#define kvm_steal_time_SIZE 64
#define kvm_steal_time_OFF_steal 0
#define kvm_steal_time_OFF_version 8
#define kvm_steal_time_OFF_flags 12
#define kvm_steal_time_OFF_preempted 16
#define kvm_steal_time_OFF_u8_pad 17
#define kvm_steal_time_OFF_pad 20

/* struct kvm_clock_pairing */
#define kvm_clock_pairing_SIZE 64
#define kvm_clock_pairing_OFF_sec 0
#define kvm_clock_pairing_OFF_nsec 8
#define kvm_clock_pairing_OFF_tsc 16
#define kvm_clock_pairing_OFF_flags 24
#define kvm_clock_pairing_OFF_pad 28

#endif
