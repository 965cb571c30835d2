"""lguest's ABI as in Linux 2.6.32 and 2.6.35: the two agree in every number and layout.

A hypercall is ``int $0x1f`` from ring 1 (``vmcall`` is accepted and rewritten): number in EAX, arguments in
EBX ECX EDX ESI. Nothing is returned and errors are not reported: a call works, is ignored, or kills.
"""

import enum

from vmirom.schema import (
    AnyConstruct,
    Argument,
    Array,
    Bytes,
    Choice,
    Flags,
    Hypercall,
    Line,
    Reserved,
    s32,
    struct,
    u8,
    u16,
    u32,
    u64,
)


class Constants(enum.IntEnum):
    """Numbers the host is built with."""

    HYPERCALL_VECTOR = 0x1F
    GUEST_PRIVILEGE = 1
    KERNEL_CS = 0x61
    KERNEL_DS = 0x69
    SYSCALL_VECTOR = 0x80
    RING_SIZE = 64
    RING_FREE = 0xFF
    RING_PENDING = 0
    INTERRUPTS = 32
    FIRST_INTERRUPT_VECTOR = 32
    CLOCK_INTERRUPT = 0
    IRQ_ENABLED = 0x200
    STACK_PAGES_MAX = 2
    SHADOWS = 4
    IDT_ENTRIES = 256
    CLOCK_DELTA_MIN = 100
    CLOCK_DELTA_MAX = 0xFFFFFFFF
    MESSAGE_SIZE = 128
    DEVICE_PAGES_MAX = 256


class Hole(enum.IntEnum):
    """What the host keeps of linear space, without and with PAE."""

    START = 0xFFC00000
    SIZE = 0x400000
    PAE_START = 0xFFE00000
    PAE_SIZE = 0x200000
    TOP_INDEX = 1023
    PAE_TOP_INDEX = 3


class Gdt(enum.IntEnum):
    """Entries of the guest's GDT that have a meaning for the host."""

    TLS_FIRST = 6
    TLS_COUNT = 3
    HOST_CODE = 10
    HOST_DATA = 11
    KERNEL_CODE = 12
    KERNEL_DATA = 13
    TSS = 16
    DOUBLE_FAULT_TSS = 31
    ENTRIES = 32


class GateType(enum.IntEnum):
    """Gate types LOAD_IDT_ENTRY takes."""

    INTERRUPT = 0xE
    TRAP = 0xF


class EntryFlag(enum.IntFlag):
    """Flags of a directory entry that the host allows; with any other bit it kills."""

    ALLOWED = 0x67
    BOOT = 0x07


class FlushTlb(enum.IntEnum):
    """Argument of FLUSH_TLB."""

    USER = 0
    ALL = 1


class ShutdownReason(enum.IntEnum):
    """Second argument of SHUTDOWN."""

    POWEROFF = 1
    RESTART = 2


class Subarch(enum.IntEnum):
    """boot_params.hardware_subarch."""

    PC = 0
    LGUEST = 1
    XEN = 2


class Boot(enum.IntEnum):
    """What the launcher puts into boot_params, and where things lie."""

    PARAMS_GPA = 0
    COMMAND_LINE_GPA = 0x1000
    VERSION = 0x207
    KEEP_SEGMENTS = 0x40
    LOADER_TYPE = 0xFF
    E820_RAM = 1
    BOOT_FLAG = 0xAA55
    HEADER_MAGIC = 0x53726448
    LINEAR_BASE = 0xC0000000
    EFLAGS = 0x202


class Request(enum.IntEnum):
    """First word written to /dev/lguest."""

    INITIALIZE = 0
    IRQ = 2
    EVENTFD = 4


class DeviceType(enum.IntEnum):
    """Type of a device descriptor; 0 ends the list."""

    END = 0
    NET = 1
    BLOCK = 2
    CONSOLE = 3
    ENTROPY = 4


class DeviceStatus(enum.IntFlag):
    """Status byte of a device descriptor (virtio's); 0 resets."""

    ACKNOWLEDGE = 1
    DRIVER = 2
    DRIVER_OK = 4
    FAILED = 0x80


class Vring(enum.IntEnum):
    """Size of a queue."""

    ENTRIES = 256
    ALIGN = 4096
    PAGES = 3


