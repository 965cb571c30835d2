/* Makes the ROM's pages writable in its own page tables, and overwrites the ROM. */
#include "hostile.h"
	movl vmi_boot_info_OFF_root_gpa(%esi), %ebx
	movl (LINEAR + 3 * 8)(%ebx), %eax       /* directory of the linear mapping */
	andl $0xfffff000, %eax
	movl LINEAR(%eax), %eax                 /* table of its first 2 MiB */
	andl $0xfffff000, %eax
	movl $0x20, %ecx
	movl $(LINEAR + 8 * (VMI_LAYOUT_ROM_GPA >> 12)), %edx
1:	orl $2, (%eax,%edx)
	addl $8, %edx
	loop 1b
	movl %ebx, %cr3
	movl $(LINEAR + VMI_LAYOUT_ROM_GPA), %edi
	movl $0x1000, %ecx
	movl $0xcccccccc, %eax
	rep stosl
	movl $(LINEAR + VMI_LAYOUT_ROM_GPA + VMI_ROM_HEADER_GET_RELOC_OFFSET), %eax
	call *%eax
1:	jmp 1b
