/*
 * The order of a run: tables, interrupt controller, then one subject after the other, then the end.
 *
 * Command line: only=SUBJECT,... runs just these; end=exit (default), shutdown or reboot chooses how the machine ends.
 */
#include "checking.h"

struct vmi_boot_info *boot;
u32 first_mask;

static u32 length_of(const char *words)
{
	u32 length = 0;

	while (words[length])
		length++;
	return length;
}

const char *option(const char *name, u32 *length)
{
	const char *words = VMI_LINEAR(boot->command_line_gpa);
	u32 size = length_of(name);

	while (*words) {
		u32 word = 0;

		while (words[word] && words[word] != ' ')
			word++;
		if (word > size && words[size] == '=' && same_text(words, name, size)) {
			*length = word - size - 1;
			return words + size + 1;
		}
		words += word;
		while (*words == ' ')
			words++;
	}
	return NULL;
}

static bool wanted(const char *name)
{
	u32 left, size = length_of(name);
	const char *list = option("only", &left);

	if (!list)
		return true;
	while (left >= size) {
		u32 word = 0;

		while (word < left && list[word] != ',')
			word++;
		if (word == size && same_text(list, name, size))
			return true;
		word += word < left;
		list += word;
		left -= word;
	}
	return false;
}

int guest_main(struct vmi_boot_info *info)
{
	boot = info;
	first_mask = vmi_GetInterruptMask();
	vmi_print(title);
	kernel_root = vmi_GetCR3();
	frames_start();
	vmi_tables_load();
	timer_start();
	for (const struct subject *one = subjects; one->name; one++) {
		if (!wanted(one->name))
			continue;
		subject(one->name);
		one->run();
		fault_hook = NULL;
		vmi_DisableInterrupts();
	}
	finish();
}
