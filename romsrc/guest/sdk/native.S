/*
 * What stands behind each call until a ROM offers better: the instruction itself, in a routine with the registers
 * of the call. Right only on hardware (or a hypervisor that lets the instruction through), which is what an answer
 * of NONE says.
 *
 * Each routine: registers in and out as in the ABI's table; changes no others, flags as the instruction does.
 */
#include "vmi_guest_asm.h"

	.text

.macro NATIVE name
	.balign 4, 0x90
native_\name:
.endm

	NATIVE CPUID
	cpuid
	ret
	NATIVE WRMSR
	wrmsr
	ret
	NATIVE RDMSR
	rdmsr
	ret
	NATIVE SetGDT
	lgdt (%eax)
	ret
	NATIVE SetLDT
	lldt %ax
	ret
	NATIVE SetIDT
	lidt (%eax)
	ret
	NATIVE SetTR
	ltr %ax
	ret
	NATIVE GetGDT
	sgdt (%eax)
	ret
	NATIVE GetLDT
	xorl %eax, %eax
	sldt %ax
	ret
	NATIVE GetIDT
	sidt (%eax)
	ret
	NATIVE GetTR
	xorl %eax, %eax
	str %ax
	ret

	/* table EAX, entry EDX, low ECX, high st0. Changes ECX. */
	NATIVE WriteEntry
	movl %ecx, (%eax,%edx,8)
	movl 4(%esp), %ecx
	movl %ecx, 4(%eax,%edx,8)
	ret

	/* ss0 EAX, esp0 EDX: the guest keeps its own TSS up to date as well; nothing else to do */
	NATIVE UpdateKernelStack
	movl %edx, vmi_tss + 4
	ret

	NATIVE SetCR0
	movl %eax, %cr0
	ret
	NATIVE SetCR2
	movl %eax, %cr2
	ret
	NATIVE SetCR3
	movl %eax, %cr3
	ret
	NATIVE SetCR4
	movl %eax, %cr4
	ret
	NATIVE GetCR0
	movl %cr0, %eax
	ret
	NATIVE GetCR2
	movl %cr2, %eax
	ret
	NATIVE GetCR3
	movl %cr3, %eax
	ret
	NATIVE GetCR4
	movl %cr4, %eax
	ret
	NATIVE WBINVD
	wbinvd
	ret

	/* number EAX, value EDX */
	NATIVE SetDR
	decl %eax
	js 0f
	jz 1f
	decl %eax
	jz 2f
	decl %eax
	jz 3f
	subl $3, %eax
	jz 6f
	decl %eax
	jz 7f
	ret
0:	movl %edx, %db0
	ret
1:	movl %edx, %db1
	ret
2:	movl %edx, %db2
	ret
3:	movl %edx, %db3
	ret
6:	movl %edx, %db6
	ret
7:	movl %edx, %db7
	ret

	/* number EAX; out EAX. Changes EDX. */
	NATIVE GetDR
	movl %eax, %edx
	decl %edx
	js 0f
	jz 1f
	decl %edx
	jz 2f
	decl %edx
	jz 3f
	subl $3, %edx
	jz 6f
	decl %edx
	jz 7f
	xorl %eax, %eax
	ret
0:	movl %db0, %eax
	ret
1:	movl %db1, %eax
	ret
2:	movl %db2, %eax
	ret
3:	movl %db3, %eax
	ret
6:	movl %db6, %eax
	ret
7:	movl %db7, %eax
	ret

	NATIVE RDPMC
	rdpmc
	ret
	NATIVE RDTSC
	rdtsc
	ret
	NATIVE CLTS
	clts
	ret
	NATIVE EnableInterrupts
	sti
	ret
	NATIVE DisableInterrupts
	cli
	ret
	NATIVE GetInterruptMask
	pushfl
	popl %eax
	ret
	NATIVE SetInterruptMask
	pushl %eax
	popfl
	ret
	NATIVE Halt
	sti
	hlt
	ret

	/* nothing on bare hardware turns power off or resets portably: stop */
	NATIVE Stop
	cli
	hlt
	jmp native_Stop

	/* pte EAX, ptep EDX: no flags need native work */
	NATIVE SetPxE
	movl %eax, (%edx)
	ret

	/* pte EDX:EAX, ptep ECX: changed in one step, since it may map what is executing. Changes ECX. */
	NATIVE SetPxELong
	pushl %ebx
	pushl %esi
	movl %ecx, %esi
	movl %eax, %ebx
	movl %edx, %ecx
	movl (%esi), %eax
	movl 4(%esi), %edx
