/*
 * Calls whose registers C can't keep.
 */
#include "window.h"
#include "xen_asm.h"

	.text
	/*
	 * vmi_CPUID: EAX leaf, ECX subleaf; out EAX, EBX, ECX, EDX. Changes flags. Through Xen's forced emulation, so
	 * that the answer is the domain's and not the host's; what a guest can't use under Xen is hidden here.
	 */
#define PSE (1 << 3)
#define MCE (1 << 7)
#define APIC (1 << 9)
#define SEP (1 << 11)
#define MTRR (1 << 12)
#define PGE (1 << 13)
#define MCA (1 << 14)
#define PAT (1 << 16)
#define PSE36 (1 << 17)
#define ACPI (1 << 22)
#define HTT (1 << 28)
#define HIDDEN_EDX (PSE | MCE | APIC | SEP | MTRR | PGE | MCA | PAT | PSE36 | ACPI | HTT)
#define MONITOR (1 << 3)
#define VMX (1 << 5)
#define PCID (1 << 17)
#define X2APIC (1 << 21)
#define XSAVE (3 << 26)
#define AVX (1 << 28)
#define HIDDEN_ECX (MONITOR | VMX | PCID | X2APIC | XSAVE | AVX)
	.globl vmi_CPUID
	.hidden vmi_CPUID
vmi_CPUID:
	pushl %eax
	.byte 0x0f, 0x0b, 0x78, 0x65, 0x6e
	cpuid
	cmpl $1, (%esp)
	leal 4(%esp), %esp
	jne 1f
	andl $~HIDDEN_EDX, %edx
	andl $~HIDDEN_ECX, %ecx
1:	ret

	/* vmi_RDTSC: out EDX:EAX. The rate is call 66's. */
	.globl vmi_RDTSC
	.hidden vmi_RDTSC
vmi_RDTSC:
	rdtsc
	ret

	/* vmi_RDMSR: ECX number; out EDX:EAX. What Xen does not know faults here, as the instruction would. */
	.globl vmi_RDMSR
	.hidden vmi_RDMSR
vmi_RDMSR:
	rdmsr
	ret

	/* vmi_WRMSR: EDX:EAX value, ECX number. */
	.globl vmi_WRMSR
	.hidden vmi_WRMSR
vmi_WRMSR:
	wrmsr
	ret

	/* IODelay: nothing to wait for behind a virtual port. */
	.globl nop_IODelay
	.hidden nop_IODelay
nop_IODelay:
