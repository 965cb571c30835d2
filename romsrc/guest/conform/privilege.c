/*
 * What user code may not do: call the ROM, enter gates that are not open to it, use the kernel's instructions and
 * segments, and turn interrupts off, whatever ports it was given.
 */
#include "../checking/checking.h"

#define IF_AND_FIXED 0x202u
#define IOPL_3 0x3000u
#define SHORT 300 /* us */
#define IDT_ERROR 2u

const char title[] = "conformance: what user code may not do\n";

extern const u8 programs[], programs_end[]; /* privilege.S */
extern const u8 user_jump[], user_gate[], user_gate_number[], user_hlt[], user_lgdt[], user_cr3[], user_clts[];
extern const u8 user_invlpg[], user_rdmsr[], user_ltr[], user_ds[], user_ss[], user_iret[], user_lret[];
extern const u8 user_cli_flags[], user_cli_spin[], user_popf_flags[];

static u32 cpl;

static bool faulted(u32 vector, u32 error)
{
	bool right = caught.times == 1 && caught.vector == vector && caught.error == error && (caught.cs & 3) == 3;

	if (!right)
		note("caught %u times: vector %u error %x at %x, cs %x", caught.times, caught.vector, caught.error, caught.eip,
		     caught.cs);
	return right;
}

/* Every address through which a guest would call. Whether a shadow shows the page as present is the host's matter. */
static void rom_called(void)
{
	u32 tried = 0, refused = 0;

	for (u32 call = 0; call < VMI_CALLS; call++) {
		u32 entry = (u32)(uintptr_t)vmi_entry[call], reloc = vmi_get_reloc(call).eip;

		if (vmi_get_reloc(call).type == VMI_RELOC_NONE || vmi_get_reloc(call).type == VMI_RELOC_NOP)
			continue;
		tried++;
		refused += !process_run(user_jump, reloc) && caught.vector == 14 && caught.address == reloc && (caught.error & 4) &&
			   caught.eip == reloc && (caught.cs & 3) == 3;
		if (entry != reloc)
			note("call %u is entered at %x", call, entry);
	}
	check(tried > 20 && tried == refused, "calls made by user code fault at their first instruction");
}

/*
 * The error code names the vector, but QEMU doubles it in long mode, where a 64-bit Xen runs; vectors whose doubles
 * are open are left out for that.
 */
static bool left_out(u32 vector)
{
	return vector == 3 || vector == 4 || vector == 0x80 || (u8)(2 * vector) == 4 || (u8)(2 * vector) == 0x80;
}

static void gates(void)
{
	u8 *number = VMI_LINEAR(*space_entry(process.root, USER_CODE) & FRAME);
	u32 refused = 0;

	number += user_gate_number - programs;
	for (u32 vector = 0; vector < 256; vector++) {
		if (left_out(vector)) {
			refused++;
			continue;
		}
		*number = (u8)vector;
		if (!process_run(user_gate, 0) && caught.vector == 13 && (caught.error & 7) == IDT_ERROR && (caught.cs & 3) == 3)
			refused++;
		else
			note("int %x: exited %u, vector %u error %x", vector, process.exited, caught.vector, caught.error);
	}
	check(refused == 256, "int is a protection fault for every vector that is not open to user code");
}

static void instructions(void)
{
	static const struct {
		const u8 *program;
		const char *name;
	} privileged[] = {
		{user_hlt, "hlt"}, {user_lgdt, "lgdt"}, {user_cr3, "mov cr3"}, {user_clts, "clts"},
		{user_invlpg, "invlpg"}, {user_rdmsr, "rdmsr"}, {user_ltr, "ltr"},
	};
	bool right = true;

	for (u32 n = 0; n < sizeof privileged / sizeof *privileged; n++)
		if (process_run(privileged[n].program, 0) || !faulted(13, 0)) {
			note("%s is not refused", privileged[n].name);
			right = false;
		}
	check(right, "the kernel's instructions are protection faults");
}

static void segments(void)
{
	check(!process_run(user_ds, vmi_kernel_ds()) && faulted(13, VMI_SELECTOR(KERNEL_DS)), "user code can't load the kernel's data segment");
	check(!process_run(user_ss, vmi_kernel_ds()) && faulted(13, VMI_SELECTOR(KERNEL_DS)), "nor its stack segment");
	check(!process_run(user_iret, vmi_kernel_cs()) && faulted(13, VMI_SELECTOR(KERNEL_CS)), "IRET does not take it to the kernel's code");
	check(!process_run(user_lret, vmi_kernel_cs()) && faulted(13, VMI_SELECTOR(KERNEL_CS)), "nor does a far return");
}

static u32 *flag; /* the word that user_cli_spin looks at */

static void raise_flag(void)
{
	*flag = 1;
}

static bool interrupted_all_the_same(const u32 *left)
{
	bool right;

	if (process_run_with(user_cli_flags, 0, IF_AND_FIXED | IOPL_3))
		right = left[0] & VMI_IF;
	else
		right = faulted(13, 0);
	right &= process_run_with(user_popf_flags, 0, IF_AND_FIXED | IOPL_3) && left[0] & VMI_IF;
	timer_drain();
	flag = VMI_LINEAR(*space_entry(process.root, USER_DATA) & FRAME);
	*flag = 0;
	timer_hook = raise_flag;
	vmi_SetAlarm(VMI_COUNTER_REAL, now() + microseconds(SHORT), 0);
	if (process_run_with(user_cli_spin, 0, IF_AND_FIXED | IOPL_3))
		right &= process.code == 1 && timer_ticks == 1;
	else
		right &= faulted(13, 0);
	timer_hook = NULL;
	timer_drain();
	return right;
}

/* On hardware IOPL 3 opens both; only where the flag is virtual can it be kept from user code that has the ports. */
static void ports_given(void)
{
	u32 answer = vmi_GetCallInfo(VMI_CALL_SetIOPLMask);
	bool offered = answer == VMI_ANSWER_NATIVE || answer == VMI_ANSWER_TRANSLATED, right = true;
	const u32 *left = VMI_LINEAR(*space_entry(process.root, USER_DATA) & FRAME);

	if (offered) {
		vmi_SetIOPLMask(IOPL_3);
		if (cpl)
			right = interrupted_all_the_same(left);
		else
			right = process_run_with(user_cli_flags, 0, IF_AND_FIXED | IOPL_3) && !(left[0] & VMI_IF);
		vmi_SetIOPLMask(0);
	}
	check(right, "user code that has the ports turns interrupts off on hardware only, or ports can't be given");
	check(process_run(user_popf_flags, 0) && left[0] & VMI_IF && !(left[0] & IOPL_3), "without the ports POPF leaves flag and IOPL alone");
}

static void privilege(void)
{
	cpl = vmi_kernel_cs() & 3;
	process_load(programs, programs_end);
	rom_called();
	gates();
	instructions();
	segments();
	ports_given();
	process_end();
}

const struct subject subjects[] = {
	{"privilege", privilege},
	{NULL, NULL},
};
