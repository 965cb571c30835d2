/* Fills and copies: the probes', and those that a compiler writes calls of. */
#include "probing.h"

void clear(volatile void *at, u32 count)
{
	for (volatile u8 *p = at; count; count--)
		*p++ = 0;
}

void *memset(void *at, int value, u32 count)
{
	for (u8 *p = at; count; count--)
		*p++ = (u8)value;
	return at;
}

void *memcpy(void *to, const void *from, u32 count)
{
	u8 *p = to;

	for (const u8 *q = from; count; count--)
		*p++ = *q++;
	return to;
}
