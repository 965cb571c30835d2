/*
 * What the kvm backend has in assembly besides the native stubs.
 */
#include "inject.h"

	.text
	/* In front of the guest's page-fault gate where KVM has MMU_OP. */
	ROM_STUB kvm_fault_stub, kvm_page_fault, 1

	/* kvm_fault_stub_gva: out EAX. Changes flags. */
	.globl kvm_fault_stub_gva
	.hidden kvm_fault_stub_gva
kvm_fault_stub_gva:
	call 1f
1:	popl %eax
	addl $(kvm_fault_stub - 1b), %eax
	ret

	/* kvm_store: EDX:EAX = a PAE entry, ECX = gva of it. One locked store. Changes EAX, ECX, EDX, flags. */
	.globl kvm_store
	.hidden kvm_store
kvm_store:
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