class VringDescFlag(enum.IntFlag):
    """Flags of a ring descriptor."""

    NEXT = 1
    WRITE = 2


def _ebx(name: str) -> Argument:
    return Argument(name, "UINT32", "EBX")


def _ecx(name: str) -> Argument:
    return Argument(name, "UINT32", "ECX")


def _edx(name: str) -> Argument:
    return Argument(name, "UINT32", "EDX")


def _esi(name: str) -> Argument:
    return Argument(name, "UINT32", "ESI")


HYPERCALLS = (
    Hypercall(0, "FLUSH_ASYNC", (), "only leaves the guest, so that the ring is run"),
    Hypercall(1, "LGUEST_INIT", (_ebx("data_gpa"),), "must be the first; a second one kills"),
    Hypercall(
        2,
        "SHUTDOWN",
        (_ebx("message_gpa"), _ecx("reason")),
        "the guest dies with the message",
        "ShutdownReason",
    ),
    Hypercall(4, "NEW_PGTABLE", (_ebx("root_gpa"),), "switch page tables"),
    Hypercall(5, "FLUSH_TLB", (_ebx("how"),), "0 the user part of the current table, else everything"),
    Hypercall(6, "LOAD_IDT_ENTRY", (_ebx("vector"), _ecx("low"), _edx("high"))),
    Hypercall(7, "SET_STACK", (_ebx("ss"), _ecx("esp"), _edx("pages")), "kernel stack; RPL of SS must be 1"),
    Hypercall(8, "TS", (_ebx("set"),), "the guest's CR0.TS"),
    Hypercall(9, "SET_CLOCKEVENT", (_ebx("delta_ns"),), "one-shot, from now; 0 stops; raises interrupt 0"),
    Hypercall(10, "HALT", (), "sleep until an unblocked interrupt is pending, then deliver it"),
    Hypercall(13, "SET_PMD", (_ebx("pmd_gpa"), _ecx("index")), "PAE hosts only; drops all shadows"),
    Hypercall(
        14, "SET_PTE", (_ebx("root_gpa"), _ecx("gva"), _edx("pte_low"), _esi("pte_high")), "pte_high: PAE"
    ),
    Hypercall(15, "SET_PGD", (_ebx("root_gpa"), _ecx("index")), "drops that entry of the table's shadow"),
    Hypercall(16, "LOAD_TLS", (_ebx("descriptors_gpa"), _ecx("cpu")), "GDT entries 6 to 8"),
    Hypercall(17, "NOTIFY", (_ebx("gpa"),), "kick a device, change its status, or print a string"),
    Hypercall(18, "LOAD_GDT_ENTRY", (_ebx("index"), _ecx("low"), _edx("high"))),
    Hypercall(19, "SEND_INTERRUPTS", (), "only leaves the guest, so that interrupts are looked at"),
)

hcall_args = struct(
    "lguest_hcall_args",
    "arg0" / u32 * "EAX, the number",
    "arg1" / u32 * "EBX",
    "arg2" / u32 * "ECX",
    "arg3" / u32 * "EDX",
    "arg4" / u32 * "ESI",
    doc="One hypercall in the asynchronous ring.",
)

data = struct(
    "lguest_data",
    "irq_enabled" / u32 * "0x200 on, 0 off; the host tests the whole word",
    "blocked_interrupts" / u32 * "bit n blocks interrupt n; written by the guest",
    "cr2" / u32 * "address of the last reflected page fault; written by the host",
    "time_sec" / s32 * "wall clock; written by the host at each interrupt",
    "time_nsec" / s32,
    "irq_pending" / u32 * "0x200 while the host holds an interrupt back",
    "hcall_status" / Bytes(64) * "0xFF free or done, 0 waiting",
    "hcalls" / Array(64, hcall_args),
    "reserve_mem" / u32 * "bytes at the top of linear space that are the host's; written at INIT",
    "tsc_khz" / u32 * "0 if the TSC can't be trusted; written at INIT",
    "pgdir" / u32 * "gpa of the first page directory, written at INIT; then the guest's CR3",
    "noirq_start" / u32 * "gva; no interrupt is delivered from here",
    "noirq_end" / u32 * "to below here; both are read once, at INIT",
    "kernel_address" / u32 * "page tables are alike from this gva up; read at INIT",
    "syscall_vec" / u32 * "0x80; checked at INIT",
    doc="The page of words that guest and host share.",
)

