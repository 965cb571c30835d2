/*
 * Control registers: the guest's view is kept here, the host only hears of CR0.TS, CR3 and flushes.
 *
 * Promised: what was set is read back, except that PE, PG, WP and PGE, PSE, PAE stay set once they are. SetCR3 leaves
 * no translation of before that is not global: the host would use an old shadow with all it holds, so the user part
 * is dropped after the switch. A guest that has not set CR4.PGE has no global pages, and the kernel part goes too.
 */
#include "lguest_rom.h"
#include "native_asm.h"

#define CR0_STICKY (NATIVE_CR0_PE | NATIVE_CR0_PG | NATIVE_CR0_WP)
#define CR4_STICKY (NATIVE_CR4_PGE | NATIVE_CR4_PSE | NATIVE_CR4_PAE)

void ROMCALL vmi_SetCR0(u32 value)
{
	struct backend_state *l = lguest();
	u32 old = l->cr0;

	l->cr0 = value | (old & CR0_STICKY);
	if ((old ^ value) & NATIVE_CR0_TS)
		lguest_soon(LGUEST_HCALL_TS, (value & NATIVE_CR0_TS) != 0, 0, 0, 0);
}

u32 ROMCALL vmi_GetCR0(void)
{
	return lguest()->cr0;
}

void ROMCALL vmi_CLTS(void)
{
	vmi_SetCR0(lguest()->cr0 & ~(u32)NATIVE_CR0_TS);
}

void ROMCALL vmi_SetCR2(u32 value)
{
	data()->cr2 = value;
}

u32 ROMCALL vmi_GetCR2(void)
{
	return data()->cr2;
}

static u32 flush_kind(void)
{
	return lguest()->cr4 & NATIVE_CR4_PGE ? LGUEST_FLUSH_TLB_USER : LGUEST_FLUSH_TLB_ALL;
}

void ROMCALL vmi_SetCR3(u32 value)
{
	struct backend_state *l = lguest();
	u32 root = value & (l->pae ? ~0x1fu : PAGE_MASK);

	l->cr3 = value;
	data()->pgdir = root;
	lguest_soon(LGUEST_HCALL_NEW_PGTABLE, root, 0, 0, 0);
	lguest_soon(LGUEST_HCALL_FLUSH_TLB, flush_kind(), 0, 0, 0);
}

u32 ROMCALL vmi_GetCR3(void)
{
	return lguest()->cr3;
}

void ROMCALL vmi_SetCR4(u32 value)
{
	struct backend_state *l = lguest();
	u32 old = l->cr4;

	l->cr4 = value | (old & CR4_STICKY);
	if ((old ^ l->cr4) & CR4_STICKY)
		lguest_now(LGUEST_HCALL_FLUSH_TLB, LGUEST_FLUSH_TLB_ALL, 0, 0, 0);
}

u32 ROMCALL vmi_GetCR4(void)
{
	return lguest()->cr4;
}

void ROMCALL vmi_FlushTLB(u32 how)
{
	u32 kind = how & VMI_FLUSH_TLB_GLOBAL ? LGUEST_FLUSH_TLB_ALL : flush_kind();

	lguest_now(LGUEST_HCALL_FLUSH_TLB, kind, 0, 0, 0);
}

/* Debug registers are the host's; what a guest sets is not in force, so it reads as 0. */
u32 ROMCALL vmi_GetDR(u32 number)
{
	(void)number;
	return 0;
}
