/* The ROM, how it says what it is, and the state in which it entered us. */
#include "reference.h"

#define DF 0x400u

/* Linux stops with BUG at a JUMP_REL for these (VMI-REL-08). */
static const u8 never_jumps[] = {
	VMI_CALL_CPUID, VMI_CALL_SetTR, VMI_CALL_SetLDT, VMI_CALL_WriteGDTEntry, VMI_CALL_WriteLDTEntry,
	VMI_CALL_WriteIDTEntry, VMI_CALL_UpdateKernelStack, VMI_CALL_SetLazyMode, VMI_CALL_FlushTLB,
	VMI_CALL_SetInitialAPState, VMI_CALL_SetPxE, VMI_CALL_SetPxELong, VMI_CALL_UpdatePxE, VMI_CALL_UpdatePxELong,
	VMI_CALL_AllocatePage, VMI_CALL_ReleasePage, VMI_CALL_SetLinearMapping, VMI_CALL_GetCycleCounter,
	VMI_CALL_SetAlarm, VMI_CALL_CancelAlarm, VMI_CALL_GetWallclockTime, VMI_CALL_WallclockUpdated,
};

static void entry(void)
{
	const struct vmi_entry_state *s = &vmi_entry_state;
	const char *line = VMI_LINEAR(boot->command_line_gpa);
	u32 rpl = s->cs & 3;

	check(s->eax == VMI_CONST_ENTRY_MAGIC && boot->magic == VMI_CONST_BOOT_INFO_MAGIC && boot->size >= sizeof *boot,
	      "the guest is entered with both magic words and a boot-info struct of the promised size");
	check(!(first_mask & VMI_IF) && !(s->eflags & DF), "it is entered with interrupts off and DF clear");
	check(rpl < 2 && (s->ss & 3) == rpl && !(s->fs & 0xFFFF) && !(s->gs & 0xFFFF),
	      "it is entered at the kernel's privilege, with FS and GS null");
	check(boot->abi_major == 3 && boot->abi_minor >= 1 && boot->first_free_pfn < boot->mem_pages &&
		      boot->rom_gpa == vmi_attached.rom_gpa,
	      "boot info tells the version, the memory and the address of the ROM");
	check(boot->command_line_gpa && line[boot->command_line_length] == 0, "the command line ends with a NUL");
	note("cs %x, %u pages, first free %x, root %x, ROM at %x, virtual top %x", s->cs & 0xFFFF, boot->mem_pages,
	     boot->first_free_pfn, boot->root_gpa, boot->rom_gpa, boot->virtual_top);
}

static void header(void)
{
	const struct vmi_rom_header *h = (const struct vmi_rom_header *)vmi_attached.rom;
	const struct vmi_pci_header *pci = (const struct vmi_pci_header *)(vmi_attached.rom + h->pci_header_offset);
	u32 length = h->rom_length * VMI_ROM_HEADER_LENGTH_UNIT;
	u8 sum = 0;

	for (u32 n = 0; n < length; n++)
		sum = (u8)(sum + vmi_attached.rom[n]);
	check(vmi_attached.rom_gpa && !(vmi_attached.rom_gpa & 0x7FF),
	      "a scan from C0000h to DFFFFh in steps of 2 KiB finds the ROM");
	check(length && sum == 0, "the bytes of the ROM add up to zero");
	check(h->api_version_major == 3 && h->api_version_minor >= 1, "its header says version 3.1 or a later 3");
	check(pci->vendor_id == VMI_ROM_HEADER_PCI_VENDOR && pci->device_id == VMI_ROM_HEADER_PCI_DEVICE,
	      "its PCI header has the vendor and device that guests look for");
	check(vmi_accept(vmi_attached.rom, 1) == VMI_ACCEPTED, "Linux would accept its signatures, version and licence");
	check(vmi_attached.init == 0, "vmi_init succeeds");
}

static bool stable(void)
{
	for (u32 call = 0; call < VMI_CALLS; call++) {
		struct vmi_reloc first = vmi_get_reloc(call), second = vmi_get_reloc(call);

		if (first.type != second.type || first.eip != second.eip)
			return false;
	}
	return true;
}

static bool in_rom(struct vmi_reloc reloc)
{
	u32 start = (u32)(uintptr_t)vmi_attached.rom;
	u32 length = ((const struct vmi_rom_header *)vmi_attached.rom)->rom_length * VMI_ROM_HEADER_LENGTH_UNIT;

	return reloc.eip - start < length;
}

static bool legal(void)
{
	for (u32 call = 0; call < VMI_CALLS; call++) {
		struct vmi_reloc reloc = vmi_get_reloc(call);
		bool code = reloc.type == VMI_RELOC_CALL_REL || reloc.type == VMI_RELOC_JUMP_REL;

		if (reloc.type > VMI_RELOC_NOP || (code && !in_rom(reloc))) {
			note("call %u: type %u eip %x", call, reloc.type, reloc.eip);
			return false;
		}
	}
	return true;
}

static bool callable(void)
{
	for (u32 n = 0; n < sizeof never_jumps; n++)
		if (vmi_get_reloc(never_jumps[n]).type == VMI_RELOC_JUMP_REL)
			return false;
	return true;
}

