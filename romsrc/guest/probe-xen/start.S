/*
 * The probe's notes for Xen's domain builder, its first instruction, and its ways in and out of traps.
 * It runs in ring 1 on the selectors that Xen gives every guest, with flat segments throughout.
 */
#include "../probing/stubs.h"
#include "xen_asm.h"

	.macro note type, value:vararg
	.section .note.Xen, "a", @note
	.p2align 2
	.long 4, 2f - 1f, \type
	.asciz "Xen"
1:	\value
2:	.p2align 2
	.endm

	note XEN_ELF_NOTE_GUEST_OS, .asciz "vmirom probe"
	note XEN_ELF_NOTE_LOADER, .asciz "generic"
	note XEN_ELF_NOTE_XEN_VERSION, .asciz "xen-3.0"
	note XEN_ELF_NOTE_PAE_MODE, .asciz "yes"
	note XEN_ELF_NOTE_VIRT_BASE, .long 0xC0000000
	note XEN_ELF_NOTE_PADDR_OFFSET, .long 0
	note XEN_ELF_NOTE_ENTRY, .long probe_start
	note XEN_ELF_NOTE_HYPERCALL_PAGE, .long probe_hypercall_page

/* Entry: state as Xen leaves it, ESI = start_info. Keeps every register in probe_first; never returns. */
	.section .text.start, "ax", @progbits
	.globl probe_start
probe_start:
	movl %esp, probe_first + 28
	movl $probe_first + 28, %esp
	pushl %ebp
	pushl %edi
	pushl %esi
	pushl %edx
	pushl %ecx
	pushl %ebx
	pushl %eax
	movl $probe_first + 48, %esp
	pushfl
	movl %ss, %eax
	pushl %eax
	movl %ds, %eax
	pushl %eax
	movl %cs, %eax
	pushl %eax
	movl probe_first + 28, %esp
	cld
	call probe_main
1:	jmp 1b

	.text

/* Entry: cdecl number and five arguments. Exit: EAX the result. Clobbers ECX EDX. */
	.globl hypercall
hypercall:
	pushl %ebx
	pushl %esi
	pushl %edi
	movl 16(%esp), %eax
	movl 20(%esp), %ebx
	movl 24(%esp), %ecx
	movl 28(%esp), %edx
	movl 32(%esp), %esi
	movl 36(%esp), %edi
	int $XEN_TRANSPORT_VECTOR
	popl %edi
	popl %esi
	popl %ebx
	ret

	stubs 0, 1, 2, 3, 4, 5, 6, 7, 9, 15, 16, 18, 19, 0x20, 0x40, 0x41, 0x80, 0x82

/*
 * Saves the general registers, reloads DS and ES (a return to ring 3 makes them null), tells probe_trap, restores the
 * registers and returns with a plain iret. Clobbers DS ES.
 */
trap_common:
	pusha
	movl $XEN_SELECTOR_KERNEL_DS, %eax
	movl %eax, %ds
	movl %eax, %es
	cld
	pushl %esp
	call probe_trap
	addl $4, %esp
	popa
	addl $8, %esp
	iret

/* Enters ring 3 at the address in EAX (stack in EDX, EFLAGS in ECX); probe_trap comes back by user_leave. */
	.globl user_enter
user_enter:
	pushl %ebp
	pushl %ebx
	pushl %esi
	pushl %edi
	movl %esp, user_kernel_esp
	pushl $XEN_SELECTOR_USER_DS
	pushl %edx
	pushl %ecx
	pushl $XEN_SELECTOR_USER_CS
	pushl %eax
	iret

/* Drops the trap's stack and returns from user_enter. Reloads the data segments that ring 3 left null. */
	.globl user_leave
user_leave:
	movl user_kernel_esp, %esp
	movl $XEN_SELECTOR_KERNEL_DS, %eax
	movl %eax, %ds
	movl %eax, %es
	popl %edi
	popl %esi
	popl %ebx
	popl %ebp
	ret

/* The event callback: eip, cs with the mask, eflags on the stack. Ends by the iret hypercall. */
	.globl probe_upcall
probe_upcall:
	pushl %eax
	pushl %ecx
	pushl %edx
	leal 12(%esp), %eax
	pushl %eax
	cld
	call probe_event
	addl $4, %esp
	popl %edx
	popl %ecx
	movl $XEN_HYPERCALL_IRET, %eax
	int $XEN_TRANSPORT_VECTOR

/* The failsafe callback: ds es fs gs, then the frame. Notes that it came, then goes on where told to. */
	.globl probe_failsafe
probe_failsafe:
	incl failsafe_hits
	movl probe_resume, %eax
	movl probe_resume_esp, %esp
	movl $XEN_SELECTOR_KERNEL_DS, %ecx
	movl %ecx, %ds
	movl %ecx, %es
	jmp *%eax

	.section .bss.pages, "aw", @nobits
	.p2align 12
	.globl probe_hypercall_page, probe_pages, probe_user_stack
probe_hypercall_page:
	.skip 0x1000
probe_pages:
	.skip 0x40000
probe_user_stack:
	.skip 0x1000
	.bss
	.p2align 2
	.globl probe_first, user_kernel_esp, failsafe_hits
probe_first:
	.skip 64
user_kernel_esp:
	.skip 4
failsafe_hits:
	.skip 4

	.section .note.GNU-stack, "", @progbits
