/*
 * What the kvm backend's files share. The page that KVM reads and writes (STATE_SHARED) holds, by offset: the clock,
 * the wall clock, steal time, the buffer of MMU operations, and the steal time of the other processors.
 */
#ifndef KVM_ROM_H
#define KVM_ROM_H

#include "instructions.h"
#include "rom.h"
#include "kvm.h"
#include "kvm_asm.h"

#define CLOCK_OFFSET 0u
#define WALL_OFFSET 64u
#define STEAL_OFFSET 128u
#define QUEUE_OFFSET 1024u
#define STEALS_OFFSET 2048u /* 64 bytes a processor, but for the first */
#define QUEUE_BYTES (KVM_MMU_LIMIT_BATCH * (u32)sizeof(struct kvm_mmu_op_write_pte))

static inline struct backend_state *kvm(void)
{
	return &state()->backend;
}

static inline bool kvm_has(u32 feature)
{
	return (kvm()->features >> feature & 1) != 0;
}

static inline u32 shared_gva(void)
{
	return state_gva() - PAGE_SIZE * (VMI_LAYOUT_STATE_ROM - VMI_LAYOUT_STATE_SHARED);
}

/* Where KVM finds that page: the header says where the state is. */
static inline u32 shared_gpa(void)
{
	return AT(u32, rom_base() + vmi_rom_header_OFF_reserved + vmi_rom_private_OFF_state_gpa) +
	       PAGE_SIZE * VMI_LAYOUT_STATE_SHARED;
}

static inline u32 steal_offset(u32 number)
{
	return number == 0 ? STEAL_OFFSET : STEALS_OFFSET + (u32)sizeof(struct kvm_steal_time) * number;
}

void mmu_init(void);
void mmu_flush(void); /* nothing is queued afterwards */

#endif
