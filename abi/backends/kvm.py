"""KVM's paravirtual ABI for x86 guests, as of Linux 6.1.

A hypercall is ``vmcall`` (Intel) or ``vmmcall`` (AMD) from CPL 0: number in EAX, arguments in EBX ECX EDX
ESI, result in EAX, no other register changed. Which ones a host serves is in CPUID leaf 0x40000001: a call
that is there only with a feature names its bit.
"""

import enum

from vmirom.schema import (
    Argument,
    Array,
    Choice,
    Flags,
    Hypercall,
    Line,
    Reserved,
    Version,
    s8,
    s64,
    struct,
    u8,
    u32,
    u64,
)


class Feature(enum.IntEnum):
    """Bit numbers in EAX of CPUID leaf 0x40000001."""

    CLOCKSOURCE = 0
    NOP_IO_DELAY = 1
    MMU_OP = 2
    CLOCKSOURCE2 = 3
    ASYNC_PF = 4
    STEAL_TIME = 5
    PV_EOI = 6
    PV_UNHALT = 7
    PV_TLB_FLUSH = 9
    ASYNC_PF_VMEXIT = 10
    PV_SEND_IPI = 11
    POLL_CONTROL = 12
    PV_SCHED_YIELD = 13
    ASYNC_PF_INT = 14
    MSI_EXT_DEST_ID = 15
    HC_MAP_GPA_RANGE = 16
    MIGRATION_CONTROL = 17
    CLOCKSOURCE_STABLE = 24


class Hint(enum.IntEnum):
    """Bit numbers in EDX of CPUID leaf 0x40000001."""

    REALTIME = 0


class Msr(enum.IntEnum):
    """Model-specific registers; the first two are the old numbers."""

    WALL_CLOCK = 0x11
    SYSTEM_TIME = 0x12
    WALL_CLOCK_NEW = 0x4B564D00
    SYSTEM_TIME_NEW = 0x4B564D01
    ASYNC_PF_EN = 0x4B564D02
    STEAL_TIME = 0x4B564D03
    PV_EOI_EN = 0x4B564D04
    POLL_CONTROL = 0x4B564D05
    ASYNC_PF_INT = 0x4B564D06
    ASYNC_PF_ACK = 0x4B564D07
    MIGRATION_CONTROL = 0x4B564D08


class MsrFlag(enum.IntFlag):
    """Bit 0 of the MSRs that take an address."""

    ENABLED = 1


class MmuOp(enum.IntEnum):
    """Operations of hypercall MMU_OP; a buffer holds at most BATCH of them."""

    WRITE_PTE = 1
    FLUSH_TLB = 2
    RELEASE_PT = 3


class MmuLimit(enum.IntEnum):
    """Limits of MMU_OP."""

    BATCH = 32


class Errno(enum.IntEnum):
    """Error numbers; a hypercall returns them negative."""

    EPERM = 1
    E2BIG = 7
    EFAULT = 14
    EINVAL = 22
    EOPNOTSUPP = 95
    ENOSYS = 1000


class CpuidLeaf(enum.IntEnum):
    """Leaves of the hypervisor range."""

    SIGNATURE = 0x40000000
    FEATURES = 0x40000001


class Signature(enum.IntEnum):
    """KVMKVMKVM in EBX, ECX, EDX of the first leaf."""

    EBX = 0x4B4D564B
    ECX = 0x564B4D56
    EDX = 0x4D


class Opcode(enum.IntEnum):
    """The two hypercall instructions, their three bytes as a little-endian number."""

    VMCALL = 0xC1010F
    VMMCALL = 0xD9010F


class ClockFlag(enum.IntFlag):
    """Flags of pvclock_vcpu_time_info."""

    TSC_STABLE = 1
    GUEST_STOPPED = 2


class Preempted(enum.IntFlag):
    """Bits of kvm_steal_time.preempted."""

    PREEMPTED = 1
    FLUSH_TLB = 2


class ClockPairingType(enum.IntEnum):
    """Second argument of CLOCK_PAIRING."""

    WALLCLOCK = 0


def _ebx(name: str) -> Argument:
    return Argument(name, "UINT32", "EBX")


def _ecx(name: str) -> Argument:
    return Argument(name, "UINT32", "ECX")


def _edx(name: str) -> Argument:
    return Argument(name, "UINT32", "EDX")


def _esi(name: str) -> Argument:
    return Argument(name, "UINT32", "ESI")


_NEW = Version.parse("6.1")

