"""Xen's paravirtual ABI for 32-bit PAE guests.

Version 3.4 is what Linux 2.6.35 names of it, 4.17 what Xen 4.17's public headers do. A hypercall is
``int $0x82`` or a call into the hypercall page: number in EAX, arguments in EBX ECX EDX ESI EDI, result in
EAX, errors negative. 64-bit fields are aligned to 4 bytes on i386: all padding below is declared.
"""

import enum

from vmirom.schema import (
    AnyConstruct,
    Argument,
    Array,
    Bytes,
    Choice,
    Fixed,
    Flags,
    Hypercall,
    Line,
    Reserved,
    Since,
    Text,
    Version,
    s8,
    s32,
    struct,
    u8,
    u16,
    u32,
    u64,
)


class MmuCommand(enum.IntEnum):
    """Low two bits of mmu_update.ptr."""

    NORMAL = 0
    MACHPHYS = 1
    PRESERVE_AD = 2
    NO_TRANSLATE = 3


class Mmuext(enum.IntEnum):
    """Commands of mmuext_op."""

    PIN_L1_TABLE = 0
    PIN_L2_TABLE = 1
    PIN_L3_TABLE = 2
    PIN_L4_TABLE = 3
    UNPIN_TABLE = 4
    NEW_BASEPTR = 5
    TLB_FLUSH_LOCAL = 6
    INVLPG_LOCAL = 7
    TLB_FLUSH_MULTI = 8
    INVLPG_MULTI = 9
    TLB_FLUSH_ALL = 10
    INVLPG_ALL = 11
    FLUSH_CACHE = 12
    SET_LDT = 13
    NEW_USER_BASEPTR = 15
    CLEAR_PAGE = 16
    COPY_PAGE = 17
    FLUSH_CACHE_GLOBAL = 18
    MARK_SUPER = 19
    UNMARK_SUPER = 20


class Uvmf(enum.IntFlag):
    """Flags of update_va_mapping. Without ALL the bits above 2 are a pointer to a CPU bitmap, 0 = local."""

    NONE = 0
    TLB_FLUSH = 1
    INVLPG = 2
    FLUSHTYPE_MASK = 3
    LOCAL = 0
    MULTI = 0
    ALL = 4


class Schedop(enum.IntEnum):
    """Commands of sched_op."""

    YIELD = 0
    BLOCK = 1
    SHUTDOWN = 2
    POLL = 3
    REMOTE_SHUTDOWN = 4
    SHUTDOWN_CODE = 5
    WATCHDOG = 6
    PIN_OVERRIDE = 7


class Shutdown(enum.IntEnum):
    """Reasons of SCHEDOP shutdown."""

    POWEROFF = 0
    REBOOT = 1
    SUSPEND = 2
    CRASH = 3
    WATCHDOG = 4
    SOFT_RESET = 5


class Evtchnop(enum.IntEnum):
    """Commands of event_channel_op."""

    BIND_INTERDOMAIN = 0
    BIND_VIRQ = 1
    BIND_PIRQ = 2
    CLOSE = 3
    SEND = 4
    STATUS = 5
    ALLOC_UNBOUND = 6
    BIND_IPI = 7
    BIND_VCPU = 8
    UNMASK = 9
    RESET = 10
    INIT_CONTROL = 11
    EXPAND_ARRAY = 12
    SET_PRIORITY = 13


class EvtchnStatus(enum.IntEnum):
    """State of an event channel, as EVTCHNOP status tells it."""

    CLOSED = 0
    UNBOUND = 1
    INTERDOMAIN = 2
    PIRQ = 3
    VIRQ = 4
    IPI = 5


class Evtchn(enum.IntEnum):
    """Size of the event channel bitmaps of a 32-bit guest."""

    COUNT = 1024
    WORDS = 32


class Virq(enum.IntEnum):
    """Virtual interrupts that an event channel can be bound to."""

    TIMER = 0
    DEBUG = 1
    CONSOLE = 2
    DOM_EXC = 3
    COUNT = 24


