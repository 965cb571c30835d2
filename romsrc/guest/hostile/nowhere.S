/* Jumps to where nothing is mapped, on a stack that is not mapped either. */
#include "hostile.h"
	movl $0x10, %esp
	movl $0x12345678, %eax
	jmp *%eax
