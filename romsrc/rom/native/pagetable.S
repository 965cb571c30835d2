/*
 * SetPxE (38) and SetPxELong (39): the entry is stored, the flags say nothing that a real MMU needs to hear. Only a
 * mapping of the local APIC's page is remembered (lapic.c).
 */
#include "native_asm.h"
#include "vmi_asm.h"

	.text
	/* SetPxE: EAX = entry, EDX = gva of it, ECX flags. Changes EAX, ECX, EDX, flags. */
	.globl vmi_SetPxE
	.hidden vmi_SetPxE
vmi_SetPxE:
	movl %eax, (%edx)
	cmpl $NATIVE_APIC_BASE, %eax
	jae .Lapic
	ret

	/* SetPxELong: EDX:EAX = entry, ECX = gva of it, st0 flags. Changes EAX, ECX, EDX, flags. */
	.globl vmi_SetPxELong
	.hidden vmi_SetPxELong
vmi_SetPxELong:
	cmpl $NATIVE_APIC_BASE, %eax
	jb pae_store
	pushl %eax
	call pae_store
	popl %eax
	movl 4(%esp), %ecx
.Lapic:	subl $NATIVE_APIC_BASE, %eax
	cmpl $0x1000, %eax
	jae 1f
	testb $NATIVE_PTE_PRESENT, %al
	jz 1f
	testb $VMI_PTE_FLAG_CURRENT_AS, %cl
	jz 1f
	movl %ecx, %eax
	jmp native_apic_mapped
1:	ret

	/* SetLazyMode (73): nothing is ever put off. */
	.globl nop_SetLazyMode
	.set nop_SetLazyMode, 0
