/* Demand paging: the page-fault handler maps what is touched, and the instruction goes on as if nothing had been. */
#include "reference.h"

#define V 0x10000000u
#define PAGES 16u
#define NESTED (V + 0x100000u)

static u32 root;
static volatile u32 faults, errors, last; /* changed by faults, so by any access to memory */

static volatile u32 *word(u32 va)
{
	return (volatile u32 *)(uintptr_t)va;
}

static bool map_it(struct vmi_frame *frame, u32 address)
{
	if (address - V >= 0x200000 || (frame->error & 1))
		return false;
	faults++;
	errors |= frame->error;
	last = address;
	if (address == NESTED)
		*word(NESTED + VMI_PAGE) = 5; /* faults again, inside the handler */
	space_map(root, address & ~0xFFFu, P | W | U);
	return true;
}

static bool read_all(void)
{
	for (u32 n = 0; n < PAGES; n++)
		if (*word(V + n * VMI_PAGE + 8 * n) != 0 || faults != n + 1 || last != V + n * VMI_PAGE + 8 * n) {
			note("page %u: %u faults, the last at %x, errors %x", n, faults, last, errors);
			return false;
		}
	return errors == 0;
}

static bool write_all(void)
{
	for (u32 n = 0; n < PAGES; n++)
		*word(V + (PAGES + n) * VMI_PAGE) = n;
	for (u32 n = 0; n < PAGES; n++)
		if (*word(V + (PAGES + n) * VMI_PAGE) != n)
			return false;
	return faults == PAGES && errors == 2;
}

static bool copy_across(void)
{
	static char pattern[2 * VMI_PAGE];
	volatile char *to = (volatile char *)(uintptr_t)(V + 0x80000 - 100);
	u32 count = sizeof pattern;
	const char *from = pattern;
	volatile char *at = to;

	for (u32 n = 0; n < sizeof pattern; n++)
		pattern[n] = (char)(n * 7);
	faults = 0;
	__asm__ volatile("rep movsb" : "+D"(at), "+S"(from), "+c"(count)::"memory");
	for (u32 n = 0; n < sizeof pattern; n++)
		if (to[n] != pattern[n])
			return false;
	return faults == 3 && count == 0 && at == to + sizeof pattern;
}

void demand(void)
{
	root = space_new();
	space_enter(root);
	fault_hook = map_it;
	faults = errors = 0;
	check(read_all(), "pages mapped at their first read fault once each, with the address, and read zero");
	faults = errors = 0;
	check(write_all(), "pages mapped at their first write fault once each and keep what is written");
	check(copy_across(), "a string instruction over three absent pages goes on after each fault");
	faults = 0;
	*word(NESTED) = 4;
	check(*word(NESTED) == 4 && *word(NESTED + VMI_PAGE) == 5 && faults == 2, "a fault inside the fault handler is served");
	fault_hook = NULL;
	check(catch(do_write, V + 0x300000) && caught_is(14, 2, V + 0x300000), "what the handler refuses stays a fault");
	space_free(root);
}
