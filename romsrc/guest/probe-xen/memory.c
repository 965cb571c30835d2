/* memory_op: frames given up and asked for. */
#include "probe.h"

static s32 memory(u32 command, const void *at)
{
	return call2(XEN_HYPERCALL_MEMORY_OP, command, at);
}

static s32 reserve(u32 command, u32 *list, u32 count, u32 order, u32 domid)
{
	struct xen_memory_reservation argument = { (u32)list, count, order, 0, (u16)domid, { 0, 0 } };

	return memory(command, &argument);
}

static void ask_reservations(void)
{
	u32 pfn = ((u32)page(30) - BASE) >> 12, frame = mfn(page(30)), list[2] = { frame, 0xFFFFFFFF };
	s32 held;

	map(page(30), 0);
	held = memory(XEN_XENMEM_CURRENT_RESERVATION, &(u32){ SELF });
	say("memory.decrease", "decrease_reservation of one", "%e", reserve(XEN_XENMEM_DECREASE_RESERVATION, list, 1, 0, SELF));
	say("memory.held", "current_reservation fell by", "%d", held - memory(XEN_XENMEM_CURRENT_RESERVATION, &(u32){ SELF }));
	say("memory.m2p", "M2P of it is the pfn still", "%s", yes(m2p[frame] == pfn));
	say("memory.gone", "map it then", "%e", map(page(30), (u64)frame << 12 | P));
	say("memory.twice", "decrease_reservation of it again", "%e", reserve(XEN_XENMEM_DECREASE_RESERVATION, list, 1, 0, SELF));
	list[0] = pfn;
	say("memory.populate", "populate_physmap of one", "%e", reserve(XEN_XENMEM_POPULATE_PHYSMAP, list, 1, 0, SELF));
	say("memory.populate.m2p", "M2P of what came is the pfn", "%s", yes(m2p[list[0]] == pfn));
	((u32 *)start->mfn_list)[pfn] = list[0];
	say("memory.populate.map", "map it", "%e", map(page(30), (u64)list[0] << 12 | P | RW));
	list[0] = pfn;
	say("memory.over", "populate_physmap beyond the maximum", "%e", reserve(XEN_XENMEM_POPULATE_PHYSMAP, list, 1, 0, SELF));
	say("memory.increase", "increase_reservation beyond the maximum", "%e",
	    reserve(XEN_XENMEM_INCREASE_RESERVATION, list, 1, 0, SELF));
	say("memory.none", "decrease_reservation of none", "%e", reserve(XEN_XENMEM_DECREASE_RESERVATION, list, 0, 0, SELF));
	list[0] = 0xFFFFFFFF;
	say("memory.bad", "decrease_reservation past all memory", "%e", reserve(XEN_XENMEM_DECREASE_RESERVATION, list, 1, 0, SELF));
	say("memory.null", "decrease_reservation of a list at address 0", "%e",
	    reserve(XEN_XENMEM_DECREASE_RESERVATION, 0, 1, 0, SELF));
	say("memory.order", "populate_physmap of order 30", "%e", reserve(XEN_XENMEM_POPULATE_PHYSMAP, list, 1, 30, SELF));
	say("memory.dom0", "decrease_reservation for domain 0", "%e", reserve(XEN_XENMEM_DECREASE_RESERVATION, list, 0, 0, 0));
	say("memory.dom1", "decrease_reservation for domain 1", "%e", reserve(XEN_XENMEM_DECREASE_RESERVATION, list, 0, 0, 1));
	say("memory.argument", "decrease_reservation with its argument at address 0", "%e",
	    memory(XEN_XENMEM_DECREASE_RESERVATION, 0));
}

static void ask_maps(void)
{
	struct xen_memory_map argument = { 64, (u32)page(21) };
	struct xen_machphys_mapping mapping = { 0, 0, 0 };
	struct {
		u32 most, list, count;
	} frames = { 4, (u32)page(21), 99 };
	u32 self = SELF, one = 1;

	say("memory.maximum", "maximum_ram_page is positive", "%s", yes(memory(XEN_XENMEM_MAXIMUM_RAM_PAGE, 0) > 0));
	say("memory.current", "current_reservation is nr_pages", "%s",
	    yes((u32)memory(XEN_XENMEM_CURRENT_RESERVATION, &self) == start->nr_pages));
	say("memory.current.1", "current_reservation of domain 1", "%e", memory(XEN_XENMEM_CURRENT_RESERVATION, &one));
	say("memory.current.null", "current_reservation at address 0", "%e", memory(XEN_XENMEM_CURRENT_RESERVATION, 0));
	say("memory.most", "maximum_reservation is nr_pages or more", "%s",
	    yes((u32)memory(XEN_XENMEM_MAXIMUM_RESERVATION, &self) >= start->nr_pages));
	say("memory.map", "memory_map", "%e", memory(XEN_XENMEM_MEMORY_MAP, &argument));
	say("memory.machine-map", "machine_memory_map", "%e", memory(XEN_XENMEM_MACHINE_MEMORY_MAP, &argument));
	say("memory.machine-map.first", "its first area: address, size and type", "%x %x", *(u32 *)page(21), ((u32 *)page(21))[4]);
	argument.nr_entries = 1;
	say("memory.machine-map.small", "machine_memory_map with room for one", "%e %u",
	    memory(XEN_XENMEM_MACHINE_MEMORY_MAP, &argument), argument.nr_entries);
	say("memory.machphys", "machphys_mapping", "%e", memory(XEN_XENMEM_MACHPHYS_MAPPING, &mapping));
	say("memory.machphys.start", "its v_start, v_end and max_mfn", "%x %x %x", mapping.v_start, mapping.v_end, mapping.max_mfn);
	say("memory.machphys.null", "machphys_mapping at address 0", "%e", memory(XEN_XENMEM_MACHPHYS_MAPPING, 0));
	say("memory.list", "machphys_mfn_list of at most 4", "%e", memory(XEN_XENMEM_MACHPHYS_MFN_LIST, &frames));
	say("memory.8", "command 8", "%e", memory(8, 0));
	say("memory.7", "add_to_physmap at address 0", "%e", memory(7, 0));
	say("memory.11", "exchange at address 0", "%e", memory(11, 0));
	say("memory.13", "command 13", "%e", memory(13, page(21)));
	say("memory.16", "command 16", "%e", memory(16, page(21)));
	say("memory.63", "command 63", "%e", memory(63, page(21)));
}

void ask_memory(void)
{
	ask_maps();
	ask_reservations();
}
