/*
 * Page tables under KVM. A host without MMU_OP, which is every one of the last fifteen years, gets the native
 * instructions. One that has it is told of changes in batches:
 *
 * Promised: memory reads as the guest wrote it, at once; what may wait is KVM's knowledge of it. Outside the lazy MMU
 * mode, a change without DEFER is in force when the call returns. In that mode, or with DEFER, it may wait until mode
 * 0, InvalPage, FlushTLB, SetCR3, ReleasePage, a page fault, or a full batch. A batch carries what the entries hold
 * when it leaves, so that nothing the guest stored itself in between is overwritten. One that KVM refuses costs a
 * reload of CR3.
 */
#include "inject.h"
#include "io.h"
#include "kvm_rom.h"
#include "platform.h"
#include "stubs.h"

u32 ROMCALL kvm_fault_stub_gva(void);
u32 ROMCALL kvm_page_fault(struct rom_frame *frame);

static u32 queue_gva(void)
{
	return shared_gva() + QUEUE_OFFSET;
}

/* gpa of an entry by the guest's linear maps, or 0 if it lies in none of them. */
static u32 gpa_of(u32 gva)
{
	const struct backend_state *k = kvm();

	for (u32 i = 0; i < LINEAR_SLOTS; i++) {
		const struct linear_slot *slot = &k->slots[i];
		u32 page = (gva - slot->gva) >> PAGE_SHIFT;

		if (gva >= slot->gva && page < slot->pages)
			return ((slot->pfn + page) << PAGE_SHIFT) + (gva & (PAGE_SIZE - 1));
	}
	return 0;
}

static u32 gva_of(u32 gpa)
{
	const struct backend_state *k = kvm();

	for (u32 i = 0; i < LINEAR_SLOTS; i++) {
		const struct linear_slot *slot = &k->slots[i];
		u32 page = (gpa >> PAGE_SHIFT) - slot->pfn;

		if (page < slot->pages)
			return slot->gva + (page << PAGE_SHIFT) + (gpa & (PAGE_SIZE - 1));
	}
	return 0;
}

static u32 size_of(u32 op)
{
	if (op == KVM_MMU_OP_WRITE_PTE)
		return sizeof(struct kvm_mmu_op_write_pte);
	return op == KVM_MMU_OP_RELEASE_PT ? sizeof(struct kvm_mmu_op_release_pt) : sizeof(struct kvm_mmu_op_flush_tlb);
}

/* Bring the queued values up to what memory holds now. */
static void refresh(void)
{
	u32 end = kvm()->queued, at = 0, cr4 = cpu_cr4();

	while (at < end) {
		volatile struct kvm_mmu_op_write_pte *op = &AT(struct kvm_mmu_op_write_pte, queue_gva() + at);

		if (op->header.op == KVM_MMU_OP_WRITE_PTE) {
			u32 gva = gva_of((u32)op->pte_phys);

			if (gva != 0)
				op->pte_val = cr4 & NATIVE_CR4_PAE ? AT(u64, gva) : AT(u32, gva);
		}
		at += size_of(op->header.op);
	}
}

static s32 hypercall(u32 number, u32 a0, u32 a1)
{
	return kvm()->amd ? cpu_vmmcall(number, a0, a1, 0) : cpu_vmcall(number, a0, a1, 0);
}

/* The lock is held. */
static void send(void)
{
	struct backend_state *k = kvm();
	u32 done = 0;

	refresh();
	while (done < k->queued) {
		s32 took = hypercall(KVM_HYPERCALL_MMU_OP, k->queued - done, shared_gpa() + QUEUE_OFFSET + done);

		if (took <= 0 || (u32)took > k->queued - done) {
			k->refused++;
			cpu_reload_cr3();
			break;
		}
		done += (u32)took;
	}
	k->queued = 0;
}

void mmu_flush(void)
{
	struct backend_state *k = kvm();
	u32 saved;

	if (!kvm_has(KVM_FEATURE_MMU_OP))
		return;
	saved = lock(&k->lock);
	send();
	unlock(&k->lock, saved);
}

/* Room for an operation at the end of the queue, its head filled in. The lock is held. */
static volatile struct kvm_mmu_op_write_pte *enqueue(u32 op)
{
	struct backend_state *k = kvm();
	volatile struct kvm_mmu_op_write_pte *at;

	if (k->queued + size_of(op) > QUEUE_BYTES)
		send();
	at = &AT(struct kvm_mmu_op_write_pte, queue_gva() + k->queued);
	at->header.op = op;
	memset((void *)at->header.pad, 0, sizeof(at->header.pad));
	k->queued += size_of(op);
	return at;
}

static void leave_unless(u32 may_wait)
{
	if (!may_wait)
		send();
}

