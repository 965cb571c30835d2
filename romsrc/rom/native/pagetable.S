/*
 * SetPxE (38) and SetPxELong (39): the entry is stored, the flags say nothing that a real MMU needs to hear.
 */
	.text
	/* SetPxE: EAX = entry, EDX = gva of it, ECX flags. Changes nothing. */
	.globl vmi_SetPxE
	.hidden vmi_SetPxE
vmi_SetPxE:
	movl %eax, (%edx)
	ret

	/* SetPxELong: EDX:EAX = entry, ECX = gva of it, st0 flags. Changes EAX, ECX, EDX, flags. */
	.globl vmi_SetPxELong
	.hidden vmi_SetPxELong
vmi_SetPxELong:
	jmp pae_store

	/* SetLazyMode (73): nothing is ever put off. */
	.globl nop_SetLazyMode
	.set nop_SetLazyMode, 0
