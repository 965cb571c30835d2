/* What the kernel finds at its first instruction, and what xen_version says. */
#include "probe.h"

static const char *same(u32 a, u32 b)
{
	return a == b ? "equal" : "different";
}

static void ask_registers(void)
{
	say("boot.eax", "EAX at the first instruction", "%x", probe_first.eax);
	say("boot.ebx", "EBX", "%x", probe_first.ebx);
	say("boot.ecx", "ECX", "%x", probe_first.ecx);
	say("boot.edx", "EDX", "%x", probe_first.edx);
	say("boot.edi", "EDI", "%x", probe_first.edi);
	say("boot.ebp", "EBP", "%x", probe_first.ebp);
	say("boot.eflags", "EFLAGS", "%x", probe_first.eflags);
	say("boot.cs", "CS", "%x", probe_first.cs);
	say("boot.ds", "DS", "%x", probe_first.ds);
	say("boot.ss", "SS", "%x", probe_first.ss);
	say("boot.esp", "ESP within its page", "%x", probe_first.esp & 0xFFF);
	say("boot.stack", "the stack page stands behind the last page table", "%s",
	    yes(probe_first.esp == start->pt_base + start->nr_pt_frames * PAGE + PAGE));
}

static void ask_start_info(void)
{
	u32 end = probe_first.esp;

	say("start.magic", "magic", "%s", start->magic);
	say("start.flags", "flags", "%x", start->flags);
	say("start.store", "store_mfn and store_evtchn", "%x %x", start->store_mfn, start->store_evtchn);
	say("start.console", "console information: offset and size", "%x %x", start->console_mfn, start->console_evtchn);
	say("start.frames", "nr_pt_frames", "%u", start->nr_pt_frames);
	say("start.p2m", "first_p2m_pfn and nr_p2m_frames", "%x %x", start->first_p2m_pfn, start->nr_p2m_frames);
	say("start.module", "mod_start and mod_len without a module", "%x %x", start->mod_start, start->mod_len);
	say("start.order", "p2m list before start_info before page tables", "%s",
	    yes(start->mfn_list < probe_first.esi && probe_first.esi < start->pt_base));
	say("start.behind", "page tables begin one page after start_info", "%s", yes(start->pt_base == probe_first.esi + PAGE));
	say("start.shared", "shared_info is page-aligned", "%s", yes(!(start->shared_info & 0xFFF)));
	say("start.end", "the mapping ends within 4 MiB of BASE", "%s", yes(end < BASE + 0x400000));
	say("start.contiguous", "the first frames are contiguous", "%s", yes(mfn(page(1)) == mfn(page(0)) + 1));
	say("start.m2p", "M2P gives back the pfn", "%s", yes(m2p[mfn(page(3))] == ((u32)page(3) - BASE) >> 12));
}

static void ask_tables(void)
{
	volatile u64 *top = (volatile u64 *)start->pt_base;
	static const char *const ids[] = { "boot.l3.0", "boot.l3.1", "boot.l3.2", "boot.l3.3" };

	for (u32 i = 0; i < 4; i++)
		say(ids[i], "bits of the boot L3 entry", "%x", (u32)top[i] & 0xFFF);
	say("boot.l3.4", "the L3's fifth entry", "%x", (u32)top[4]);
	say("boot.l2", "bits of the boot L2 entry", "%x", (u32)table_at(directory(3))[0] & 0xF9F);
	say("boot.l1", "writable bits of an image page", "%x", (u32)entry((u32)page(5)) & 7);
	say("boot.l1.table", "writable bits of a page-table page", "%x", (u32)entry(start->pt_base) & 7);
	say("boot.l1.low", "writable bits of a page below the image", "%x", (u32)entry(BASE) & 7);
	say("boot.l1.nx", "no-execute bit of an image page", "%x", (u32)(entry((u32)page(5)) >> 63));
	say("boot.l2.empty", "first entry of slot 0's L2", "%x", (u32)table_at(directory(0))[0]);
}

static void ask_shared(void)
{
	u32 masked = 0, pending = 0;

	for (u32 i = 0; i < XEN_EVTCHN_WORDS; i++) {
		masked |= shared->evtchn_mask[i];
		pending |= shared->evtchn_pending[i];
	}
	say("shared.mask", "upcall mask at start", "%x", vcpu->evtchn_upcall_mask);
	say("shared.evtchn_mask", "any port masked at start", "%s", yes(masked != 0));
	say("shared.evtchn_pending", "any port pending at start", "%s", yes(pending != 0));
	say("shared.upcall", "upcall pending at start", "%x", vcpu->evtchn_upcall_pending);
	say("shared.selector", "pending selector at start", "%x", vcpu->evtchn_pending_sel);
	say("shared.cr2", "CR2 at start", "%x", vcpu->arch_cr2);
	say("shared.max_pfn", "arch.max_pfn", "%x", shared->arch_max_pfn);
	say("shared.p2m", "arch.pfn_to_mfn_frame_list_list", "%x", shared->arch_pfn_to_mfn_frame_list_list);
	say("shared.nmi", "arch.nmi_reason", "%x", shared->arch_nmi_reason);
	say("shared.odd", "time version is even", "%s", yes(!(vcpu->time.version & 1)));
	say("shared.mul", "tsc_to_system_mul is set", "%s", yes(vcpu->time.tsc_to_system_mul != 0));
	say("shared.time_flags", "time flags", "%x", vcpu->time.flags);
	say("shared.wc", "wall clock is set, version even", "%s", yes(shared->wc_sec > 1000000000u && !(shared->wc_version & 1)));
	say("shared.nsec", "wall clock nanoseconds below a second", "%s", yes(shared->wc_nsec < 1000000000u));
	say("shared.other", "upcall mask of virtual CPU 1", "%x", shared->vcpu_info[1].evtchn_upcall_mask);
}

