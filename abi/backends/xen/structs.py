"""What is passed in memory. 64-bit fields are aligned to 4 bytes on i386: all padding is declared."""

from vmirom.schema import (
    AnyConstruct,
    Array,
    Bytes,
    Choice,
    Fixed,
    Flags,
    Reserved,
    Since,
    Text,
    s8,
    s32,
    struct,
    u8,
    u16,
    u32,
    u64,
)

from .constants import (
    CallbackFlag,
    CallbackType,
    ContextFlag,
    EvtchnStatus,
    Mmuext,
    Runstate,
    Shutdown,
    SingleshotFlag,
    StartFlag,
    TrapFlag,
    Virq,
)

trap_info = struct(
    "xen_trap_info",
    "vector" / u8,
    "flags" / Flags(u8, TrapFlag),
    "cs" / u16,
    "address" / u32 * "0 ends a table",
    doc="One entry of a trap table.",
)

mmu_update = struct(
    "xen_mmu_update",
    "ptr" / u64 * "machine address; bits 1:0 the command",
    "val" / u64,
    doc="One request of mmu_update.",
)

mmuext_op = struct(
    "xen_mmuext_op",
    "cmd" / Choice(u32, Mmuext),
    "arg1" / u32 * "mfn or linear address",
    "arg2" / u32 * "nr_ents, vcpumask or source mfn",
    doc="One request of mmuext_op.",
)

multicall_entry = struct(
    "xen_multicall_entry",
    "op" / u32,
    "result" / s32,
    "args" / Array(6, u32),
    doc="One call of a multicall.",
)

memory_reservation = struct(
    "xen_memory_reservation",
    "extent_start" / u32 * "gva of an array of frame numbers",
    "nr_extents" / u32,
    "extent_order" / u32,
    "mem_flags" / u32,
    "domid" / u16,
    "pad" / Reserved(2, zero=False),
    doc="Argument of the reservation commands of memory_op.",
)

machphys_mapping = struct(
    "xen_machphys_mapping",
    "v_start" / u32,
    "v_end" / u32,
    "max_mfn" / u32,
    doc="Answer of XENMEM machphys_mapping: where the machine-to-phys table is.",
)

memory_map = struct(
    "xen_memory_map",
    "nr_entries" / u32,
    "buffer" / u32 * "gva of e820 entries",
    doc="Argument of XENMEM memory_map.",
)

e820_entry = struct(
    "xen_e820_entry",
    "addr" / u64,
    "size" / u64,
    "type" / u32,
    doc="One entry of an e820 map.",
)

platform_parameters = struct(
    "xen_platform_parameters",
    "virt_start" / u32 * "first linear address of the hypervisor",
    doc="Answer of XENVER platform_parameters.",
)

feature_info = struct(
    "xen_feature_info",
    "submap_idx" / u32,
    "submap" / u32,
    doc="Argument and answer of XENVER get_features.",
)

compile_info = struct(
    "xen_compile_info",
    "compiler" / Text(64),
    "compile_by" / Text(16),
    "compile_domain" / Text(32),
    "compile_date" / Text(32),
    doc="Answer of XENVER compile_info.",
)

callback_register = struct(
    "xen_callback_register",
    "type" / Choice(u16, CallbackType),
    "flags" / Flags(u16, CallbackFlag),
    "cs" / u32,
    "eip" / u32,
    doc="Argument of CALLBACKOP register.",
)

callback_unregister = struct(
    "xen_callback_unregister",
    "type" / Choice(u16, CallbackType),
    "pad" / Reserved(2, zero=False),
    doc="Argument of CALLBACKOP unregister.",
)

nmi_callback = struct(
    "xen_nmi_callback",
    "handler_address" / u32,
    "pad" / Reserved(4, zero=False),
    doc="Argument of NMI register_callback.",
)

sched_shutdown = struct(
    "xen_sched_shutdown", "reason" / Choice(u32, Shutdown), doc="Argument of SCHEDOP shutdown."
)

sched_poll = struct(
    "xen_sched_poll",
    "ports" / u32 * "gva of port numbers",
    "nr_ports" / u32,
    "timeout" / u64 * "absolute ns of system time",
    doc="Argument of SCHEDOP poll.",
)

physdev_set_iopl = struct("xen_physdev_set_iopl", "iopl" / u32, doc="Argument of PHYSDEVOP set_iopl.")

physdev_set_iobitmap = struct(
    "xen_physdev_set_iobitmap",
    "bitmap" / u32 * "gva",
    "nr_ports" / u32,
    doc="Argument of PHYSDEVOP set_iobitmap.",
)

physdev_irq_status_query = struct(
    "xen_physdev_irq_status_query", "irq" / u32, "flags" / u32, doc="Argument of PHYSDEVOP irq_status_query."
)

