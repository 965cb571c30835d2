"""KVM's paravirtual ABI for x86 guests, as of Linux 6.1. Generated from abi/ by `python -m vmirom.generate`; do not edit."""

import enum
from typing import Any

from vmirom.overlays import _kvm_cffi

__all__ = [
    "ClockFlag",
    "ClockPairingType",
    "CpuidLeaf",
    "Errno",
    "Feature",
    "HYPERCALL_FEATURES",
    "Hint",
    "Hypercall",
    "MmuLimit",
    "MmuOp",
    "Msr",
    "MsrFlag",
    "Opcode",
    "Preempted",
    "Signature",
    "ffi",
]

ffi: Any = _kvm_cffi.ffi  # fields of an overlay have no types that mypy knows


class Hypercall(enum.IntEnum):
    """Numbers of the hypercalls."""

    VAPIC_POLL_IRQ = 1
    MMU_OP = 2
    FEATURES = 3
    PPC_MAP_MAGIC_PAGE = 4
    KICK_CPU = 5
    MIPS_GET_CLOCK_FREQ = 6
    MIPS_EXIT_VM = 7
    MIPS_CONSOLE_OUTPUT = 8
    CLOCK_PAIRING = 9
    SEND_IPI = 10
    SCHED_YIELD = 11
    MAP_GPA_RANGE = 12


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

    WALL_CLOCK = 17
    SYSTEM_TIME = 18
    WALL_CLOCK_NEW = 0x4b564d00
    SYSTEM_TIME_NEW = 0x4b564d01
    ASYNC_PF_EN = 0x4b564d02
    STEAL_TIME = 0x4b564d03
    PV_EOI_EN = 0x4b564d04
    POLL_CONTROL = 0x4b564d05
    ASYNC_PF_INT = 0x4b564d06
    ASYNC_PF_ACK = 0x4b564d07
    MIGRATION_CONTROL = 0x4b564d08


class MsrFlag(enum.IntFlag):
    """Bit 0 of the MSRs that take an address."""

    ENABLED = 0x1


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
    ENOSYS = 0x3e8


class CpuidLeaf(enum.IntEnum):
    """Leaves of the hypervisor range."""

    SIGNATURE = 0x40000000
    FEATURES = 0x40000001


class Signature(enum.IntEnum):
    """KVMKVMKVM in EBX, ECX, EDX of the first leaf."""

    EBX = 0x4b4d564b
    ECX = 0x564b4d56
    EDX = 77


class Opcode(enum.IntEnum):
    """The two hypercall instructions, their three bytes as a little-endian number."""

    VMCALL = 0xc1010f
    VMMCALL = 0xd9010f


class ClockFlag(enum.IntFlag):
    """Flags of pvclock_vcpu_time_info."""

    TSC_STABLE = 0x1
    GUEST_STOPPED = 0x2


class Preempted(enum.IntFlag):
    """Bits of kvm_steal_time.preempted."""

    PREEMPTED = 0x1
    FLUSH_TLB = 0x2


class ClockPairingType(enum.IntEnum):
    """Second argument of CLOCK_PAIRING."""

    WALLCLOCK = 0


HYPERCALL_FEATURES: dict[Hypercall, tuple[Feature, ...]] = {
    Hypercall.MMU_OP: (Feature.MMU_OP,),
    Hypercall.KICK_CPU: (Feature.PV_UNHALT,),
    Hypercall.SEND_IPI: (Feature.PV_SEND_IPI,),
    Hypercall.SCHED_YIELD: (Feature.PV_SCHED_YIELD,),
    Hypercall.MAP_GPA_RANGE: (Feature.HC_MAP_GPA_RANGE,),
}
"""Features without which a hypercall answers as one that doesn't exist."""
