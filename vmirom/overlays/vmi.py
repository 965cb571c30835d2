"""The paravirt calls a guest makes of its ROM. Generated from abi/ by `python -m vmirom.generate`; do not edit."""

import enum
from typing import Any

from vmirom.overlays import _vmi_cffi

__all__ = [
    "Alarm",
    "AllocFlag",
    "Answer",
    "Backend",
    "Call",
    "Const",
    "Counter",
    "Eflags",
    "ExitStatus",
    "FlushTlb",
    "GuestGdt",
    "Layout",
    "LazyMode",
    "LinearSlot",
    "NoteType",
    "PageType",
    "Port",
    "PteFlag",
    "PteMask",
    "RebootHow",
    "Reloc",
    "RomHeader",
    "SegmentFlag",
    "ffi",
]

ffi: Any = _vmi_cffi.ffi  # fields of an overlay have no types that mypy knows


class Call(enum.IntEnum):
    """Numbers of the paravirt calls."""

    CPUID = 0
    WRMSR = 1
    RDMSR = 2
    SetGDT = 3
    SetLDT = 4
    SetIDT = 5
    SetTR = 6
    GetGDT = 7
    GetLDT = 8
    GetIDT = 9
    GetTR = 10
    WriteGDTEntry = 11
    WriteLDTEntry = 12
    WriteIDTEntry = 13
    UpdateKernelStack = 14
    SetCR0 = 15
    SetCR2 = 16
    SetCR3 = 17
    SetCR4 = 18
    GetCR0 = 19
    GetCR2 = 20
    GetCR3 = 21
    GetCR4 = 22
    WBINVD = 23
    SetDR = 24
    GetDR = 25
    RDPMC = 26
    RDTSC = 27
    CLTS = 28
    EnableInterrupts = 29
    DisableInterrupts = 30
    GetInterruptMask = 31
    SetInterruptMask = 32
    IRET = 33
    SYSEXIT = 34
    Halt = 35
    Reboot = 36
    Shutdown = 37
    SetPxE = 38
    SetPxELong = 39
    UpdatePxE = 40
    UpdatePxELong = 41
    MachineToPhysical = 42
    PhysicalToMachine = 43
    AllocatePage = 44
    ReleasePage = 45
    InvalPage = 46
    FlushTLB = 47
    SetLinearMapping = 48
    INL = 49
    INB = 50
    INW = 51
    INSL = 52
    INSB = 53
    INSW = 54
    OUTL = 55
    OUTB = 56
    OUTW = 57
    OUTSL = 58
    OUTSB = 59
    OUTSW = 60
    SetIOPLMask = 61
    SetInitialAPState = 62
    APICWrite = 63
    APICRead = 64
    IODelay = 65
    GetCycleFrequency = 66
    GetCycleCounter = 67
    SetAlarm = 68
    CancelAlarm = 69
    GetWallclockTime = 70
    WallclockUpdated = 71
    SetCallbacks = 72
    SetLazyMode = 73
    GetRomInfo = 74
    GetCallInfo = 75
    SetCounters = 76


class Reloc(enum.IntEnum):
    """What get_reloc answers in DL about a call."""

    NONE = 0
    CALL_REL = 1
    JUMP_REL = 2
    NOP = 3


class RomHeader(enum.IntEnum):
    """Where a ROM is looked for, and what marks it."""

    ROM_SIGNATURE = 0xaa55
    VROM_SIGNATURE = 0x696d5663
    API_MAJOR = 3
    LENGTH_UNIT = 0x200
    SCAN_START = 0xc0000
    SCAN_END = 0xe0000
    SCAN_STEP = 0x800
    INIT_OFFSET = 128
    GET_RELOC_OFFSET = 136
    PCI_SIGNATURE = 0x52494350
    PCI_VENDOR = 0x15ad
    PCI_DEVICE = 0x801
    PCI_LAST_IMAGE = 128
    PNP_SIGNATURE = 0x506e5024


class PageType(enum.IntFlag):
    """Level of a page table, in the flags of AllocatePage, ReleasePage, SetPxE and UpdatePxE."""

    PT = 0x1
    PD = 0x2
    PDP = 0x4
    PML4 = 0x8


class AllocFlag(enum.IntFlag):
    """More flags of AllocatePage and ReleasePage. The bits mean other things in PteFlag."""

    PAE = 0x10
    CLONE = 0x20
    ZEROED = 0x40


