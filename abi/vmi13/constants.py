"""Constants of VMI 13.0."""

import enum
from collections.abc import Mapping


class RomHeader(enum.IntEnum):
    """Where a ROM is looked for, and what marks it."""

    ROM_SIGNATURE = 0xAA55
    VROM_SIGNATURE = 0x696D5663
    API_MAJOR = 13
    LENGTH_UNIT = 512
    SCAN_START = 0xC0000
    SCAN_END = 0xE0000
    SCAN_STEP = 0x800


class RebootHow(enum.IntEnum):
    """Argument of Reboot."""

    SOFT = 0
    HARD = 1


class PageType(enum.IntFlag):
    """Level of a page table. PAE and PDP share a bit."""

    PT = 1
    PD = 2
    PAE = 4
    PDP = 4
    PML4 = 8


class FlushTlb(enum.IntFlag):
    """Argument of FlushTLB."""

    TLB = 1
    GLOBAL = 2


class FlushMode(enum.IntFlag):
    """Argument of FlushDeferredCalls."""

    PT_UPDATES = 0x80


class LinearSlot(enum.IntEnum):
    """Slots of SetLinearMapping."""

    COUNT = 4


class Counter(enum.IntEnum):
    """The cycle counters."""

    REAL = 0
    AVAILABLE = 1
    STOLEN = 2


class Alarm(enum.IntFlag):
    """Flags of SetAlarm and CancelAlarm: low byte the counter, then mode and wiring."""

    IS_ONESHOT = 0
    WIRED_IRQ0 = 0
    COUNTER_MASK = 0xFF
    PERIODIC = 0x100
    WIRED_LVTT = 0x10000


ENUMS: Mapping[str, tuple[type[enum.IntEnum] | type[enum.IntFlag], ...]] = {
    "13.0": (RomHeader, RebootHow, PageType, FlushTlb, FlushMode, LinearSlot, Counter, Alarm),
}
