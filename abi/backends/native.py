"""The bare machine: ports and register bits of the PC's devices, the processor's own constants, and the
two boot protocols a native bundle can be entered by (multiboot 1 and PVH). It has no hypercalls.
"""

import enum

from vmirom.schema import Array, Bytes, Fixed, Flags, Line, Reserved, struct, u8, u16, u32, u64


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
    """Bits of operation word 3."""

    READ_IRR = 0x02
    READ_ISR = 0x03
    POLL = 0x04
    OCW3 = 0x08
    CLEAR_SPECIAL_MASK = 0x40
    SET_SPECIAL_MASK = 0x60


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


class CmosStatus(enum.IntFlag):
    """Bits of the clock's status registers."""

    A_UPDATING = 0x80
    B_SET = 0x80
    B_24_HOURS = 0x02
    B_BINARY = 0x04
    C_INTERRUPT = 0x80
    D_VALID = 0x80


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


class ApicBit(enum.IntFlag):
    """Bits of APIC registers."""

    LVT_MASKED = 0x10000
    LVT_PERIODIC = 0x20000
    VECTOR_MASK = 0xFF
    SPURIOUS_ENABLED = 0x100


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


class Multiboot(enum.IntEnum):
    """Magic numbers of multiboot 1; the image's header lies in its first HEADER_SEARCH bytes."""

    HEADER_MAGIC = 0x1BADB002
    BOOTLOADER_MAGIC = 0x2BADB002
    HEADER_SEARCH = 8192
    HEADER_ALIGN = 4


class MultibootHeaderFlag(enum.IntFlag):
    """Flags of a multiboot header."""

    PAGE_ALIGN = 0x1
    ALIGN_MODULES = 0x1
    MEMORY_INFO = 0x2
    VIDEO_MODE = 0x4
    ADDRESSES = 0x10000


class MultibootInfoFlag(enum.IntFlag):
    """Which fields of multiboot_info are there."""

    MEMORY = 0x001
    BOOT_DEVICE = 0x002
    COMMAND_LINE = 0x004
    MODULES = 0x008
    AOUT_SYMBOLS = 0x010
    ELF_SECTIONS = 0x020
    MEMORY_MAP = 0x040
    DRIVES = 0x080
    CONFIG_TABLE = 0x100
    BOOT_LOADER_NAME = 0x200
    APM_TABLE = 0x400
    VBE = 0x800
    FRAMEBUFFER = 0x1000


class Pvh(enum.IntEnum):
    """Magic of hvm_start_info, which EBX points to at a PVH entry."""

    MAGIC = 0x336EC578


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


multiboot_header = struct(
    "multiboot_header",
    "magic" / Fixed(u32, Multiboot.HEADER_MAGIC),
    "flags" / Flags(u32, MultibootHeaderFlag),
    "checksum" / u32 * "makes the sum of the first three words 0",
    "header_addr" / u32,
    "load_addr" / u32,
    "load_end_addr" / u32,
    "bss_end_addr" / u32,
    "entry_addr" / u32,
    "mode_type" / u32,
    "width" / u32,
    "height" / u32,
    "depth" / u32,
    doc="Header in a multiboot image; words from header_addr on count only if a flag says so.",
)

multiboot_info = struct(
    "multiboot_info",
    "flags" / Flags(u32, MultibootInfoFlag),
    "mem_lower" / u32 * "KiB from address 0",
    "mem_upper" / u32 * "KiB from 1 MiB",
    "boot_device" / u32,
    "cmdline" / u32 * "gpa",
    "mods_count" / u32,
    "mods_addr" / u32 * "gpa of multiboot_module",
    "syms" / Array(4, u32),
    "mmap_length" / u32 * "bytes",
    "mmap_addr" / u32 * "gpa of multiboot_mmap_entry",
    "drives_length" / u32,
    "drives_addr" / u32,
    "config_table" / u32,
    "boot_loader_name" / u32,
    "apm_table" / u32,
    "vbe_control_info" / u32,
    "vbe_mode_info" / u32,
    "vbe_mode" / u16,
    "vbe_interface_seg" / u16,
    "vbe_interface_off" / u16,
    "vbe_interface_len" / u16,
    "framebuffer_addr" / u64,
    "framebuffer_pitch" / u32,
    "framebuffer_width" / u32,
    "framebuffer_height" / u32,
    "framebuffer_bpp" / u8,
    "framebuffer_type" / u8,
    "color_info" / Bytes(6),
    doc="What EBX points to at a multiboot entry.",
)

multiboot_module = struct(
    "multiboot_module",
    "mod_start" / u32,
    "mod_end" / u32 * "first byte after it",
    "string" / u32 * "gpa of its command line",
    "reserved" / Reserved(4),
    doc="A module.",
)

multiboot_mmap_entry = struct(
    "multiboot_mmap_entry",
    "size" / u32 * "of the rest of the entry",
    "addr" / u64,
    "len" / u64,
    "type" / u32,
    doc="An entry of the memory map.",
)

hvm_start_info = struct(
    "hvm_start_info",
    "magic" / Fixed(u32, Pvh.MAGIC),
    "version" / u32 * "1; the memory map is missing in 0",
    "flags" / u32,
    "nr_modules" / u32,
    "modlist_paddr" / u64,
    "cmdline_paddr" / u64,
    "rsdp_paddr" / u64,
    "memmap_paddr" / u64,
    "memmap_entries" / u32,
    "reserved" / Reserved(4),
    doc="What EBX points to at a PVH entry.",
)

hvm_modlist_entry = struct(
    "hvm_modlist_entry",
    "paddr" / u64,
    "size" / u64,
    "cmdline_paddr" / u64,
    "reserved" / Reserved(8),
    doc="A module.",
)

hvm_memmap_table_entry = struct(
    "hvm_memmap_table_entry",
    "addr" / u64,
    "size" / u64,
    "type" / u32,
    "reserved" / Reserved(4),
    doc="An entry of the memory map.",
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

LINE = Line(
    name="native",
    family="native",
    prefixes=("native_", "multiboot_", "hvm_"),
    versions=("1.0",),
    doc=__doc__ or "",
    structs={
        "1.0": (
            multiboot_header,
            multiboot_info,
            multiboot_module,
            multiboot_mmap_entry,
            hvm_start_info,
            hvm_modlist_entry,
            hvm_memmap_table_entry,
            tss,
        ),
    },
    enums={
        "1.0": (
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
            CmosStatus,
            Reset,
            Keyboard,
            KeyboardStatus,
            KeyboardOutput,
            Exit,
            Acpi,
            Port,
            Apic,
            ApicBit,
            Pte,
            Cr0,
            Cr4,
            Msr,
            Efer,
            Eflags,
            Vector,
            PageFault,
            GateType,
            Multiboot,
            MultibootHeaderFlag,
            MultibootInfoFlag,
            Pvh,
            ElfNote,
            MemoryType,
        ),
    },
)