static void ask_page(void)
{
	const u8 *at = probe_hypercall_page;

	say("page.17", "hypercall page entry 17", "%x %x %x %x %x", at[17 * 32], at[17 * 32 + 1], at[17 * 32 + 5],
	    at[17 * 32 + 6], at[17 * 32 + 7]);
	say("page.23", "entry 23 (iret)", "%x %x %x %x %x", at[23 * 32], at[23 * 32 + 1], at[23 * 32 + 2], at[23 * 32 + 6],
	    at[23 * 32 + 7]);
	say("page.23.rest", "byte behind entry 23's int", "%x", at[23 * 32 + 8]);
	say("page.rest", "byte behind entry 17's ret", "%x", at[17 * 32 + 8]);
	say("page.63", "entry 63's number", "%x", at[63 * 32 + 1]);
	say("page.64", "entry 64's first byte", "%x", at[64 * 32]);
	say("page.127", "entry 127's first byte and number", "%x %x", at[127 * 32], at[127 * 32 + 1]);
	say("page.end", "the page's last byte", "%x", at[PAGE - 1]);
}

void ask_boot(void)
{
	ask_registers();
	ask_start_info();
	ask_tables();
	ask_shared();
	ask_page();
	say("boot.hole", "M2P starts where the hole does", "%s", same((u32)m2p, *(u32 *)(page(0))));
}

static u32 length(const char *s)
{
	u32 n = 0;

	while (s[n] && n < 2000)
		n++;
	return n;
}

static s32 version(u32 command, const void *at)
{
	return call2(XEN_HYPERCALL_XEN_VERSION, command, at);
}

void ask_version(void)
{
	char *at = page(0);
	u32 *words = page(0);
	s32 result;

	say("version.0", "xen_version", "%x", version(XEN_XENVER_VERSION, 0));
	clear(at, PAGE);
	say("version.extra", "extraversion", "%e", version(XEN_XENVER_EXTRAVERSION, at));
	say("version.extra.dot", "extraversion begins with a dot", "%s", yes(at[0] == '.'));
	say("version.extra.null", "extraversion to address 0", "%e", version(XEN_XENVER_EXTRAVERSION, 0));
	say("version.compile", "compile_info", "%e", version(XEN_XENVER_COMPILE_INFO, at));
	say("version.compile.null", "compile_info to address 0", "%e", version(XEN_XENVER_COMPILE_INFO, 0));
	clear(at, PAGE);
	say("version.caps", "capabilities", "%e", version(XEN_XENVER_CAPABILITIES, at));
	say("version.caps.text", "their text", "%s", at);
	clear(at, PAGE);
	say("version.changeset", "changeset", "%e", version(XEN_XENVER_CHANGESET, at));
	say("version.changeset.set", "changeset has a text", "%s", yes(length(at) != 0));
	say("version.platform", "platform_parameters", "%e", version(XEN_XENVER_PLATFORM_PARAMETERS, words));
	say("version.platform.start", "virt_start", "%x", words[0]);
	words[0] = 0;
	say("version.features", "get_features, submap 0", "%e", version(XEN_XENVER_GET_FEATURES, words));
	say("version.features.0", "submap 0", "%x", words[1]);
	words[0] = 1;
	words[1] = 0x55;
	result = version(XEN_XENVER_GET_FEATURES, words);
	say("version.features.1", "get_features, submap 1, and what it holds", "%e %x", result, words[1]);
	words[0] = 99;
	result = version(XEN_XENVER_GET_FEATURES, words);
	say("version.features.99", "get_features, submap 99", "%e %x", result, words[1]);
	say("version.features.null", "get_features at address 0", "%e", version(XEN_XENVER_GET_FEATURES, 0));
	say("version.pagesize", "pagesize", "%d", version(XEN_XENVER_PAGESIZE, 0));
	say("version.pagesize.arg", "pagesize with an argument", "%e", version(XEN_XENVER_PAGESIZE, at));
	clear(at, PAGE);
	say("version.handle", "guest_handle", "%e", version(XEN_XENVER_GUEST_HANDLE, at));
	say("version.handle.0", "its first word", "%x", words[0]);
	clear(at, PAGE);
	say("version.line", "commandline", "%e", version(XEN_XENVER_COMMANDLINE, at));
	words[0] = 0;
	result = version(XEN_XENVER_BUILD_ID, words);
	say("version.build.0", "build_id with room for 0 bytes: positive", "%s", yes(result > 0));
	result = version(XEN_XENVER_BUILD_ID, 0);
	say("version.build.null", "build_id at address 0: positive", "%s", yes(result > 0));
	say("version.11", "unknown command 11", "%e", version(11, at));
	say("version.huge", "unknown command 0x80000000", "%e", version(0x80000000, at));
	version(XEN_XENVER_PLATFORM_PARAMETERS, words);
}
