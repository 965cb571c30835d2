/* Exceptions: vector, error code, address and place are the processor's, whoever delivers them. */
#include "reference.h"

#define UNUSED_SELECTOR 0xC8u /* GDT entry 25 */
#define NOWHERE (KERNEL_AREA + 0x123000u)
#define ALL ~0u

static bool at(const u8 *place)
{
	bool right = caught.eip == (u32)(uintptr_t)place;

	if (!right)
		note("trapped at %x instead of %x", caught.eip, (u32)(uintptr_t)place);
	return right;
}

/* Vectors without an error code: the stub stores 0. */
static void plain(void)
{
	check(catch(do_divide, 0) && caught_is(0, 0, 0) && at(at_divide), "dividing by zero faults at the instruction");
	check(!catch(do_breakpoint, 0) && caught_is(3, 0, 0) && at(after_breakpoint),
	      "int3 traps after the instruction and resumes there");
	check(!catch(do_overflow, 0) && caught_is(4, 0, 0) && at(after_overflow), "into traps on overflow");
	check(catch(do_bound, 0) && caught_is(5, 0, 0) && at(at_bound), "bound faults on an index out of range");
	check(catch(do_undefined, 0) && caught_is(6, 0, 0) && at(at_undefined), "ud2 faults as an undefined instruction");
}

static void coded(void)
{
	check(catch(do_load_fs, UNUSED_SELECTOR) && caught_is(13, UNUSED_SELECTOR, 0) && at(at_load_fs),
	      "an empty descriptor faults with its selector as error code");
	check(catch(do_read, NOWHERE) && caught_is(14, 0, NOWHERE) && at(at_read),
	      "reading where nothing is mapped faults with error 0 and the address");
	check(catch(do_write, NOWHERE + 4) && caught_is(14, 2, NOWHERE + 4) && at(at_write), "writing there faults with error 2");
	check(catch(do_read, 0) && caught_is(14, 0, 0), "address 0 is not mapped");
	vmi_SetCR2(0x12345678);
	check(vmi_GetCR2() == 0x12345678, "GetCR2 tells what SetCR2 was given");
}

static void flags(void)
{
	vmi_EnableInterrupts();
	catch(do_undefined, 0);
	check(caught.eflags & VMI_IF && !caught.mask && vmi_GetInterruptMask() & VMI_IF,
	      "with interrupts on: the frame says so, an interrupt gate turns them off, returning turns them on");
	catch(do_breakpoint, 0);
	check(caught.eflags & VMI_IF && caught.mask && vmi_GetInterruptMask() & VMI_IF, "a trap gate leaves them on");
	vmi_DisableInterrupts();
	catch(do_undefined, 0);
	check(!(caught.eflags & VMI_IF) && !caught.mask && !(vmi_GetInterruptMask() & VMI_IF),
	      "with interrupts off: the frame says so, and they stay off");
	catch(do_read, NOWHERE);
	check(!(caught.eflags & VMI_IF) && !caught.mask && !(vmi_GetInterruptMask() & VMI_IF), "so it is for page faults");
}

void traps(void)
{
	plain();
	coded();
	flags();
	vmi_EnableInterrupts();
	check(registers_survive_breakpoint(), "all registers survive a trap and the IRET call");
	vmi_DisableInterrupts();
}
