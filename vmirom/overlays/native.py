"""The bare machine: ports and register bits of the PC's devices, the processor's own constants, and the two boot protocols a native bundle can be entered by (multiboot 1 and PVH). Generated from abi/ by `python -m vmirom.generate`; do not edit."""

import enum
from typing import Any

from vmirom.overlays import _native_cffi

__all__ = [
    "Acpi",
    "Apic",
    "ApicBase",
    "ApicDelivery",
    "ApicDivide",
    "ApicField",
    "ApicIcr",
    "ApicLvt",
    "ApicShorthand",
    "ApicSpurious",
    "Cmos",
    "CmosStatusA",
    "CmosStatusB",
    "CmosStatusC",
    "CmosStatusD",
    "Cpuid",
    "Cr0",
    "Cr4",
    "Efer",
    "Eflags",
    "ElfNote",
    "Exit",
    "GateType",
    "HostBridge",
    "IoApic",
    "Keyboard",
    "KeyboardOutput",
    "KeyboardStatus",
    "MemoryType",
    "Msr",
    "Multiboot",
    "MultibootHeaderFlag",
    "MultibootInfoFlag",
    "PageFault",
    "Pic",
    "PicIcw1",
    "PicIcw4",
    "PicOcw2",
    "PicOcw3",
    "Pit",
    "PitCommand",
    "PitStatus",
    "Port",
    "Pte",
    "Pvh",
    "Reset",
    "Speaker",
    "Uart",
    "UartFcr",
    "UartIer",
    "UartIir",
    "UartLcr",
    "UartLsr",
    "UartMcr",
    "UartMsr",
    "Vector",
    "ffi",
]

ffi: Any = _native_cffi.ffi  # fields of an overlay have no types that mypy knows


class Pic(enum.IntEnum):
    """Ports of the 8259 pair, and how the two are wired."""

    MASTER_COMMAND = 32
    MASTER_DATA = 33
    SLAVE_COMMAND = 160
    SLAVE_DATA = 161
    MASTER_ELCR = 0x4d0
    SLAVE_ELCR = 0x4d1
    CASCADE_IRQ = 2
    IRQS = 16


class PicIcw1(enum.IntFlag):
    """Bits of the first initialisation word."""

    ICW4 = 0x1
    SINGLE = 0x2
    LEVEL = 0x8
    INIT = 0x10


class PicIcw4(enum.IntFlag):
    """Bits of the fourth initialisation word."""

    MODE_8086 = 0x1
    AUTO_EOI = 0x2
    SPECIAL_NESTED = 0x10


class PicOcw2(enum.IntFlag):
    """Bits of operation word 2."""

    LEVEL_MASK = 0x7
    EOI = 0x20
    SPECIFIC = 0x40
    ROTATE = 0x80


class PicOcw3(enum.IntFlag):
    """Bits of operation word 3, by the names of the data sheet."""

    RIS = 0x1
    RR = 0x2
    POLL = 0x4
    OCW3 = 0x8
    SMM = 0x20
    ESMM = 0x40


class Pit(enum.IntEnum):
    """Ports of the 8254, and its rate in Hz."""

    CHANNEL0 = 64
    CHANNEL1 = 65
    CHANNEL2 = 66
    COMMAND = 67
    SPEAKER = 97
    IRQ = 0
    HZ = 0x1234de


class PitCommand(enum.IntEnum):
    """Parts of the 8254's control word."""

    LATCH = 0
    LOW = 16
    HIGH = 32
    LOW_HIGH = 48
    MODE0 = 0
    MODE1 = 2
    MODE2 = 4
    MODE3 = 6
    MODE4 = 8
    MODE5 = 10
    BCD = 1
    CHANNEL1 = 64
    CHANNEL2 = 128
    READ_BACK = 192
    READ_BACK_NO_COUNT = 32
    READ_BACK_NO_STATUS = 16
    READ_BACK_CHANNEL0 = 2


class PitStatus(enum.IntFlag):
    """The byte that the read-back command latches; the rest is the control word."""

    OUT = 0x80
    NULL_COUNT = 0x40


class Speaker(enum.IntFlag):
    """Bits of port PIT.SPEAKER."""

    GATE = 0x1
    DATA = 0x2
    REFRESH = 0x10
    OUT = 0x20


