"""Xen's paravirtual ABI for 32-bit PAE guests. Generated from abi/ by `python -m vmirom.generate`; do not edit."""

import enum
from typing import Any

from vmirom.overlays import _xen_cffi

__all__ = [
    "AssistType",
    "Boot",
    "CallbackFlag",
    "CallbackOp",
    "CallbackType",
    "Consoleio",
    "ContextFlag",
    "Domid",
    "ElfNote",
    "Errno",
    "Evtchn",
    "EvtchnStatus",
    "Evtchnop",
    "Feature",
    "Gdt",
    "Hole",
    "Hypercall",
    "MmuCommand",
    "Mmuext",
    "NmiOp",
    "Physdevop",
    "Runstate",
    "Schedop",
    "Selector",
    "Shutdown",
    "SingleshotFlag",
    "StartFlag",
    "Transport",
    "TrapFlag",
    "Uvmf",
    "Vcpuop",
    "Virq",
    "VmAssist",
    "Window",
    "Xenmem",
    "Xenver",
    "ffi",
]

ffi: Any = _xen_cffi.ffi  # fields of an overlay have no types that mypy knows


class Hypercall(enum.IntEnum):
    """Numbers of the hypercalls."""

    SET_TRAP_TABLE = 0
    MMU_UPDATE = 1
    SET_GDT = 2
    STACK_SWITCH = 3
    SET_CALLBACKS = 4
    FPU_TASKSWITCH = 5
    SCHED_OP_COMPAT = 6
    PLATFORM_OP = 7
    SET_DEBUGREG = 8
    GET_DEBUGREG = 9
    UPDATE_DESCRIPTOR = 10
    MEMORY_OP = 12
    MULTICALL = 13
    UPDATE_VA_MAPPING = 14
    SET_TIMER_OP = 15
    EVENT_CHANNEL_OP_COMPAT = 16
    XEN_VERSION = 17
    CONSOLE_IO = 18
    PHYSDEV_OP_COMPAT = 19
    GRANT_TABLE_OP = 20
    VM_ASSIST = 21
    UPDATE_VA_MAPPING_OTHERDOMAIN = 22
    IRET = 23
    VCPU_OP = 24
    SET_SEGMENT_BASE = 25
    MMUEXT_OP = 26
    XSM_OP = 27
    NMI_OP = 28
    SCHED_OP = 29
    CALLBACK_OP = 30
    XENOPROF_OP = 31
    EVENT_CHANNEL_OP = 32
    PHYSDEV_OP = 33
    HVM_OP = 34
    SYSCTL = 35
    DOMCTL = 36
    KEXEC_OP = 37
    TMEM_OP = 38
    ARGO_OP = 39
    XENPMU_OP = 40
    DM_OP = 41
    HYPFS_OP = 42


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

    NONE = 0x0
    TLB_FLUSH = 0x1
    INVLPG = 0x2
    FLUSHTYPE_MASK = 0x3
    LOCAL = 0x0
    MULTI = 0x0
    ALL = 0x4


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
    RESET_CONTINUED = 14


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

    COUNT = 0x400
    WORDS = 32


class Virq(enum.IntEnum):
    """Virtual interrupts that an event channel can be bound to."""

    TIMER = 0
    DEBUG = 1
    CONSOLE = 2
    DOM_EXC = 3
    XENOPROF = 7
    XENPMU = 13
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

    FUTURE = 0x1


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
    SET_MEMORY_MAP = 13
    MAXIMUM_GPFN = 14
    REMOVE_FROM_PHYSMAP = 15
    SET_POD_TARGET = 16
    GET_POD_TARGET = 17
    GET_SHARING_FREED_PAGES = 18
    GET_SHARING_SHARED_PAGES = 19
    ACCESS_OP = 21
    ADD_TO_PHYSMAP_BATCH = 23
    MACHPHYS_COMPAT_MFN_LIST = 25
    GET_VNUMAINFO = 26
    RESERVED_DEVICE_MEMORY_MAP = 27
    ACQUIRE_RESOURCE = 28


