/* The two routines that a compiler calls on its own. regparm(3), like everything in a ROM; DF is clear. */
	.text
	/* memcpy: EAX to, EDX from, ECX bytes; out EAX = to. Changes ECX, EDX. */
	.globl memcpy
	.hidden memcpy
memcpy:
	pushl %edi
	pushl %esi
	movl %eax, %edi
	movl %edx, %esi
	rep movsb
	popl %esi
	popl %edi
	ret

	/* memset: EAX to, EDX value (DL), ECX bytes; out EAX = to. Changes ECX, EDX. */
	.globl memset
	.hidden memset
memset:
	pushl %edi
	pushl %eax
	movl %eax, %edi
	movl %edx, %eax
	rep stosb
	popl %eax
	popl %edi
	ret
