"""The lguest ROM's boot, gates, console, time and ends on the host, over the clock of lguest_clock."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.rom.hostc import Library
from tests.rom.lguest_clock import DTR, HANDLERS, INTERRUPT, LOOKED_AT, PLACES, TABLE, TOP, ClockHost
from tests.rom.lguest_model import FRAME, LINEAR, NX, PAGES, P, W, compile_host
from vmirom.overlays import lguest as abi
from vmirom.overlays import vmi
from vmirom.overlays.lguest import Constants, FlushTlb, GateType, Hcall, ShutdownReason
from vmirom.overlays.vmi import Layout, SegmentFlag
from vmirom.rom.image import load_rom


@pytest.fixture(scope="module")
def lib() -> Library:
    return compile_host()


# -- gates ----------------------------------------------------------------------------------------------

gates = st.tuples(
    st.integers(0, 255),
    st.integers(0, 0xFFFFFFFF),
    st.one_of(
        st.integers(0, 0xFFFFFFFF),
        st.tuples(
            st.integers(0, 0xFFFF), st.sampled_from([0x8E00, 0x8F00, 0xEE00, 0xEF00, 0x0E00, 0x8500])
        ).map(lambda parts: parts[0] << 16 | parts[1]),
    ),
)


def is_gate(high: int) -> bool:
    return bool(high & 0x8000) and high >> 8 & 0x1F in (int(GateType.INTERRUPT), int(GateType.TRAP))


@given(
    first=st.lists(gates, max_size=10),
    limit=st.sampled_from([0, 7, 8 * 14 + 7, 8 * 32 - 1, 8 * 0x80 + 7, 8 * 256 - 1, 0xFFFF]),
    later=st.lists(gates, max_size=10),
)
def test_the_hosts_gates_lead_where_the_guests_do(
    lib: Library, first: list[tuple[int, int, int]], limit: int, later: list[tuple[int, int, int]]
) -> None:
    """As they are where the host builds the frame, behind a stub where the ROM has to; DPL kept."""
    host = ClockHost(lib)
    for vector, low, high in first:
        struct.pack_into("<II", host.memory, TABLE + 8 * vector, low, high)
    host.set_idt(limit)
    for vector, low, high in later:
        lib.vmi_WriteIDTEntry(LINEAR + TABLE, vector, low, high)
        assert bytes(host.memory[TABLE + 8 * vector :][:8]) == struct.pack("<II", low, high)
    lib.vmi_GetIDT(LINEAR + DTR)
    assert struct.unpack_from("<HI", host.memory, DTR) == (limit, LINEAR + TABLE)
    for vector in (*range(32), int(Constants.SYSCALL_VECTOR)):
        low, high = struct.unpack_from("<II", host.memory, TABLE + 8 * vector)
        told = host.gates.get(vector, (0, 0))
        if 8 * vector + 7 > limit or not is_gate(high):
            assert told == (0, 0), vector
            continue
        assert told[1] & 0xE000 == high & 0xE000, "present, and for the same rings"
        trap = bool(high & 0x100)
        if vector == Constants.SYSCALL_VECTOR:
            stub, trap = PLACES["call"], True
        elif vector == 14:
            stub = PLACES["fault"]
        elif trap and vector not in LOOKED_AT:
            stub = PLACES["traps"] + 16 * vector
        else:
            assert told == (low, high), vector
            continue
        assert (told[1] & 0xFFFF0000 | told[0] & 0xFFFF) == stub, vector
        assert bool(told[1] & 0x100) is trap, "the flag is the host's to clear, or it is not"
    assert set(host.gates) <= {*range(32), int(Constants.SYSCALL_VECTOR)}
    assert lib.wild() == 0


@given(
    entry=st.integers(0, (1 << 64) - 1),
    upper=st.booleans(),
    va=st.integers(0, 0xBFFFFFFF),
    error=st.integers(0, 31),
)
def test_a_page_faults_code_speaks_of_the_guests_tables(
    lib: Library, entry: int, upper: bool, va: int, error: int
) -> None:
    """Bit 0 of the host's code is about its shadow, which may be empty yet, or hold an entry that is gone."""
    host = ClockHost(lib)
    host.settle()
    directory, table = 310 << 12, 340 << 12
    host.store(TOP + 8 * (va >> 30), directory | P)
    host.store(directory + 8 * (va >> 21 & 511), table | 0x67 if upper else 0)
    host.store(table + 8 * (va >> 12 & 511), entry)
    host.data.cr2 = va
    shown = lib.ffi.new("uint32_t *", error)
    assert lib.page_fault_stub(shown) == HANDLERS + 14
    present = upper and bool(entry & P)
    assert shown[0] == error & ~1 | present


