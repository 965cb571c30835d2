/*
 * The store of a PAE entry: one locked access of all 64 bits, so that no walk of any processor sees an entry that is
 * present but half written.
 */
	.text
	/* pae_store: EDX:EAX = the entry, ECX = gva of it. Changes EAX, ECX, EDX, flags. */
	.globl pae_store
	.hidden pae_store
pae_store:
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
