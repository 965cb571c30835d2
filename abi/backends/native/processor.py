"""The processor's own constants and the structures it reads."""

import enum

from vmirom.schema import (
    AnyConstruct,
    struct,
    u16,
    u32,
)


class Pte(enum.IntFlag):
    """Bits of a page-table entry; NX in PAE entries only."""

    PRESENT = 0x001
    WRITE = 0x002
    USER = 0x004
    WRITE_THROUGH = 0x008
    NO_CACHE = 0x010
    ACCESSED = 0x020
    DIRTY = 0x040
    LARGE = 0x080
    GLOBAL = 0x100
    AVAILABLE = 0xE00
    NX = 0x8000000000000000


class Cr0(enum.IntFlag):
    """Bits of CR0."""

    PE = 0x00000001
    MP = 0x00000002
    EM = 0x00000004
    TS = 0x00000008
    ET = 0x00000010
    NE = 0x00000020
    WP = 0x00010000
    AM = 0x00040000
    NW = 0x20000000
    CD = 0x40000000
    PG = 0x80000000


class Cr4(enum.IntFlag):
    """Bits of CR4."""

    VME = 0x001
    PVI = 0x002
    TSD = 0x004
    DE = 0x008
    PSE = 0x010
    PAE = 0x020
    MCE = 0x040
    PGE = 0x080
    PCE = 0x100
    OSFXSR = 0x200
    OSXMMEXCPT = 0x400


class Msr(enum.IntEnum):
    """Model-specific registers of the processor."""

    TSC = 0x10
    APIC_BASE = 0x1B
    SYSENTER_CS = 0x174
    SYSENTER_ESP = 0x175
    SYSENTER_EIP = 0x176
    PAT = 0x277
    EFER = 0xC0000080


class ApicBase(enum.IntFlag):
    """Bits of the APIC_BASE register; the rest is the page's address."""

    BOOT = 0x100
    X2APIC = 0x400
    ENABLE = 0x800


class Cpuid(enum.IntFlag):
    """Bits of EDX of CPUID leaf 1."""

    PSE = 0x00000008
    PAE = 0x00000040
    APIC = 0x00000200
    PGE = 0x00002000
    CMOV = 0x00008000
    """With CPUID itself what makes an i686, for which ROMs and guests are compiled."""


class Efer(enum.IntFlag):
    """Bits of EFER."""

    SCE = 0x001
    LME = 0x100
    LMA = 0x400
    NXE = 0x800


class Eflags(enum.IntFlag):
    """Bits of EFLAGS."""

    CF = 0x000001
    FIXED = 0x000002
    PF = 0x000004
    AF = 0x000010
    ZF = 0x000040
    SF = 0x000080
    TF = 0x000100
    IF = 0x000200
    DF = 0x000400
    OF = 0x000800
    IOPL = 0x003000
    NT = 0x004000
    RF = 0x010000
    VM = 0x020000
    AC = 0x040000
    ID = 0x200000


class Vector(enum.IntEnum):
    """Exceptions of the processor."""

    DE = 0
    DB = 1
    NMI = 2
    BP = 3
    OF = 4
    BR = 5
    UD = 6
    NM = 7
    DF = 8
    TS = 10
    NP = 11
    SS = 12
    GP = 13
    PF = 14
    MF = 16
    AC = 17
    MC = 18
    XM = 19


class PageFault(enum.IntFlag):
    """Bits of a page fault's error code."""

    PRESENT = 1
    WRITE = 2
    USER = 4
    RESERVED = 8
    FETCH = 0x10


class GateType(enum.IntEnum):
    """Types of 32-bit system descriptors and gates."""

    LDT = 0x2
    TASK = 0x5
    TSS_AVAILABLE = 0x9
    TSS_BUSY = 0xB
    CALL = 0xC
    INTERRUPT = 0xE
    TRAP = 0xF


ENUMS: tuple[type[enum.IntEnum] | type[enum.IntFlag], ...] = (
    Pte,
    Cr0,
    Cr4,
    Msr,
    ApicBase,
    Cpuid,
    Efer,
    Eflags,
    Vector,
    PageFault,
    GateType,
)

tss = struct(
    "native_tss",
    "link" / u32,
    "esp0" / u32,
    "ss0" / u32,
    "esp1" / u32,
    "ss1" / u32,
    "esp2" / u32,
    "ss2" / u32,
    "cr3" / u32,
    "eip" / u32,
    "eflags" / u32,
    "eax" / u32,
    "ecx" / u32,
    "edx" / u32,
    "ebx" / u32,
    "esp" / u32,
    "ebp" / u32,
    "esi" / u32,
    "edi" / u32,
    "es" / u32,
    "cs" / u32,
    "ss" / u32,
    "ds" / u32,
    "fs" / u32,
    "gs" / u32,
    "ldt" / u32,
    "trap" / u16,
    "iomap_base" / u16,
    doc="The processor's 32-bit task state segment.",
)

STRUCTS: tuple[AnyConstruct, ...] = (tss,)
