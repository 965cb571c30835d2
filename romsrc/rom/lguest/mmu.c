/*
 * Page tables: the guest's own, which the host shadows. The duty here is to tell the host of every change that its
 * shadows would hide, and of no other.
 *
 *   not present before              nothing: no shadow has it, the fault fills it
 *   more permission, address known  nothing: the fault fills it (page tables; a directory's flags are copied once)
 *   any other change of an entry    SET_PTE of the address if it is known, else everything is dropped
 *   entry of a directory            SET_PMD (PAE), SET_PGD; everything, where the kernel's part is concerned
 *
 * A new value goes along with SET_PTE only if the host can use it without loss: present, accessed, dirty or
 * read-only (the host would not see the first write), and a frame of RAM (any other kills at once, not at its first
 * use). Otherwise the value is 0, which makes the host look again.
 *
 * AllocatePage and ReleasePage have nothing to say: SetCR3 drops the user part of whatever shadow it meets, so a page
 * that comes back as a top table brings no mappings of its former life.
 */
#include "lguest_rom.h"
#include "native_asm.h"

#define FLAGS (NATIVE_PTE_PRESENT | NATIVE_PTE_WRITE | NATIVE_PTE_USER)
#define MARKS (NATIVE_PTE_ACCESSED | NATIVE_PTE_DIRTY)
#define KINDS (NATIVE_PTE_WRITE_THROUGH | NATIVE_PTE_NO_CACHE | NATIVE_PTE_LARGE)
#define FRAME (~NATIVE_PTE_NX & ~(u64)(PAGE_SIZE - 1))
#define UNKNOWN 0xFFFFFFFFu

/* Value of SET_PTE for an entry: itself, or 0 */
static u64 offered(u64 entry)
{
	u32 low = (u32)entry;
	u64 frame = (entry & FRAME) >> PAGE_SHIFT;

	if (!(low & NATIVE_PTE_PRESENT) || !(low & NATIVE_PTE_ACCESSED) || low & NATIVE_PTE_LARGE)
		return 0;
	if ((low & (NATIVE_PTE_WRITE | NATIVE_PTE_DIRTY)) == NATIVE_PTE_WRITE)
		return 0;
	return frame < lguest()->mem_pages ? entry : 0;
}

static void hypercall(u32 flags, u32 number, u32 a, u32 b, u32 c, u32 d)
{
	if (flags & VMI_PTE_FLAG_DEFER)
		lguest_later(number, a, b, c, d);
	else
		lguest_soon(number, a, b, c, d);
}

static void drop_all(u32 flags)
{
	hypercall(flags, LGUEST_HCALL_FLUSH_TLB, LGUEST_FLUSH_TLB_ALL, 0, 0, 0);
}

static void tell_page(u64 entry, u32 flags)
{
	u32 gva = flags & PAGE_MASK;
	u64 value = offered(entry);

	if (!(flags & VMI_PTE_FLAG_CURRENT_AS))
		drop_all(flags);
	else if (gva < lguest()->hole)
		hypercall(flags, LGUEST_HCALL_SET_PTE, data()->pgdir, gva, (u32)value, (u32)(value >> 32));
}

/* gpa of an entry in the linear map, or UNKNOWN */
static u32 gpa_of(u32 gva)
{
	return gva >= VMI_LAYOUT_LINEAR_BASE && gva < lguest()->hole ? gva - VMI_LAYOUT_LINEAR_BASE : UNKNOWN;
}

static void tell_directory(u32 gva, u32 flags)
{
	u32 gpa = gpa_of(gva), table, index;

	if (lguest()->pae && flags & VMI_PAGE_TYPE_PD) {
		hypercall(flags, LGUEST_HCALL_SET_PMD, gpa & PAGE_MASK, (gpa & ~PAGE_MASK) / 8, 0, 0);
		return;
	}
	table = lguest()->pae ? gpa & ~0x1fu : gpa & PAGE_MASK;
	index = lguest()->pae ? (gpa & 0x1f) / 8 : (gpa & ~PAGE_MASK) / 4;
	if (gpa == UNKNOWN || index >= VMI_LAYOUT_LINEAR_BASE >> (lguest()->pae ? 30 : 22))
		drop_all(flags);
	else
		hypercall(flags, LGUEST_HCALL_SET_PGD, table, index, 0, 0);
}