static bool returns_patchable(void)
{
	u8 iret = vmi_get_reloc(VMI_CALL_IRET).type, sysexit = vmi_get_reloc(VMI_CALL_SYSEXIT).type;

	return (iret == VMI_RELOC_CALL_REL || iret == VMI_RELOC_JUMP_REL) &&
	       (sysexit == VMI_RELOC_CALL_REL || sysexit == VMI_RELOC_JUMP_REL);
}

static bool time_whole(void)
{
	for (u32 call = VMI_CALL_GetCycleFrequency; call <= VMI_CALL_GetWallclockTime; call++)
		if (vmi_get_reloc(call).type != VMI_RELOC_CALL_REL)
			return false;
	return true;
}

static void relocation(void)
{
	struct vmi_reloc beyond = vmi_get_reloc(100000);
	void *ask = (void *)(uintptr_t)(vmi_attached.rom + VMI_ROM_HEADER_GET_RELOC_OFFSET);

	check(legal(), "get_reloc answers every call with a legal type and an address in the ROM");
	check(stable(), "it gives the same answer each time");
	check(beyond.type == VMI_RELOC_NONE, "it knows nothing of numbers beyond the list");
	check(vmi_call_keeps(ask, VMI_CALL_SetCR3, 0, 0), "it keeps EBX, ESI, EDI, EBP and ESP");
	check(callable(), "no call that Linux calls through a pointer is answered JUMP_REL");
	check(returns_patchable(), "IRET and SYSEXIT are answered with a type that can be patched in");
	check(time_whole(), "the time calls come together");
	note("%u call sites, %u patched", vmi_attached.sites, vmi_attached.patched);
}

static bool agrees(void)
{
	static const u8 answer_of[] = {[VMI_RELOC_CALL_REL] = VMI_ANSWER_TRANSLATED,
				       [VMI_RELOC_JUMP_REL] = VMI_ANSWER_TRANSLATED,
				       [VMI_RELOC_NOP] = VMI_ANSWER_NOTHING};

	for (u32 call = 0; call < VMI_CALLS; call++) {
		u8 type = vmi_get_reloc(call).type;
		u32 answer = vmi_GetCallInfo(call);
		bool right = type == VMI_RELOC_NONE ? answer == VMI_ANSWER_ABSENT || answer == VMI_ANSWER_NATIVE
						    : answer == answer_of[type];

		if (!right) {
			note("call %u: type %u, but GetCallInfo says %u", call, type, answer);
			return false;
		}
	}
	return true;
}

/* What the ROM tells of itself stands in its header, and what is the builder's behind it. */
static bool told_as_built(const struct vmi_rom_info *info)
{
	const struct vmi_rom_header *h = (const struct vmi_rom_header *)vmi_attached.rom;
	const struct vmi_rom_private *private = (const struct vmi_rom_private *)h->reserved;
	bool same = true;

	for (u32 n = 0; n < sizeof info->build_id; n++)
		same &= info->build_id[n] == private->build_id[n];
	return same && info->abi_major == h->api_version_major && info->abi_minor == h->api_version_minor &&
	       info->rom_length == h->rom_length * VMI_ROM_HEADER_LENGTH_UNIT && info->rom_length == boot->rom_length;
}

static void information(void)
{
	struct vmi_rom_info info[2] = {{0}};
	const u8 *whole = (const u8 *)info;
	u32 size = vmi_GetRomInfo(&info[0], sizeof info[0]);
	bool spilt = false;

	for (u32 n = sizeof info[0]; n < sizeof info; n++)
		spilt |= whole[n] != 0;
	check(size >= sizeof info[0] && info[0].size == size && !spilt && told_as_built(&info[0]) &&
		      info[0].backend == boot->backend && info[0].rom_gpa == vmi_attached.rom_gpa,
	      "GetRomInfo agrees with the header and with boot info");
	check(vmi_GetRomInfo(&info[1], 4) == size && info[1].size == size && info[1].abi_major == 0,
	      "GetRomInfo writes no more than it is given room for, and returns the whole size");
	check(agrees() && vmi_GetCallInfo(100000) == VMI_ANSWER_ABSENT, "GetCallInfo agrees with get_reloc for every call");
	note("backend %u, features %x, build %x%x...", info[0].backend, info[0].features,
	     __builtin_bswap32(*(u32 *)&info[0].build_id[0]), __builtin_bswap32(*(u32 *)&info[0].build_id[4]));
}

static u32 counters[VMI_CALLS];

static void counting(void)
{
	u64(VMICALL * counted)(void);
	u32 others = 0;
	s32 on = vmi_SetCounters(counters, VMI_CALLS), off;

	counted = (u64(VMICALL *)(void))(uintptr_t)vmi_get_reloc(VMI_CALL_GetCycleFrequency).eip;
	for (u32 n = 0; n < 7; n++)
		counted();
	off = vmi_SetCounters(NULL, 0);
	for (u32 call = 0; call < VMI_CALLS; call++)
		others += call == VMI_CALL_GetCycleFrequency ? 0 : counters[call];
	check(on == 0 && off == 0 && counters[VMI_CALL_GetCycleFrequency] == 7 && others == 0,
	      "SetCounters counts each call that is made through a counting entry");
	counted = (u64(VMICALL *)(void))(uintptr_t)vmi_get_reloc(VMI_CALL_GetCycleFrequency).eip;
	counted();
	check(counters[VMI_CALL_GetCycleFrequency] == 7 && stable(), "and counts no more when it is switched off");
}

void probe(void)
{
	entry();
	header();
	relocation();
	information();
	counting();
}
