/* Offsets in struct start (machine.h) for start.S; start.c asserts them. */
#ifndef START_H
#define START_H

#include "native_asm.h"
#include "pages.h"

#define start_OFF_given 92
#define start_OFF_alias 96
#define start_OFF_cr4 100
#define start_OFF_tables 104
#define start_OFF_no_efer 108
#define start_OFF_lock 112
#define start_OFF_gdt 116
#define start_OFF_target 122

#ifndef __ASSEMBLER__
#include "rom.h"

u32 ROMCALL start_code_gva(void);
u32 ROMCALL start_code_length(void);
u32 ROMCALL start_flat_gva(void);
#endif
#endif
