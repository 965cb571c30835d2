/*
 * Entry from a boot loader, Multiboot or PVH, and the way from there to the entry contract.
 *
 * boot_entry: Multiboot. EAX = loader's magic, EBX = gpa of struct multiboot_info.
 * pvh_entry:  PVH. EBX = gpa of struct hvm_start_info.
 * Both: 32-bit protected mode, flat segments, no paging, interrupts off, no stack. The ROM executes where the loader
 * has put it: behind the guest's image, with struct vmi_bundle in the page before it (place.c), or at its gpa.
 *
 * The ROM and the state are reached by physical address until paging is on. The tables that boot_prepare made map
 * memory at LINEAR_BASE only, so for a moment their first entry maps it at 0 as well.
 */
#include "boot_stub.h"
#include "native_asm.h"
#include "vmi_asm.h"

#define EFLAGS_ID 0x200000          /* can be changed where there is a CPUID */
#define STACK_TOP (VMI_LAYOUT_STATE_GPA + 4096 * (VMI_LAYOUT_STATE_STACK + 1))

	.text
	/* Out EAX = 0 for a processor that lacks what C and guests are compiled for. Changes ECX, EDX, flags. */
is_i686:
	pushl %ebx
	pushfl
	popl %ecx
	movl %ecx, %eax
	xorl $EFLAGS_ID, %eax
	pushl %eax
	popfl
	pushfl
	popl %eax
	xorl %ecx, %eax
	andl $EFLAGS_ID, %eax
	jz 1f
	movl $1, %eax
	cpuid
	movl %edx, %eax
	andl $NATIVE_CPUID_CMOV, %eax
1:	popl %ebx
	ret

	/* Says so, and ends. */
.Lold:
	call 1f
1:	popl %esi
	addl $(.Lold_words - 1b), %esi
2:	lodsb
	movl $VMI_PORT_UART, %edx
	testb %al, %al
	jz 3f
	outb %al, %dx
	jmp 2b
3:	movb $VMI_EXIT_STATUS_ERROR, %al
	movl $VMI_PORT_EXIT, %edx
	outb %al, %dx
4:	hlt
	jmp 4b
.Lold_words:
	.asciz "vmirom: the processor is older than an i686\n"

	.globl boot_entry
	.hidden boot_entry
	.globl pvh_entry
	.hidden pvh_entry
pvh_entry:
	movl $NATIVE_PVH_MAGIC, %eax
boot_entry:
	cli
	cld
	movl $STACK_TOP, %esp
	pushl $0
	popfl
	movl %eax, %esi
	call is_i686
	testl %eax, %eax
	jz .Lold
	call rom_base
	cmpl $VMI_LAYOUT_ROM_GPA, %eax
	je .Lplaced
	movl %eax, %ebp
	call native_place               /* EAX = gpa of this copy: does not return unless there is one at ROM_GPA */
	call 1f
1:	popl %eax
	subl %ebp, %eax
	addl $(VMI_LAYOUT_ROM_GPA + .Lplaced - 1b), %eax
	jmp *%eax
.Lplaced:
	movl %esi, %eax
	movl %ebx, %edx
	call native_boot                /* EAX magic, EDX info: out EAX = struct boot_plan, does not return without */
	movl %eax, %esi
	lgdt BOOT_GDTR
	call .Lhere
.Lhere:	popl %ebx
	leal (.Lflat - .Lhere)(%ebx), %ecx
	pushl $KERNEL_CS
	pushl %ecx
	lretl                           /* own CS, still without paging */
.Lflat:
	movl $KERNEL_DS, %ecx
	movl %ecx, %ds
	movl %ecx, %es
	movl %ecx, %ss
	xorl %ecx, %ecx
	movl %ecx, %fs
	movl %ecx, %gs

	/* the first GiB at 0 too */
	movl boot_plan_OFF_root_gpa(%esi), %edi
	movl (8 * (VMI_LAYOUT_LINEAR_BASE >> 30))(%edi), %ecx
	movl %ecx, (%edi)
	movl %cr4, %ecx
	orl $NATIVE_CR4_PAE, %ecx
	movl %ecx, %cr4
	movl %edi, %cr3
	testb $1, boot_plan_OFF_no_nx(%esi)
	jnz 1f
	movl $NATIVE_MSR_EFER, %ecx
	rdmsr
	orl $NATIVE_EFER_NXE, %eax
	wrmsr
1:	movl %cr0, %ecx
	orl $(NATIVE_CR0_PE | NATIVE_CR0_WP | NATIVE_CR0_PG), %ecx
	movl %ecx, %cr0
	leal (.Lhigh - .Lhere + VMI_LAYOUT_LINEAR_BASE)(%ebx), %ecx
	jmp *%ecx
.Lhigh:
	movl $VMI_LAYOUT_LINEAR_BASE, %ebp
	addl %ebp, %esp
	addl %ebp, %esi
	addl %ebp, BOOT_GDTR_BASE(%ebp)
	lgdt BOOT_GDTR(%ebp)
	movl $0, (%ebp,%edi)
	movl %edi, %cr3
	pushl $0                        /* an empty IDT until the guest brings its own */
	pushl $0
	lidt (%esp)
	addl $8, %esp
	call backend_init
	movl boot_plan_OFF_entry(%esi), %eax
	movl $(VMI_LAYOUT_LINEAR_BASE + VMI_LAYOUT_STATE_GPA + 4096 * VMI_LAYOUT_STATE_BOOT_INFO), %edx
	movl $(VMI_LAYOUT_LINEAR_BASE + STACK_TOP), %ecx
	call boot_enter
