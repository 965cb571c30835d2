"""Numbers and layouts of Linux's KVM interface on x86 (linux/kvm.h and asm/kvm.h, API version 12)."""

from __future__ import annotations

import enum
import struct
from typing import Final

__all__ = [
    "API_VERSION",
    "CPUID_ENTRY",
    "CPUID_HEAD",
    "IO_EXIT",
    "MEMORY_SLOT",
    "MMIO_EXIT",
    "MP_HALTED",
    "QUEUED_STORE",
    "QUEUE_HEAD",
    "QUEUE_ZONE",
    "QUIRK_FIX_HYPERCALL",
    "READ_ONLY_SLOT",
    "Capability",
    "ExitReason",
    "Io",
    "RunPage",
]

API_VERSION: Final = 12


class Io(enum.IntEnum):
    """ioctl requests, of the device, of a virtual machine, of a virtual CPU."""

    GET_API_VERSION = 0xAE00
    CREATE_VM = 0xAE01
    CHECK_EXTENSION = 0xAE03
    GET_VCPU_MMAP_SIZE = 0xAE04
    GET_SUPPORTED_CPUID = 0xC008AE05

    CREATE_VCPU = 0xAE41
    SET_USER_MEMORY_REGION = 0x4020AE46
    SET_TSS_ADDR = 0xAE47
    SET_IDENTITY_MAP_ADDR = 0x4008AE48
    CREATE_IRQCHIP = 0xAE60
    IRQ_LINE = 0x4008AE61
    REGISTER_COALESCED_MMIO = 0x4010AE67
    UNREGISTER_COALESCED_MMIO = 0x4010AE68
    CREATE_PIT2 = 0x4040AE77
    ENABLE_CAP = 0x4068AEA3

    RUN = 0xAE80
    GET_REGS = 0x8090AE81
    SET_REGS = 0x4090AE82
    GET_SREGS = 0x8138AE83
    SET_SREGS = 0x4138AE84
    SET_SIGNAL_MASK = 0x4004AE8B
    SET_CPUID2 = 0x4008AE90
    GET_MP_STATE = 0x8004AE98


class Capability(enum.IntEnum):
    """Numbers for CHECK_EXTENSION and ENABLE_CAP."""

    USER_MEMORY = 3
    COALESCED_MMIO = 15
    SYNC_REGS = 74
    READONLY_MEM = 81
    IMMEDIATE_EXIT = 136
    COALESCED_PIO = 162
    ENFORCE_PV_FEATURE_CPUID = 190
    DISABLE_QUIRKS2 = 213


class ExitReason(enum.IntEnum):
    """Why KVM_RUN came back."""

    UNKNOWN = 0
    IO = 2
    DEBUG = 4
    HLT = 5
    MMIO = 6
    IRQ_WINDOW_OPEN = 7
    SHUTDOWN = 8
    FAIL_ENTRY = 9
    INTR = 10
    INTERNAL_ERROR = 17
    SYSTEM_EVENT = 24


class RunPage(enum.IntEnum):
    """Offsets in struct kvm_run, and the bits of valid_regs and dirty_regs."""

    IMMEDIATE_EXIT = 1
    EXIT_REASON = 8
    EXIT = 32
    VALID_REGS = 288
    DIRTY_REGS = 296
    REGS = 304
    SREGS = 448

    SYNC_REGS_BIT = 1
    SYNC_SREGS_BIT = 2


IO_EXIT: Final = struct.Struct("<BBHIQ")
"""direction (1 out), size, port, count, offset of the data in the run page."""
MMIO_EXIT: Final = struct.Struct("<Q8sIB")
"""gpa, data, length, whether it is a store."""
QUEUE_ZONE: Final = struct.Struct("<QII")
"""first port, ports, 1 for ports: stores there wait in a ring behind the run page instead of leaving."""
QUEUE_HEAD: Final = struct.Struct("<II")
"""The ring's first entry in use, and the first free one."""
QUEUED_STORE: Final = struct.Struct("<QII8s")
"""port, length, whether it is a port, data."""
MEMORY_SLOT: Final = struct.Struct("<IIQQQ")
"""slot, flags, gpa, bytes, address in this process."""
READ_ONLY_SLOT: Final = 2
CPUID_HEAD: Final = struct.Struct("<II")
CPUID_ENTRY: Final = struct.Struct("<IIIIIII12x")
"""leaf, subleaf, flags, EAX, EBX, ECX, EDX."""
MP_HALTED: Final = 3
QUIRK_FIX_HYPERCALL: Final = 0x20
"""KVM_X86_QUIRK_FIX_HYPERCALL_INSN: the other maker's hypercall instruction is written over."""
