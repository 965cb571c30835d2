"""Ports and register bits of the PC's devices."""

import enum


class Pic(enum.IntEnum):
    """Ports of the 8259 pair, and how the two are wired."""

    MASTER_COMMAND = 0x20
    MASTER_DATA = 0x21
    SLAVE_COMMAND = 0xA0
    SLAVE_DATA = 0xA1
    MASTER_ELCR = 0x4D0
    SLAVE_ELCR = 0x4D1
    CASCADE_IRQ = 2
    IRQS = 16


class PicIcw1(enum.IntFlag):
    """Bits of the first initialisation word."""

    ICW4 = 0x01
    SINGLE = 0x02
    LEVEL = 0x08
    INIT = 0x10


class PicIcw4(enum.IntFlag):
    """Bits of the fourth initialisation word."""

    MODE_8086 = 0x01
    AUTO_EOI = 0x02
    SPECIAL_NESTED = 0x10


class PicOcw2(enum.IntFlag):
    """Bits of operation word 2."""

    LEVEL_MASK = 0x07
    EOI = 0x20
    SPECIFIC = 0x40
    ROTATE = 0x80


class PicOcw3(enum.IntFlag):
    """Bits of operation word 3, by the names of the data sheet."""

    RIS = 0x01
    RR = 0x02
    POLL = 0x04
    OCW3 = 0x08
    SMM = 0x20
    ESMM = 0x40


class Pit(enum.IntEnum):
    """Ports of the 8254, and its rate in Hz."""

    CHANNEL0 = 0x40
    CHANNEL1 = 0x41
    CHANNEL2 = 0x42
    COMMAND = 0x43
    SPEAKER = 0x61
    IRQ = 0
    HZ = 1193182


class PitCommand(enum.IntEnum):
    """Parts of the 8254's control word."""

    LATCH = 0x00
    LOW = 0x10
    HIGH = 0x20
    LOW_HIGH = 0x30
    MODE0 = 0x00
    MODE1 = 0x02
    MODE2 = 0x04
    MODE3 = 0x06
    MODE4 = 0x08
    MODE5 = 0x0A
    BCD = 0x01
    CHANNEL1 = 0x40
    CHANNEL2 = 0x80
    READ_BACK = 0xC0
    READ_BACK_NO_COUNT = 0x20
    READ_BACK_NO_STATUS = 0x10
    READ_BACK_CHANNEL0 = 0x02


class PitStatus(enum.IntFlag):
    """The byte that the read-back command latches; the rest is the control word."""

    OUT = 0x80
    NULL_COUNT = 0x40


class Speaker(enum.IntFlag):
    """Bits of port PIT.SPEAKER."""

    GATE = 0x01
    DATA = 0x02
    REFRESH = 0x10
    OUT = 0x20


class Uart(enum.IntEnum):
    """Registers of the 16550, as offsets from the base port."""

    BASE = 0x3F8
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

    RECEIVE = 1
    TRANSMIT = 2
    LINE = 4
    MODEM = 8


class UartIir(enum.IntEnum):
    """Interrupt identification register."""

    NONE = 1
    TRANSMIT = 2
    RECEIVE = 4
    LINE = 6
    TIMEOUT = 12
    FIFO_ENABLED = 0xC0


class UartFcr(enum.IntFlag):
    """FIFO control register."""

    ENABLE = 0x01
    CLEAR_RECEIVE = 0x02
    CLEAR_TRANSMIT = 0x04
    TRIGGER = 0xC0


class UartLcr(enum.IntFlag):
    """Line control register."""

    WORD_8 = 3
    DLAB = 0x80


class UartMcr(enum.IntFlag):
    """Modem control register."""

    DTR = 1
    RTS = 2
    OUT1 = 4
    OUT2 = 8
    LOOP = 0x10


class UartLsr(enum.IntFlag):
    """Line status register."""

    DATA_READY = 1
    OVERRUN = 2
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

    INDEX = 0x70
    DATA = 0x71
    SECONDS = 0x00
    MINUTES = 0x02
    HOURS = 0x04
    WEEKDAY = 0x06
    DAY = 0x07
    MONTH = 0x08
    YEAR = 0x09
    STATUS_A = 0x0A
    STATUS_B = 0x0B
    STATUS_C = 0x0C
    STATUS_D = 0x0D
    SHUTDOWN = 0x0F
    BASE_MEMORY = 0x15
    EXTENDED_MEMORY = 0x17
    EXTENDED_MEMORY_FOUND = 0x30
    HIGH_MEMORY = 0x34
    CENTURY = 0x32


class CmosStatusA(enum.IntFlag):
    """Bits of the clock's status register A."""

    UPDATING = 0x80