1:	lock cmpxchg8b (%esi)
	jnz 1b
	popl %esi
	popl %ebx
	ret

	NATIVE InvalPage
	invlpg (%eax)
	ret

	/* how EAX: bit 1 also drops global translations. Changes ECX, EDX. */
	NATIVE FlushTLB
	testl $2, %eax
	jz 1f
	movl %cr4, %edx
	testl $0x80, %edx
	jz 1f
	movl %edx, %ecx
	andl $~0x80, %ecx
	movl %ecx, %cr4
	movl %edx, %cr4
	ret
1:	movl %cr3, %edx
	movl %edx, %cr3
	ret

	NATIVE INL
	inl %dx, %eax
	ret
	NATIVE INB
	inb %dx, %al
	ret
	NATIVE INW
	inw %dx, %ax
	ret
	NATIVE INSL
	rep insl
	ret
	NATIVE INSB
	rep insb
	ret
	NATIVE INSW
	rep insw
	ret
	NATIVE OUTL
	outl %eax, %dx
	ret
	NATIVE OUTB
	outb %al, %dx
	ret
	NATIVE OUTW
	outw %ax, %dx
	ret
	NATIVE OUTSL
	rep outsl
	ret
	NATIVE OUTSB
	rep outsb
	ret
	NATIVE OUTSW
	rep outsw
	ret

	/* mask EAX: the kernel's own flags; what user code gets is in the frame it is entered with */
	NATIVE SetIOPLMask
	pushfl
	andl $~0x3000, (%esp)
	orl %eax, (%esp)
	popfl
	ret

	/* a write to a port where nothing listens takes about a microsecond */
	NATIVE IODelay
	outb %al, $0x80
	ret

	/* calls that have no native form: time, probing, the memory-mapped APIC (which this kit does not map) */
	NATIVE Absent
	xorl %eax, %eax
	xorl %edx, %edx
	ret

	NATIVE Nothing
	ret

/* vmi_native: the routine of each call by number. vmi_nothing: what a NOP answer means for a pointer. */
	.section .rodata
	.balign 4
	.globl vmi_native
vmi_native:
	.long native_CPUID, native_WRMSR, native_RDMSR, native_SetGDT, native_SetLDT
	.long native_SetIDT, native_SetTR, native_GetGDT, native_GetLDT, native_GetIDT
	.long native_GetTR, native_WriteEntry, native_WriteEntry, native_WriteEntry, native_UpdateKernelStack
	.long native_SetCR0, native_SetCR2, native_SetCR3, native_SetCR4, native_GetCR0
	.long native_GetCR2, native_GetCR3, native_GetCR4, native_WBINVD, native_SetDR
	.long native_GetDR, native_RDPMC, native_RDTSC, native_CLTS, native_EnableInterrupts
	.long native_DisableInterrupts, native_GetInterruptMask, native_SetInterruptMask, native_Nothing, native_Nothing
	.long native_Halt, native_Stop, native_Stop, native_SetPxE, native_SetPxELong
	.long native_Nothing, native_Nothing, native_Absent, native_Absent, native_Nothing
	.long native_Nothing, native_InvalPage, native_FlushTLB, native_Nothing, native_INL
	.long native_INB, native_INW, native_INSL, native_INSB, native_INSW
	.long native_OUTL, native_OUTB, native_OUTW, native_OUTSL, native_OUTSB
	.long native_OUTSW, native_SetIOPLMask, native_Nothing, native_Absent, native_Absent
	.long native_IODelay, native_Absent, native_Absent, native_Nothing, native_Absent
	.long native_Absent, native_Absent, native_Nothing, native_Nothing, native_Absent
	.long native_Absent, native_Absent
	.globl vmi_native_end
vmi_native_end:
	.if (vmi_native_end - vmi_native) - 4 * (VMI_CALL_SetCounters + 1)
	.error "vmi_native has an entry too few or too many"
	.endif
	.globl vmi_nothing
vmi_nothing:
	.long native_Nothing
