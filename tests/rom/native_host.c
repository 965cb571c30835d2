/* The C of the native ROM on the host: all of it, over the PC of pc_host.h. */
#include "pc_host.h"

u32 cpu_cr3(void) { return 0; }
void cpu_set_cr3(u32 value) { (void)value; }
u32 cpu_cr4(void) { return 0; }
void cpu_invlpg(u32 gva) { (void)gva; }