e820_entry = struct(
    "lguest_e820_entry",
    "addr" / u64,
    "size" / u64,
    "type" / u32,
    doc="One entry of the memory map.",
)

boot_params = struct(
    "lguest_boot_params",
    "pad_000" / Reserved(0x1E8, zero=False) * "screen, APM and drive information; zero under lguest",
    "e820_entries" / u8,
    "pad_1e9" / Reserved(8, zero=False),
    "setup_sects" / u8,
    "root_flags" / u16,
    "syssize" / u32,
    "ram_size" / u16,
    "vid_mode" / u16,
    "root_dev" / u16,
    "boot_flag" / u16 * "0xAA55 in a bzImage; zero under lguest",
    "jump" / u16,
    "header" / u32 * "HdrS in a bzImage; zero under lguest",
    "version" / u16 * "0x207",
    "realmode_swtch" / u32,
    "start_sys" / u16,
    "kernel_version" / u16,
    "type_of_loader" / u8 * "0xFF, with an initrd only",
    "loadflags" / u8 * "bit 6 KEEP_SEGMENTS is set",
    "setup_move_size" / u16,
    "code32_start" / u32,
    "ramdisk_image" / u32 * "gpa",
    "ramdisk_size" / u32,
    "bootsect_kludge" / u32,
    "heap_end_ptr" / u16,
    "pad_226" / Reserved(2, zero=False),
    "cmd_line_ptr" / u32 * "gpa 0x1000",
    "initrd_addr_max" / u32,
    "kernel_alignment" / u32 * "left 0 by the launcher",
    "relocatable_kernel" / u8,
    "pad_235" / Reserved(3, zero=False),
    "cmdline_size" / u32,
    "hardware_subarch" / Choice(u32, Subarch),
    "hardware_subarch_data" / u64,
    "pad_248" / Reserved(0x88, zero=False),
    "e820_map" / Array(128, e820_entry),
    "pad_cd0" / Reserved(0x330, zero=False),
    doc="Linux's boot_params as the launcher fills it, at gpa 0.",
)

device_desc = struct(
    "lguest_device_desc",
    "type" / Choice(u8, DeviceType),
    "num_vq" / u8,
    "feature_len" / u8 * "bytes; twice that many follow the queues",
    "config_len" / u8,
    "status" / Flags(u8, DeviceStatus),
    doc="Head of a device descriptor; num_vq queues, features and configuration follow.",
)

vqconfig = struct(
    "lguest_vqconfig",
    "num" / u16 * "entries of the ring",
    "irq" / u16,
    "pfn" / u32 * "first page of the ring",
    doc="One queue of a device descriptor.",
)

vring_desc = struct(
    "lguest_vring_desc",
    "addr" / u64 * "gpa",
    "len" / u32,
    "flags" / Flags(u16, VringDescFlag),
    "next" / u16,
    doc="One buffer of a virtio ring.",
)

vring_avail = struct(
    "lguest_vring_avail",
    "flags" / u16,
    "idx" / u16,
    "ring" / Array(256, u16),
    doc="What the guest offers; directly after the descriptors.",
)

vring_used_elem = struct("lguest_vring_used_elem", "id" / u32, "len" / u32, doc="One buffer given back.")

vring_used = struct(
    "lguest_vring_used",
    "flags" / u16,
    "idx" / u16,
    "ring" / Array(256, vring_used_elem),
    doc="What the host gives back; on the next page boundary.",
)

STRUCTS: tuple[AnyConstruct, ...] = (
    hcall_args,
    data,
    e820_entry,
    boot_params,
    device_desc,
    vqconfig,
    vring_desc,
    vring_avail,
    vring_used_elem,
    vring_used,
)

LINE = Line(
    name="lguest",
    family="lguest",
    versions=("2.6.32", "2.6.35"),
    doc=__doc__ or "",
    hypercalls=HYPERCALLS,
    call_enum="Hcall",
    structs={"2.6.32": STRUCTS},
    enums={
        "2.6.32": (
            Constants,
            Hole,
            Gdt,
            GateType,
            EntryFlag,
            FlushTlb,
            ShutdownReason,
            Subarch,
            Boot,
            Request,
            DeviceType,
            DeviceStatus,
            Vring,
            VringDescFlag,
        ),
    },
)
