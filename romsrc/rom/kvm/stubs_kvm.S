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
