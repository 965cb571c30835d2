/* Switching stacks between kernel threads. */
	.text
	/* void switch_stacks(u32 *save, u32 load): keeps EBX, ESI, EDI, EBP on the old stack, and its ESP in *save; returns
	 * on the new one */
	.globl switch_stacks
switch_stacks:
	movl 4(%esp), %eax
	movl 8(%esp), %edx
	pushl %ebp
	pushl %ebx
	pushl %esi
	pushl %edi
	movl %esp, (%eax)
	movl %edx, %esp
	popl %edi
	popl %esi
	popl %ebx
	popl %ebp
	ret

	/* where a new thread's first switch returns to: interrupts off, nothing above but a zero */
	.globl thread_begin
thread_begin:
	call thread_body
	ud2

	/* FPU, for fpu.c: nothing here waits, so only the instruction named may fault */
	.globl fpu_load, fpu_store, fpu_save, fpu_restore, fpu_reset
	/* void fpu_load(u32 value): pushes it as an integer */
fpu_load:
	fildl 4(%esp)
	ret
	/* u32 fpu_store(void): pops it */
fpu_store:
	pushl $0
	fistpl (%esp)
	popl %eax
	ret
	/* void fpu_save(void *area): 108 bytes; leaves the FPU initialised */
fpu_save:
	movl 4(%esp), %eax
	fnsave (%eax)
	ret
	/* void fpu_restore(const void *area) */
fpu_restore:
	movl 4(%esp), %eax
	frstor (%eax)
	ret
fpu_reset:
	fninit
	ret
