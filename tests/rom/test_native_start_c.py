"""The native ROM's C for a start and an end on the host: clocks, loaders, the ROM's place, the ways out."""

from __future__ import annotations

import datetime
import functools
from typing import Final

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.rom.pc_model import GUEST, LINEAR, STATE, HostPc, compile_pc
from vmirom.machine.devices.cmos import Cmos
from vmirom.machine.devices.pit import Pit
from vmirom.overlays import native, vmi
from vmirom.overlays.native import Acpi, CmosStatusB, HostBridge, Multiboot, Pte, Reset
from vmirom.overlays.native import Cmos as Reg
from vmirom.overlays.vmi import ExitStatus, Layout, SegmentFlag

ROM: Final = int(Layout.ROM_GPA)
INFO: Final = 0x8000  # the loader's structures
TABLE: Final = 0x8400
TEXT: Final = 0x8800
ENTRY: Final = 0xC0101000
PAGE: Final = 4096
NX: Final = 1 << 63


@functools.cache
def compiled() -> HostPc:
    return compile_pc("native")


def fresh(khz: int = 2_500_000, at: int = LINEAR) -> HostPc:
    pc = compiled()
    pc.start(khz, at)
    return pc


# -- the battery-backed clock ---------------------------------------------------------------------------

instants = st.datetimes(datetime.datetime(1970, 1, 1), datetime.datetime(2099, 12, 31, 23, 59, 58)).map(
    lambda moment: moment.replace(microsecond=0, tzinfo=datetime.UTC)
)
last_seconds = instants.map(lambda moment: moment.replace(minute=59, second=59))
last_of_the_year = instants.map(
    lambda moment: moment.replace(month=12, day=31, hour=23, minute=59, second=59)
)


@given(
    moment=st.one_of(instants, last_seconds, last_of_the_year.filter(lambda moment: moment.year < 2099)),
    binary=st.booleans(),
    hours_24=st.booleans(),
    ticks_after=st.integers(0, 40),
)
def test_the_date_is_the_clocks_whenever_it_ticks(
    moment: datetime.datetime, binary: bool, hours_24: bool, ticks_after: int
) -> None:
    """A second that ends between two reads is before or behind all of them."""
    pc = fresh()
    reads = 0

    def now() -> datetime.datetime:
        return moment + datetime.timedelta(seconds=reads > ticks_after)

    clock = Cmos(now, 16 << 20)
    clock.attach(pc.bus)
    style = (CmosStatusB.BINARY if binary else 0) | (CmosStatusB.HOURS_24 if hours_24 else 0)
    for port, value in ((Reg.INDEX, Reg.STATUS_B), (Reg.DATA, style)):
        pc.bus.port_out(port, 1, value)

    def read(port: int) -> int:
        nonlocal reads
        reads += 1
        return pc.bus.port_in(port, 1)

    pc.on_in = read
    seconds, rest = divmod(pc.lib.native_cmos_ns(), 10**9)
    assert rest == 0
    assert seconds - int(moment.timestamp()) in (0, 1)


# -- the rate of the TSC --------------------------------------------------------------------------------


ACCESS_NS: Final = 10_000


