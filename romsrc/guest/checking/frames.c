/* Page frames: a stack of those that were given back, then the ones never used. */
#include "checking.h"

static u32 unused, limit, given_back, back_count;

void frames_start(void)
{
	unused = boot->first_free_pfn * VMI_PAGE;
	limit = boot->mem_pages * VMI_PAGE;
	given_back = 0;
}

u32 frame_get(void)
{
	u32 gpa = given_back;
	u32 *words;

	if (gpa) {
		given_back = *(u32 *)VMI_LINEAR(gpa);
		back_count--;
	} else {
		if (unused >= limit) {
			check(false, "memory ran out");
			finish();
		}
		gpa = unused;
		unused += VMI_PAGE;
	}
	words = VMI_LINEAR(gpa);
	for (u32 n = 0; n < VMI_PAGE / 4; n++)
		words[n] = 0;
	return gpa;
}

void frame_put(u32 gpa)
{
	*(u32 *)VMI_LINEAR(gpa) = given_back;
	given_back = gpa;
	back_count++;
}

u32 frames_free(void)
{
	return back_count + (limit - unused) / VMI_PAGE;
}

u32 frames_untouched(void)
{
	return unused;
}