physdev_eoi = struct("xen_physdev_eoi", "irq" / u32, doc="Argument of PHYSDEVOP eoi.")

cpu_user_regs = struct(
    "xen_cpu_user_regs",
    "ebx" / u32,
    "ecx" / u32,
    "edx" / u32,
    "esi" / u32,
    "edi" / u32,
    "ebp" / u32,
    "eax" / u32,
    "error_code" / u16,
    "entry_vector" / u16,
    "eip" / u32,
    "cs" / u16,
    "saved_upcall_mask" / u8,
    "pad0" / Reserved(1, zero=False),
    "eflags" / u32,
    "esp" / u32,
    "ss" / u16,
    "pad1" / Reserved(2, zero=False),
    "es" / u16,
    "pad2" / Reserved(2, zero=False),
    "ds" / u16,
    "pad3" / Reserved(2, zero=False),
    "fs" / u16,
    "pad4" / Reserved(2, zero=False),
    "gs" / u16,
    "pad5" / Reserved(2, zero=False),
    doc="Registers of a virtual CPU.",
)

vcpu_guest_context = struct(
    "xen_vcpu_guest_context",
    "fpu_ctxt" / Bytes(512),
    "flags" / Flags(u32, ContextFlag),
    "user_regs" / cpu_user_regs,
    "trap_ctxt" / Array(256, trap_info),
    "ldt_base" / u32,
    "ldt_ents" / u32,
    "gdt_frames" / Array(16, u32),
    "gdt_ents" / u32,
    "kernel_ss" / u32,
    "kernel_sp" / u32,
    "ctrlreg" / Array(8, u32),
    "debugreg" / Array(8, u32),
    "event_callback_cs" / u32,
    "event_callback_eip" / u32,
    "failsafe_callback_cs" / u32,
    "failsafe_callback_eip" / u32,
    "vm_assist" / u32,
    doc="State a virtual CPU is initialised with (VCPUOP initialise).",
)

start_info = struct(
    "xen_start_info",
    "magic" / Fixed(Text(32), b"xen-3.0-x86_32p".ljust(32, b"\0")),
    "nr_pages" / u32,
    "shared_info" / u32 * "machine address",
    "flags" / Flags(u32, StartFlag),
    "store_mfn" / u32,
    "store_evtchn" / u32,
    "console_mfn" / u32 * "dom0: offset of the console information",
    "console_evtchn" / u32 * "dom0: its size",
    "pt_base" / u32 * "gva of the first page directory",
    "nr_pt_frames" / u32,
    "mfn_list" / u32 * "gva of the p2m list",
    "mod_start" / u32 * "gva of the module, or 0",
    "mod_len" / u32,
    "cmd_line" / Text(1024),
    Since("4.17", "first_p2m_pfn" / u32),
    Since("4.17", "nr_p2m_frames" / u32),
    doc="What ESI points to at the first instruction.",
)

vcpu_time_info = struct(
    "xen_vcpu_time_info",
    "version" / u32 * "odd while it is being written",
    "pad0" / Reserved(4, zero=False),
    "tsc_timestamp" / u64,
    "system_time" / u64 * "ns since boot, at tsc_timestamp",
    "tsc_to_system_mul" / u32,
    "tsc_shift" / s8,
    "flags" / u8,
    "pad1" / Reserved(2, zero=False),
    doc="System time of a virtual CPU; the same layout as KVM's.",
)

vcpu_info = struct(
    "xen_vcpu_info",
    "evtchn_upcall_pending" / u8,
    "evtchn_upcall_mask" / u8,
    "pad" / Reserved(2, zero=False),
    "evtchn_pending_sel" / u32,
    "arch_cr2" / u32 * "address of the last page fault",
    "arch_pad" / Reserved(20, zero=False),
    "time" / vcpu_time_info,
    doc="What a virtual CPU shares with Xen.",
)

shared_info = struct(
    "xen_shared_info",
    "vcpu_info" / Array(32, vcpu_info),
    "evtchn_pending" / Array(32, u32),
    "evtchn_mask" / Array(32, u32),
    "wc_version" / u32,
    "wc_sec" / u32,
    "wc_nsec" / u32,
    "arch_max_pfn" / u32,
    "arch_pfn_to_mfn_frame_list_list" / u32,
    "arch_nmi_reason" / u32,
    Since("4.17", "arch_p2m_cr3" / u32),
    Since("4.17", "arch_p2m_vaddr" / u32),
    Since("4.17", "arch_p2m_generation" / u32),
    Since("4.17", "arch_pad" / Reserved(4, zero=False)),
    doc="The page a domain shares with Xen.",
)

