/*
 * Where every guest of this kit begins, by the entry contract of VMI 3.1.
 *
 * entry (promised by the ROM's boot stub): EAX = "VMI3", ESI = gva of struct vmi_boot_info, ESP = top of a valid
 *        4 KiB stack, DF and the virtual interrupt flag clear, CS SS DS ES flat at the kernel's privilege, FS GS
 *        null, PAE paging with NX and WP on, no IDT.
 * does:  keeps that state in vmi_entry_state, clears .bss, and calls vmi_begin(boot_info) on a stack of its own.
 */
#include "vmi_guest_asm.h"

#ifndef VMI_GUEST_MINOR
#define VMI_GUEST_MINOR 1
#endif

	VMI_GUEST_NOTE vmi_start, VMI_GUEST_MINOR, 0

	.section .text.start, "ax", @progbits
	.globl vmi_start
vmi_start:
	pushfl
	pushl %gs
	pushl %fs
	pushl %es
	pushl %ds
	pushl %ss
	pushl %cs
	leal 28(%esp), %ecx
	pushl %ecx
	pushl %eax
	cld
	/* the boot stack lies in the ROM's state pages, outside .bss */
	movl $vmi_bss_start, %edi
	movl $vmi_bss_end, %ecx
	subl %edi, %ecx
	shrl $2, %ecx
	xorl %eax, %eax
	rep stosl
	movl $vmi_entry_state, %edi
	movl $9, %ecx
1:	popl (%edi)
	addl $4, %edi
	decl %ecx
	jnz 1b
	movl $vmi_stack_top, %esp
	xorl %ebp, %ebp
	pushl %ebp
	pushl %ebp
	pushl %ebp
	pushl %esi
	call vmi_begin
	ud2

/* bool vmi_call_keeps(void *entry, u32 eax, u32 edx, u32 ecx), cdecl: calls `entry` with these three registers and
 * marks in EBX, ESI, EDI and EBP, and two zero words as stack arguments; true if the marks and ESP came back. */
	.text
	.globl vmi_call_keeps
vmi_call_keeps:
	pushl %ebx
	pushl %esi
	pushl %edi
	pushl %ebp
	movl %esp, vmi_kept_esp
	pushl $0
	pushl $0
	movl 28(%esp), %ebx
	movl %ebx, vmi_kept_entry
	movl 32(%esp), %eax
	movl 36(%esp), %edx
	movl 40(%esp), %ecx
	movl $0x1b2b3b4b, %ebx
	movl $0x5c6c7c8c, %esi
	movl $0x9dadbdcd, %edi
	movl $0xe1f10212, %ebp
	call *vmi_kept_entry
	addl $8, %esp
	xorl %eax, %eax
	cmpl %esp, vmi_kept_esp
	jne 1f
	cmpl $0x1b2b3b4b, %ebx
	jne 1f
	cmpl $0x5c6c7c8c, %esi
	jne 1f
	cmpl $0x9dadbdcd, %edi
	jne 1f
	cmpl $0xe1f10212, %ebp
	jne 1f
	incl %eax
1:	movl vmi_kept_esp, %esp
	popl %ebp
	popl %edi
	popl %esi
	popl %ebx
	ret

/* void vmi_reload_segments(u32 cs, u32 ds), cdecl: CS := cs, SS DS ES := ds, FS GS := 0. Changes EAX, ECX, EDX. */
	.globl vmi_reload_segments
vmi_reload_segments:
	popl %edx
	popl %ecx
	movl (%esp), %eax
	pushl %ecx /* the caller removes two words */
	movl %eax, %ss
	movl %eax, %ds
	movl %eax, %es
	xorl %eax, %eax
	movl %eax, %fs
	movl %eax, %gs
	pushl %ecx
	pushl %edx
	lret

	.section .bss.vmi_stack, "aw", @nobits
	.balign 4096
	.globl vmi_stack_bottom
vmi_stack_bottom:
	.skip 8192
	.globl vmi_stack_top
vmi_stack_top:

	.bss
	.balign 4
vmi_kept_esp:
	.skip 4
vmi_kept_entry:
	.skip 4
