/* stubs.S: what stands behind the shadow's gates, and the calls that must be assembly. */
#ifndef STUBS_H
#define STUBS_H

#define FIRST_STUB_VECTOR 0x20
#define STUB_VECTORS ((0x100 - FIRST_STUB_VECTOR) / 8)

#ifndef __ASSEMBLER__
#include "rom.h"

u32 ROMCALL native_timer_stub(u32 vector); /* gva of the stub for a vector that an ICW2 can name */
u32 ROMCALL native_halt_start(void);       /* gva of Halt's first instruction ... */
u32 ROMCALL native_halt_end(void);         /* ... and of the one after its HLT */
void ROMCALL native_deliver(u32 handler);  /* enter a handler as an interrupt would, and come back by its IRET */
#endif
#endif
