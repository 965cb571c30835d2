/* grant_table_op, and the management hypercalls that a first domain may try. */
#include "probe.h"

#define LIST 45

static s32 grant(u32 command, void *at, u32 count)
{
	return call3(XEN_HYPERCALL_GRANT_TABLE_OP, command, at, count);
}

static void ask_commands(void)
{
	static const char *const ids[] = {
		"grant.map", "grant.unmap", "grant.setup", "grant.dump", "grant.transfer", "grant.copy", "grant.query",
		"grant.replace", "grant.set-version", "grant.status-frames", "grant.version", "grant.swap", "grant.cache", "grant.13",
	};

	clear(page(LIST), PAGE);
	for (u32 i = 0; i < sizeof ids / sizeof *ids; i++) {
		s32 null = grant(i, 0, 1), hole = grant(i, (void *)m2p, 1), none = grant(i, page(LIST), 0), many;

		many = grant(i, page(LIST), 0x80000000);
		say(ids[i], "grant_table_op of this command: null, in the hole, of none, of 2^31", "%e %e %e %e", null, hole, none,
		    many);
	}
	say("grant.ones", "command 0xFFFFFFFF", "%e", grant(0xFFFFFFFF, page(LIST), 1));
	say("grant.flag", "command 0x1000 and a known one with high bits", "%e %e", grant(0x1000, page(LIST), 1),
	    grant(0x10006, page(LIST), 1));
}

static void ask_query(void)
{
	volatile u32 *words = page(LIST);
	s32 result;

	clear(page(LIST), PAGE);
	words[0] = SELF;
	result = grant(6, page(LIST), 1);
	say("grant.query.self", "query_size of ourselves: frames, most, status", "%e %u %u %d", result, words[1], words[2],
	    (s32)(s16)words[3]);
	words[0] = 5;
	words[3] = 0;
	result = grant(6, page(LIST), 1);
	say("grant.query.5", "query_size of domain 5: status", "%e %d", result, (s32)(s16)words[3]);
	words[0] = SELF;
	words[1] = 77;
	result = grant(10, page(LIST), 1);
	say("grant.version.self", "get_version of ourselves", "%e %x", result, words[1]);
	clear(page(LIST), PAGE);
	words[0] = 3;
	result = grant(8, page(LIST), 1);
	say("grant.set-version.3", "set_version 3, and what is left there", "%e %u", result, words[0]);
	words[0] = 0;
	result = grant(8, page(LIST), 1);
	say("grant.set-version.0", "set_version 0, and what is left there", "%e %u", result, words[0]);
	words[0] = 1;
	result = grant(8, page(LIST), 1);
	say("grant.set-version.1", "set_version 1, and what is left there", "%e %u", result, words[0]);
	words[0] = 2;
	result = grant(8, page(LIST), 1);
	say("grant.set-version.2", "set_version 2, and what is left there", "%e %u", result, words[0]);
	words[0] = 1;
	grant(8, page(LIST), 1);
	clear(page(LIST), PAGE);
	result = grant(10, page(LIST), 1);
	say("grant.version.0", "get_version of domain 0", "%e %x", result, words[1]);
	clear(page(LIST), PAGE);
	result = grant(6, page(LIST), 1);
	say("grant.query.0", "query_size of domain 0: status", "%e %d", result, (s32)(s16)words[3]);
	clear(page(LIST), PAGE);
	words[0] = SELF;
	words[1] = 0;
	words[2] = 0;
	words[3] = 0;
	result = grant(2, page(LIST), 1);
	say("grant.setup.0", "setup_table of no frames: status", "%e %d", result, (s32)(s16)words[2]);
	words[0] = SELF;
	words[1] = 1u << 20;
	words[2] = 0;
	result = grant(2, page(LIST), 1);
	say("grant.setup.many", "setup_table of 2^20 frames: status", "%e %d", result, (s32)(s16)words[2]);
	words[0] = 5;
	words[1] = 1;
	words[2] = 0;
	words[3] = (u32)page(LIST) + 64;
	result = grant(2, page(LIST), 1);
	say("grant.setup.5", "setup_table of domain 5: status", "%e %d", result, (s32)(s16)words[2]);
	words[0] = SELF;
	words[1] = 1;
	words[2] = 0;
	result = grant(2, page(LIST), 1);
	say("grant.setup.1", "setup_table of one frame: status, and whether a frame came", "%e %d %s", result, (s32)(s16)words[2],
	    yes(words[16] != 0));
	say("grant.setup.map", "map that frame writable", "%e", map(page(LIST + 1), (u64)words[16] << 12 | P | RW));
	say("grant.setup.zero", "its first entry", "%x %x", ((volatile u32 *)page(LIST + 1))[0], ((volatile u32 *)page(LIST + 1))[1]);
	map(page(LIST + 1), (u64)mfn(page(LIST + 1)) << 12 | P | RW);
	clear(page(LIST), PAGE);
	words[0] = SELF;
	result = grant(6, page(LIST), 1);
	say("grant.query.after", "query_size afterwards: frames, most, status", "%e %u %u %d", result, words[1], words[2],
	    (s32)(s16)words[3]);
}

