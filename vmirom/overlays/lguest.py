"""lguest's ABI as in Linux 2.6.32 and 2.6.35: the two agree in every number and layout. Generated from abi/ by `python -m vmirom.generate`; do not edit."""

import enum
from typing import Any

from vmirom.overlays import _lguest_cffi

__all__ = [
    "Boot",
    "Constants",
    "DeviceStatus",
    "DeviceType",
    "EntryFlag",
    "FlushTlb",
    "GateType",
    "Gdt",
    "Hcall",
    "Hole",
    "Request",
    "ShutdownReason",
    "Subarch",
    "Vring",
    "VringDescFlag",
    "ffi",
]

ffi: Any = _lguest_cffi.ffi  # fields of an overlay have no types that mypy knows


class Hcall(enum.IntEnum):
    """Numbers of the hypercalls."""

    FLUSH_ASYNC = 0
    LGUEST_INIT = 1
    SHUTDOWN = 2
    NEW_PGTABLE = 4
    FLUSH_TLB = 5
    LOAD_IDT_ENTRY = 6
    SET_STACK = 7
    TS = 8
    SET_CLOCKEVENT = 9
    HALT = 10
    SET_PMD = 13
    SET_PTE = 14
    SET_PGD = 15
    LOAD_TLS = 16
    NOTIFY = 17
    LOAD_GDT_ENTRY = 18
    SEND_INTERRUPTS = 19


class Constants(enum.IntEnum):
    """Numbers the host is built with."""

    HYPERCALL_VECTOR = 31
    GUEST_PRIVILEGE = 1
    KERNEL_CS = 97
    KERNEL_DS = 105
    SYSCALL_VECTOR = 128
    RING_SIZE = 64
    RING_FREE = 255
    RING_PENDING = 0
    INTERRUPTS = 32
    FIRST_INTERRUPT_VECTOR = 32
    CLOCK_INTERRUPT = 0
    IRQ_ENABLED = 0x200
    STACK_PAGES_MAX = 2
    SHADOWS = 4
    IDT_ENTRIES = 0x100
    CLOCK_DELTA_MIN = 100
    CLOCK_DELTA_MAX = 0xffffffff
    MESSAGE_SIZE = 128
    DEVICE_PAGES_MAX = 0x100


class Hole(enum.IntEnum):
    """What the host keeps of linear space, without and with PAE."""

    START = 0xffc00000
    SIZE = 0x400000
    PAE_START = 0xffe00000
    PAE_SIZE = 0x200000
    TOP_INDEX = 0x3ff
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

    INTERRUPT = 14
    TRAP = 15


class EntryFlag(enum.IntFlag):
    """Flags of a directory entry that the host allows; with any other bit it kills."""

    ALLOWED = 0x67
    BOOT = 0x7


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
    KEEP_SEGMENTS = 64
    LOADER_TYPE = 255
    E820_RAM = 1
    BOOT_FLAG = 0xaa55
    HEADER_MAGIC = 0x53726448
    LINEAR_BASE = 0xc0000000
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

    ACKNOWLEDGE = 0x1
    DRIVER = 0x2
    DRIVER_OK = 0x4
    FAILED = 0x80


class Vring(enum.IntEnum):
    """Size of a queue."""

    ENTRIES = 0x100
    ALIGN = 0x1000
    PAGES = 3


class VringDescFlag(enum.IntFlag):
    """Flags of a ring descriptor."""

    NEXT = 0x1
    WRITE = 0x2