class Uart(enum.IntEnum):
    """Registers of the 16550, as offsets from the base port."""

    BASE = 0x3f8
    IRQ = 4
    DATA = 0
    DIVISOR_LOW = 0
    IER = 1
    DIVISOR_HIGH = 1
    IIR = 2
    FCR = 2
    LCR = 3
    MCR = 4
    LSR = 5
    MSR = 6
    SCRATCH = 7
    PORTS = 8
    FIFO = 16


class UartIer(enum.IntFlag):
    """Interrupt enable register."""

    RECEIVE = 0x1
    TRANSMIT = 0x2
    LINE = 0x4
    MODEM = 0x8


class UartIir(enum.IntEnum):
    """Interrupt identification register."""

    NONE = 1
    TRANSMIT = 2
    RECEIVE = 4
    LINE = 6
    TIMEOUT = 12
    FIFO_ENABLED = 192


class UartFcr(enum.IntFlag):
    """FIFO control register."""

    ENABLE = 0x1
    CLEAR_RECEIVE = 0x2
    CLEAR_TRANSMIT = 0x4
    TRIGGER = 0xc0


class UartLcr(enum.IntFlag):
    """Line control register."""

    WORD_8 = 0x3
    DLAB = 0x80


class UartMcr(enum.IntFlag):
    """Modem control register."""

    DTR = 0x1
    RTS = 0x2
    OUT1 = 0x4
    OUT2 = 0x8
    LOOP = 0x10


class UartLsr(enum.IntFlag):
    """Line status register."""

    DATA_READY = 0x1
    OVERRUN = 0x2
    TRANSMIT_EMPTY = 0x20
    IDLE = 0x40


class UartMsr(enum.IntFlag):
    """Modem status register, without the change bits."""

    CTS = 0x10
    DSR = 0x20
    RING = 0x40
    CARRIER = 0x80


class Cmos(enum.IntEnum):
    """Ports and registers of the real-time clock."""

    INDEX = 112
    DATA = 113
    SECONDS = 0
    MINUTES = 2
    HOURS = 4
    WEEKDAY = 6
    DAY = 7
    MONTH = 8
    YEAR = 9
    STATUS_A = 10
    STATUS_B = 11
    STATUS_C = 12
    STATUS_D = 13
    SHUTDOWN = 15
    BASE_MEMORY = 21
    EXTENDED_MEMORY = 23
    EXTENDED_MEMORY_FOUND = 48
    HIGH_MEMORY = 52
    CENTURY = 50


class CmosStatusA(enum.IntFlag):
    """Bits of the clock's status register A."""

    UPDATING = 0x80


class CmosStatusB(enum.IntFlag):
    """Bits of the clock's status register B."""

    HOURS_24 = 0x2
    BINARY = 0x4
    SET = 0x80


class CmosStatusC(enum.IntFlag):
    """Bits of the clock's status register C."""

    INTERRUPT = 0x80


class CmosStatusD(enum.IntFlag):
    """Bits of the clock's status register D."""

    VALID = 0x80


class Reset(enum.IntEnum):
    """Ways to start the machine over."""

    KEYBOARD_PORT = 100
    KEYBOARD_PULSE = 254
    CONTROL_PORT = 0xcf9
    CONTROL_HARD = 6
    CONTROL_RESET = 4
    FAST_PORT = 146
    FAST_INIT = 1
    FAST_A20 = 2


class Keyboard(enum.IntEnum):
    """Commands of the 8042 on port Reset.KEYBOARD_PORT; its data port is Port.KEYBOARD_DATA."""

    READ_MODE = 32
    WRITE_MODE = 96
    SELF_TEST = 170
    SELF_TEST_PASSED = 85
    READ_OUTPUT = 208
    WRITE_OUTPUT = 209
    A20_OFF = 221
    A20_ON = 223
    PULSE = 240


class KeyboardStatus(enum.IntFlag):
    """Status of the 8042."""

    OUTPUT_FULL = 0x1
    SYSTEM = 0x4


class KeyboardOutput(enum.IntFlag):
    """The 8042's output port; the reset line is active low."""

    RUN = 0x1
    A20 = 0x2