class Vcpuop(enum.IntEnum):
    """Commands of vcpu_op."""

    INITIALISE = 0
    UP = 1
    DOWN = 2
    IS_UP = 3
    GET_RUNSTATE_INFO = 4
    REGISTER_RUNSTATE_MEMORY_AREA = 5
    SET_PERIODIC_TIMER = 6
    STOP_PERIODIC_TIMER = 7
    SET_SINGLESHOT_TIMER = 8
    STOP_SINGLESHOT_TIMER = 9
    REGISTER_VCPU_INFO = 10
    SEND_NMI = 11
    GET_PHYSID = 12
    REGISTER_VCPU_TIME_MEMORY_AREA = 13


class SingleshotFlag(enum.IntFlag):
    """Flags of a one-shot timer: FUTURE refuses a time that has passed."""

    FUTURE = 1


class Runstate(enum.IntEnum):
    """What a virtual CPU is doing. Runnable time is stolen time in VMI's words."""

    RUNNING = 0
    RUNNABLE = 1
    BLOCKED = 2
    OFFLINE = 3


class Xenver(enum.IntEnum):
    """Commands of xen_version."""

    VERSION = 0
    EXTRAVERSION = 1
    COMPILE_INFO = 2
    CAPABILITIES = 3
    CHANGESET = 4
    PLATFORM_PARAMETERS = 5
    GET_FEATURES = 6
    PAGESIZE = 7
    GUEST_HANDLE = 8
    COMMANDLINE = 9
    BUILD_ID = 10


class Xenmem(enum.IntEnum):
    """Commands of memory_op."""

    INCREASE_RESERVATION = 0
    DECREASE_RESERVATION = 1
    MAXIMUM_RAM_PAGE = 2
    CURRENT_RESERVATION = 3
    MAXIMUM_RESERVATION = 4
    MACHPHYS_MFN_LIST = 5
    POPULATE_PHYSMAP = 6
    ADD_TO_PHYSMAP = 7
    MEMORY_MAP = 9
    MACHINE_MEMORY_MAP = 10
    EXCHANGE = 11
    MACHPHYS_MAPPING = 12


class Physdevop(enum.IntEnum):
    """Commands of physdev_op."""

    IRQ_STATUS_QUERY = 5
    SET_IOPL = 6
    SET_IOBITMAP = 7
    APIC_READ = 8
    APIC_WRITE = 9
    EOI = 12


class Consoleio(enum.IntEnum):
    """Commands of console_io."""

    WRITE = 0
    READ = 1


class VmAssist(enum.IntEnum):
    """Commands of vm_assist."""

    ENABLE = 0
    DISABLE = 1


class AssistType(enum.IntEnum):
    """Types of vm_assist."""

    FOUR_GB_SEGMENTS = 0
    FOUR_GB_SEGMENTS_NOTIFY = 1
    WRITABLE_PAGETABLES = 2
    PAE_EXTENDED_CR3 = 3
    ARCHITECTURAL_IOPL = 4
    RUNSTATE_UPDATE_FLAG = 5


class Feature(enum.IntEnum):
    """Bit numbers in the answer of XENVER get_features, submap 0."""

    WRITABLE_PAGE_TABLES = 0
    WRITABLE_DESCRIPTOR_TABLES = 1
    AUTO_TRANSLATED_PHYSMAP = 2
    SUPERVISOR_MODE_KERNEL = 3
    PAE_PGDIR_ABOVE_4GB = 4
    MMU_PT_UPDATE_PRESERVE_AD = 5
    HIGHMEM_ASSIST = 6
    GNTTAB_MAP_AVAIL_BITS = 7
    HVM_CALLBACK_VECTOR = 8
    HVM_SAFE_PVCLOCK = 9
    HVM_PIRQS = 10
    DOM0 = 11
    GRANT_MAP_IDENTITY = 12
    MEMORY_OP_VNODE_SUPPORTED = 13


class NmiOp(enum.IntEnum):
    """Commands of nmi_op."""

    REGISTER_CALLBACK = 0
    UNREGISTER_CALLBACK = 1


