/* The kit's entry under a note that asks for VMI 3.0 and nothing newer. */
#define VMI_GUEST_MINOR 0
#include "start.S"
