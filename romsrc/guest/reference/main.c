/*
 * The order of a run: tables, interrupt controller, then one subject after the other, then the end.
 *
 * Command line: only=SUBJECT,... runs just these; end=exit (default), shutdown or reboot chooses how the machine ends.
 */
#include "reference.h"

struct vmi_boot_info *boot;
u32 first_mask;

static const struct {
	const char *name;
	void (*run)(void);
} subjects[] = {
	{"probe", probe},
	{"descriptors", descriptors},
	{"traps", traps},
	{"cpu", cpu},
	{"ports", ports},
	{"clock", clock},
	{"paging", paging},
	{"lazy", lazy},
	{"demand", demand},
	{"fork", fork},
	{"user", user},
	{"interrupts", interrupts},
	{"pic", pic},
	{"alarms", alarms},
	{"threads", threads},
	{"fpu", fpu},
	{"halt", halt},
};

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
	vmi_print("reference guest of VMI 3.1\n");
	kernel_root = vmi_GetCR3();
	frames_start();
	vmi_tables_load();
	timer_start();
	for (u32 n = 0; n < sizeof subjects / sizeof *subjects; n++) {
		if (!wanted(subjects[n].name))
			continue;
		subject(subjects[n].name);
		subjects[n].run();
		fault_hook = NULL;
		vmi_DisableInterrupts();
	}
	finish();
}