class Physdevop(enum.IntEnum):
    """Commands of physdev_op."""

    IRQ_UNMASK_NOTIFY = 4
    IRQ_STATUS_QUERY = 5
    SET_IOPL = 6
    SET_IOBITMAP = 7
    APIC_READ = 8
    APIC_WRITE = 9
    ASSIGN_VECTOR = 10
    EOI = 12
    MAP_PIRQ = 13
    UNMAP_PIRQ = 14
    MANAGE_PCI_ADD = 15
    MANAGE_PCI_REMOVE = 16
    PIRQ_EOI_GMFN_V1 = 17
    RESTORE_MSI = 19
    MANAGE_PCI_ADD_EXT = 20
    SETUP_GSI = 21
    GET_FREE_PIRQ = 23
    PCI_MMCFG_RESERVED = 24
    PCI_DEVICE_ADD = 25
    PCI_DEVICE_REMOVE = 26
    RESTORE_MSI_EXT = 27
    PIRQ_EOI_GMFN_V2 = 28
    DBGP_OP = 29
    PREPARE_MSIX = 30
    RELEASE_MSIX = 31


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

    MASK_EVENTS = 0x1


class Domid(enum.IntEnum):
    """Domain numbers with a meaning of their own."""

    FIRST_RESERVED = 0x7ff0
    SELF = 0x7ff0
    IO = 0x7ff1
    XEN = 0x7ff2
    COW = 0x7ff3
    INVALID = 0x7ff4
    IDLE = 0x7fff


class Errno(enum.IntEnum):
    """Error numbers; a hypercall returns them negative."""

    EPERM = 1
    ENOENT = 2
    ESRCH = 3
    ENXIO = 6
    E2BIG = 7
    EAGAIN = 11
    ENOMEM = 12
    EACCES = 13
    EFAULT = 14
    EBUSY = 16
    EEXIST = 17
    ENODEV = 19
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

    DPL = 0x3
    MASK_EVENTS = 0x4


class Selector(enum.IntEnum):
    """Xen's own flat selectors, there in every GDT."""

    KERNEL_CS = 0xe019
    KERNEL_DS = 0xe021
    KERNEL_SS = 0xe021
    USER_CS = 0xe02b
    USER_DS = 0xe033
    USER_SS = 0xe033


class Gdt(enum.IntEnum):
    """Limits of set_gdt: frames, entries, and where Xen's reserved entries begin."""

    FRAMES = 16
    FIRST_RESERVED_PAGE = 14
    FIRST_RESERVED_BYTE = 0xe000
    ENTRIES_MAX = 0x1c00
    LDT_ENTRIES_MAX = 0x2000


class StartFlag(enum.IntFlag):
    """Bits of start_info.flags."""

    PRIVILEGED = 0x1
    INITDOMAIN = 0x2
    MULTIBOOT_MOD = 0x4
    MOD_START_PFN = 0x8
    PM_MASK = 0xff00


class ContextFlag(enum.IntFlag):
    """Bits of vcpu_guest_context.flags."""

    I387_VALID = 0x1
    IN_KERNEL = 0x4
    FAILSAFE_DISABLES_EVENTS = 0x8
    ONLINE = 0x20


class Hole(enum.IntEnum):
    """The hypervisor's linear range on PAE, with the machine-to-phys table; a guest asks for the truth."""

    START = 0xf5800000
    M2P_START = 0xf5800000
    M2P_END = 0xf6800000
    NON_PAE_START = 0xfc000000


class Window(enum.IntEnum):
    """What our ROM keeps for itself below the hole, in every machine address space."""

    START = 0xf5400000
    END = 0xf5800000


class Transport(enum.IntEnum):
    """How a hypercall is made, and how Xen is recognised (CPUID with the bytes 0F 0B 78 65 6E before)."""

    VECTOR = 130
    PAGE_ENTRY_SIZE = 32
    MSR_HYPERCALL_PAGE = 0x40000000
    CPUID_LEAF = 0x40000000
    CPUID_EBX = 0x566e6558
    CPUID_ECX = 0x65584d4d
    CPUID_EDX = 0x4d4d566e


class Boot(enum.IntEnum):
    """Numbers of the domain builder."""

    VERSION = 0x40011
    MAPPING_ALIGN = 0x400000
    MAPPING_SLACK = 0x80000
    EFLAGS = 0x202