class CmosStatusB(enum.IntFlag):
    """Bits of the clock's status register B."""

    HOURS_24 = 0x02
    BINARY = 0x04
    SET = 0x80


class CmosStatusC(enum.IntFlag):
    """Bits of the clock's status register C."""

    INTERRUPT = 0x80


class CmosStatusD(enum.IntFlag):
    """Bits of the clock's status register D."""

    VALID = 0x80


class Reset(enum.IntEnum):
    """Ways to start the machine over."""

    KEYBOARD_PORT = 0x64
    KEYBOARD_PULSE = 0xFE
    CONTROL_PORT = 0xCF9
    CONTROL_HARD = 0x06
    CONTROL_RESET = 0x04
    FAST_PORT = 0x92
    FAST_INIT = 0x01
    FAST_A20 = 0x02


class Keyboard(enum.IntEnum):
    """Commands of the 8042 on port Reset.KEYBOARD_PORT; its data port is Port.KEYBOARD_DATA."""

    READ_MODE = 0x20
    WRITE_MODE = 0x60
    SELF_TEST = 0xAA
    SELF_TEST_PASSED = 0x55
    READ_OUTPUT = 0xD0
    WRITE_OUTPUT = 0xD1
    A20_OFF = 0xDD
    A20_ON = 0xDF
    PULSE = 0xF0


class KeyboardStatus(enum.IntFlag):
    """Status of the 8042."""

    OUTPUT_FULL = 0x01
    SYSTEM = 0x04


class KeyboardOutput(enum.IntFlag):
    """The 8042's output port; the reset line is active low."""

    RUN = 0x01
    A20 = 0x02


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
    SLEEP_TYPE = 0x1C00
    TIMER_HZ = 3579545


class Port(enum.IntEnum):
    """Other ports."""

    POST = 0x80
    IO_DELAY = 0x80
    KEYBOARD_DATA = 0x60
    DEBUG_CONSOLE = 0xE9
    PCI_ADDRESS = 0xCF8
    PCI_DATA = 0xCFC


class HostBridge(enum.IntEnum):
    """PCI function 0:0.0 of Intel's chip sets: the register (PAM1) that says whether C0000h-C7FFFh is memory.

    Source: data sheets of the 82441FX (PAM registers at 59h) and of the 82Q35 (at 90h).
    """

    CONFIG_ENABLE = 0x80000000
    I440FX = 0x12378086
    Q35 = 0x29C08086
    I440FX_PAM1 = 0x5A
    Q35_PAM1 = 0x91
    PAM_READ = 0x11
    PAM_READ_WRITE = 0x33


class Apic(enum.IntEnum):
    """Registers of the local APIC, as byte offsets in its page."""

    BASE = 0xFEE00000
    ID = 0x020
    VERSION = 0x030
    TPR = 0x080
    PPR = 0x0A0
    EOI = 0x0B0
    LDR = 0x0D0
    DFR = 0x0E0
    SPURIOUS = 0x0F0
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
    DIVIDE = 0x3E0


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

    VECTOR = 0xFF
    DELIVERY = 0x700
    SHORTHAND = 0xC0000


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
    OTHERS = 0xC0000


class ApicSpurious(enum.IntFlag):
    """Bits of the spurious interrupt's register."""

    ENABLED = 0x100


class ApicDivide(enum.IntEnum):
    """What the timer's clock is divided by."""

    BY_1 = 0xB


class IoApic(enum.IntEnum):
    """The 82093AA: registers in its page, what is reached through them, and the input of IRQ 0.

    Source: data sheet of the 82093AA; the input is a PC's since the MP specification.
    """

    BASE = 0xFEC00000
    SELECT = 0x00
    WINDOW = 0x10
    VERSION = 0x01
    ENTRIES = 0x10
    TIMER_INPUT = 2
    MASKED = 0x10000


ENUMS: tuple[type[enum.IntEnum] | type[enum.IntFlag], ...] = (
    Pic,
    PicIcw1,
    PicIcw4,
    PicOcw2,
    PicOcw3,
    Pit,
    PitCommand,
    PitStatus,
    Speaker,
    Uart,
    UartIer,
    UartIir,
    UartFcr,
    UartLcr,
    UartMcr,
    UartLsr,
    UartMsr,
    Cmos,
    CmosStatusA,
    CmosStatusB,
    CmosStatusC,
    CmosStatusD,
    Reset,
    Keyboard,
    KeyboardStatus,
    KeyboardOutput,
    Exit,
    Acpi,
    Port,
    HostBridge,
    Apic,
    ApicLvt,
    ApicIcr,
    ApicField,
    ApicDelivery,
    ApicShorthand,
    ApicSpurious,
    ApicDivide,
    IoApic,
)
