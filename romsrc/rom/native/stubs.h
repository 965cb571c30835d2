/* stubs.S: what stands behind the shadow's gates, and the calls that must be assembly. */
#ifndef STUBS_H
#define STUBS_H

#define FIRST_STUB_VECTOR 0x20
#define STUB_VECTORS (0x100 - FIRST_STUB_VECTOR)

/* A word that Halt leaves below its stack, right below the frame that an interrupt will push, where a stub finds it in
 * frame.error: it is there as long as no handler that pushes anything has run since. */
#define HALT_MARK 0x544c4156
#define HALT_MARK_AT (-16)

#ifndef __ASSEMBLER__
#include "rom.h"

u32 ROMCALL native_timer_stub(u32 vector); /* gva of the stub for a vector from FIRST_STUB_VECTOR on */
u32 ROMCALL native_halt_start(void);       /* gva of Halt's first instruction ... */
u32 ROMCALL native_halt_end(void);         /* ... and of the one after its HLT */
u32 ROMCALL native_fault_stub(u32 number); /* gva of the stub for vector NATIVE_VECTOR_TS + number */
u32 ROMCALL native_as_user_gva(void);      /* gva of the way to a handler whose frame is moved; and ... */
u32 ROMCALL native_iret(void);             /* ... of the instruction that IRET is */
void ROMCALL native_deliver(u32 handler);  /* enter a handler as an interrupt would, and come back by its IRET */
#endif
#endif