static u32 is_lazy(u32 flags)
{
	return flags & VMI_PTE_FLAG_DEFER || kvm()->lazy_modes[platform_cpu()] == VMI_LAZY_MODE_MMU;
}

/*
 * The entry at gva was stored. With PAE KVM knows whole ones only; the value is filled in when the batch leaves. One that
 * lies nowhere is not told; what waits leaves all the same.
 */
static void announce(u32 gva, u32 flags)
{
	u32 gpa, saved, lazy;

	if (!kvm_has(KVM_FEATURE_MMU_OP))
		return;
	gpa = gpa_of(gva);
	lazy = is_lazy(flags);
	if (cpu_cr4() & NATIVE_CR4_PAE)
		gpa &= ~7u;
	saved = lock(&kvm()->lock);
	if (gpa != 0) {
		volatile struct kvm_mmu_op_write_pte *op = enqueue(KVM_MMU_OP_WRITE_PTE);

		op->pte_phys = gpa;
		op->pte_val = 0;
	}
	leave_unless(lazy);
	unlock(&kvm()->lock, saved);
}

/* A mapping of the local APIC's page is remembered (native/lapic.c). */
static void look_at(u32 entry, u32 flags)
{
	if (entry - NATIVE_APIC_BASE < PAGE_SIZE && entry & NATIVE_PTE_PRESENT && flags & VMI_PTE_FLAG_CURRENT_AS)
		native_apic_mapped(flags);
}

void ROMCALL vmi_SetPxE(u32 entry, u32 gva, u32 flags)
{
	AT(u32, gva) = entry;
	look_at(entry, flags);
	announce(gva, flags);
}

void ROMCALL vmi_SetPxELong(u32 low, u32 high, u32 gva, u32 flags)
{
	pae_store(low, high, gva);
	look_at(low, flags);
	announce(gva, flags);
}

void ROMCALL vmi_ReleasePage(u32 pfn, u32 flags)
{
	u32 saved;

	(void)flags;
	if (!kvm_has(KVM_FEATURE_MMU_OP))
		return;
	saved = lock(&kvm()->lock);
	((volatile struct kvm_mmu_op_release_pt *)enqueue(KVM_MMU_OP_RELEASE_PT))->pt_phys = (u64)pfn << PAGE_SHIFT;
	send();
	unlock(&kvm()->lock, saved);
}

void ROMCALL vmi_InvalPage(u32 gva)
{
	mmu_flush();
	cpu_invlpg(gva);
}

/* Global translations go when CR4.PGE changes. */
static void flush_global(void)
{
	u32 saved = irq_save(), cr4 = cpu_cr4();

	if (cr4 & NATIVE_CR4_PGE) {
		cpu_set_cr4(cr4 & ~(u32)NATIVE_CR4_PGE);
		cpu_set_cr4(cr4);
	} else {
		cpu_reload_cr3();
	}
	irq_restore(saved);
}

void ROMCALL vmi_FlushTLB(u32 how)
{
	if (kvm_has(KVM_FEATURE_MMU_OP)) {
		u32 saved = lock(&kvm()->lock);

		enqueue(KVM_MMU_OP_FLUSH_TLB);
		send();
		unlock(&kvm()->lock, saved);
	}
	if (how & VMI_FLUSH_TLB_GLOBAL)
		flush_global();
	else
		cpu_reload_cr3();
}

void ROMCALL vmi_SetCR3(u32 value)
{
	mmu_flush();
	cpu_set_cr3(value);
}

void ROMCALL vmi_SetLinearMapping(u32 slot, u32 gva, u32 pages, u32 pfn)
{
	if (slot >= LINEAR_SLOTS)
		return;
	mmu_flush();
	kvm()->slots[slot] = (struct linear_slot){.gva = gva, .pages = pages, .pfn = pfn};
}

void ROMCALL vmi_SetLazyMode(u32 mode)
{
	kvm()->lazy_modes[platform_cpu()] = mode;
	if (mode == VMI_LAZY_MODE_NONE)
		mmu_flush();
}

/* A fault may come from an entry that is still queued: put it in force and try the instruction again. */
u32 ROMCALL kvm_page_fault(struct rom_frame *frame)
{
	(void)frame;
	if (kvm()->queued != 0) {
		u32 cr2 = cpu_cr2();

		mmu_flush();
		cpu_set_cr2(cr2);
		return 0;
	}
	return native_gate(NATIVE_VECTOR_PF);
}

/* Memory below the limit of a linear map lies at LINEAR_BASE until the guest says otherwise. */
void mmu_init(void)
{
	struct backend_state *k = kvm();

	k->slots[0] = (struct linear_slot){.gva = VMI_LAYOUT_LINEAR_BASE, .pages = 0x38000, .pfn = 0};
	if (kvm_has(KVM_FEATURE_MMU_OP))
		k->native.fault_stub = kvm_fault_stub_gva();
}