static void ask_uses(void)
{
	volatile u32 *words = page(LIST);
	s32 result;

	clear(page(LIST), PAGE);
	result = grant(0, page(LIST), 1);
	say("grant.map.zeros", "map_grant_ref of zeros: status", "%e %d", result, (s32)words[4] >> 16);
	clear(page(LIST), PAGE);
	words[2] = 2; /* host map */
	words[4] = 5;
	result = grant(0, page(LIST), 1);
	say("grant.map.5", "map_grant_ref of domain 5's: status", "%e %d", result, (s32)words[4] >> 16);
	clear(page(LIST), PAGE);
	words[2] = 2;
	words[4] = SELF;
	result = grant(0, page(LIST), 1);
	say("grant.map.self", "map_grant_ref of our own, which grants nothing: status", "%e %d", result, (s32)words[4] >> 16);
	clear(page(LIST), PAGE);
	words[4] = 99;
	result = grant(1, page(LIST), 1);
	say("grant.unmap.99", "unmap_grant_ref of handle 99: status", "%e %d", result, (s32)(s16)words[5]);
	clear(page(LIST), PAGE);
	result = grant(5, page(LIST), 1);
	say("grant.copy.zeros", "copy of zeros: status", "%e %d", result, (s32)(s16)words[5]);
	clear(page(LIST), PAGE);
	result = grant(4, page(LIST), 1);
	say("grant.transfer.zeros", "transfer of zeros: status", "%e %d", result, (s32)(s16)words[3]);
	clear(page(LIST), PAGE);
	result = grant(11, page(LIST), 1);
	say("grant.swap.zeros", "swap of zeros: status", "%e %d", result, (s32)(s16)words[2]);
	clear(page(LIST), PAGE);
	words[0] = 5;
	result = grant(3, page(LIST), 1);
	say("grant.dump.5", "dump_table of domain 5: status", "%e %d", result, (s32)words[0] >> 16);
}

static void ask_management(void)
{
	static const struct {
		const char *id;
		u32 call, first;
	} others[] = {
		{ "manage.xsm", XEN_HYPERCALL_XSM_OP, 1 }, { "manage.hvm.0", XEN_HYPERCALL_HVM_OP, 0 },
		{ "manage.hvm.1", XEN_HYPERCALL_HVM_OP, 1 }, { "manage.hvm.9", XEN_HYPERCALL_HVM_OP, 9 },
		{ "manage.kexec.0", XEN_HYPERCALL_KEXEC_OP, 0 }, { "manage.tmem", XEN_HYPERCALL_TMEM_OP, 1 },
		{ "manage.pmu.0", XEN_HYPERCALL_XENPMU_OP, 0 }, { "manage.pmu.9", XEN_HYPERCALL_XENPMU_OP, 9 },
		{ "manage.argo", XEN_HYPERCALL_ARGO_OP, 1 }, { "manage.dm", XEN_HYPERCALL_DM_OP, 1 },
		{ "manage.hypfs", XEN_HYPERCALL_HYPFS_OP, 1 }, { "manage.oprof.0", XEN_HYPERCALL_XENOPROF_OP, 0 },
		{ "manage.oprof.99", XEN_HYPERCALL_XENOPROF_OP, 99 },
	};

	for (u32 i = 0; i < sizeof others / sizeof *others; i++) {
		clear(page(LIST), PAGE);
		say(others[i].id, "this hypercall with zeros in memory", "%e", call2(others[i].call, others[i].first, page(LIST)));
	}
}

static void ask_platform(void)
{
	volatile u32 *words = page(LIST);

	for (u32 version = 0; version < 2; version++) {
		clear(page(LIST), PAGE);
		words[1] = version ? 0x03000001 : 0;
		words[0] = 0xFFFF;
		say(version ? "manage.platform.99" : "manage.platform.version",
		    "platform_op of an unknown command, without and with its version", "%e", call1(XEN_HYPERCALL_PLATFORM_OP, page(LIST)));
	}
	clear(page(LIST), PAGE);
	words[0] = 0xFFFF;
	say("manage.sysctl.version", "sysctl with a wrong version", "%e", call1(XEN_HYPERCALL_SYSCTL, page(LIST)));
	words[1] = 0x15;
	say("manage.sysctl.99", "sysctl of an unknown command", "%e", call1(XEN_HYPERCALL_SYSCTL, page(LIST)));
	clear(page(LIST), PAGE);
	words[0] = 0xFFFF;
	say("manage.domctl.version", "domctl with a wrong version", "%e", call1(XEN_HYPERCALL_DOMCTL, page(LIST)));
	clear(page(LIST), PAGE);
	say("manage.mca", "mca with zeros", "%e", call1(48, page(LIST)));
	say("manage.other", "update_va_mapping_otherdomain: ourselves, domain 0, domain 5", "%e %e %e",
	    hypercall(XEN_HYPERCALL_UPDATE_VA_MAPPING_OTHERDOMAIN, (u32)page(3), 0, 0, 0, SELF),
	    hypercall(XEN_HYPERCALL_UPDATE_VA_MAPPING_OTHERDOMAIN, (u32)page(3), 0, 0, 0, 0),
	    hypercall(XEN_HYPERCALL_UPDATE_VA_MAPPING_OTHERDOMAIN, (u32)page(3), 0, 0, 0, 5));
}

void ask_grants(void)
{
	ask_commands();
	ask_query();
	ask_uses();
	ask_management();
	ask_platform();
}
