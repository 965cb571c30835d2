/* The kit's attachment, to a ROM of any minor: the player makes the calls of the one that it finds. */
#define VMI_GUEST_MINOR 0u
#include "attach.c"
