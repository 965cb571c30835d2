/* vcpu_op. The last file of questions: it moves vcpu_info. */
#include "probe.h"

static s32 cpu(u32 command, u32 number, const void *at)
{
	return call3(XEN_HYPERCALL_VCPU_OP, command, number, at);
}

static void ask_others(void)
{
	static const char *const ids[] = {
		"vcpu.9.initialise", "vcpu.9.up", "vcpu.9.down", "vcpu.9.is-up", "vcpu.9.runstate", "vcpu.9.area", "vcpu.9.period",
		"vcpu.9.stop-period", "vcpu.9.single", "vcpu.9.stop-single", "vcpu.9.info", "vcpu.9.nmi", "vcpu.9.physid",
		"vcpu.9.time-area", "vcpu.9.14",
	};

	for (u32 i = 0; i < 15; i++)
		say(ids[i], "vcpu_op of this command for virtual CPU 9", "%e", cpu(i, 9, page(22)));
}

static void ask_own(void)
{
	struct xen_vcpu_runstate_info *run = page(23);
	u32 area[2] = { (u32)page(24), 0 };
	s32 result;

	say("vcpu.up", "up of virtual CPU 0", "%e", cpu(XEN_VCPUOP_UP, 0, 0));
	say("vcpu.is-up", "is_up", "%e", cpu(XEN_VCPUOP_IS_UP, 0, 0));
	say("vcpu.initialise", "initialise with its argument at address 0", "%e", cpu(XEN_VCPUOP_INITIALISE, 0, 0));
	clear(page(22), PAGE);
	say("vcpu.initialise.0", "initialise with a context of zeros", "%e", cpu(XEN_VCPUOP_INITIALISE, 0, page(22)));
	result = cpu(XEN_VCPUOP_GET_RUNSTATE_INFO, 0, run);
	say("vcpu.runstate", "get_runstate_info, and the state", "%e %d", result, run->state);
	say("vcpu.runstate.null", "get_runstate_info at address 0", "%e", cpu(XEN_VCPUOP_GET_RUNSTATE_INFO, 0, 0));
	result = cpu(XEN_VCPUOP_REGISTER_RUNSTATE_MEMORY_AREA, 0, area);
	say("vcpu.area", "register_runstate_memory_area, and the state there", "%e %d", result,
	    ((struct xen_vcpu_runstate_info *)page(24))->state);
	area[0] = 0x1000;
	say("vcpu.area.absent", "the same at an unmapped address", "%e", cpu(XEN_VCPUOP_REGISTER_RUNSTATE_MEMORY_AREA, 0, area));
	area[0] = (u32)m2p;
	say("vcpu.area.hole", "the same in the hole", "%e", cpu(XEN_VCPUOP_REGISTER_RUNSTATE_MEMORY_AREA, 0, area));
	area[0] = 0;
	say("vcpu.area.null", "the same at address 0", "%e", cpu(XEN_VCPUOP_REGISTER_RUNSTATE_MEMORY_AREA, 0, area));
	say("vcpu.area.arg", "its argument at address 0", "%e", cpu(XEN_VCPUOP_REGISTER_RUNSTATE_MEMORY_AREA, 0, 0));
	area[0] = (u32)page(25);
	result = cpu(XEN_VCPUOP_REGISTER_VCPU_TIME_MEMORY_AREA, 0, area);
	say("vcpu.time-area", "register_vcpu_time_memory_area", "%e", result);
	say("vcpu.physid", "get_physid", "%e", cpu(XEN_VCPUOP_GET_PHYSID, 0, page(22)));
	say("vcpu.14", "command 14", "%e", cpu(14, 0, page(22)));
	say("vcpu.ones", "command 0xFFFFFFFF", "%e", cpu(0xFFFFFFFF, 0, page(22)));
}

static void ask_info(void)
{
	struct xen_vcpu_register_vcpu_info where = { mfn(page(26)), 4096 - 32, { 0 } };
	volatile struct xen_vcpu_info *moved;

	say("info.across", "register_vcpu_info across a page's end", "%e", cpu(XEN_VCPUOP_REGISTER_VCPU_INFO, 0, &where));
	where.offset = 2;
	say("info.misaligned", "at offset 2", "%e", cpu(XEN_VCPUOP_REGISTER_VCPU_INFO, 0, &where));
	where.offset = 0;
	where.mfn = 0xFFFFFFFF;
	say("info.huge", "past all memory", "%e", cpu(XEN_VCPUOP_REGISTER_VCPU_INFO, 0, &where));
	where.mfn = table_of(BASE);
	say("info.table", "in a page table", "%e", cpu(XEN_VCPUOP_REGISTER_VCPU_INFO, 0, &where));
	where.mfn = mfn(page(26));
	where.offset = 0x100;
	clear(page(26), PAGE);
	mask_events();
	vcpu->arch_cr2 = 0x4321;
	say("info.set", "register_vcpu_info", "%e", cpu(XEN_VCPUOP_REGISTER_VCPU_INFO, 0, &where));
	moved = (volatile struct xen_vcpu_info *)((u8 *)page(26) + 0x100);
	vcpu = moved;
	say("info.mask", "the mask in it", "%x", moved->evtchn_upcall_mask);
	say("info.cr2", "CR2 in it", "%x", moved->arch_cr2);
	say("info.pending", "upcall pending and selector in it", "%x %x", moved->evtchn_upcall_pending, moved->evtchn_pending_sel);
	say("info.time", "its time is set", "%s", yes(moved->time.tsc_to_system_mul != 0));
	say("info.again", "register_vcpu_info again", "%e", cpu(XEN_VCPUOP_REGISTER_VCPU_INFO, 0, &where));
	TRY("movl 0x2000, %%eax");
	say("info.fault", "a fault's address shows in it", "%x", moved->arch_cr2);
	say("info.rw", "map its page read-only", "%e", remap(26, P));
	remap(26, P | RW);
}

void ask_virtual_cpu(void)
{
	ask_others();
	ask_own();
	ask_info();
}
