/* KVM's model-specific registers: which exist, what they take, what they show. */
#include "probe.h"

static const struct {
	const char *id, *back, *question;
	u32 index;
	u64 value;
} writes[] = {
	{ "msr.12.off", "msr.12.off.back", "clock by the old number, off", 0x12, 0 },
	{ "msr.12.on", "msr.12.on.back", "clock by the old number", 0x12, 0x200001 },
	{ "msr.11", "msr.11.back", "wall clock by the old number", 0x11, 0x200100 },
	{ "msr.00", "msr.00.back", "wall clock", 0x4b564d00, 0x200100 },
	{ "msr.00.high", "msr.00.high.back", "wall clock above 4 GiB", 0x4b564d00, 0x100000000ull },
	{ "msr.01.off", "msr.01.off.back", "clock off", 0x4b564d01, 0 },
	{ "msr.01.on", "msr.01.on.back", "clock on", 0x4b564d01, 0x200001 },
	{ "msr.01.odd", "msr.01.odd.back", "clock at an odd place", 0x4b564d01, 0x200003 },
	{ "msr.01.nowhere", "msr.01.nowhere.back", "clock where no memory is", 0x4b564d01, 0xf0000001 },
	{ "msr.01.end", "msr.01.end.back", "clock off again", 0x4b564d01, 0 },
	{ "msr.02", "msr.02.back", "asynchronous page faults", 0x4b564d02, 0 },
	{ "msr.02.on", "msr.02.on.back", "asynchronous page faults on", 0x4b564d02, 0x200001 },
	{ "msr.03.off", "msr.03.off.back", "steal time off", 0x4b564d03, 0 },
	{ "msr.03.on", "msr.03.on.back", "steal time on", 0x4b564d03, 0x200041 },
	{ "msr.03.2", "msr.03.2.back", "steal time with bit 1", 0x4b564d03, 0x200043 },
	{ "msr.03.20", "msr.03.20.back", "steal time with bit 5", 0x4b564d03, 0x200061 },
	{ "msr.03.3e", "msr.03.3e.back", "steal time with all reserved bits", 0x4b564d03, 0x20007f },
	{ "msr.03.nowhere", "msr.03.nowhere.back", "steal time where no memory is", 0x4b564d03, 0xf0000001 },
	{ "msr.03.end", "msr.03.end.back", "steal time off again", 0x4b564d03, 0 },
	{ "msr.04", "msr.04.back", "end of interrupt", 0x4b564d04, 0 },
	{ "msr.04.on", "msr.04.on.back", "end of interrupt on", 0x4b564d04, 0x200001 },
	{ "msr.05", "msr.05.back", "poll control", 0x4b564d05, 1 },
	{ "msr.06", "msr.06.back", "interrupt of page faults", 0x4b564d06, 0x50 },
	{ "msr.07", "msr.07.back", "acknowledge of page faults", 0x4b564d07, 1 },
	{ "msr.08", "msr.08.back", "migration control", 0x4b564d08, 1 },
	{ "msr.09", "msr.09.back", "the one behind", 0x4b564d09, 1 },
	{ "msr.ff", "msr.ff.back", "the last of the range", 0x4b564dff, 0 },
	{ "msr.dead", "msr.dead.back", "an unknown one", 0xdeadbeef, 0 },
	{ "msr.13", "msr.13.back", "between old numbers", 0x13, 0 },
};

void ask_registers(void)
{
	for (u32 i = 0; i < sizeof writes / sizeof *writes; i++) {
		u64 back;

		write_msr(writes[i].index, writes[i].value);
		say(writes[i].id, writes[i].question, "%t");
		if (seen.hits)
			continue;
		back = read_msr(writes[i].index);
		say(writes[i].back, "read back", "%x:%x, %t", (u32)(back >> 32), (u32)back);
	}
	TRY_USER("movl $0x4b564d01, %%ecx\n\trdmsr");
	say("msr.user", "clock read in ring 3", "%t");
}
