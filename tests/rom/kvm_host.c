/* The C of the kvm ROM on the host: all of it, over the PC of pc_host.h and a KVM that is the test's. */
#include "pc_host.h"
#include "kvm_rom.h"

#define FAULT_STUB 0xF9000u

static void host_write_msr(uint32_t, uint64_t);
static int32_t host_hypercall(uint32_t, uint32_t, uint32_t, uint32_t, uint32_t);
static void host_flush(uint32_t, uint32_t);

enum flush { FLUSH_CR3, FLUSH_GLOBAL, FLUSH_PAGE };

u32 kvm_page_fault(struct rom_frame *frame);
void vmi_SetPxE(u32 entry, u32 gva, u32 flags);
void vmi_SetPxELong(u32 low, u32 high, u32 gva, u32 flags);
void vmi_ReleasePage(u32 pfn, u32 flags);
void vmi_InvalPage(u32 gva);
void vmi_FlushTLB(u32 how);
void vmi_SetCR3(u32 value);
void vmi_SetLinearMapping(u32 slot, u32 gva, u32 pages, u32 pfn);
void vmi_SetLazyMode(u32 mode);

static u32 cr2, cr3, cr4;

u32 cpu_cr2(void) { return cr2; }
void cpu_set_cr2(u32 value) { cr2 = value; }
void cpu_set_cr3(u32 value) { cr3 = value; host_flush(FLUSH_CR3, value); }
void cpu_reload_cr3(void) { host_flush(FLUSH_CR3, cr3); }
u32 cpu_cr3(void) { return cr3; }
u32 cpu_cr4(void) { return cr4; }
void cpu_invlpg(u32 gva) { host_flush(FLUSH_PAGE, gva); }
void cpu_write_msr(u32 msr, u64 value) { host_write_msr(msr, value); }
u32 kvm_fault_stub_gva(void) { return FAULT_STUB; }
void pae_store(u32 low, u32 high, u32 gva) { AT(u64, gva) = (u64)high << 32 | low; }

void cpu_set_cr4(u32 value)
{
	if ((cr4 ^ value) & NATIVE_CR4_PGE)
		host_flush(FLUSH_GLOBAL, cr3);
	cr4 = value;
}

s32 cpu_vmcall(u32 number, u32 a0, u32 a1, u32 a2)
{
	return host_hypercall(0, number, a0, a1, a2);
}

s32 cpu_vmmcall(u32 number, u32 a0, u32 a1, u32 a2)
{
	return host_hypercall(1, number, a0, a1, a2);
}

static void set_control(u32 cr4_now, u32 cr3_now)
{
	cr4 = cr4_now;
	cr3 = cr3_now;
}

/* Where the stub in front of the page-fault gate goes (0: the instruction is tried again). */
static u32 page_fault(u32 gva, u32 *shown)
{
	struct rom_frame frame;
	u32 handler;

	memset(&frame, 0, sizeof(frame));
	cr2 = gva;
	handler = kvm_page_fault(&frame);
	*shown = cr2;
	return handler;
}

static u32 refused(void) { return kvm()->refused; }
static u32 queued(void) { return kvm()->queued; }
static u32 features(void) { return kvm()->features; }
static u32 khz_now(void) { return kvm()->native.khz; }
static u32 cr3_now(void) { return cr3; }
static u32 cr4_now(void) { return cr4; }
