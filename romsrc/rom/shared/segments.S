/*
 * Segment registers behind a change of descriptor tables: VMI-DT-02, 06 and 07. What hardware keeps hidden in a register
 * until the next load can't be kept by a hypervisor that loads registers whenever it likes; so a register shows what
 * the table says from the moment it says so, and null where that is nothing to read by.
 */
	.text
.macro ROUTINE name
	.globl \name
	.hidden \name
\name:
.endm

	/* usable: in AX a selector; out ZF set if a data register can be loaded with it. VERR does not look whether the
	 * segment is present. Changes EDX. */
.macro usable
	verr %ax
	jnz 3f
	larl %eax, %edx
	notl %edx
	testl $0x8000, %edx
3:
.endm

	/* segments_reload: load DS, ES, FS, GS and SS again from the tables now in force; what has become unusable
	 * becomes null (SS and CS are the caller's duty: they keep what they had). Changes EAX, EDX, flags. */
.macro reload segment
	movl %\segment, %eax
	usable
	jz 1f
	xorl %eax, %eax
1:	movl %eax, %\segment
.endm
	ROUTINE segments_reload
	reload ds
	reload es
	reload fs
	reload gs
	movl %ss, %eax
	verw %ax
	jnz 2f
	movl %eax, %ss
2:	ret

	/* segments_let_go: EAX = selector with RPL 0, or ANY_SEGMENT; out EAX = selectors of FS and (high half) GS if they
	 * hold it; they are null then, and the half is 0 for one that does not. Changes ECX, EDX, flags. */
.macro let_go segment
	xorl %edx, %edx
	movw %\segment, %dx
	cmpw $0xffff, %cx
	je 1f
	xorl %ecx, %edx
	cmpl $4, %edx
	jae 2f
	xorl %ecx, %edx
1:	orl %edx, %eax
	xorl %edx, %edx
	movl %edx, %\segment
2:
.endm
	ROUTINE segments_let_go
	movl %eax, %ecx
	xorl %eax, %eax
	let_go gs
	shll $16, %eax
	let_go fs
	ret

	/* segments_take: EAX as segments_let_go left it: load FS and GS again, if there is something to load. Changes EAX,
	 * EDX, flags. */
.macro take segment
	testw %ax, %ax
	jz 1f
	usable
	jnz 1f
	movl %eax, %\segment
1:
.endm
	ROUTINE segments_take
	take fs
	shrl $16, %eax
	take gs
	ret
