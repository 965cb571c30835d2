/*
 * Taking a ROM as Linux does: scan, accept any minor of major 3, initialise with interrupts off, ask for the operations
 * in Linux's order, then patch the sites, and only then announce the linear mapping.
 */
#include "classic.h"

struct site {
	u8 *code;
	u8 call, length;
	u16 unused;
};

extern const struct site vmi_sites_start[], vmi_sites_end[];
extern u8 vmi_text_start[], vmi_text_end[];
extern void *const vmi_nothing;

struct vmi_entry_state vmi_entry_state;
struct vmi_attachment vmi_attached;
void *vmi_entry[VMI_CALLS];

/* With PAE and a local APIC, and a timer. */
static const u8 order[] = {0,  28, 25, 24, 19, 20, 21, 22, 15, 16, 17, 18, 31, 32, 30, 29, 23, 27,
			   6,  4,  3,  5,  7,  9,  10, 12, 11, 13, 14, 61, 65, 73, 73, 73, 73, 47,
			   47, 46, 39, 41, 44, 45, 48, 64, 63, 66, 67, 70, 71, 68, 69, 35};

static bool accepted(const u8 *rom)
{
	const struct vmi_rom_header *header = (const struct vmi_rom_header *)rom;
	const char *licence = (const char *)rom + header->license_offset;

	return header->rom_signature == 0xAA55 && header->vrom_signature == 0x696d5663 &&
	       header->api_version_major == 3 && header->pci_header_offset && header->license_offset &&
	       licence[0] == 'G' && licence[1] == 'P' && licence[2] == 'L' &&
	       (licence[3] == 0 || (licence[3] == ' ' && licence[4] == 'v' && licence[5] == '2' && !licence[6]));
}

struct vmi_reloc vmi_get_reloc(u32 call)
{
	u64(VMICALL * ask)(u32) = (u64(VMICALL *)(u32))(uintptr_t)(vmi_attached.rom + 0x88);
	u64 answer = ask(call);

	return (struct vmi_reloc){(u32)answer, (u8)(answer >> 32)};
}

/* A pointer straight into the ROM; JUMP is nothing an operation can be. */
static bool fill(u32 call)
{
	struct vmi_reloc reloc = vmi_get_reloc(call);

	if (reloc.type == VMI_RELOC_CALL_REL)
		vmi_entry[call] = (void *)(uintptr_t)reloc.eip;
	else if (reloc.type == VMI_RELOC_NOP)
		vmi_entry[call] = vmi_nothing;
	return reloc.type == VMI_RELOC_NONE || reloc.type == VMI_RELOC_CALL_REL || reloc.type == VMI_RELOC_NOP;
}

/* As a site does before it is patched: through the pointer. */
static u32 mask_save(void)
{
	u32 mask = ((u32(VMICALL *)(void))vmi_entry[VMI_CALL_GetInterruptMask])();

	((void(VMICALL *)(void))vmi_entry[VMI_CALL_DisableInterrupts])();
	return mask;
}

static void mask_restore(u32 mask)
{
	((void(VMICALL *)(u32))vmi_entry[VMI_CALL_SetInterruptMask])(mask);
}

/* Whether the site's bytes were what the answer says, before they are made so. */
static bool patch(const struct site *site)
{
	struct vmi_reloc reloc = vmi_get_reloc(site->call);
	u32 mask, distance = reloc.eip - (u32)(uintptr_t)site->code - 5, n;
	u8 code[16];
	bool same = true;

	if (reloc.type == VMI_RELOC_NONE)
		return true;
	for (n = 0; n < site->length; n++)
		code[n] = 0x90;
	if (reloc.type != VMI_RELOC_NOP) {
		code[0] = reloc.type == VMI_RELOC_CALL_REL ? 0xE8 : 0xE9;
		for (n = 0; n < 4; n++)
			code[1 + n] = (u8)(distance >> 8 * n);
	}
	mask = mask_save();
	for (n = 0; n < site->length; n++) {
		same &= site->code[n] == code[n];
		if (site->code[n] != code[n])
			site->code[n] = code[n];
	}
	mask_restore(mask);
	return same;
}

/* Linux's text is still writable at this time; here the loader made it read-only. */
static void text_writable(void)
{
	for (u8 *page = vmi_text_start; page < vmi_text_end; page += VMI_PAGE) {
		u64 *at = entry_of((u32)(uintptr_t)page, PT);

		vmi_SetPxELong(*at | W | D, at, ADDRESS(page));
		vmi_InvalPage((u32)(uintptr_t)page);
	}
}

bool classic_patch_again(void)
{
	bool same = true;

	for (const struct site *site = vmi_sites_start; site < vmi_sites_end; site++)
		same &= patch(site);
	return same;
}

bool classic_attach(u32 mem_pages)
{
	u32 gpa, call, n;
	bool good = true;

	for (call = 0; call < VMI_CALLS; call++)
		vmi_entry[call] = vmi_native[call];
	for (gpa = 0xC0000; gpa < 0xE0000 && !accepted(VMI_LINEAR(gpa)); gpa += 2048)
		;
	if (gpa == 0xE0000)
		return false;
	vmi_attached.rom = VMI_LINEAR(gpa);
	if (((s32(VMICALL *)(void))(uintptr_t)(vmi_attached.rom + 0x80))() != 0)
		return false;
	for (n = 0; n < sizeof(order); n++)
		good &= fill(order[n]);
	for (call = VMI_CALL_INL; call <= VMI_CALL_OUTSW; call++) /* Linux has no use for them */
		good &= fill(call);
	fill(VMI_CALL_Shutdown);
	text_writable();
	classic_patch_again();
	for (call = VMI_CALL_IRET; call <= VMI_CALL_SYSEXIT; call++)
		good &= vmi_get_reloc(call).type == VMI_RELOC_JUMP_REL || vmi_get_reloc(call).type == VMI_RELOC_CALL_REL;
	for (call = VMI_CALL_GetCycleFrequency; call <= VMI_CALL_GetWallclockTime; call++)
		good &= vmi_get_reloc(call).type == VMI_RELOC_CALL_REL;
	vmi_SetLinearMapping(0, VMI_LAYOUT_LINEAR_BASE, mem_pages, 0);
	return good;
}