class Exit(enum.IntEnum):
    """The isa-debug-exit device: a write of v ends QEMU with status 2v + 1."""

    PORT = 0x501
    SIZE = 2


class Acpi(enum.IntEnum):
    """Power off through the PIIX4's PM1a control register (ports of ``-M pc``)."""

    PM1A_EVENT = 0x600
    PM1A_CONTROL = 0x604
    PM1A_TIMER = 0x608
    SLEEP_ENABLE = 0x2000
    SLEEP_TYPE = 0x1c00
    TIMER_HZ = 0x369e99


class Port(enum.IntEnum):
    """Other ports."""

    POST = 128
    IO_DELAY = 128
    KEYBOARD_DATA = 96
    DEBUG_CONSOLE = 233
    PCI_ADDRESS = 0xcf8
    PCI_DATA = 0xcfc


class HostBridge(enum.IntEnum):
    """PCI function 0:0.0 of Intel's chip sets: the register (PAM1) that says whether C0000h-C7FFFh is memory. Source: data sheets of the 82441FX (PAM registers at 59h) and of the 82Q35 (at 90h)."""

    CONFIG_ENABLE = 0x80000000
    I440FX = 0x12378086
    Q35 = 0x29c08086
    I440FX_PAM1 = 90
    Q35_PAM1 = 145
    PAM_READ = 17
    PAM_READ_WRITE = 51


class Apic(enum.IntEnum):
    """Registers of the local APIC, as byte offsets in its page."""

    BASE = 0xfee00000
    ID = 32
    VERSION = 48
    TPR = 128
    PPR = 160
    EOI = 176
    LDR = 208
    DFR = 224
    SPURIOUS = 240
    ISR = 0x100
    TMR = 0x180
    IRR = 0x200
    ESR = 0x280
    ICR_LOW = 0x300
    ICR_HIGH = 0x310
    LVTT = 0x320
    LVT_THERMAL = 0x330
    LVT_PERFORMANCE = 0x340
    LVT0 = 0x350
    LVT1 = 0x360
    LVT_ERROR = 0x370
    INITIAL_COUNT = 0x380
    CURRENT_COUNT = 0x390
    DIVIDE = 0x3e0


class ApicLvt(enum.IntFlag):
    """Bits of an entry of the local vector table, besides its fields."""

    MASKED = 0x10000
    PERIODIC = 0x20000
    DEADLINE = 0x40000


class ApicIcr(enum.IntFlag):
    """Bits of the interrupt command register, besides its fields."""

    LOGICAL = 0x800
    PENDING = 0x1000
    ASSERT = 0x4000
    LEVEL = 0x8000


class ApicField(enum.IntEnum):
    """Where fields of APIC registers lie; the shorthand is of the command register alone."""

    VECTOR = 255
    DELIVERY = 0x700
    SHORTHAND = 0xc0000


class ApicDelivery(enum.IntEnum):
    """Delivery modes, in their field."""

    LOWEST = 0x100
    NMI = 0x400
    INIT = 0x500
    STARTUP = 0x600
    EXTINT = 0x700


class ApicShorthand(enum.IntEnum):
    """To whom an interrupt goes without a destination, in its field."""

    SELF = 0x40000
    OTHERS = 0xc0000


class ApicSpurious(enum.IntFlag):
    """Bits of the spurious interrupt's register."""

    ENABLED = 0x100


class ApicDivide(enum.IntEnum):
    """What the timer's clock is divided by."""

    BY_1 = 11


class IoApic(enum.IntEnum):
    """The 82093AA: registers in its page, what is reached through them, and the input of IRQ 0. Source: data sheet of the 82093AA; the input is a PC's since the MP specification."""

    BASE = 0xfec00000
    SELECT = 0
    WINDOW = 16
    VERSION = 1
    ENTRIES = 16
    TIMER_INPUT = 2
    MASKED = 0x10000


class Pte(enum.IntFlag):
    """Bits of a page-table entry; NX in PAE entries only."""

    PRESENT = 0x1
    WRITE = 0x2
    USER = 0x4
    WRITE_THROUGH = 0x8
    NO_CACHE = 0x10
    ACCESSED = 0x20
    DIRTY = 0x40
    LARGE = 0x80
    GLOBAL = 0x100
    AVAILABLE = 0xe00
    NX = 0x8000000000000000


