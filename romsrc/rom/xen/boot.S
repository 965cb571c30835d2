/*
 * The boot stub: Xen enters here (ELF note ENTRY), ring 1, paging on, ESI = gva of start_info, ESP = top of a boot
 * stack of one page. Does not return.
 */
	.text
	.globl boot_entry
	.hidden boot_entry
boot_entry:
	cld
	movl %esi, %eax
	movl %esp, %edx
	call start
	ud2
