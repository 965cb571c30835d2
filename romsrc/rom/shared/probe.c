/*
 * Calls 74 to 76: what a guest may ask about its ROM.
 */
#include "platform.h"

extern const u8 rom_call_answers[]; /* by number; generated with the slots */

static volatile struct vmi_rom_private *private_area(u32 base)
{
	return &AT(struct vmi_rom_private, base + vmi_rom_header_OFF_reserved);
}

/* Copies min(size, the struct's) bytes; the answer is the struct's size, so that a newer guest can tell. */
u32 ROMCALL vmi_GetRomInfo(u32 to, u32 size)
{
	u32 base = rom_base();
	volatile struct vmi_rom_private *private = private_area(base);
	struct vmi_rom_info info;
	const u8 *from = (const u8 *)&info;

	memset(&info, 0, sizeof(info));
	info.size = sizeof(info);
	info.abi_minor = AT(u8, base + vmi_rom_header_OFF_api_version_minor);
	info.abi_major = AT(u8, base + vmi_rom_header_OFF_api_version_major);
	info.backend = private->backend;
	info.features = private->features;
	info.rom_gpa = private->rom_gpa;
	info.rom_length = AT(u8, base + vmi_rom_header_OFF_rom_length) * 512u;
	for (u32 i = 0; i < sizeof(info.build_id); i++)
		info.build_id[i] = private->build_id[i];
	for (u32 i = 0; i < size && i < sizeof(info); i++)
		AT(u8, to + i) = from[i];
	return sizeof(info);
}

u32 ROMCALL vmi_GetCallInfo(u32 number)
{
	if (number >= AT(u8, rom_base() + vmi_rom_header_OFF_jump_slots))
		return VMI_ANSWER_ABSENT;
	return rom_call_answers[number];
}

/* From now on GetRelocationInfo answers entries that count in the guest's array; 0 ends that. Sites patched before
 * keep what they have. */
s32 ROMCALL vmi_SetCounters(u32 array, u32 entries)
{
	struct rom_state *rom = state();

	if (array & 3)
		return -VMI_CONST_EINVAL;
	if (array != 0 && (entries == 0 || entries > (0u - array) / 4))
		return -VMI_CONST_EINVAL;
	rom->counters_entries = array ? entries : 0;
	rom->counters_gva = array;
	return 0;
}