HYPERCALLS = (
    Hypercall(1, "VAPIC_POLL_IRQ", (), "leaves the guest, so that interrupts are looked at"),
    Hypercall(
        2,
        "MMU_OP",
        (_ebx("length"), _ecx("gpa_low"), _edx("gpa_high")),
        "batched page-table operations; served by old hosts only",
        "MmuOp",
        when=("Feature.MMU_OP",),
    ),
    Hypercall(3, "FEATURES", (), "PowerPC only"),
    Hypercall(4, "PPC_MAP_MAGIC_PAGE", (), "PowerPC only"),
    Hypercall(
        5,
        "KICK_CPU",
        (_ebx("flags"), _ecx("apic_id")),
        "wakes a halted CPU",
        since=_NEW,
        when=("Feature.PV_UNHALT",),
    ),
    Hypercall(6, "MIPS_GET_CLOCK_FREQ", (), "MIPS only", since=_NEW),
    Hypercall(7, "MIPS_EXIT_VM", (), "MIPS only", since=_NEW),
    Hypercall(8, "MIPS_CONSOLE_OUTPUT", (), "MIPS only", since=_NEW),
    Hypercall(
        9, "CLOCK_PAIRING", (_ebx("gpa"), _ecx("type")), "host clock and TSC read together", since=_NEW
    ),
    Hypercall(
        10,
        "SEND_IPI",
        (_ebx("bitmap_low"), _ecx("bitmap_high"), _edx("lowest_apic_id"), _esi("icr")),
        "returns the number of interrupts delivered",
        since=_NEW,
        when=("Feature.PV_SEND_IPI",),
    ),
    Hypercall(11, "SCHED_YIELD", (_ebx("apic_id"),), since=_NEW, when=("Feature.PV_SCHED_YIELD",)),
    Hypercall(
        12,
        "MAP_GPA_RANGE",
        (_ebx("gpa"), _ecx("pages"), _edx("attributes")),
        since=_NEW,
        when=("Feature.HC_MAP_GPA_RANGE",),
    ),
)

vcpu_time_info = struct(
    "pvclock_vcpu_time_info",
    "version" / u32 * "odd while it is being written",
    "pad0" / Reserved(4, zero=False),
    "tsc_timestamp" / u64,
    "system_time" / u64 * "ns since boot, at tsc_timestamp",
    "tsc_to_system_mul" / u32,
    "tsc_shift" / s8,
    "flags" / Flags(u8, ClockFlag),
    "pad" / Reserved(2, zero=False),
    doc="""Time = (((tsc - tsc_timestamp) shifted left by tsc_shift, or right by its negative) times
    tsc_to_system_mul >> 32) + system_time.""",
)

wall_clock = struct(
    "pvclock_wall_clock",
    "version" / u32 * "odd while it is being written",
    "sec" / u32,
    "nsec" / u32,
    doc="Wall clock at boot; add the system time.",
)

steal_time = struct(
    "kvm_steal_time",
    "steal" / u64 * "ns this CPU was ready and did not run",
    "version" / u32 * "odd while it is being written",
    "flags" / u32,
    "preempted" / Flags(u8, Preempted),
    "u8_pad" / Reserved(3, zero=False),
    "pad" / Reserved(44, zero=False),
    doc="Stolen time of a virtual CPU; 64-byte aligned.",
)

mmu_op_header = struct(
    "kvm_mmu_op_header",
    "op" / Choice(u32, MmuOp),
    "pad" / Reserved(4, zero=False),
    doc="Head of every MMU operation.",
)

mmu_op_write_pte = struct(
    "kvm_mmu_op_write_pte",
    "header" / mmu_op_header,
    "pte_phys" / u64,
    "pte_val" / u64,
    doc="MMU operation: store a page-table entry.",
)

mmu_op_flush_tlb = struct(
    "kvm_mmu_op_flush_tlb", "header" / mmu_op_header, doc="MMU operation: flush the TLB."
)

mmu_op_release_pt = struct(
    "kvm_mmu_op_release_pt",
    "header" / mmu_op_header,
    "pt_phys" / u64,
    doc="MMU operation: a frame is no longer a page table.",
)

clock_pairing = struct(
    "kvm_clock_pairing",
    "sec" / s64,
    "nsec" / s64,
    "tsc" / u64,
    "flags" / u32,
    "pad" / Array(9, u32),
    doc="Answer of CLOCK_PAIRING.",
)

LINE = Line(
    name="kvm",
    family="kvm",
    prefixes=("kvm_", "pvclock_"),
    versions=("2.6.35", "6.1"),
    doc=__doc__ or "",
    hypercalls=HYPERCALLS,
    call_enum="Hypercall",
    structs={
        "2.6.35": (
            vcpu_time_info,
            wall_clock,
            mmu_op_header,
            mmu_op_write_pte,
            mmu_op_flush_tlb,
            mmu_op_release_pt,
        ),
        "6.1": (steal_time, clock_pairing),
    },
    enums={
        "2.6.35": (
            Feature,
            Hint,
            Msr,
            MsrFlag,
            MmuOp,
            MmuLimit,
            Errno,
            CpuidLeaf,
            Signature,
            Opcode,
            ClockFlag,
            Preempted,
            ClockPairingType,
        ),
    },
)
