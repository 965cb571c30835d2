/*
 * Numbers that nobody declared, values that mean nothing, pointers that lead nowhere: each has an answer, and after it
 * everything is as it was.
 */
#include "../checking/checking.h"

#define NOWHERE (KERNEL_AREA + 0x700000u)
#define READ_ONLY (KERNEL_AREA + 0x710000u)
#define BEYOND (KERNEL_AREA + 0x720000u) /* the last page before an absent one */
#define EINVAL (-22)
#define SCRATCH_PORT 0x3FFu
#define EFER 0xC0000080u
#define EFER_NXE 0x800u
#define SYSENTER_EIP 0x176u
#define NO_MSR 0x12345u
#define CACHING 0x18u /* PWT and PCD of CR3 */

const char title[] = "conformance: calls\n";

static const u32 unknown[] = {VMI_CALLS, VMI_CALLS + 1, 127, 128, 255, 256, 0x7FFF, 0x10000, 0x40000000, 0x7FFFFFFF, 0x80000000, ~0u};
static u8 page[VMI_PAGE] __attribute__((aligned(4096)));
static u64 value;

static bool translated(u32 call)
{
	return vmi_GetCallInfo(call) == VMI_ANSWER_TRANSLATED;
}

static void numbers(void)
{
	bool right = true, absent = true;

	for (u32 n = 0; n < sizeof unknown / sizeof *unknown; n++) {
		struct vmi_reloc reloc = vmi_get_reloc(unknown[n]);

		right &= reloc.type == VMI_RELOC_NONE && reloc.eip == 0;
		absent &= vmi_GetCallInfo(unknown[n]) == VMI_ANSWER_ABSENT;
	}
	check(right, "get_reloc answers NONE and 0 for every number beyond the list");
	check(absent, "and GetCallInfo absent");
	check(vmi_get_reloc(VMI_CALL_MachineToPhysical).type == VMI_RELOC_NONE && vmi_get_reloc(VMI_CALL_PhysicalToMachine).type == VMI_RELOC_NONE &&
		      vmi_get_reloc(VMI_CALL_SetCallbacks).type == VMI_RELOC_NONE &&
		      vmi_GetCallInfo(VMI_CALL_SetCallbacks) == VMI_ANSWER_ABSENT,
	      "calls that nobody published are absent");
	check(vmi_accept(vmi_attached.rom, 1) == VMI_ACCEPTED && vmi_accept(vmi_attached.rom, 0xFF) == VMI_OTHER_VERSION,
	      "a guest that needs a later minor refuses the ROM by its header");
}

static u8 copy[VMI_PAGE] __attribute__((aligned(4096)));

/* A guest's answer to the ROM's first page with one byte of it changed. */
static bool refused_with(u32 offset, u8 value)
{
	u8 was = copy[offset];
	bool refused;

	copy[offset] = value;
	refused = vmi_accept(copy, 1) != VMI_ACCEPTED;
	copy[offset] = was;
	return refused;
}

static void versions(void)
{
	const struct vmi_rom_header *h = (const struct vmi_rom_header *)copy;
	bool right;

	for (u32 n = 0; n < sizeof copy; n++)
		copy[n] = vmi_attached.rom[n];
	right = vmi_accept(copy, 1) == VMI_ACCEPTED && refused_with(13, 2) && refused_with(13, 4) && refused_with(12, 0);
	check(right && refused_with(0, 0) && refused_with(8, 0) && refused_with(h->license_offset, 'X'),
	      "it refuses other majors, an older minor, other signatures and licences as well");
}