vcpu_runstate_info = struct(
    "xen_vcpu_runstate_info",
    "state" / Choice(s32, Runstate),
    "state_entry_time" / u64,
    "time" / Array(4, u64) * "ns spent in each state",
    doc="Where a virtual CPU's time went.",
)

vcpu_set_singleshot_timer = struct(
    "xen_vcpu_set_singleshot_timer",
    "timeout_abs_ns" / u64,
    "flags" / Flags(u32, SingleshotFlag),
    doc="Argument of VCPUOP set_singleshot_timer.",
)

vcpu_set_periodic_timer = struct(
    "xen_vcpu_set_periodic_timer", "period_ns" / u64, doc="Argument of VCPUOP set_periodic_timer."
)

vcpu_register_vcpu_info = struct(
    "xen_vcpu_register_vcpu_info",
    "mfn" / u64,
    "offset" / u32,
    "rsvd" / Reserved(4, zero=False),
    doc="Argument of VCPUOP register_vcpu_info.",
)

evtchn_bind_interdomain = struct(
    "xen_evtchn_bind_interdomain",
    "remote_dom" / u16,
    "pad" / Reserved(2, zero=False),
    "remote_port" / u32,
    "local_port" / u32 * "out",
    doc="Argument of EVTCHNOP bind_interdomain.",
)

evtchn_bind_virq = struct(
    "xen_evtchn_bind_virq",
    "virq" / Choice(u32, Virq),
    "vcpu" / u32,
    "port" / u32 * "out",
    doc="Argument of EVTCHNOP bind_virq.",
)

evtchn_bind_pirq = struct(
    "xen_evtchn_bind_pirq",
    "pirq" / u32,
    "flags" / u32 * "bit 0: may be shared",
    "port" / u32 * "out",
    doc="Argument of EVTCHNOP bind_pirq.",
)

evtchn_reset = struct("xen_evtchn_reset", "dom" / u16, doc="Argument of EVTCHNOP reset.")

evtchn_bind_ipi = struct(
    "xen_evtchn_bind_ipi", "vcpu" / u32, "port" / u32 * "out", doc="Argument of EVTCHNOP bind_ipi."
)

evtchn_alloc_unbound = struct(
    "xen_evtchn_alloc_unbound",
    "dom" / u16,
    "remote_dom" / u16,
    "port" / u32 * "out",
    doc="Argument of EVTCHNOP alloc_unbound.",
)

evtchn_bind_vcpu = struct(
    "xen_evtchn_bind_vcpu", "port" / u32, "vcpu" / u32, doc="Argument of EVTCHNOP bind_vcpu."
)

evtchn_send = struct("xen_evtchn_send", "port" / u32, doc="Argument of EVTCHNOP send.")

evtchn_close = struct("xen_evtchn_close", "port" / u32, doc="Argument of EVTCHNOP close.")

evtchn_unmask = struct("xen_evtchn_unmask", "port" / u32, doc="Argument of EVTCHNOP unmask.")

evtchn_status = struct(
    "xen_evtchn_status",
    "dom" / u16,
    "pad" / Reserved(2, zero=False),
    "port" / u32,
    "status" / Choice(u32, EvtchnStatus) * "out",
    "vcpu" / u32 * "out",
    "u" / Bytes(8) * "out; u16 dom and u32 port at 4, or u32 pirq or virq",
    doc="Argument of EVTCHNOP status.",
)

console_ring = struct(
    "xen_console_ring",
    "in_ring" / Bytes(1024),
    "out_ring" / Bytes(2048),
    "in_cons" / u32,
    "in_prod" / u32,
    "out_cons" / u32,
    "out_prod" / u32,
    doc="The page behind start_info's console frame.",
)

STRUCTS: tuple[AnyConstruct, ...] = (
    trap_info,
    mmu_update,
    mmuext_op,
    multicall_entry,
    memory_reservation,
    machphys_mapping,
    memory_map,
    e820_entry,
    platform_parameters,
    feature_info,
    compile_info,
    callback_register,
    callback_unregister,
    nmi_callback,
    sched_shutdown,
    sched_poll,
    physdev_set_iopl,
    physdev_set_iobitmap,
    physdev_irq_status_query,
    physdev_eoi,
    cpu_user_regs,
    vcpu_guest_context,
    start_info,
    vcpu_time_info,
    vcpu_info,
    shared_info,
    vcpu_runstate_info,
    vcpu_set_singleshot_timer,
    vcpu_set_periodic_timer,
    vcpu_register_vcpu_info,
    evtchn_bind_interdomain,
    evtchn_bind_virq,
    evtchn_bind_pirq,
    evtchn_bind_ipi,
    evtchn_alloc_unbound,
    evtchn_bind_vcpu,
    evtchn_send,
    evtchn_close,
    evtchn_unmask,
    evtchn_reset,
    evtchn_status,
    console_ring,
)
