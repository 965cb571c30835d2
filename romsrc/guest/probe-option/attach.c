/*
 * Scan, acceptance, VMI_Init, and one get_reloc for each operation, in the order of Linux 2.6.35; then the sites. The
 * checks of acceptance are Linux's; length, checksum and what the 16-bit entry did are those of the specification.
 */
#include "probe.h"

struct site {
	u32 at;
	u8 number, length;
	u16 unused;
} __attribute__((packed));

extern const struct site probe_sites_start[], probe_sites_end[];
extern u8 iret_site[], sysexit_site[];

const u8 *rom;
static u32 at_first;
static struct {
	u32 eip;
	u8 type;
	bool asked;
} answers[CALLS];

/* The order in which Linux asks; PAE asks for 39 and 41 where two-level asks for 38 and 40. */
static const u8 order[] = {0, 28, 25, 24, 19, 20, 21, 22, 15, 16, 17, 18, 31, 32, 30, 29, 23, 27, 6, 4, 3, 5, 7, 9, 10, 12,
			   11, 13, 14, 61, 65, 73, 73, 73, 73, 47, 47, 46, 38, 40, 44, 45, 48, 62, 64, 63, 66, 67, 70, 71,
			   68, 69, 35};

static bool same(const char *a, const char *b)
{
	while (*a && *a == *b)
		a++, b++;
	return *a == *b;
}

static bool accepts(const u8 *at)
{
	const struct vmi_rom_header *header = (const struct vmi_rom_header *)at;
	const struct vmi_pci_header *pci = (const struct vmi_pci_header *)(at + header->pci_header_offset);

	if (header->rom_signature != VMI_ROM_HEADER_ROM_SIGNATURE || header->vrom_signature != VMI_ROM_HEADER_VROM_SIGNATURE)
		return false;
	if (header->api_version_major != VMI_ROM_HEADER_API_MAJOR || !header->pci_header_offset)
		return false;
	if (pci->vendor_id != VMI_ROM_HEADER_PCI_VENDOR || pci->device_id != VMI_ROM_HEADER_PCI_DEVICE)
		say("~ another PCI device\n");
	return header->license_offset && (same((const char *)at + header->license_offset, "GPL") ||
					  same((const char *)at + header->license_offset, "GPL v2"));
}

static void scan(void)
{
	for (u32 gpa = VMI_ROM_HEADER_SCAN_START; gpa < VMI_ROM_HEADER_SCAN_END && !rom; gpa += VMI_ROM_HEADER_SCAN_STEP)
		if (accepts(GVA(gpa)))
			rom = GVA(gpa);
}

/* Of every byte, each with its place. */
static u32 fingerprint(void)
{
	u32 length = ((const struct vmi_rom_header *)rom)->rom_length * (u32)VMI_ROM_HEADER_LENGTH_UNIT, sum = 0;

	for (u32 n = 0; n < length; n++)
		sum = (sum << 5 | sum >> 27) ^ rom[n];
	return sum;
}

/* At the very end: what ran from it all the time is what the BIOS left. */
void check_rom_again(void)
{
	check(fingerprint() == at_first, "no byte of the ROM has changed");
}

static void check_rom(void)
{
	const struct vmi_rom_header *header = (const struct vmi_rom_header *)rom;
	const struct vmi_rom_private *area = (const struct vmi_rom_private *)header->reserved;
	u32 length = header->rom_length * (u32)VMI_ROM_HEADER_LENGTH_UNIT, memory = *(volatile u16 *)GVA(0x413) * 1024u;
	volatile u8 *last = (volatile u8 *)rom + length - 1;
	u8 sum = 0, before = *last;

	for (u32 n = 0; n < length; n++)
		sum = (u8)(sum + rom[n]);
	check(sum == 0, "the checksum is right behind the 16-bit entry");
	check(area->magic == VMI_CONST_PRIVATE_MAGIC && area->rom_gpa == GPA(rom), "the ROM knows where it is");
	check(area->state_gpa == memory && !(area->state_gpa & (PAGE - 1)) &&
		      area->state_gpa + area->state_pages * PAGE <= 0xA0000,
	      "its state pages are those that were taken from base memory (40:13)");
	*last = (u8)~before;
	say(*last == before ? "~ the ROM is read-only\n" : "~ the ROM can be written: on KVM QEMU locks no memory for a BIOS\n");
	*last = before;
	at_first = fingerprint();
	say("~ ROM at ");
	say_hex(GPA(rom));
	say(", state at ");
	say_hex(area->state_gpa);
	say("\n");
}

static u64 get_reloc(u32 number)
{
	return ((u64(CALLCONV *)(u32))(uintptr_t)(rom + VMI_ROM_HEADER_GET_RELOC_OFFSET))(number);
}

static void ask(u32 number)
{
	u64 answer = get_reloc(number);

	answers[number].eip = (u32)answer;
	answers[number].type = (u8)(answer >> 32);
	answers[number].asked = true;
}

bool translated(u32 number)
{
	return answers[number].type == VMI_RELOC_CALL_REL;
}