/* Room for the answer at every place of a word, and across the end of a page. */
static void odd_places(void)
{
	static u8 room[2 * VMI_PAGE] __attribute__((aligned(4096)));
	bool right = true;

	for (u32 n = 1; n < sizeof(struct vmi_rom_info); n++) {
		struct vmi_rom_info *to = (struct vmi_rom_info *)(room + VMI_PAGE - n);

		room[VMI_PAGE - n - 1] = room[VMI_PAGE - n + sizeof *to] = 0xA5;
		right &= vmi_GetRomInfo(to, sizeof *to) == sizeof *to && to->size == sizeof *to && to->rom_gpa == boot->rom_gpa &&
			 room[VMI_PAGE - n - 1] == 0xA5 && room[VMI_PAGE - n + sizeof *to] == 0xA5;
	}
	check(right, "GetRomInfo writes at any address, across the end of a page, and no byte beside");
}

static void counters(void)
{
	static const u32 undefined[] = {3, 4, 0xFF, 0x100, 0x101, 0x10000, 0x80000000, ~0u};
	bool zero = true, none = true, silent = true;

	timer_drain();
	for (u32 n = 0; n < sizeof undefined / sizeof *undefined; n++)
		zero &= vmi_GetCycleCounter(undefined[n]) == 0;
	check(zero, "GetCycleCounter returns 0 for everything but 0, 1 and 2");
	for (u32 counter = 2; counter < 8; counter++) {
		vmi_SetAlarm(counter, 0, 0);
		vmi_SetAlarm(counter | VMI_ALARM_PERIODIC, 0, 1000);
		none &= vmi_CancelAlarm(counter) == 0;
	}
	vmi_EnableInterrupts();
	vmi_IODelay();
	vmi_DisableInterrupts();
	silent = timer_ticks == 0 && !pic_pending();
	check(none && silent, "SetAlarm on any counter but 0 and 1 sets nothing, and there is nothing to cancel");
}

static s32 set_counters(u32 at, u32 entries)
{
	return vmi_SetCounters((u32 *)(uintptr_t)at, entries);
}

static void counting(void)
{
	u32 *array = (u32 *)page, last;
	struct vmi_reloc before = vmi_get_reloc(VMI_CALL_GetCycleCounter), after;
	bool refused = set_counters((u32)(uintptr_t)page + 1, 4) == EINVAL && set_counters((u32)(uintptr_t)page + 2, 4) == EINVAL &&
		       set_counters((u32)(uintptr_t)page, 0) == EINVAL && set_counters(~3u, 2) == EINVAL &&
		       set_counters(0xFFFFF000, 0x10000) == EINVAL && set_counters((u32)(uintptr_t)page, 0x40000001) == EINVAL;

	after = vmi_get_reloc(VMI_CALL_GetCycleCounter);
	check(refused && before.eip == after.eip, "SetCounters refuses arrays that are not aligned, empty, or pass the end of memory");
	last = VMI_CALL_GetCycleFrequency;
	for (u32 n = 0; n < VMI_PAGE / 4; n++)
		array[n] = 0;
	vmi_SetCounters(array, last);
	((u64(VMICALL *)(u32))(uintptr_t)vmi_get_reloc(VMI_CALL_GetCycleCounter).eip)(0);
	((u64(VMICALL *)(void))(uintptr_t)vmi_get_reloc(VMI_CALL_GetCycleFrequency).eip)();
	((u64(VMICALL *)(u32))(uintptr_t)vmi_get_reloc(VMI_CALL_GetCycleCounter).eip)(0);
	vmi_SetCounters(NULL, 0);
	refused = false;
	for (u32 n = last; n < VMI_PAGE / 4; n++)
		refused |= array[n] != 0;
	check(!refused, "calls beyond the array's entries are made and counted nowhere");
	vmi_SetCounters(array, VMI_CALLS);
	refused = !vmi_call_keeps((void *)(uintptr_t)vmi_get_reloc(VMI_CALL_GetCycleCounter).eip, 0, 0, 0) ||
		  !vmi_call_keeps((void *)(uintptr_t)vmi_get_reloc(VMI_CALL_CancelAlarm).eip, 0, 0, 0) ||
		  !vmi_call_keeps((void *)(uintptr_t)vmi_get_reloc(VMI_CALL_GetCallInfo).eip, 0, 0, 0);
	vmi_SetCounters(NULL, 0);
	check(!refused && array[VMI_CALL_CancelAlarm] == 1, "entries that count keep EBX, ESI, EDI, EBP and ESP");
}

