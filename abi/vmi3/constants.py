"""Constants of the VMI line, as enumerations: values of arguments, addresses of the layout, signatures."""

import enum
from collections.abc import Mapping


class Reloc(enum.IntEnum):
    """What get_reloc answers in DL about a call."""

    NONE = 0
    CALL_REL = 1
    JUMP_REL = 2
    NOP = 3


class RomHeader(enum.IntEnum):
    """Where a ROM is looked for, and what marks it."""

    ROM_SIGNATURE = 0xAA55
    VROM_SIGNATURE = 0x696D5663
    API_MAJOR = 3
    LENGTH_UNIT = 512
    SCAN_START = 0xC0000
    SCAN_END = 0xE0000
    SCAN_STEP = 0x800
    INIT_OFFSET = 0x80
    GET_RELOC_OFFSET = 0x88
    PCI_SIGNATURE = 0x52494350
    PCI_VENDOR = 0x15AD
    PCI_DEVICE = 0x0801
    PCI_LAST_IMAGE = 0x80
    PNP_SIGNATURE = 0x506E5024


class PageType(enum.IntFlag):
    """Level of a page table, in the flags of AllocatePage, ReleasePage, SetPxE and UpdatePxE."""

    PT = 1
    PD = 2
    PDP = 4
    PML4 = 8


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

    VA = 0xFFFFF000
    TYPE = 0x0F


class FlushTlb(enum.IntFlag):
    """Argument of FlushTLB; Linux passes TLB for user and TLB | GLOBAL for kernel mappings."""

    TLB = 1
    GLOBAL = 2


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

    COUNTER_MASK = 0xFF
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

    ENTRY_MAGIC = 0x33494D56
    BOOT_INFO_MAGIC = 0x42494D56
    BUNDLE_MAGIC = 0x44424D56
    PRIVATE_MAGIC = 0x56525056
    LINE = 3
    SLOT_SIZE = 16
    BUILD_ID_SIZE = 20
    COMMAND_LINE_MAX = 1024
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

    SUCCESS = 0x10
    FAILURE = 0x11
    SKIP = 0x12
    ERROR = 0x13


class Port(enum.IntEnum):
    """Ports that answer on every backend."""

    PIC_MASTER = 0x20
    PIC_SLAVE = 0xA0
    UART = 0x3F8
    EXIT = 0x501


class NoteType(enum.IntEnum):
    """Types of ELF notes whose owner is ``VMI``."""

    GUEST = 1
    BUNDLE = 2


class SegmentFlag(enum.IntFlag):
    """Flags of a guest segment, ELF's own."""

    X = 1
    W = 2
    R = 4


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
    ROM_GPA = 0xC0000
    ROM_MAX = 0x8000
    GUEST_GPA = 0x100000
    LINEAR_BASE = 0xC0000000


ENUMS: Mapping[str, tuple[type[enum.IntEnum] | type[enum.IntFlag], ...]] = {
    "3.0": (
        Reloc,
        RomHeader,
        PageType,
        AllocFlag,
        PteFlag,
        PteMask,
        FlushTlb,
        LazyMode,
        Counter,
        Alarm,
        RebootHow,
        LinearSlot,
        Eflags,
    ),
    "3.1": (
        Const,
        Answer,
        Backend,
        ExitStatus,
        Port,
        NoteType,
        SegmentFlag,
        GuestGdt,
        Layout,
    ),
}