static bool is_page(u32 flags)
{
	return (flags & (VMI_PAGE_TYPE_PD | VMI_PAGE_TYPE_PDP | VMI_PAGE_TYPE_PML4)) == 0;
}

/* Whether a shadow made from the old entry would hide the new one. */
static bool hides(u64 old, u64 new, u32 flags)
{
	u64 changed = old ^ new, significant = FRAME | KINDS;

	if (!(old & NATIVE_PTE_PRESENT))
		return false;
	if (!is_page(flags) || !(flags & VMI_PTE_FLAG_CURRENT_AS))
		significant |= FLAGS;
	if (changed & significant)
		return true;
	if (is_page(flags) && old & changed & MARKS)
		return true;
	return (old & changed & FLAGS) != 0 || (new & changed & NATIVE_PTE_NX) != 0;
}

static void tell(u32 gva, u64 entry, u32 flags)
{
	if (is_page(flags))
		tell_page(entry, flags);
	else
		tell_directory(gva, flags);
}

/* The entry in a table of the guest, or 0 where the linear map can't show the table. */
static u64 entry_of(u64 table, u32 index)
{
	u32 gpa = (u32)(table & FRAME);

	if ((table & FRAME) >> PAGE_SHIFT >= lguest()->linear_pages)
		return 0;
	return lguest()->pae ? AT(u64, VMI_LAYOUT_LINEAR_BASE + gpa + 8 * index)
			     : AT(u32, VMI_LAYOUT_LINEAR_BASE + gpa + 4 * index);
}

u32 lguest_entry(u32 gva)
{
	u32 root = data()->pgdir;
	u64 entry;

	if (lguest()->pae) {
		entry = entry_of(root, (root & (PAGE_SIZE - 1)) / 8 + (gva >> 30));
		if (entry & NATIVE_PTE_PRESENT)
			entry = entry_of(entry, gva >> 21 & 511);
		if (entry & NATIVE_PTE_PRESENT)
			entry = entry_of(entry, gva >> 12 & 511);
	} else {
		entry = entry_of(root, gva >> 22);
		if (entry & NATIVE_PTE_PRESENT)
			entry = entry_of(entry, gva >> 12 & 1023);
	}
	return entry & NATIVE_PTE_PRESENT ? (u32)entry : 0;
}

bool lguest_can_pin(u32 gva)
{
	u32 entry = gva < lguest()->hole ? lguest_entry(gva) : 0;

	return (entry & (NATIVE_PTE_WRITE | NATIVE_PTE_LARGE)) == NATIVE_PTE_WRITE &&
	       entry >> PAGE_SHIFT < lguest()->mem_pages;
}

void ROMCALL vmi_SetPxE(u32 entry, u32 gva, u32 flags)
{
	u32 old = AT(u32, gva);

	AT(u32, gva) = entry;
	if (hides(old, entry, flags))
		tell(gva, entry, flags);
}

void ROMCALL vmi_SetPxELong(u32 low, u32 high, u32 gva, u32 flags)
{
	u64 old = AT(u64, gva), entry = (u64)high << 32 | low;

	pae_store(low, high, gva);
	if (hides(old, entry, flags))
		tell(gva, entry, flags);
}

/* The guest has stored the entry itself; what was there before is not known. */
void ROMCALL vmi_UpdatePxE(u32 gva, u32 flags)
{
	tell(gva, AT(u32, gva), flags);
}

void ROMCALL vmi_UpdatePxELong(u32 gva, u32 flags)
{
	tell(gva, AT(u64, gva), flags);
}

void ROMCALL vmi_InvalPage(u32 gva)
{
	if (gva < lguest()->hole)
		lguest_now(LGUEST_HCALL_SET_PTE, data()->pgdir, gva & PAGE_MASK, 0, 0);
	else
		lguest_drain();
}