static void get_gdt(u32 at)
{
	vmi_GetGDT((struct vmi_dtr *)(uintptr_t)at);
}

static void set_idt(u32 at)
{
	vmi_SetIDT((const struct vmi_dtr *)(uintptr_t)at);
}

static void set_entry(u32 at)
{
	vmi_SetPxELong(0, (u64 *)(uintptr_t)at, VMI_PAGE_TYPE_PT);
}

static void set_descriptor(u32 at)
{
	vmi_WriteGDTEntry((void *)(uintptr_t)at, 0, 0, 0);
}

static void rom_info(u32 at)
{
	vmi_GetRomInfo((struct vmi_rom_info *)(uintptr_t)at, sizeof(struct vmi_rom_info));
}

/*
 * The fault is the guest's own, at an address that it gave or right behind one, whichever code made the access; a call
 * that writes may read first.
 */
static bool faults(void (*function)(u32), u32 at, u32 error)
{
	bool right = catch(function, at) && caught.vector == 14 && (caught.error | 2) == (error | 2) && caught.address - at < 8;

	if (!right)
		note("caught %u times: vector %u error %x address %x at %x", caught.times, caught.vector, caught.error,
		     caught.address, caught.eip);
	return right && !(vmi_GetInterruptMask() & VMI_IF);
}

static void pointers(void)
{
	struct vmi_dtr gdt = {0, 0}, idt = {0, 0};

	space_map(kernel_root, READ_ONLY, P | NX);
	(void)*(volatile u32 *)(uintptr_t)READ_ONLY;
	check(faults(get_gdt, NOWHERE, 2) && faults(set_idt, NOWHERE + 0x10, 0) && faults(set_entry, NOWHERE + 0x20, 2) &&
		      faults(set_descriptor, NOWHERE + 0x30, 2) && faults(rom_info, NOWHERE + 0x40, 2),
	      "a pointer to where nothing is mapped is a page fault of the guest's, with the address");
	check(faults(get_gdt, READ_ONLY, 3) && faults(rom_info, READ_ONLY + 0x10, 3), "so is one to a page that is read-only, for a call that writes");
	vmi_GetGDT(&gdt);
	vmi_GetIDT(&idt);
	check(gdt.base == (u32)(uintptr_t)vmi_gdt && idt.base == (u32)(uintptr_t)vmi_idt && !catch(do_breakpoint, 0) && caught_is(3, 0, 0),
	      "after them tables and traps are as they were");
	space_set(kernel_root, READ_ONLY, 0);
}

static u32 mapped;

static bool map_page(struct vmi_frame *frame, u32 address)
{
	(void)frame;
	if (address - BEYOND >= 2 * VMI_PAGE)
		return false;
	mapped++;
	space_map(kernel_root, address & ~0xFFFu, P | W);
	return true;
}

static void strings(void)
{
	u8 *at = (u8 *)(uintptr_t)(BEYOND + VMI_PAGE - 8), *end;
	bool right = true;

	mapped = 0;
	fault_hook = map_page;
	vmi_OUTB(0x5A, SCRATCH_PORT);
	end = vmi_INSB(SCRATCH_PORT, at, 16);
	for (u32 n = 0; n < 16; n++)
		right &= at[n] == 0x5A;
	check(right && end == at + 16 && mapped == 2, "INSB over two pages that are mapped at their first touch goes on after each");
	fault_hook = NULL;
	end = vmi_INSB(SCRATCH_PORT, page, 0);
	right = end == page;
	vmi_OUTSB(SCRATCH_PORT, at, 0);
	check(right && vmi_INB(SCRATCH_PORT) == 0x5A, "string calls with a count of 0 do nothing");
	for (u32 n = 0; n < 16; n++)
		at[n] = (u8)n;
	vmi_OUTSB(SCRATCH_PORT, at, 16);
	check(vmi_INB(SCRATCH_PORT) == 15, "OUTSB sends across the end of a page");
	space_set(kernel_root, BEYOND, 0);
	space_set(kernel_root, BEYOND + VMI_PAGE, 0);
}

