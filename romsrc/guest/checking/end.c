/* The end of a run: the sum, then the way out that the command line asks for. */
#include "checking.h"

static bool end_is(const char *how, u32 size)
{
	u32 length;
	const char *value = option("end", &length);

	return value && length == size && same_text(value, how, size);
}

static void sum(void)
{
	char line[] = "result: .......... passed, .......... failed\n";
	u32 values[2] = {passed, failed}, from = 0, to = 0, value = 0;

	while (line[from]) {
		char digits[10];
		u32 count = 0;

		if (line[from] != '.') {
			line[to++] = line[from++];
			continue;
		}
		from += sizeof digits;
		do
			digits[count++] = (char)('0' + values[value] % 10);
		while (values[value] /= 10);
		value++;
		while (count)
			line[to++] = digits[--count];
	}
	vmi_write(line, to);
}

void finish(void)
{
	vmi_DisableInterrupts();
	sum();
	if (!failed && end_is("shutdown", 8))
		vmi_Shutdown();
	if (!failed && end_is("reboot", 6))
		vmi_Reboot(VMI_REBOOT_HOW_HARD);
	vmi_exit(failed || !passed ? VMI_EXIT_STATUS_FAILURE : VMI_EXIT_STATUS_SUCCESS);
}
