/*
 * Calls 49 to 60 in front of ports.c. They keep more than C does (vmi.md section 6):
 *
 * INx:   EDX port (low 16 bits); out EAX, zero-extended. Changes nothing else, flags included.
 * OUTx:  EAX value, EDX port. Changes nothing, flags included.
 * INSx:  EDI address in ES, EDX port, ECX count; out EDI behind (or, with DF, before) the last unit, ECX 0. Changes
 *        nothing else.
 * OUTSx: ESI address in DS, likewise.
 * A fault on the guest's memory leaves EDI or ESI and ECX at the unit that faulted only inside the call.
 */
	.text
.macro entry name
	.globl \name
	.hidden \name
\name:
.endm

.macro in_call name, size
	entry \name
	pushfl
	pushl %ecx
	pushl %edx
	cld
	movl %edx, %eax
	movl $\size, %edx
	call port_in
	popl %edx
	popl %ecx
	popfl
	ret
.endm

.macro out_call name, size
	entry \name
	pushfl
	pushl %eax
	pushl %ecx
	pushl %edx
	cld
	movl %eax, %ecx
	movl %edx, %eax
	movl $\size, %edx
	call port_out
	popl %edx
	popl %ecx
	popl %eax
	popfl
	ret
.endm

	/* EBX = step: size, or -size if DF (bit 10 of the flags on top of the stack). Clears DF. */
.macro step size
	movl $\size, %ebx
	testl $0x400, (%esp)
	jz 1f
	negl %ebx
1:	cld
.endm

.macro ins_call name, size, store
	entry \name
	pushl %eax
	pushl %ebx
	pushfl
	step \size
2:	testl %ecx, %ecx
	jz 3f
	pushl %ecx
	pushl %edx
	movl %edx, %eax
	movl $\size, %edx
	call port_in
	popl %edx
	popl %ecx
	\store
	addl %ebx, %edi
	decl %ecx
	jmp 2b
3:	popfl
	popl %ebx
	popl %eax
	ret
.endm

.macro outs_call name, size, load
	entry \name
	pushl %eax
	pushl %ebx
	pushfl
	step \size
	pushl %edx
2:	testl %ecx, %ecx
	jz 3f
	pushl %ecx
	\load
	movl (4)(%esp), %eax
	movl $\size, %edx
	call port_out
	popl %ecx
	addl %ebx, %esi
	decl %ecx
	jmp 2b
3:	call port_string_done
	xorl %ecx, %ecx
	popl %edx
	popfl
	popl %ebx
	popl %eax
	ret
.endm

	in_call vmi_INL, 4
	in_call vmi_INB, 1
	in_call vmi_INW, 2
	ins_call vmi_INSL, 4, "movl %eax, %es:(%edi)"
	ins_call vmi_INSB, 1, "movb %al, %es:(%edi)"
	ins_call vmi_INSW, 2, "movw %ax, %es:(%edi)"
	out_call vmi_OUTL, 4
	out_call vmi_OUTB, 1
	out_call vmi_OUTW, 2
	outs_call vmi_OUTSL, 4, "movl (%esi), %ecx"
	outs_call vmi_OUTSB, 1, "movzbl (%esi), %ecx"
	outs_call vmi_OUTSW, 2, "movzwl (%esi), %ecx"
