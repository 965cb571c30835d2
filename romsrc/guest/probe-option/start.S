/*
 * Entry from a Multiboot loader, the first page tables (large pages at 0 and at BASE, two-level or PAE as the command
 * line says), and the gates.
 */
#include "native_asm.h"
#include "probe.h"

#define HIGH_ENTRY 768   /* BASE in a two-level directory */
#define TABLE_BITS 0x083 /* present, writable, large */
#define LARGE_PAGES 8    /* 32 MiB two-level */
#define CR4_PSE 0x10
#define CR4_PAE 0x20
#define CR0_PG_WP 0x80010000
#define WORD_PAE 0x6561703d /* "=pae" */

	.section .text.start, "ax", @progbits
	.balign 4
	.long NATIVE_MULTIBOOT_HEADER_MAGIC, 3, -(NATIVE_MULTIBOOT_HEADER_MAGIC + 3)

	.globl probe_start
probe_start:
	cli
	cld
	movl $(stack_top - BASE), %esp
	movl %ebx, %edi
	movl $1, %eax
	cpuid
	movl %edi, %ebx
	testl $NATIVE_CPUID_CMOV, %edx
	jz .Lold
	xorl %ebp, %ebp
	testl $4, (%ebx)                /* is there a command line */
	jz 2f
	movl 16(%ebx), %esi
1:	cmpb $0, (%esi)
	je 2f
	cmpl $WORD_PAE, (%esi)
	je 3f
	incl %esi
	jmp 1b
3:	incl %ebp
2:	movl $TABLE_BITS, %eax
	xorl %ecx, %ecx
	testl %ebp, %ebp
	jnz .Lpae
	movl $(directory - BASE), %edi
1:	movl %eax, (%edi,%ecx,4)
	movl %eax, 4*HIGH_ENTRY(%edi,%ecx,4)
	addl $(1 << 22), %eax
	incl %ecx
	cmpl $LARGE_PAGES, %ecx
	jb 1b
	movl $CR4_PSE, %edx
	jmp .Lpaging
.Lpae:	movl $(directory - BASE), %edi
1:	movl %eax, (%edi,%ecx,8)
	addl $(1 << 21), %eax
	incl %ecx
	cmpl $(2 * LARGE_PAGES), %ecx
	jb 1b
	leal 1(%edi), %eax
	movl $(top - BASE), %edi
	movl %eax, (%edi)
	movl %eax, 24(%edi)
	movl $(CR4_PAE | CR4_PSE), %edx
.Lpaging:
	movl %cr4, %eax
	orl %edx, %eax
	movl %eax, %cr4
	movl %edi, %cr3
	movl %cr0, %eax
	orl $CR0_PG_WP, %eax
	movl %eax, %cr0
	movl $1f, %eax
	jmp *%eax
1:	addl $BASE, %esp
	lgdt gdt_register
	ljmp $PROBE_CS, $1f
1:	movl $PROBE_DS, %eax
	movl %eax, %ds
	movl %eax, %es
	movl %eax, %ss
	xorl %eax, %eax
	movl %eax, %fs
	movl %eax, %gs
	movl %ebp, %eax
	movb %al, pae
	movl %ebx, multiboot_info
	pushl $0
	popfl
	call probe_main
1:	cli
	hlt
	jmp 1b

	/* By physical address: says that C can't run here, and ends. */
.Lold:	movl $(old_words - BASE), %esi
1:	lodsb
	movl $VMI_PORT_UART, %edx
	testb %al, %al
	jz 2f
	outb %al, %dx
	jmp 1b
2:	movb $VMI_EXIT_STATUS_SKIP, %al
	movl $VMI_PORT_EXIT, %edx
	outb %al, %dx
	hlt
old_words:
	.asciz "skipped: this processor is older than an i686\n"

	/* Gates. A handler ends through the site of IRET (33), which attach.c patches. */
	.text
	.globl timer_gate
timer_gate:
	pushal
	call timer_tick
	popal
	jmp iret_site

	.globl local_gate
local_gate:
	pushal
	call local_tick
	popal
	jmp iret_site

	.globl ipi_gate
ipi_gate:
	pushal
	call ipi
	popal
	jmp iret_site

	.globl spurious_gate
spurious_gate:
	jmp iret_site

	/* Where other processors begin: their registers as they are, then to C with the address of these. */
	.globl ap_entry
ap_entry:
	pushfl
	pushal
	movl %esp, %eax
	call ap_main

	/* What a trampoline of the guest's own would be: it leaves a mark. Real mode, CS = its page. */
	.globl trampoline, trampoline_end
trampoline:
	.code16
	movw %cs, %ax
	movw %ax, %ds
	movl $0x70617274, 0x80
1:	hlt
	jmp 1b
	.code32
trampoline_end:

	.globl fault_gate
fault_gate:
	pushal
	movl 32(%esp), %eax
	call fault
	popal
	addl $4, %esp
	jmp iret_site

	/* bad_return: returns to a user whose code segment is not there; what the fault says of it is in returned[]. */
	.globl bad_return
bad_return:
	pushal
	movl %esp, return_stack
	pushl $PROBE_USER_DS
	pushl $BAD_ESP
	pushl $BAD_EFLAGS
	pushl $BAD_CS
	pushl $BAD_EIP
	jmp iret_site
	.globl protection_gate
protection_gate:
	popl returned
	popl returned+4
	popl returned+8
	popl returned+12
	popl returned+16
	movl return_stack, %esp
	popal
	ret

	.globl iret_site
iret_site:
	iretl
	nop
	nop
	nop
	nop
	.globl sysexit_site
sysexit_site:
	sti
	sysexit
	nop
	nop

	.data
	.balign 8
	.globl gdt
gdt:
	.fill 12, 8, 0
	.quad 0x00cf9b000000ffff        /* 12: kernel code */
	.quad 0x00cf93000000ffff        /* 13: kernel data */
	.quad 0x00cffb000000ffff        /* 14, 15: user */
	.quad 0x00cff3000000ffff
	.fill 16, 8, 0
gdt_register:
	.word 8 * 32 - 1
	.long gdt

	.bss
	.globl returned
returned:
	.skip 20
return_stack:
	.skip 4
	.balign 4096
	.globl directory
directory:
	.skip 4096
	.globl top
top:
	.skip 4096
	.skip 16384
stack_top:
