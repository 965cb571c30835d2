/*
 * Makes every call that a ROM translates with words that make no sense, in registers and on the stack, and goes on
 * after each trap. Left out: calls that end the run by design, and strings of four billion port accesses.
 */
#include "vmi_guest.h"

static const u32 words[] = {0, ~0u, 0xDEADBEEF, 0x80000000, 0xC0000FFF, 0xF5400000, 7};
static u32 traps;

bool try_call(void *entry, u32 word);
void try_again(void);

/* Six registers and five stack words full of the same; try_again takes the stack back after a trap. */
__asm__(".text\n"
	"try_call:\n"
	"	pushal\n"
	"	movl 36(%esp), %ebx\n"
	"	movl 40(%esp), %eax\n"
	"	movl %esp, tried_esp\n"
	"	pushl %eax\n	pushl %eax\n	pushl %eax\n	pushl %eax\n	pushl %eax\n"
	"	movl %eax, %ecx\n	movl %eax, %edx\n	movl %eax, %esi\n	movl %eax, %edi\n"
	"	call *%ebx\n"
	"try_again:\n"
	"	movl tried_esp, %esp\n"
	"	cld\n"
	"	popal\n"
	"	ret\n"
	".lcomm tried_esp, 4\n");

void vmi_trap(struct vmi_frame *frame)
{
	if (traps++ > 5000 || vmi_from_user(frame))
		vmi_exit(VMI_EXIT_STATUS_SKIP);
	if (frame->vector < 32)
		frame->eip = (u32)(uintptr_t)try_again;
}

static bool survivable(u32 call)
{
	switch (call) {
	case VMI_CALL_IRET:
	case VMI_CALL_SYSEXIT:
	case VMI_CALL_Halt: /* would sleep for ever */
	case VMI_CALL_Shutdown:
	case VMI_CALL_Reboot:
	case VMI_CALL_SetCR3: /* tables of nonsense: see tables.S */
	case VMI_CALL_SetGDT:
	case VMI_CALL_SetIDT:
	case VMI_CALL_INSL:
	case VMI_CALL_INSB:
	case VMI_CALL_INSW:
	case VMI_CALL_OUTSL:
	case VMI_CALL_OUTSB:
	case VMI_CALL_OUTSW:
		return false;
	default:
		return vmi_get_reloc(call).type == VMI_RELOC_CALL_REL;
	}
}

int guest_main(struct vmi_boot_info *boot)
{
	(void)boot;
	vmi_tables_load();
	for (u32 n = 0; n < sizeof words / sizeof *words; n++)
		for (u32 call = 0; call < VMI_CALLS; call++)
			if (survivable(call))
				try_call(vmi_entry[call], words[n]);
	vmi_print("still here\n");
	return VMI_EXIT_STATUS_SUCCESS;
}
