/*
 * The way of another processor from a STARTUP interrupt to its APState.
 *
 * start_code is copied to a state page of its own, whose number is the vector that the interrupt carries (start.c). It
 * enters start_flat in the ROM by physical address; C finds the state that the guest gave for this processor, and
 * makes page tables that are the guest's and map low memory at 0 as well; with these paging begins. The rest runs in
 * the guest's own address space. All that is shared on the way, the stack too, is held by one lock.
 */
#include "start.h"
#include "vmi_asm.h"

#define AP(field) vmi_ap_state_OFF_##field

	.text
	.code16
	/* Real mode, CS = the page, interrupts off. */
start_code:
	cli
	cld
	movw %cs, %ax
	movw %ax, %ds
1:	lock btsw $0, START_LOCK
	jnc 2f
	pause
	jmp 1b
2:	xorl %ebx, %ebx
	movw %ax, %bx
	shll $4, %ebx                   /* gpa of this page */
	lgdtl START_GDTR
	movl %cr0, %eax
	andl $~(NATIVE_CR0_CD | NATIVE_CR0_NW), %eax
	orl $NATIVE_CR0_PE, %eax
	movl %eax, %cr0
	ljmpl *START_TARGET
start_code_end:
	.code32

	/* start_code_gva, start_code_length, start_flat_gva: out EAX. Change flags. */
	.globl start_code_gva
	.hidden start_code_gva
start_code_gva:
	call 1f
1:	popl %eax
	addl $(start_code - 1b), %eax
	ret
	.globl start_code_length
	.hidden start_code_length
start_code_length:
	movl $(start_code_end - start_code), %eax
	ret
	.globl start_flat_gva
	.hidden start_flat_gva
start_flat_gva:
	call 1f
1:	popl %eax
	addl $(start_flat - 1b), %eax
	ret

	/* 32-bit code at its gpa, no paging; EBX = gpa of the start page, whose lock is held. */
start_flat:
	movl $START_DS, %eax
	movl %eax, %ds
	movl %eax, %es
	movl %eax, %ss
	xorl %eax, %eax
	movl %eax, %fs
	movl %eax, %gs
	leal START_STACK(%ebx), %esp
	call start_find                 /* out EAX = gpa of struct start, or 0 */
	testl %eax, %eax
	jz .Lpark
	movl %eax, %esi
	movl start_OFF_cr4(%esi), %eax
	movl %eax, %cr4
	cmpl $0, start_OFF_no_efer(%esi)
	jne 1f
	movl $NATIVE_MSR_EFER, %ecx
	movl AP(efer)(%esi), %eax
	movl (AP(efer) + 4)(%esi), %edx
	wrmsr
1:	movl start_OFF_tables(%esi), %eax
	movl %eax, %cr3
	movl AP(cr0)(%esi), %eax
	movl %eax, %cr0
	movl start_OFF_alias(%esi), %edi
	call 2f
2:	popl %eax
	leal (.Lmapped - 2b)(%eax,%edi), %eax
	jmp *%eax
.Lmapped:
	addl %edi, %esp
	addl %edi, %ebx
	addl %edi, %esi
	movl AP(cr3)(%esi), %eax
	movl %eax, %cr3
	movl AP(cr4)(%esi), %eax
	movl %eax, %cr4
	movl AP(cr2)(%esi), %eax
	movl %eax, %cr2
	movl %esi, %eax
	call start_enter                /* EAX = gva of struct start; out EAX = 0: it can't be entered */
	testl %eax, %eax
	jz .Lpark
	lgdt START_GDTR_HIGH(%ebx)
	call 3f
3:	popl %eax
	addl $(.Lbased - 3b), %eax
	subl %esi, %eax
	pushl $START_CS_BASED
	pushl %eax
	lretl

	/* Nobody said how this processor is to start, or it is impossible: it does not. EBX = the start page. */
.Lpark:
	movl $0, START_LOCK(%ebx)
1:	cli
	hlt
	jmp 1b

	/* The base of CS is the gva of struct start; all else is flat. Registers are loaded one by one, and each
	 * from where no other register is needed. */
.macro load_all
	lgdt %cs:start_OFF_gdt
	lldt %cs:AP(ldtr)
	movw %cs:AP(ds), %ds
	movw %cs:AP(es), %es
	movw %cs:AP(fs), %fs
	movw %cs:AP(gs), %gs
	movl %cs:AP(eax), %eax
	movl %cs:AP(ebx), %ebx
	movl %cs:AP(ecx), %ecx
	movl %cs:AP(edx), %edx
	movl %cs:AP(ebp), %ebp
	movl %cs:AP(esi), %esi
	movl %cs:AP(edi), %edi
	movw %cs:AP(ss), %ss
	movl %cs:AP(esp), %esp
.endm

.Lbased:
	movl %cs:start_OFF_lock, %ecx
	movl %cs:AP(eflags), %eax
	testl $VMI_EFLAGS_IF, %eax
	jnz 1f
	pushl %eax
	popfl
	movl $0, (%ecx)                 /* from here on nothing is shared */
	load_all
	ljmp *%cs:start_OFF_target
1:	andl $~VMI_EFLAGS_IF, %eax
	pushl %eax
	popfl
	movl $0, (%ecx)
	load_all
	sti                             /* in force behind the jump */
	ljmp *%cs:start_OFF_target