class CallbackOp(enum.IntEnum):
    """Commands of callback_op."""

    REGISTER = 0
    UNREGISTER = 1


class CallbackType(enum.IntEnum):
    """Types of callback_op."""

    EVENT = 0
    FAILSAFE = 1
    SYSCALL = 2
    SYSENTER_DEPRECATED = 3
    NMI = 4
    SYSENTER = 5
    SYSCALL32 = 7


class CallbackFlag(enum.IntFlag):
    """Flags of callback_op: mask events while the callback is entered."""

    MASK_EVENTS = 1


class Domid(enum.IntEnum):
    """Domain numbers with a meaning of their own."""

    FIRST_RESERVED = 0x7FF0
    SELF = 0x7FF0
    IO = 0x7FF1
    XEN = 0x7FF2
    COW = 0x7FF3
    INVALID = 0x7FF4
    IDLE = 0x7FFF


class Errno(enum.IntEnum):
    """Error numbers; a hypercall returns them negative."""

    EPERM = 1
    ENOENT = 2
    ESRCH = 3
    E2BIG = 7
    EAGAIN = 11
    ENOMEM = 12
    EFAULT = 14
    EBUSY = 16
    EEXIST = 17
    EINVAL = 22
    ENOSPC = 28
    ENOSYS = 38
    ENODATA = 61
    ETIME = 62
    EOPNOTSUPP = 95
    ENOBUFS = 105


class ElfNote(enum.IntEnum):
    """Types of ELF notes whose owner is ``Xen``."""

    INFO = 0
    ENTRY = 1
    HYPERCALL_PAGE = 2
    VIRT_BASE = 3
    PADDR_OFFSET = 4
    XEN_VERSION = 5
    GUEST_OS = 6
    GUEST_VERSION = 7
    LOADER = 8
    PAE_MODE = 9
    FEATURES = 10
    BSD_SYMTAB = 11
    HV_START_LOW = 12
    L1_MFN_VALID = 13
    SUSPEND_CANCEL = 14
    INIT_P2M = 15
    MOD_START_PFN = 16
    SUPPORTED_FEATURES = 17
    PHYS32_ENTRY = 18


class TrapFlag(enum.IntFlag):
    """Bits of trap_info.flags. MASK_EVENTS (TI) sets upcall_mask at entry."""

    DPL = 3
    MASK_EVENTS = 4


class Selector(enum.IntEnum):
    """Xen's own flat selectors, there in every GDT."""

    KERNEL_CS = 0xE019
    KERNEL_DS = 0xE021
    KERNEL_SS = 0xE021
    USER_CS = 0xE02B
    USER_DS = 0xE033
    USER_SS = 0xE033


class Gdt(enum.IntEnum):
    """Limits of set_gdt: frames, entries, and where Xen's reserved entries begin."""

    FRAMES = 16
    FIRST_RESERVED_PAGE = 14
    FIRST_RESERVED_BYTE = 57344
    ENTRIES_MAX = 7168
    LDT_ENTRIES_MAX = 8192


class StartFlag(enum.IntFlag):
    """Bits of start_info.flags."""

    PRIVILEGED = 1
    INITDOMAIN = 2
    MULTIBOOT_MOD = 4
    MOD_START_PFN = 8
    PM_MASK = 0xFF00


class ContextFlag(enum.IntFlag):
    """Bits of vcpu_guest_context.flags."""

    I387_VALID = 1
    IN_KERNEL = 4
    FAILSAFE_DISABLES_EVENTS = 8
    ONLINE = 0x20


class Hole(enum.IntEnum):
    """The hypervisor's linear range on PAE, with the machine-to-phys table; a guest asks for the truth."""

    START = 0xF5800000
    M2P_START = 0xF5800000
    M2P_END = 0xF6800000
    NON_PAE_START = 0xFC000000


class Window(enum.IntEnum):
    """What our ROM keeps for itself below the hole, in every machine address space."""

    START = 0xF5400000
    END = 0xF5800000


