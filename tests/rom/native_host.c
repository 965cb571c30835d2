/* The C of the native ROM on the host: all of it, over the PC of pc_host.h. */
#include "pc_host.h"
