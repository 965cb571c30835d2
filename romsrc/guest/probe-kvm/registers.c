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
	{ "own.17.0", "own.17.0.back", "the platform's identity, 0", 0x17, 0x0 },
	{ "own.17.ones", "own.17.ones.back", "all ones", 0x17, 0xffffffffffffffffull },
	{ "own.2a.0", "own.2a.0.back", "EBL_CR_POWERON, 0", 0x2a, 0x0 },
	{ "own.2a.ones", "own.2a.ones.back", "all ones", 0x2a, 0xffffffffffffffffull },
	{ "own.34.0", "own.34.0.back", "the count of SMIs, 0", 0x34, 0x0 },
	{ "own.34.ones", "own.34.ones.back", "all ones", 0x34, 0xffffffffffffffffull },
	{ "own.fe.0", "own.fe.0.back", "what MTRRs there are, 0", 0xfe, 0x0 },
	{ "own.fe.ones", "own.fe.ones.back", "all ones", 0xfe, 0xffffffffffffffffull },
	{ "own.179.0", "own.179.0.back", "what machine checks there are, 0", 0x179, 0x0 },
	{ "own.179.ones", "own.179.ones.back", "all ones", 0x179, 0xffffffffffffffffull },
	{ "own.8b.0", "own.8b.0.back", "the microcode's revision, 0", 0x8b, 0x0 },
	{ "own.8b.ones", "own.8b.ones.back", "all ones", 0x8b, 0xffffffffffffffffull },
	{ "own.c1.0", "own.c1.0.back", "a performance counter, 0", 0xc1, 0x0 },
	{ "own.c1.ones", "own.c1.ones.back", "all ones", 0xc1, 0xffffffffffffffffull },
	{ "own.186.0", "own.186.0.back", "its event, 0", 0x186, 0x0 },
	{ "own.186.ones", "own.186.ones.back", "all ones", 0x186, 0xffffffffffffffffull },
	{ "own.140.0", "own.140.0.back", "features to switch off, 0", 0x140, 0x0 },
	{ "own.140.ones", "own.140.ones.back", "all ones", 0x140, 0xffffffffffffffffull },
	{ "own.1a0.0", "own.1a0.0.back", "miscellaneous features, 0", 0x1a0, 0x0 },
	{ "own.1a0.ones", "own.1a0.ones.back", "all ones", 0x1a0, 0xffffffffffffffffull },
	{ "own.1fc.0", "own.1fc.0.back", "power control, 0", 0x1fc, 0x0 },
	{ "own.1fc.ones", "own.1fc.ones.back", "all ones", 0x1fc, 0xffffffffffffffffull },
	{ "own.200.0", "own.200.0.back", "a variable MTRR, 0", 0x200, 0x0 },
	{ "own.200.ones", "own.200.ones.back", "all ones", 0x200, 0xffffffffffffffffull },
	{ "own.201.0", "own.201.0.back", "its mask, 0", 0x201, 0x0 },
	{ "own.201.ones", "own.201.ones.back", "all ones", 0x201, 0xffffffffffffffffull },
	{ "own.250.0", "own.250.0.back", "a fixed MTRR, 0", 0x250, 0x0 },
	{ "own.250.ones", "own.250.ones.back", "all ones", 0x250, 0xffffffffffffffffull },
	{ "own.2ff.0", "own.2ff.0.back", "the default memory type, 0", 0x2ff, 0x0 },
	{ "own.2ff.ones", "own.2ff.ones.back", "all ones", 0x2ff, 0xffffffffffffffffull },
	{ "own.400.0", "own.400.0.back", "a bank's control, 0", 0x400, 0x0 },
	{ "own.400.ones", "own.400.ones.back", "all ones", 0x400, 0xffffffffffffffffull },
	{ "own.401.0", "own.401.0.back", "a bank's status, 0", 0x401, 0x0 },
	{ "own.401.ones", "own.401.ones.back", "all ones", 0x401, 0xffffffffffffffffull },
	{ "own.402.0", "own.402.0.back", "a bank's address, 0", 0x402, 0x0 },
	{ "own.402.ones", "own.402.ones.back", "all ones", 0x402, 0xffffffffffffffffull },
	{ "own.47f.0", "own.47f.0.back", "the last bank's last word, 0", 0x47f, 0x0 },
	{ "own.47f.ones", "own.47f.ones.back", "all ones", 0x47f, 0xffffffffffffffffull },
	{ "own.c0010015.0", "own.c0010015.0.back", "HWCR, 0", 0xc0010015, 0x0 },
	{ "own.c0010015.ones", "own.c0010015.ones.back", "all ones", 0xc0010015, 0xffffffffffffffffull },
	{ "own.c001001f.0", "own.c001001f.0.back", "NB_CFG, 0", 0xc001001f, 0x0 },
	{ "own.c001001f.ones", "own.c001001f.ones.back", "all ones", 0xc001001f, 0xffffffffffffffffull },
	{ "own.c0010055.0", "own.c0010055.0.back", "INT_PENDING, 0", 0xc0010055, 0x0 },
	{ "own.c0010055.ones", "own.c0010055.ones.back", "all ones", 0xc0010055, 0xffffffffffffffffull },
	{ "own.c0010117.0", "own.c0010117.0.back", "VM_HSAVE_PA, 0", 0xc0010117, 0x0 },
	{ "own.c0010117.ones", "own.c0010117.ones.back", "all ones", 0xc0010117, 0xffffffffffffffffull },
	{ "own.c0011022.0", "own.c0011022.0.back", "DC_CFG, 0", 0xc0011022, 0x0 },
	{ "own.c0011022.ones", "own.c0011022.ones.back", "all ones", 0xc0011022, 0xffffffffffffffffull },
	{ "own.c0011029.0", "own.c0011029.0.back", "DE_CFG, 0", 0xc0011029, 0x0 },
	{ "own.c0011029.ones", "own.c0011029.ones.back", "all ones", 0xc0011029, 0xffffffffffffffffull },
	{ "own.277.bad", "own.277.bad.back", "the PAT with a type that is none", 0x277, 0x2040600070406ull },
	{ "own.277.0", "own.277.0.back", "the PAT", 0x277, 0x7040600070406ull },
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
