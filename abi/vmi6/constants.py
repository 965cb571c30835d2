"""Constants of VMI 6.1."""

import enum
from collections.abc import Mapping


class RomHeader(enum.IntEnum):
    """What marks a ROM."""

    ROM_SIGNATURE = 0xAA55
    VROM_SIGNATURE = 0x696D5663
    API_MAJOR = 6
    LENGTH_UNIT = 512


class RebootHow(enum.IntEnum):
    """Argument of Reboot."""

    SOFT = 0
    HARD = 1


class PageType(enum.IntEnum):
    """What a frame is used for; values, not bits."""

    PT = 0
    PD = 1
    PAE_PT = 4
    PAE_PD = 5
    PDP = 6
    PML4 = 7


class Defer(enum.IntFlag):
    """Kinds of updates that SetDeferredMode lets wait."""

    NONE = 0
    MMU = 1
    CPU = 2
    DT = 4


ENUMS: Mapping[str, tuple[type[enum.IntEnum] | type[enum.IntFlag], ...]] = {
    "6.1": (RomHeader, RebootHow, PageType, Defer),
}