class Channel2:
    """A PIT whose clock is the TSC's, on a processor that is taken away now and then: ``lost`` has the ns
    that pass before an access to a port takes effect (behind it, if negative), by number of the access."""

    def __init__(self, pc: HostPc, khz: int, lost: dict[int, int]) -> None:
        self.pc, self.khz, self.lost = pc, khz, lost
        self.accesses = 0
        Pit(self.now, lambda level: None).attach(pc.bus)
        pc.on_out, pc.on_in = self.out, self.read

    def now(self) -> int:
        return int(self.pc.lib.cpu_tsc()) * 1_000_000 // self.khz

    def pass_time(self, ns: int) -> None:
        self.pc.lib.set_counter(self.pc.lib.cpu_tsc() + ns * self.khz // 1_000_000, 0)

    def access(self) -> int:
        """The time that goes by behind it."""
        lost = self.lost.get(self.accesses, 0)
        self.accesses += 1
        self.pass_time(ACCESS_NS + max(0, lost))
        return max(0, -lost)

    def out(self, port: int, value: int) -> None:
        behind = self.access()
        self.pc.bus.port_out(port, 1, value)
        self.pass_time(behind)

    def read(self, port: int) -> int:
        behind = self.access()
        value = self.pc.bus.port_in(port, 1)
        self.pass_time(behind)
        return value


long_away = st.integers(-200_000_000, 200_000_000)


@given(
    khz=st.integers(50_000, 6_000_000),
    lost=st.dictionaries(st.integers(0, 400), long_away, max_size=7),
    often=st.dictionaries(st.integers(60, 2000), st.integers(-5_000_000, 5_000_000), max_size=200),
)
def test_the_rate_is_right_on_a_processor_that_is_taken_away(
    khz: int, lost: dict[int, int], often: dict[int, int]
) -> None:
    """Seven times for so long that the channel comes to its end meanwhile, and shortly very often."""
    pc = fresh(0)
    Channel2(pc, khz, often | lost)
    measured = pc.lib.native_measure_khz()
    assert abs(measured - khz) <= khz // 100 + 1


def test_a_quiet_machine_is_measured_once() -> None:
    pc = fresh(0)
    channel = Channel2(pc, 2_500_000, {})
    pc.lib.native_measure_khz()
    assert channel.now() < 15_000_000


def test_a_machine_without_a_second_channel_has_some_rate() -> None:
    pc = fresh(0)
    assert pc.lib.native_measure_khz() == 1_000_000


# -- boot loaders ---------------------------------------------------------------------------------------


def put_multiboot(pc: HostPc, pages: int, line: bytes, initrd: tuple[int, int] | None) -> int:
    info = native.ffi.new("struct multiboot_info *")
    bits = native.MultibootInfoFlag
    info.flags = int(bits.MEMORY | bits.COMMAND_LINE)
    info.mem_lower, info.mem_upper, info.cmdline = 640, pages * 4 - 1024, TEXT
    if initrd is not None:
        info.flags |= int(bits.MODULES)
        info.mods_count, info.mods_addr = 1, TABLE
        module = native.ffi.new("struct multiboot_module *")
        module.mod_start, module.mod_end = initrd[0], sum(initrd)
        pc.put(TABLE, bytes(native.ffi.buffer(module)))
    pc.put(INFO, bytes(native.ffi.buffer(info)))
    pc.put(TEXT, line + b"\0")
    return int(Multiboot.BOOTLOADER_MAGIC)


def put_pvh(pc: HostPc, pages: int, line: bytes, initrd: tuple[int, int] | None) -> int:
    info = native.ffi.new("struct hvm_start_info *")
    info.magic, info.version = native.Pvh.MAGIC, 1
    info.cmdline_paddr, info.memmap_paddr, info.memmap_entries = TEXT, TABLE + 0x100, 3
    rows = ((0, 0xA0000, 1), (0xF0000, 0x10000, 2), (GUEST, pages * PAGE - GUEST, 1))
    for at, (start, length, kind) in enumerate(rows):
        row = native.ffi.new("struct hvm_memmap_table_entry *")
        row.addr, row.size, row.type = start, length, kind
        data = bytes(native.ffi.buffer(row))
        pc.put(TABLE + 0x100 + at * len(data), data)
    if initrd is not None:
        info.nr_modules, info.modlist_paddr = 1, TABLE
        module = native.ffi.new("struct hvm_modlist_entry *")
        module.paddr, module.size = initrd
        pc.put(TABLE, bytes(native.ffi.buffer(module)))
    pc.put(INFO, bytes(native.ffi.buffer(info)))
    pc.put(TEXT, line + b"\0")
    return int(native.Pvh.MAGIC)


def boots(pc: HostPc, magic: int) -> int:
    return int(pc.lib.boots(magic, INFO))


def boot_info(pc: HostPc) -> vmi.ffi.CData:
    at = STATE + PAGE * int(Layout.STATE_BOOT_INFO)
    return vmi.ffi.from_buffer("struct vmi_boot_info *", pc.memory[at : at + 256])


@given(
    loader=st.sampled_from([put_multiboot, put_pvh]),
    pages=st.integers(257, 1024),
    image_pages=st.integers(1, 64),
    line=st.binary(max_size=200).map(lambda text: text.replace(b"\0", b" ")),
    initrd=st.one_of(st.none(), st.tuples(st.integers(GUEST, 0x300000), st.integers(1, 9000))),
    nx=st.booleans(),
)
def test_a_loaders_word_becomes_the_guests_machine(
    loader: object, pages: int, image_pages: int, line: bytes, initrd: tuple[int, int] | None, nx: bool
) -> None:
    """Memory, command line, initrd as the loader says, page tables by the bundle; or one line and the end."""
    assert callable(loader)
    image_end = GUEST + image_pages * PAGE
    if initrd is not None:
        assume(initrd[0] >= image_end and sum(initrd) <= pages * PAGE)
    pc = fresh(at=0)
    if not nx:
        pc.leaves[0x80000001] = (0, 0, 0, 0)
    pc.put_rom()
    code, data = int(SegmentFlag.R | SegmentFlag.X), int(SegmentFlag.R | SegmentFlag.W)
    segments = [(GUEST, PAGE, code), (GUEST + PAGE, image_end - GUEST - PAGE, data)]
    pc.put_bundle(STATE, ENTRY, image_end, segments)
    magic = loader(pc, pages, line, initrd)
    content = b"" if initrd is None else bytes(n % 251 for n in range(initrd[1]))
    if initrd is not None:
        pc.put(initrd[0], content)
    plan = boots(pc, magic)
    assert pc.lib.wild() == 0
    tables = 2 + -(-pages // 512)
    behind = image_pages + -(-len(content) // PAGE)
    if plan == 0:
        assert GUEST // PAGE + behind + tables >= pages
        assert pc.console() == b"vmirom: no guest here, or not enough memory for it\n"
        assert pc.written[-1] == (vmi.Port.EXIT, ExitStatus.ERROR)
        return
    info = boot_info(pc)
    assert (info.magic, info.mem_pages) == (vmi.Const.BOOT_INFO_MAGIC, pages)
    assert info.first_free_pfn == GUEST // PAGE + behind + tables < pages
    at = info.command_line_gpa
    assert bytes(pc.memory[at : at + len(line) + 1]) == line + b"\0"
    assert info.command_line_length == len(line)
    if initrd is not None:
        assert info.initrd_gpa == image_end and info.initrd_length == len(content)
        assert bytes(pc.memory[image_end : image_end + len(content)]) == content
    directory = pc.u64(info.root_gpa + 24) & ~0xFFF
    rom_pages = pc.memory[ROM + 2] * 512 // PAGE + (pc.memory[ROM + 2] * 512 % PAGE != 0)
    for pfn in range(pages):
        table = pc.u64(directory + 8 * (pfn // 512)) & 0xFFFFF000
        entry = pc.u64(table + 8 * (pfn % 512))
        in_rom, in_code = 0 <= pfn - ROM // PAGE < rom_pages, pfn == GUEST // PAGE
        assert entry & 0xFFFFF000 == pfn * PAGE and entry & Pte.PRESENT
        assert bool(entry & Pte.WRITE) is not (in_rom or in_code)
        assert bool(entry & NX) is (nx and not in_rom and not in_code)


@pytest.mark.parametrize("loader", [put_multiboot, put_pvh])
def test_a_processor_without_pae_is_told_apart(loader: object) -> None:
    assert callable(loader)
    pc = fresh(at=0)
    pc.leaves[1] = (0, 0, 0, 0)
    pc.put_rom()
    pc.put_bundle(STATE, ENTRY, GUEST + PAGE, [])
    assert boots(pc, loader(pc, 1024, b"", None)) == 0
    assert pc.console() == b"vmirom: the processor has no PAE\n"
    assert pc.written[-1] == (vmi.Port.EXIT, ExitStatus.ERROR)


# -- the ROM's place ------------------------------------------------------------------------------------


class Lock:
    """C0000h behind a host bridge: ``value`` of its register, and whether that lets stores through."""

    def __init__(self, pc: HostPc, bridge: int) -> None:
        self.values: list[tuple[int, int]] = []
        self.bridge, self.address = bridge, 0
        pc.on_out, pc.on_in = self.out, self.read

    def out(self, port: int, value: int) -> None:
        if port == native.Port.PCI_ADDRESS:
            self.address = value
        elif native.Port.PCI_DATA <= port < native.Port.PCI_DATA + 4:
            self.values.append(((self.address & 0xFC) + port - native.Port.PCI_DATA, value))

    def read(self, port: int) -> int:
        return self.bridge if self.address == HostBridge.CONFIG_ENABLE else 0xFFFFFFFF


@given(
    units=st.integers(1, 64),
    seed=st.binary(min_size=64, max_size=64),
    page=st.integers(0x110, 0x200),
    bridge=st.sampled_from([int(HostBridge.I440FX), int(HostBridge.Q35), 0xFFFFFFFF, 0x12345678]),
)
def test_the_rom_comes_to_its_place_through_the_lock(units: int, seed: bytes, page: int, bridge: int) -> None:
    """A known bridge is opened for the copy and left read-only; one that is not known is not touched."""
    pc = fresh(at=0)
    lock = Lock(pc, bridge)
    rom = bytearray(seed * (units * 512 // 64))
    rom[2] = units
    bundle = bytes(reversed(seed)) * (PAGE // 64)
    pc.put(page * PAGE, bytes(rom))
    pc.put((page - 1) * PAGE, bundle)
    pc.put(STATE + PAGE, b"\xee" * PAGE * 14)
    stack = bytes(pc.memory[STATE + PAGE * int(Layout.STATE_STACK) :][:PAGE])
    assert pc.lib.ended_placing(page * PAGE) == 0
    assert bytes(pc.memory[ROM : ROM + len(rom)]) == rom
    assert bytes(pc.memory[STATE : STATE + PAGE]) == bundle
    for n in range(1, int(Layout.STATE_PAGES)):
        content = bytes(pc.memory[STATE + n * PAGE : STATE + (n + 1) * PAGE])
        assert content == (stack if n == Layout.STATE_STACK else bytes(PAGE)), n
    registers = {int(HostBridge.I440FX): HostBridge.I440FX_PAM1, int(HostBridge.Q35): HostBridge.Q35_PAM1}
    where = registers.get(bridge)
    opened = [] if where is None else [(where, HostBridge.PAM_READ_WRITE), (where, HostBridge.PAM_READ)]
    assert lock.values == opened
    assert pc.lib.wild() == 0


# -- the ways out ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", [0, 1, 0xFFFFFFFF])
@pytest.mark.parametrize("busy", [0, 1, 7])
def test_a_reboot_tries_every_reset_and_then_a_triple_fault(how: int, busy: int) -> None:
    pc = fresh()
    left = busy

    def read(port: int) -> int:
        nonlocal left
        if port == Reset.KEYBOARD_PORT:
            left -= 1
            return 2 if left >= 0 else 0
        return 0x0E if port == Reset.FAST_PORT else 0xFF

    pc.on_in = read
    assert pc.lib.ended_rebooting(how)
    resets = [(port, value) for port, value in pc.written if port != native.Port.IO_DELAY]
    assert resets == [
        (Reset.KEYBOARD_PORT, Reset.KEYBOARD_PULSE),
        (Reset.FAST_PORT, 0x0E),
        (Reset.FAST_PORT, 0x0E | Reset.FAST_INIT),
    ]
    assert pc.lib.triple() == 1
    assert pc.lib.interrupts_saved() == 1, "and no interrupt comes in between"


def test_a_reboot_ends_at_the_first_reset_that_works() -> None:
    pc = fresh()
    pc.on_in = lambda _port: 0
    pc.on_out = lambda port, _value: pc.lib.end_machine() if port == Reset.KEYBOARD_PORT else None
    assert pc.lib.ended_rebooting(0)
    assert pc.written == [(Reset.KEYBOARD_PORT, Reset.KEYBOARD_PULSE)]
    assert pc.lib.triple() == 0


def test_a_shutdown_is_acpis() -> None:
    pc = fresh()
    assert pc.lib.ended_by_shutdown()
    assert pc.written == [(Acpi.PM1A_CONTROL, Acpi.SLEEP_ENABLE)]


# -- time -----------------------------------------------------------------------------------------------


@given(
    moment=instants,
    khz=st.integers(50_000, 6_000_000),
    start=st.integers(0, 1 << 62),
    elapsed=st.integers(0, 1 << 50),
)
def test_the_wallclock_goes_on_from_the_date_at_the_start(
    moment: datetime.datetime, khz: int, start: int, elapsed: int
) -> None:
    pc = fresh(0)
    Cmos(lambda: moment, 16 << 20).attach(pc.bus)
    pc.lib.set_counter(start, 0)
    Channel2(pc, khz, {})
    assert pc.lib.rom_init() == 0
    hz = pc.lib.platform_hz()
    assert abs(hz - khz * 1000) <= khz * 10 + 1000
    begin = pc.lib.platform_wallclock()
    assert 0 <= begin - int(moment.timestamp()) * 10**9 < 10**9
    pc.lib.set_counter(pc.lib.cpu_tsc() + elapsed, 0)
    assert abs(pc.lib.platform_wallclock() - begin - elapsed * 10**9 // hz) <= 1
    assert pc.lib.platform_stolen() == 0
    pc.take_written()
    assert pc.lib.rom_init() == 0
    assert pc.written == [], "a guest that calls vmi_init again finds time as it was"


def test_an_io_delay_is_one_write_to_a_port_of_nobody() -> None:
    pc = fresh()
    pc.lib.vmi_IODelay()
    assert pc.written == [(native.Port.IO_DELAY, 0)]
