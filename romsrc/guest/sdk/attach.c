/*
 * How a guest and its ROM come together: scan, accept, initialise, ask for each call, patch the sites.
 *
 * The rules of acceptance and their order are those of Linux 2.6.35, so that what this kit accepts, Linux does, and
 * the other way round. Everything here runs once, with interrupts off and before there is an IDT.
 */
#include "vmi_guest.h"

#ifndef VMI_GUEST_MINOR
#define VMI_GUEST_MINOR 1u
#endif

#define PTE_PRESENT 1u
#define PTE_WRITE 2u
#define ADDRESS_MASK 0x000FFFFFFFFFF000ull

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

static bool same(const char *a, const char *b)
{
	while (*a && *a == *b)
		a++, b++;
	return *a == *b;
}

enum vmi_refusal vmi_accept(const u8 *rom, u8 minor)
{
	const struct vmi_rom_header *header = (const struct vmi_rom_header *)rom;
	const char *licence = (const char *)rom + header->license_offset;

	if (header->rom_signature != VMI_ROM_HEADER_ROM_SIGNATURE)
		return VMI_NO_SIGNATURE;
	if (header->vrom_signature != VMI_ROM_HEADER_VROM_SIGNATURE)
		return VMI_NO_VMI_SIGNATURE;
	if (header->api_version_major != VMI_ROM_HEADER_API_MAJOR || header->api_version_minor < minor)
		return VMI_OTHER_VERSION;
	if (!header->pci_header_offset)
		return VMI_NO_PCI_HEADER;
	if (!header->license_offset || !(same(licence, "GPL") || same(licence, "GPL v2")))
		return VMI_OTHER_LICENCE;
	return VMI_ACCEPTED;
}

u32 vmi_scan(u8 minor)
{
	for (u32 gpa = VMI_ROM_HEADER_SCAN_START; gpa < VMI_ROM_HEADER_SCAN_END; gpa += VMI_ROM_HEADER_SCAN_STEP)
		if (vmi_accept(VMI_LINEAR(gpa), minor) == VMI_ACCEPTED)
			return gpa;
	return 0;
}

struct vmi_reloc vmi_get_reloc(u32 call)
{
	u64(VMICALL * ask)(u32) = (u64(VMICALL *)(u32))(uintptr_t)(vmi_attached.rom + VMI_ROM_HEADER_GET_RELOC_OFFSET);
	u64 answer = ask(call);

	return (struct vmi_reloc){(u32)answer, (u8)(answer >> 32)};
}

/* A ROM of 3.0 is not asked for calls that it can't know. */
static void fill(void)
{
	const struct vmi_rom_header *header = (const struct vmi_rom_header *)vmi_attached.rom;
	u32 known = header->api_version_minor ? VMI_CALLS : VMI_CALL_GetCallInfo;

	for (u32 call = 0; call < known; call++) {
		struct vmi_reloc reloc = vmi_get_reloc(call);

		vmi_entry[call] = vmi_native[call];
		if (reloc.type == VMI_RELOC_CALL_REL)
			vmi_entry[call] = (void *)(uintptr_t)reloc.eip;
		else if (reloc.type == VMI_RELOC_NOP)
			vmi_entry[call] = vmi_nothing;
	}
}

u64 *vmi_walk(u32 root_gpa, u32 va, u32 level)
{
	u64 *entry = (u64 *)VMI_LINEAR(root_gpa & ~31u) + (va >> 30);

	for (u32 at = VMI_PAGE_TYPE_PDP, shift = 21; at > level; at >>= 1, shift -= 9) {
		if (!(*entry & PTE_PRESENT))
			return NULL;
		entry = (u64 *)VMI_LINEAR(*entry & ADDRESS_MASK) + (va >> shift & 511);
	}
	return entry;
}

/* Text is mapped read-only: a kernel that patches itself lifts that for a moment. */
static void text_writable(bool writable)
{
	u32 root = vmi_GetCR3();

	for (u8 *page = vmi_text_start; page < vmi_text_end; page += VMI_PAGE) {
		u64 *pte = vmi_walk(root, (u32)(uintptr_t)page, VMI_PAGE_TYPE_PT);
		u64 value = writable ? *pte | PTE_WRITE : *pte & ~(u64)PTE_WRITE;

		vmi_SetPxELong(value, pte, (u32)(uintptr_t)page | VMI_PTE_FLAG_CURRENT_AS | VMI_PAGE_TYPE_PT);
		vmi_InvalPage((u32)(uintptr_t)page);
	}
}

static bool patch(const struct site *site)
{
	struct vmi_reloc reloc = vmi_get_reloc(site->call);
	u32 distance = reloc.eip - (u32)(uintptr_t)site->code - 5;

	if (reloc.type == VMI_RELOC_NONE || reloc.type > VMI_RELOC_NOP)
		return false;
	for (u32 n = 0; n < site->length; n++)
		site->code[n] = 0x90;
	if (reloc.type == VMI_RELOC_NOP)
		return true;
	site->code[0] = reloc.type == VMI_RELOC_CALL_REL ? 0xE8 : 0xE9;
	for (u32 n = 0; n < 4; n++)
		site->code[1 + n] = (u8)(distance >> 8 * n);
	return true;
}

bool vmi_attach(const struct vmi_boot_info *boot)
{
	s32(VMICALL * init)(void);

	for (u32 call = 0; call < VMI_CALLS; call++)
		vmi_entry[call] = vmi_native[call];
	vmi_attached.rom_gpa = vmi_scan(VMI_GUEST_MINOR);
	if (!vmi_attached.rom_gpa)
		return false;
	vmi_attached.rom = VMI_LINEAR(vmi_attached.rom_gpa);
	init = (s32(VMICALL *)(void))(uintptr_t)(vmi_attached.rom + VMI_ROM_HEADER_INIT_OFFSET);
	__asm__ volatile("rdtsc" : "=A"(vmi_attached.began));
	vmi_attached.init = init();
	if (vmi_attached.init != 0)
		return false;
	fill();
	vmi_SetLinearMapping(0, VMI_LAYOUT_LINEAR_BASE, boot->mem_pages, 0);
	text_writable(true);
	for (const struct site *site = vmi_sites_start; site < vmi_sites_end; site++) {
		vmi_attached.sites++;
		vmi_attached.patched += patch(site);
	}
	text_writable(false);
	return true;
}

void vmi_exit(int status)
{
	vmi_DisableInterrupts();
	vmi_OUTB((u32)status, VMI_PORT_EXIT);
	/* whoever runs us has no exit port: power off is the next best end */
	vmi_Shutdown();
	for (;;)
		vmi_Halt();
}

/* Called by start.S, and by nothing else. */
void vmi_begin(struct vmi_boot_info *boot)
{
	int status = VMI_EXIT_STATUS_ERROR;

	if (vmi_attach(boot)) {
		vmi_console_start();
		status = guest_main(boot);
	}
	vmi_exit(status);
}
