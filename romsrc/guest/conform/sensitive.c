/*
 * Instructions that a guest must leave to calls, made natively: what comes back is what hardware would answer, or the
 * one difference that a deprivileged kernel may see, and nothing else.
 *
 * The transcript is the same either way. Which of the two it was goes into notes.
 */
#include "../checking/checking.h"

#define IOPL 0x3000u
#define RIGHTS 0x00F09E00u /* what LAR shows, but the DPL and the accessed bit that loading sets */
#define UNTOUCHED 0xA5A5A5A5u
#define SHORT 300 /* us */

const char title[] = "conformance: instructions that a guest must leave to calls\n";

/* sensitive.S: results that no C expression can hold */
extern u32 seen[4];
u32 do_arpl(u32 to, u32 from);
u32 do_pushf(void), do_push_cs(void), do_push_ss(void);
void do_popf(u32 flags);
void do_iret(u32 flags), do_lss(u32 selector), do_mov_ss(u32 selector), do_pop_ss(u32 selector);
void do_lar(u32 selector), do_lsl(u32 selector);
void do_sgdt(u32 unused), do_sidt(u32 unused), do_sldt(u32 unused), do_str(u32 unused);
extern const u8 programs[], programs_end[], user_rights[], user_flags[], user_tables[];

static u32 cpl;

static u32 native_cs(void)
{
	u32 cs;

	__asm__("movl %%cs, %0" : "=r"(cs));
	return cs & 0xFFFF;
}

static u32 native_ss(void)
{
	u32 ss;

	__asm__("movl %%ss, %0" : "=r"(ss));
	return ss & 0xFFFF;
}

static void levels(void)
{
	bool below = boot->backend == VMI_BACKEND_XEN || boot->backend == VMI_BACKEND_LGUEST;
	u32 flags;

	check(cpl < 3 && (cpl != 0) == below && cpl == (vmi_entry_state.cs & 3), "the kernel runs at level 0, or at 1 or 2 below a hypervisor");
	vmi_DisableInterrupts();
	flags = do_pushf();
	check(cpl ? (flags & IOPL) >> 12 < cpl : !(flags & VMI_IF),
	      "its IOPL is too low to change the hardware's interrupt flag, where it is deprivileged");
	check(cpl ? flags & VMI_IF : !(flags & VMI_IF), "PUSHF shows the hardware's interrupt flag, which only hardware's kernel turns off");
	vmi_EnableInterrupts();
	check(do_pushf() & VMI_IF, "PUSHF shows it on when interrupts are on");
	vmi_DisableInterrupts();
	note("CPL %u, flags %x", cpl, flags);
}

static void selectors(void)
{
	u32 rpl0 = VMI_SELECTOR(KERNEL_DS), own = vmi_kernel_ds();

	check(do_arpl(VMI_SELECTOR(KERNEL_CS), native_cs()) == (VMI_SELECTOR(KERNEL_CS) | cpl),
	      "ARPL raises an RPL to the one that kernel selectors have");
	check(native_cs() == vmi_kernel_cs() && native_ss() == own, "MOV from a segment register shows the kernel's RPL");
	check((do_push_cs() & 0xFFFF) == vmi_kernel_cs() && (do_push_ss() & 0xFFFF) == own, "so does PUSH");
	check(!catch(do_lss, own) && !catch(do_mov_ss, own) && !catch(do_pop_ss, own) && native_ss() == own,
	      "the kernel's own stack selector can be loaded by LSS, MOV and POP");
	check(catch(do_lss, rpl0) == (cpl != 0) && (!cpl || caught_is(13, rpl0, 0)) && native_ss() == own,
	      "LSS of RPL 0 works on level 0 and is a protection fault on any other");
	check(catch(do_mov_ss, rpl0) == (cpl != 0) && (!cpl || caught_is(13, rpl0, 0)) && native_ss() == own, "so is MOV to SS");
	check(catch(do_pop_ss, rpl0) == (cpl != 0) && (!cpl || caught_is(13, rpl0, 0)) && native_ss() == own, "so is POP SS");
}

/* The rights of a descriptor as the guest wrote it, but for the DPL, which may be `least` or more. */
static bool rights_are(u32 shown, u64 written, u32 least)
{
	u32 dpl = shown >> 13 & 3;

	return ((shown ^ (u32)(written >> 32)) & RIGHTS) == 0 && dpl >= least && (dpl == least || dpl == cpl);
}