class Cr0(enum.IntFlag):
    """Bits of CR0."""

    PE = 0x1
    MP = 0x2
    EM = 0x4
    TS = 0x8
    ET = 0x10
    NE = 0x20
    WP = 0x10000
    AM = 0x40000
    NW = 0x20000000
    CD = 0x40000000
    PG = 0x80000000


class Cr4(enum.IntFlag):
    """Bits of CR4."""

    VME = 0x1
    PVI = 0x2
    TSD = 0x4
    DE = 0x8
    PSE = 0x10
    PAE = 0x20
    MCE = 0x40
    PGE = 0x80
    PCE = 0x100
    OSFXSR = 0x200
    OSXMMEXCPT = 0x400


class Msr(enum.IntEnum):
    """Model-specific registers of the processor."""

    TSC = 16
    APIC_BASE = 27
    SYSENTER_CS = 0x174
    SYSENTER_ESP = 0x175
    SYSENTER_EIP = 0x176
    PAT = 0x277
    EFER = 0xc0000080


class ApicBase(enum.IntFlag):
    """Bits of the APIC_BASE register; the rest is the page's address."""

    BOOT = 0x100
    X2APIC = 0x400
    ENABLE = 0x800


class Cpuid(enum.IntFlag):
    """Bits of EDX of CPUID leaf 1."""

    PSE = 0x8
    PAE = 0x40
    APIC = 0x200
    PGE = 0x2000
    CMOV = 0x8000


class Efer(enum.IntFlag):
    """Bits of EFER."""

    SCE = 0x1
    LME = 0x100
    LMA = 0x400
    NXE = 0x800


class Eflags(enum.IntFlag):
    """Bits of EFLAGS."""

    CF = 0x1
    FIXED = 0x2
    PF = 0x4
    AF = 0x10
    ZF = 0x40
    SF = 0x80
    TF = 0x100
    IF = 0x200
    DF = 0x400
    OF = 0x800
    IOPL = 0x3000
    NT = 0x4000
    RF = 0x10000
    VM = 0x20000
    AC = 0x40000
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

    PRESENT = 0x1
    WRITE = 0x2
    USER = 0x4
    RESERVED = 0x8
    FETCH = 0x10


class GateType(enum.IntEnum):
    """Types of 32-bit system descriptors and gates."""

    LDT = 2
    TASK = 5
    TSS_AVAILABLE = 9
    TSS_BUSY = 11
    CALL = 12
    INTERRUPT = 14
    TRAP = 15


class Multiboot(enum.IntEnum):
    """Magic numbers of multiboot 1; the image's header lies in its first HEADER_SEARCH bytes."""

    HEADER_MAGIC = 0x1badb002
    BOOTLOADER_MAGIC = 0x2badb002
    HEADER_SEARCH = 0x2000
    HEADER_ALIGN = 4


class MultibootHeaderFlag(enum.IntFlag):
    """Flags of a multiboot header."""

    PAGE_ALIGN = 0x1
    MEMORY_INFO = 0x2
    VIDEO_MODE = 0x4
    ADDRESSES = 0x10000


class MultibootInfoFlag(enum.IntFlag):
    """Which fields of multiboot_info are there."""

    MEMORY = 0x1
    BOOT_DEVICE = 0x2
    COMMAND_LINE = 0x4
    MODULES = 0x8
    AOUT_SYMBOLS = 0x10
    ELF_SECTIONS = 0x20
    MEMORY_MAP = 0x40
    DRIVES = 0x80
    CONFIG_TABLE = 0x100
    BOOT_LOADER_NAME = 0x200
    APM_TABLE = 0x400
    VBE = 0x800
    FRAMEBUFFER = 0x1000


class Pvh(enum.IntEnum):
    """Magic of hvm_start_info, which EBX points to at a PVH entry."""

    MAGIC = 0x336ec578


class ElfNote(enum.IntEnum):
    """ELF note (owner ``Xen``) that names the PVH entry point."""

    PHYS32_ENTRY = 18


class MemoryType(enum.IntEnum):
    """Types of memory map entries, alike in multiboot, PVH and e820."""

    RAM = 1
    RESERVED = 2
    ACPI = 3
    NVS = 4
    UNUSABLE = 5