class PteFlag(enum.IntFlag):
    """More flags of SetPxE and UpdatePxE. With CURRENT_AS, bits 31:12 hold the virtual address."""

    CURRENT_AS = 0x10
    DEFER = 0x20


class PteMask(enum.IntEnum):
    """Parts of the flags word of SetPxE and UpdatePxE."""

    VA = 0xfffff000
    TYPE = 15


class FlushTlb(enum.IntFlag):
    """Argument of FlushTLB; Linux passes TLB for user and TLB | GLOBAL for kernel mappings."""

    TLB = 0x1
    GLOBAL = 0x2


class LazyMode(enum.IntEnum):
    """Argument of SetLazyMode."""

    NONE = 0
    MMU = 1
    CPU = 2


class Counter(enum.IntEnum):
    """The cycle counters."""

    REAL = 0
    AVAILABLE = 1
    STOLEN = 2


class Alarm(enum.IntFlag):
    """Flags of SetAlarm and CancelAlarm: low byte the counter; without WIRED_LVTT it raises IRQ 0."""

    COUNTER_MASK = 0xff
    PERIODIC = 0x100
    WIRED_LVTT = 0x10000


class RebootHow(enum.IntEnum):
    """Argument of Reboot."""

    SOFT = 0
    HARD = 1


class LinearSlot(enum.IntEnum):
    """Slots of SetLinearMapping as stock guests use them."""

    LOW_MEMORY = 0
    KMAP_PTE0 = 1
    KMAP_PTE1 = 2
    COUNT = 4


class Eflags(enum.IntFlag):
    """Bits of EFLAGS that calls speak of."""

    IF = 0x200
    IOPL = 0x3000
    VM = 0x20000


class Const(enum.IntEnum):
    """Signatures of the structures of 3.1 (as little-endian words) and limits."""

    ENTRY_MAGIC = 0x33494d56
    BOOT_INFO_MAGIC = 0x42494d56
    BUNDLE_MAGIC = 0x44424d56
    PRIVATE_MAGIC = 0x56525056
    LINE = 3
    SLOT_SIZE = 16
    BUILD_ID_SIZE = 20
    COMMAND_LINE_MAX = 0x400
    SEGMENTS_MAX = 8
    EINVAL = 22


class Answer(enum.IntEnum):
    """What GetCallInfo returns."""

    ABSENT = 0
    NATIVE = 1
    NOTHING = 2
    TRANSLATED = 3


class Backend(enum.IntEnum):
    """The hypercall ABI that a ROM speaks."""

    NATIVE = 1
    KVM = 2
    XEN = 3
    LGUEST = 4


class ExitStatus(enum.IntEnum):
    """Values a guest writes to the exit port."""

    SUCCESS = 16
    FAILURE = 17
    SKIP = 18
    ERROR = 19


class Port(enum.IntEnum):
    """Ports that answer on every backend."""

    PIC_MASTER = 32
    PIC_SLAVE = 160
    UART = 0x3f8
    EXIT = 0x501


class NoteType(enum.IntEnum):
    """Types of ELF notes whose owner is ``VMI``."""

    GUEST = 1
    BUNDLE = 2


class SegmentFlag(enum.IntFlag):
    """Flags of a guest segment, ELF's own."""

    X = 0x1
    W = 0x2
    R = 0x4


class GuestGdt(enum.IntEnum):
    """Entries of the GDT that every backend agrees on; a selector is eight times the entry, plus RPL."""

    TLS_FIRST = 6
    TLS_LAST = 8
    UNUSED_FIRST = 10
    UNUSED_SECOND = 11
    KERNEL_CS = 12
    KERNEL_DS = 13
    USER_CS = 14
    USER_DS = 15
    TSS = 16
    LDT = 17
    UNUSED_LAST = 31


class Layout(enum.IntEnum):
    """Guest-physical layout of a bundle: ROM and state pages in low memory, the guest above 1 MiB."""

    STATE_GPA = 0x90000
    STATE_PAGES = 15
    STATE_BUNDLE = 0
    STATE_BOOT_INFO = 1
    STATE_STACK = 2
    STATE_SHARED = 3
    STATE_ROM = 4
    STATE_ROM_PAGES = 4
    STATE_BACKEND = 8
    BOOT_INFO_COMMAND_LINE = 0x100
    ROM_GPA = 0xc0000
    ROM_MAX = 0x8000
    GUEST_GPA = 0x100000
    LINEAR_BASE = 0xc0000000