# -- console and ends -----------------------------------------------------------------------------------


@given(
    text=st.one_of(st.binary(max_size=200), st.binary(min_size=64, max_size=64).map(lambda part: part * 80))
)
def test_the_console_prints_all_but_what_ends_a_string(lib: Library, text: bytes) -> None:
    host = ClockHost(lib)
    lib.platform_console(lib.ffi.from_buffer("uint8_t[]", bytearray(text)), len(text))
    assert bytes(host.printed) == text.replace(b"\0", b"")[:4095]
    assert lib.wild() == 0


@given(status=st.integers(0, 0xFFFFFFFF))
def test_the_last_words_hold_the_exit_status(lib: Library, status: int) -> None:
    host = ClockHost(lib)
    assert lib.ended_by_exit(status)
    assert host.ends == [(f"vmi exit {status}".encode(), ShutdownReason.POWEROFF)]


def test_ends_without_a_status(lib: Library) -> None:
    host = ClockHost(lib)
    lib.port_out(0x3F8, 1, ord("x"))
    assert lib.ended_rebooting(0)
    assert host.ends == [(b"vmi reboot", ShutdownReason.RESTART)]
    assert bytes(host.printed) == b"x", "what was said before is heard"
    host = ClockHost(lib)
    assert lib.ended_by_shutdown()
    assert host.ends == [(b"vmi shutdown", ShutdownReason.POWEROFF)]


# -- time -----------------------------------------------------------------------------------------------


@given(told=st.one_of(st.just(0), st.integers(1, 6_000_000)), true=st.integers(100_000, 6_000_000))
def test_the_rate_is_the_hosts_word_or_measured_by_its_clock(lib: Library, told: int, true: int) -> None:
    host = ClockHost(lib)
    host.settle()
    host.true_khz = true
    host.data.tsc_khz = told
    lib.lguest_calibrate()
    assert lib.khz() == told if told else abs(lib.khz() - true) <= true // 10_000 + 1
    assert host.data.irq_enabled == 0


@given(
    moment=st.tuples(st.integers(0, 0x7FFFFFFF), st.integers(0, 999_999_999)),
    khz=st.integers(100_000, 6_000_000),
    start=st.integers(0, 1 << 60),
    elapsed=st.integers(0, 1 << 40),
)
def test_the_wallclock_goes_on_from_the_hosts_last_word(
    lib: Library, moment: tuple[int, int], khz: int, start: int, elapsed: int
) -> None:
    host = ClockHost(lib)
    lib.set_khz(khz)
    host.data.time_sec, host.data.time_nsec = moment
    host.now = start
    lib.lguest_sample_wallclock()
    host.data.time_sec = host.data.time_nsec = 0  # no word that was not taken down
    host.now = start + elapsed
    assert lib.platform_wallclock() == moment[0] * 10**9 + moment[1] + elapsed * 10**6 // khz


# -- boot -----------------------------------------------------------------------------------------------