class Transport(enum.IntEnum):
    """How a hypercall is made, and how Xen is recognised (CPUID with the bytes 0F 0B 78 65 6E before)."""

    VECTOR = 0x82
    PAGE_ENTRY_SIZE = 32
    MSR_HYPERCALL_PAGE = 0x40000000
    CPUID_LEAF = 0x40000000
    CPUID_EBX = 0x566E6558
    CPUID_ECX = 0x65584D4D
    CPUID_EDX = 0x4D4D566E


class Boot(enum.IntEnum):
    """Numbers of the domain builder."""

    VERSION = 0x40011
    MAPPING_ALIGN = 0x400000
    MAPPING_SLACK = 0x80000
    EFLAGS = 0x202


def _ebx(name: str, type_name: str = "UINT32", values: tuple[str, ...] = ()) -> Argument:
    return Argument(name, type_name, "EBX", values)


def _ecx(name: str, type_name: str = "UINT32") -> Argument:
    return Argument(name, type_name, "ECX")


def _edx(name: str, type_name: str = "UINT32") -> Argument:
    return Argument(name, type_name, "EDX")


def _esi(name: str, type_name: str = "UINT32") -> Argument:
    return Argument(name, type_name, "ESI")


def _edi(name: str, type_name: str = "UINT32") -> Argument:
    return Argument(name, type_name, "EDI")


_CMD = (_ebx("cmd"), _ecx("arg", "void *"))
_NEW = Version.parse("4.17")