/* E8 or E9 to the ROM, the rest no-ops; NONE leaves the instruction. False if the answer is not what it was. */
static bool patch(u8 *at, u32 number, u32 length)
{
	u64 answer = get_reloc(number);
	u8 type = (u8)(answer >> 32);

	if (answers[number].asked && (answers[number].eip != (u32)answer || answers[number].type != type))
		return false;
	if (type == VMI_RELOC_NONE)
		return true;
	for (u32 n = 0; n < length; n++)
		at[n] = 0x90;
	if (type == VMI_RELOC_NOP)
		return true;
	at[0] = type == VMI_RELOC_CALL_REL ? 0xE8 : 0xE9;
	*(u32 *)(at + 1) = (u32)answer - (u32)(uintptr_t)at - 5;
	return true;
}

static bool patch_all(void)
{
	bool good = patch(iret_site, VMI_CALL_IRET, 5) && patch(sysexit_site, VMI_CALL_SYSEXIT, 5);
	u32 eax = 0, ebx, ecx = 0, edx;

	for (const struct site *site = probe_sites_start; site < probe_sites_end; site++)
		good = patch((u8 *)(uintptr_t)site->at, site->number, site->length) && good;
	__asm__ volatile("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx)); /* serialises */
	return good;
}

void attach(void)
{
	u8 ways;

	scan();
	check(rom != NULL, "a ROM is found and accepted as Linux does");
	if (!rom)
		return;
	check_rom();
	check(((u32(CALLCONV *)(void))(uintptr_t)(rom + VMI_ROM_HEADER_INIT_OFFSET))() == 0, "VMI_Init succeeds");
	for (u32 n = 0; n < sizeof(order); n++)
		ask(pae && (order[n] == 38 || order[n] == 40) ? order[n] + 1u : order[n]);
	ask(VMI_CALL_IRET);
	ask(VMI_CALL_SYSEXIT);
	ways = answers[VMI_CALL_IRET].type;
	check(ways == VMI_RELOC_JUMP_REL || ways == VMI_RELOC_CALL_REL, "IRET is answered, as Linux must have it");
	ways = answers[VMI_CALL_SYSEXIT].type;
	check(ways == VMI_RELOC_JUMP_REL || ways == VMI_RELOC_CALL_REL, "and SYSEXIT");
	check(!translated(66) || (translated(67) && translated(68) && translated(69) && translated(70)),
	      "who has a cycle frequency has all timer calls");
	check((u8)(get_reloc(0x7fffffff) >> 32) == VMI_RELOC_NONE, "a number beyond the list is answered NONE");
	check(patch_all(), "sites are patched; each answer is what it was");
}

/* Linux asks for every site once more, late in its boot. */
void patch_again(void)
{
	check(patch_all(), "the second pass gets the same answers");
}

static u64 native(u32 number, u32 a, u32 d, u32 c, u32 s0)
{
	u32 value = 0;

	switch (number) {
	case VMI_CALL_SetPxE:
		*(volatile u32 *)(uintptr_t)d = a;
		break;
	case VMI_CALL_SetPxELong:
		((volatile u32 *)(uintptr_t)c)[1] = d;
		((volatile u32 *)(uintptr_t)c)[0] = a;
		break;
	case VMI_CALL_WriteGDTEntry:
		((u32 *)(uintptr_t)a)[2 * d] = c;
		((u32 *)(uintptr_t)a)[2 * d + 1] = s0;
		break;
	case VMI_CALL_SetTR:
		__asm__ volatile("ltr %w0" : : "r"(a));
		break;
	case VMI_CALL_SetCR3:
		__asm__ volatile("movl %0, %%cr3" : : "r"(a) : "memory");
		break;
	case VMI_CALL_GetCR4:
		__asm__ volatile("movl %%cr4, %0" : "=r"(value));
		break;
	case VMI_CALL_GetCR3:
		__asm__ volatile("movl %%cr3, %0" : "=r"(value));
		break;
	case VMI_CALL_GetCR2:
		__asm__ volatile("movl %%cr2, %0" : "=r"(value));
		break;
	case VMI_CALL_InvalPage:
		__asm__ volatile("invlpg (%0)" : : "r"(a) : "memory");
		break;
	case VMI_CALL_FlushTLB:
		__asm__ volatile("movl %%cr3, %0; movl %0, %%cr3" : "=r"(value) : : "memory");
		break;
	case VMI_CALL_Halt:
		__asm__ volatile("sti; hlt" : : : "memory");
		break;
	default: /* SetLinearMapping, AllocatePage and the like: a bare machine need not be told */
		break;
	}
	return value;
}

u64 call5(u32 number, u32 a, u32 d, u32 c, u32 s0, u32 s1)
{
	typedef u64(CALLCONV * entry)(u32, u32, u32, u32, u32);

	if (answers[number].type == VMI_RELOC_CALL_REL)
		return ((entry)(uintptr_t)answers[number].eip)(a, d, c, s0, s1);
	return answers[number].type == VMI_RELOC_NOP ? 0 : native(number, a, d, c, s0);
}