def launch(host: ClockHost, pages: int, image_pages: int, line: bytes, content: bytes) -> None:
    """Memory as the launcher leaves it: ROM, bundle, parameters, and the initrd at the end."""
    host.memory[:] = bytes(len(host.memory))
    rom = load_rom("lguest").data
    host.memory[int(Layout.ROM_GPA) : int(Layout.ROM_GPA) + len(rom)] = rom
    guest, image_end = int(Layout.GUEST_GPA), int(Layout.GUEST_GPA) + image_pages * 4096
    bundle = vmi.ffi.new("struct vmi_bundle *")
    bundle.magic, bundle.size, bundle.entry = (
        vmi.Const.BUNDLE_MAGIC,
        vmi.ffi.sizeof("struct vmi_bundle"),
        guest,
    )
    bundle.image_start_gpa, bundle.image_end_gpa, bundle.nr_segments = guest, image_end, 1
    row = bundle.segments[0]
    row.gpa, row.length, row.flags = guest, image_end - guest, int(SegmentFlag.R | SegmentFlag.X)
    data = bytes(vmi.ffi.buffer(bundle))
    host.memory[int(Layout.STATE_GPA) : int(Layout.STATE_GPA) + len(data)] = data
    params = abi.ffi.new("struct lguest_boot_params *")
    params.e820_entries, params.e820_map[0].size, params.e820_map[0].type = 1, pages << 12, 1
    params.cmd_line_ptr = 0x1000
    if content:
        at = (pages - -(-len(content) // 4096)) << 12
        params.ramdisk_image, params.ramdisk_size = at, len(content)
        host.memory[at : at + len(content)] = content
    host.memory[0:4096] = bytes(abi.ffi.buffer(params))
    host.memory[0x1000 : 0x1000 + len(line) + 1] = line + b"\0"


@given(
    pages=st.integers(260, PAGES),
    image_pages=st.integers(1, 40),
    line=st.binary(max_size=100).map(lambda text: text.replace(b"\0", b" ")),
    initrd=st.one_of(st.none(), st.integers(1, 9000)),
    nx=st.booleans(),
    pae=st.sampled_from([True, True, True, False]),
)
def test_the_launchers_word_becomes_the_guests_machine(
    lib: Library, pages: int, image_pages: int, line: bytes, initrd: int | None, nx: bool, pae: bool
) -> None:
    """Entered in its own tables with everything told to the host, or ended with a reason."""
    host = ClockHost(lib)
    host.reserve = 0x800000 if not pae else int(abi.Hole.PAE_SIZE)
    if nx:
        host.leaves = {0x80000000: (0x80000001, 0, 0, 0), 0x80000001: (0, 0, 0, 1 << 20)}
    content = bytes(n % 251 for n in range(initrd or 0))
    initrd_pages = -(-len(content) // 4096)
    guest, image_end = int(Layout.GUEST_GPA), int(Layout.GUEST_GPA) + image_pages * 4096
    if initrd is not None and (pages - initrd_pages) << 12 < image_end:
        return
    launch(host, pages, image_pages, line, content)
    assert lib.ended_booting()
    assert lib.wild() == 0
    if host.ends:
        (words, reason), *more = host.ends
        assert not more and reason == ShutdownReason.POWEROFF
        tables = 2 + -(-pages // 512)
        fits = image_end // 4096 + initrd_pages + 2 * tables + initrd_pages < pages
        assert words.startswith(b"vmirom: the host has no PAE, a guest is entered with it: ") or not fits
        return
    assert pae
    info = vmi.ffi.from_buffer("struct vmi_boot_info *", host.memory[int(Layout.STATE_GPA) + 4096 :][:256])
    assert (info.mem_pages, info.initrd_length) == (pages, len(content))
    assert bytes(host.memory[info.initrd_gpa : info.initrd_gpa + len(content)]) == content
    at = info.command_line_gpa
    assert bytes(host.memory[at : at + len(line) + 1]) == line + b"\0"
    assert list(lib.entry()[0:3]) == [
        guest, LINEAR + int(Layout.STATE_GPA) + 4096, LINEAR + int(Layout.STATE_GPA) + 4096 * 3
    ]  # fmt: skip
    assert host.current == host.data.pgdir == info.root_gpa
    assert host.calls[-1][:2] == (Hcall.FLUSH_TLB, FlushTlb.ALL)
    clock = (PLACES["clock"] & 0xFFFF, PLACES["clock"] & 0xFFFF0000 | INTERRUPT)
    assert host.gates == {int(Constants.FIRST_INTERRUPT_VECTOR): clock}
    assert (host.data.irq_enabled, host.data.blocked_interrupts) == (0, 0xFFFFFFFE)
    assert (host.data.noirq_start, host.data.noirq_end) == (PLACES["start"], PLACES["end"])
    for pfn in (guest >> 12, (guest >> 12) + image_pages, pages - 1):
        levels = host.levels(LINEAR + (pfn << 12))
        assert levels is not None and levels[-1] & FRAME == pfn << 12
        in_image = pfn < image_end >> 12
        assert bool(levels[-1] & W) is not in_image
        assert bool(levels[-1] & NX) is (nx and not in_image)


@given(
    pages=st.integers(300, PAGES),
    initrd=st.sampled_from([0, 0, 1, 4096, 9000]),
    off=st.integers(-3, 3),
    mark=st.integers(1, 255),
)
def test_the_hosts_first_tables_are_in_use_until_the_guests_are(
    lib: Library, pages: int, initrd: int, off: int, mark: int
) -> None:
    """Memory that only just holds image, and initrd and tables twice over, will do; a page less will not."""
    host = ClockHost(lib)
    host.reserve = int(abi.Hole.PAE_SIZE)
    tables, initrd_pages = 2 + -(-pages // 512), -(-initrd // 4096)
    needed = 2 * (tables + initrd_pages)
    image_pages = pages - (int(Layout.GUEST_GPA) >> 12) - needed - off
    launch(host, pages, image_pages, b"", bytes(n % 251 for n in range(initrd)))
    theirs = slice((pages - initrd_pages - tables) << 12, (pages - initrd_pages) << 12)
    before = bytes([mark]) * (tables << 12)
    host.memory[theirs] = before
    assert lib.ended_booting()
    assert lib.wild() == 0
    if off < 0:
        assert host.ends == [(b"vmirom: no guest here, or not enough memory for it", ShutdownReason.POWEROFF)]
    else:
        assert host.ends == []
        assert bytes(host.memory[theirs]) == before