HYPERCALLS = (
    Hypercall(
        0, "SET_TRAP_TABLE", (_ebx("table", "xen_trap_info *"),), "the table ends at address 0; NULL clears"
    ),
    Hypercall(
        1,
        "MMU_UPDATE",
        (_ebx("req", "xen_mmu_update *"), _ecx("count"), _edx("done", "UINT32 *"), _esi("domid")),
        "stops at the first bad request; ``done`` tells how many were carried out",
        "MmuCommand",
    ),
    Hypercall(2, "SET_GDT", (_ebx("frames", "UINT32 *"), _ecx("entries")), "frames must not be mapped RW"),
    Hypercall(3, "STACK_SWITCH", (_ebx("ss"), _ecx("esp")), "kernel stack for entries from ring 3"),
    Hypercall(
        4,
        "SET_CALLBACKS",
        (_ebx("event_cs"), _ecx("event_eip"), _edx("failsafe_cs"), _esi("failsafe_eip")),
        "where events and failed returns are delivered",
    ),
    Hypercall(5, "FPU_TASKSWITCH", (_ebx("set"),), "the guest's CR0.TS"),
    Hypercall(6, "SCHED_OP_COMPAT", (_ebx("cmd"), _ecx("arg")), "old form of SCHED_OP"),
    Hypercall(7, "PLATFORM_OP", (_ebx("op", "void *"),)),
    Hypercall(8, "SET_DEBUGREG", (_ebx("reg"), _ecx("value"))),
    Hypercall(9, "GET_DEBUGREG", (_ebx("reg"),)),
    Hypercall(
        10,
        "UPDATE_DESCRIPTOR",
        (_ebx("maddr_low"), _ecx("maddr_high"), _edx("desc_low"), _esi("desc_high")),
        "writes a descriptor at a machine address",
    ),
    Hypercall(12, "MEMORY_OP", _CMD, "", "Xenmem"),
    Hypercall(
        13, "MULTICALL", (_ebx("list", "xen_multicall_entry *"), _ecx("count")), "results in the entries"
    ),
    Hypercall(
        14,
        "UPDATE_VA_MAPPING",
        (_ebx("va"), _ecx("pte_low"), _edx("pte_high"), _esi("flags")),
        "PAE form",
        "Uvmf",
    ),
    Hypercall(
        15,
        "SET_TIMER_OP",
        (_ebx("timeout_low"), _ecx("timeout_high")),
        "absolute ns of system time; 0 cancels",
    ),
    Hypercall(16, "EVENT_CHANNEL_OP_COMPAT", (_ebx("op", "void *"),), "old form of EVENT_CHANNEL_OP"),
    Hypercall(17, "XEN_VERSION", _CMD, "", "Xenver"),
    Hypercall(
        18,
        "CONSOLE_IO",
        (_ebx("cmd"), _ecx("count"), _edx("buffer", "UINT8 *")),
        "emergency console; READ returns the number of bytes",
        "Consoleio",
    ),
    Hypercall(19, "PHYSDEV_OP_COMPAT", (_ebx("op", "void *"),), "old form of PHYSDEV_OP"),
    Hypercall(20, "GRANT_TABLE_OP", (_ebx("cmd"), _ecx("uop", "void *"), _edx("count"))),
    Hypercall(21, "VM_ASSIST", (_ebx("cmd"), _ecx("type")), "", "VmAssist"),
    Hypercall(
        22,
        "UPDATE_VA_MAPPING_OTHERDOMAIN",
        (_ebx("va"), _ecx("pte_low"), _edx("pte_high"), _esi("flags"), _edi("domid")),
    ),
    Hypercall(23, "IRET", (), "no registers; EAX to return with, EIP, CS, EFLAGS [ESP, SS] on the stack"),
    Hypercall(24, "VCPU_OP", (_ebx("cmd"), _ecx("vcpu"), _edx("arg", "void *")), "", "Vcpuop"),
    Hypercall(25, "SET_SEGMENT_BASE", (_ebx("which"), _ecx("base")), "64-bit guests only"),
    Hypercall(
        26,
        "MMUEXT_OP",
        (_ebx("op", "xen_mmuext_op *"), _ecx("count"), _edx("done", "UINT32 *"), _esi("domid")),
        "",
        "Mmuext",
    ),
    Hypercall(27, "XSM_OP", (_ebx("op", "void *"),)),
    Hypercall(28, "NMI_OP", (_ebx("op"), _ecx("arg", "void *")), "", "NmiOp"),
    Hypercall(29, "SCHED_OP", _CMD, "", "Schedop"),
    Hypercall(30, "CALLBACK_OP", _CMD, "", "CallbackOp"),
    Hypercall(31, "XENOPROF_OP", _CMD),
    Hypercall(32, "EVENT_CHANNEL_OP", _CMD, "", "Evtchnop"),
    Hypercall(33, "PHYSDEV_OP", _CMD, "", "Physdevop"),
    Hypercall(34, "HVM_OP", _CMD),
    Hypercall(35, "SYSCTL", (_ebx("op", "void *"),)),
    Hypercall(36, "DOMCTL", (_ebx("op", "void *"),)),
    Hypercall(37, "KEXEC_OP", _CMD),
    Hypercall(38, "TMEM_OP", (_ebx("op", "void *"),), "obsolete", since=_NEW),
    Hypercall(39, "ARGO_OP", _CMD, since=_NEW),
    Hypercall(40, "XENPMU_OP", _CMD, since=_NEW),
    Hypercall(41, "DM_OP", (_ebx("domid"), _ecx("count"), _edx("buffers", "void *")), since=_NEW),
    Hypercall(42, "HYPFS_OP", _CMD, since=_NEW),
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

LINE = Line(
    name="xen",
    family="xen",
    versions=("3.4", "4.17"),
    doc=__doc__ or "",
    hypercalls=HYPERCALLS,
    call_enum="Hypercall",
    structs={"3.4": STRUCTS},
    enums={
        "3.4": (
            MmuCommand,
            Mmuext,
            Uvmf,
            Schedop,
            Shutdown,
            Evtchnop,
            EvtchnStatus,
            Evtchn,
            Virq,
            Vcpuop,
            SingleshotFlag,
            Runstate,
            Xenver,
            Xenmem,
            Physdevop,
            Consoleio,
            VmAssist,
            AssistType,
            Feature,
            NmiOp,
            CallbackOp,
            CallbackType,
            CallbackFlag,
            Domid,
            Errno,
            ElfNote,
            TrapFlag,
            Selector,
            Gdt,
            StartFlag,
            ContextFlag,
            Hole,
            Window,
            Transport,
            Boot,
        ),
    },
)
