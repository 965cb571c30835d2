/* Fills its own page tables with ones, from the bottom up, while they are in use. */
#include "hostile.h"
	movl vmi_boot_info_OFF_root_gpa(%esi), %ebx
	movl (LINEAR + 3 * 8)(%ebx), %edx
	andl $0xfffff000, %edx
	movl LINEAR(%edx), %edi
	andl $0xfffff000, %edi
	movl $-1, %eax
	addl $LINEAR, %edi
	movl $1024, %ecx
	rep stosl
	leal LINEAR(%edx), %edi
	movl $1024, %ecx
	rep stosl
	leal LINEAR(%ebx), %edi
	movl $1024, %ecx
	rep stosl
	movl %ebx, %cr3
1:	pushl %eax
	jmp 1b