static void rights(void)
{
	u32 top = VMI_LAYOUT_LINEAR_BASE + boot->mem_pages * VMI_PAGE - 1;

	do_lar(vmi_kernel_cs());
	check(seen[0] && rights_are(seen[1], vmi_gdt[VMI_GUEST_GDT_KERNEL_CS], 0), "LAR shows rights as they were written, the DPL perhaps raised");
	do_lar(VMI_USER_DS);
	check(seen[0] && rights_are(seen[1], vmi_gdt[VMI_GUEST_GDT_USER_DS], 3), "and a user's DPL as it was");
	do_lsl(vmi_kernel_ds());
	check(seen[0] && seen[1] >= top, "LSL shows a limit beyond all memory, perhaps cut");
	note("LSL %x", seen[1]);
}

static bool made_pending(void)
{
	u64 expiry;

	timer_drain();
	expiry = now() + microseconds(SHORT);
	vmi_SetAlarm(VMI_COUNTER_REAL, expiry, 0);
	return timer_await(expiry) && timer_ticks == 0;
}

static void flags(void)
{
	bool ready = made_pending(), same;
	u32 before = do_pushf(), after;

	do_popf(before | VMI_IF);
	vmi_IODelay();
	same = timer_ticks == (cpl ? 0 : 1) && !(cpl && vmi_GetInterruptMask() & VMI_IF);
	if (cpl) {
		do_popf(before & ~VMI_IF);
		same &= (do_pushf() & VMI_IF) != 0;
		do_popf(before);
	}
	check(ready && same, "POPF turns interrupts on for hardware's kernel only");
	timer_drain();
	before = do_pushf();
	if (catch(do_iret, before ^ (IOPL | VMI_IF)))
		same = cpl && caught.vector == 13;
	else {
		after = do_pushf();
		same = cpl ? !((after ^ before) & (IOPL | VMI_IF)) : !((after ^ before ^ IOPL ^ VMI_IF) & (IOPL | VMI_IF));
		do_popf(before);
	}
	check(same && !(vmi_GetInterruptMask() & VMI_IF), "IRET made natively changes IOPL and the interrupt flag for hardware's kernel only");
	timer_drain();
}

/* The six bytes of SGDT and SIDT; nothing is stored behind them. */
static bool six_bytes(void)
{
	return (seen[1] & 0xFFFF0000) == (UNTOUCHED & 0xFFFF0000) && seen[2] == UNTOUCHED;
}

static void tables(void)
{
	struct vmi_dtr gdt = {0, 0}, idt = {0, 0};

	check(!catch(do_sgdt, 0) && six_bytes(), "SGDT stores six bytes, of the GDT or of a shadow");
	note("SGDT %x %x", seen[0], seen[1]);
	check(!catch(do_sidt, 0) && six_bytes(), "SIDT does so of the IDT");
	check(!catch(do_sldt, 0), "SLDT answers");
	check(!catch(do_str, 0) && (cpl || seen[0] == VMI_SELECTOR(TSS)), "STR tells the task register, or a shadow's");
	vmi_GetGDT(&gdt);
	vmi_GetIDT(&idt);
	check(gdt.base == (u32)(uintptr_t)vmi_gdt && idt.base == (u32)(uintptr_t)vmi_idt && vmi_GetLDT() == 0 &&
		      vmi_GetTR() == VMI_SELECTOR(TSS),
	      "and the calls tell the guest's own all the while");
}

static void users(void)
{
	const u32 *left;
	u32 mask = vmi_GetInterruptMask();

	process_load(programs, programs_end);
	left = VMI_LINEAR(*space_entry(process.root, USER_DATA) & FRAME);
	check(process_run(user_rights, 0) && left[0] == 1 && rights_are(left[1], vmi_gdt[VMI_GUEST_GDT_USER_CS], 3),
	      "LAR shows user code its own rights");
	check(left[2] == 1 && left[3] >= USER_STACK + VMI_PAGE && left[4] == 0, "LSL shows it its own limit, and none of the kernel's");
	check(process_run(user_flags, 0) && left[0] & VMI_IF, "PUSHF shows user code the interrupt flag on");
	check(left[1] & VMI_IF && !(left[1] & IOPL), "and POPF changes neither it nor IOPL");
	check(process_run(user_tables, 0) && (left[1] & 0xFFFF0000) == (UNTOUCHED & 0xFFFF0000),
	      "SGDT, SIDT, SLDT and STR answer user code");
	process_end();
	vmi_SetInterruptMask(mask);
}

static void sensitive(void)
{
	cpl = native_cs() & 3;
	levels();
	selectors();
	rights();
	flags();
	tables();
	users();
}

const struct subject subjects[] = {
	{"sensitive", sensitive},
	{NULL, NULL},
};