static void rdmsr(u32 number)
{
	value = vmi_RDMSR(number);
}

static void wrmsr(u32 number)
{
	vmi_WRMSR(number, value);
}

/* As the instruction: the register's value, or a protection fault for one that is not served. */
static bool read(u32 number)
{
	return !catch(rdmsr, number);
}

static bool refused(void (*function)(u32), u32 number)
{
	return catch(function, number) && caught_is(13, 0, 0);
}

static void registers(void)
{
	bool right = true;
	u64 before;

	if (vmi_GetCallInfo(VMI_CALL_RDMSR) != VMI_ANSWER_ABSENT)
		right = read(EFER) ? !nx_offered() || value & EFER_NXE : refused(rdmsr, EFER);
	check(right, "RDMSR reads what the register holds, or faults for one that is not served");
	right = true;
	if (vmi_GetCallInfo(VMI_CALL_WRMSR) != VMI_ANSWER_ABSENT) {
		if (read(SYSENTER_EIP)) {
			before = value;
			value = 0xC0123456;
			if (!catch(wrmsr, SYSENTER_EIP)) {
				value = 0;
				right = read(SYSENTER_EIP) && (value == 0xC0123456 || value == before);
				value = before;
				wrmsr(SYSENTER_EIP);
			} else
				right = caught_is(13, 0, 0);
		} else
			right = refused(rdmsr, SYSENTER_EIP);
	}
	check(right, "WRMSR is read back where the register is served, or has no effect, or faults");
	check(refused(rdmsr, NO_MSR) || vmi_GetCallInfo(VMI_CALL_RDMSR) == VMI_ANSWER_ABSENT || caught.times == 0, "a register that no processor has faults, or reads as nothing");
}

static void sticky(void)
{
	u32 cr0 = vmi_GetCR0(), cr3 = vmi_GetCR3(), cr4 = vmi_GetCR4();
	bool right = true;

	if (translated(VMI_CALL_SetCR0)) {
		vmi_SetCR0(0);
		right = (vmi_GetCR0() & 0x80010001u) == 0x80010001u && catch(do_write, (u32)(uintptr_t)at_divide) &&
			caught_is(14, 3, (u32)(uintptr_t)at_divide);
		vmi_SetCR0(cr0);
	}
	check(right && vmi_GetCR0() == cr0, "PE, PG and WP stay on whatever a translated SetCR0 is given");
	right = true;
	if (translated(VMI_CALL_SetCR4)) {
		vmi_SetCR4(0);
		right = (vmi_GetCR4() & 0xB0u) == (cr4 & 0xB0u);
		vmi_SetCR4(cr4);
	}
	check(right && vmi_GetCR4() == cr4, "PGE, PSE and PAE stay as they are whatever a translated SetCR4 is given");
	for (u32 bit = 0; bit < 32; bit++) {
		vmi_SetCR2(1u << bit);
		right &= vmi_GetCR2() == 1u << bit;
	}
	check(right, "SetCR2 and GetCR2 carry every bit");
	vmi_SetCR3(cr3 | CACHING);
	right = vmi_GetCR3() == (cr3 | CACHING);
	vmi_SetCR3(cr3);
	check(right && vmi_GetCR3() == cr3, "SetCR3 and GetCR3 carry the bits about caching");
}

static void calls(void)
{
	numbers();
	versions();
	odd_places();
	counters();
	counting();
	pointers();
	strings();
	registers();
	sticky();
}

const struct subject subjects[] = {
	{"calls", calls},
	{NULL, NULL},
};
