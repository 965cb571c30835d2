/* What CPUID tells of the hypervisor. */
#include "probe.h"

void ask_leaves(void)
{
	static const char *const names[] = { "leaf.signature", "leaf.features", "leaf.next", "leaf.far" };
	static const u32 leaves[] = { 0x40000000, 0x40000001, 0x40000002, 0x40000010 };
	u32 out[4];

	cpuid(1, out);
	say("leaf.1", "a hypervisor is told of", "%s", yes(out[2] >> 31));
	for (u32 i = 0; i < 2; i++) {
		cpuid(leaves[i], out);
		say(names[i], "EAX EBX ECX EDX", "%x %x %x %x", out[0], out[1], out[2], out[3]);
	}
	cpuid(KVM_CPUID_LEAF_FEATURES, out);
	for (u32 bit = 0; bit < 25; bit++) {
		static char id[] = "feature.00";

		id[8] = (char)('0' + bit / 10);
		id[9] = (char)('0' + bit % 10);
		say(id, "is offered", "%s", yes(out[0] >> bit & 1));
	}
}
