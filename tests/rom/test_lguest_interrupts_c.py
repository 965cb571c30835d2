"""The lguest ROM's interrupts, clock, console and boot on the host, over a model of lguest.

The model: one clock whose interrupt is held back while the virtual flag is clear, and then told of in
irq_pending at every hypercall; HALT sleeps until that clock; SHUTDOWN ends the machine.
"""

from __future__ import annotations

import struct
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.rom.hostc import Library
from tests.rom.lguest_model import FRAME, LINEAR, NX, PAGES, LguestHost, P, W, compile_host
from vmirom.overlays import lguest as abi
from vmirom.overlays import vmi
from vmirom.overlays.lguest import Constants, FlushTlb, GateType, Hcall, ShutdownReason
from vmirom.overlays.native import Apic
from vmirom.overlays.vmi import Alarm, Layout, SegmentFlag
from vmirom.rom.image import load_rom

IF: Final = int(Constants.IRQ_ENABLED)
TOP: Final = 290 << 12
TABLE: Final = 600 << 12
DTR: Final = 601 << 12
HANDLERS: Final = 0xC0280000
BASE: Final = 0x30
"""Vector of IRQ 0."""
STUBS: Final = 0xC00C1000
PLACES: Final = {
    name: STUBS + 0x1000 * n for n, name in enumerate(("start", "end", "traps", "clock", "call", "fault"))
}
TEXT: Final = int(Layout.STATE_GPA) + 0x1000 * (int(Layout.STATE_BACKEND) + 1)
ABSENT, INTERRUPT, TRAP = 0, 0x8E00, 0x8F00
LOOKED_AT: Final = {6, 7, 13}
"""Vectors that the host emulates something at before the guest gets them."""


class ClockHost(LguestHost):
    """A host with a clock, under a guest whose handlers count and end the interrupt."""

    def __init__(self, lib: Library) -> None:
        super().__init__(lib, True, TOP)
        self.lib.answer("host_interrupt", self.serve)
        self.lib.answer("host_exit", self.exit)
        self.lib.answer("host_cpuid", lambda leaf, which: self.leaves.get(leaf, (0, 0, 0, 0))[which])
        self.leaves: dict[int, tuple[int, int, int, int]] = {}
        self.due: int | None = None
        self.held = self.halted = False
        self.handled: list[int] = []
        self.gates: dict[int, tuple[int, int]] = {}
        self.printed = bytearray()
        self.ends: list[tuple[bytes, int]] = []
        self.reserve = 1 << 22
        self.tsc_khz = 1_000_000

    # the host

    def _perform(self, call: tuple[int, ...]) -> None:
        number, a, b, c, _ = call
        match abi.Hcall(number):
            case Hcall.LGUEST_INIT:
                self.data.reserve_mem, self.data.tsc_khz, self.data.pgdir = self.reserve, self.tsc_khz, TOP
            case Hcall.SEND_INTERRUPTS:
                pass
            case Hcall.SET_CLOCKEVENT:
                assert a == 0 or a >= Constants.CLOCK_DELTA_MIN
                self.due = None if a == 0 else self.now + -(-a * self.true_khz // 10**6)
            case Hcall.HALT:
                self.halted = True
            case Hcall.LOAD_IDT_ENTRY:
                self.gates[a] = (b, c)
            case Hcall.NOTIFY:
                self.printed += self.text(a)
            case Hcall.SHUTDOWN:
                self.ends.append((self.text(a)[: int(Constants.MESSAGE_SIZE)], b))
                self.lib.end_machine()
            case _:
                super()._perform(call)

    true_khz = 1_000_000

    @property
    def now(self) -> int:
        return int(self.lib.lguest_tsc())

    @now.setter
    def now(self, value: int) -> None:
        self.lib.set_counter(value, 0)

    def text(self, gpa: int) -> bytes:
        return bytes(self.memory[gpa : gpa + 4096]).split(b"\0", 1)[0]

    def hypercall(self, number: int, a: int, b: int, c: int, d: int) -> None:
        super().hypercall(number, a, b, c, d)
        if self.ends:
            return
        if self.halted and not self.held:
            assert self.due is not None, "sleeps for ever"
            self.now = max(self.now, self.due)
        self.look()

    def look(self) -> None:
        """What the host does before it goes back to the guest."""
        if self.due is not None and self.now >= self.due:
            self.due, self.held = None, True
        if not self.held:
            return
        if self.halted:
            self.halted = False
            self.data.irq_enabled = IF
        if not self.data.irq_enabled:
            self.data.irq_pending = IF
            return
        self.held = False
        self.data.irq_enabled = 0  # through an interrupt gate, its frame shows the flag set
        self.data.time_sec, self.data.time_nsec = divmod(self.now * 10**6 // self.true_khz, 10**9)
        handler = self.lib.clock_stub()
        if handler:
            self.serve(handler)
        self.data.irq_enabled = IF

    def exit(self) -> None:
        """The processor leaves the guest by itself, at the moment that the clock is due."""
        if self.due is not None:
            self.now = max(self.now, self.due)
        self.look()

    # the guest

    def serve(self, address: int) -> None:
        """A handler and the IRET at its end, to a place with the flag set."""
        self.handler(address)
        self.iret()

    def handler(self, address: int) -> None:
        """Ends the interrupt at the controller that it came from."""
        vector = address - HANDLERS
        assert 0 <= vector < 256
        self.handled.append(vector)
        if BASE <= vector < BASE + 8:
            self.lib.port_out(0x20, 1, 0x20)
        else:
            self.lib.vmi_APICWrite(int(Apic.EOI), 0)

    def settle(self, kind: int = INTERRUPT) -> None:
        """A gate for every vector, and IRQ 0 open at BASE."""
        for vector in range(256):
            at = HANDLERS + vector
            struct.pack_into(
                "<II", self.memory, TABLE + 8 * vector, 0x610000 | at & 0xFFFF, at & 0xFFFF0000 | kind
            )
        self.set_idt(8 * 256 - 1)
        for port, value in ((0x20, 0x11), (0x21, BASE), (0x21, 4), (0x21, 1), (0x21, 0xFE)):
            self.lib.port_out(port, 1, value)

    def set_idt(self, limit: int) -> None:
        struct.pack_into("<HI", self.memory, DTR, limit, LINEAR + TABLE)
        self.lib.vmi_SetIDT(LINEAR + DTR)

    def enable(self) -> None:
        """EnableInterrupts, as flags.S has it."""
        self.data.irq_enabled = IF
        if self.data.irq_pending:
            self.lib.lguest_deliver()

    def iret(self) -> None:
        """IRET to a place with the flag set, as flags.S has it."""
        self.data.irq_enabled = IF
        if self.data.irq_pending:
            self.data.irq_enabled = 0
            handler = self.lib.iret_stub()
            if handler:
                self.serve(handler)
            self.data.irq_enabled = IF

    def interrupt_oneself(self, vector: int) -> None:
        """An IPI with the shorthand "self"."""
        self.lib.vmi_APICWrite(int(Apic.ICR_LOW), 1 << 18 | vector)

    def set_alarm(self, expiry: int, flags: int = 0) -> None:
        self.lib.vmi_SetAlarm(flags, expiry & 0xFFFFFFFF, expiry >> 32, 0, 0)

    def run_to(self, target: int) -> None:
        """The guest computes until then; the host looks at its clock when that is due."""
        while self.due is not None and self.due <= target:
            self.now = max(self.now, self.due)
            before = self.due
            self.look()
            if self.due == before or self.held:
                break
        self.now = max(self.now, target)
        self.look()


@pytest.fixture(scope="module")
def lib() -> Library:
    return compile_host()


# -- interrupts -----------------------------------------------------------------------------------------

STEP: Final = 1_000_000
SLACK: Final = 1000  # cycles by which the host's clock may be late, far less than a step
actions = st.one_of(
    st.tuples(st.just("alarm"), st.integers(-2, 6)),
    st.tuples(st.just("alarm"), st.integers(0, 3)),
    st.tuples(st.just("run"), st.integers(0, 8)),
    st.tuples(st.just("enable")),
    st.tuples(st.just("disable")),
    st.tuples(st.just("iret")),
    st.tuples(st.just("halt")),
    st.tuples(st.just("call")),
)


class Expected:
    """One alarm, one request bit of IRQ 0: what the guest has to see of them."""

    def __init__(self) -> None:
        self.expiry: int | None = None
        self.requested = self.enabled = False
        self.handled = 0

    def at(self, now: int) -> None:
        if self.expiry is not None and now >= self.expiry:
            self.expiry, self.requested = None, True
        if self.enabled and self.requested:
            self.requested = False
            self.handled += 1


@settings(max_examples=150)
@given(history=st.lists(actions, min_size=20, max_size=50), kind=st.sampled_from([INTERRUPT, TRAP]))
def test_every_alarm_is_one_interrupt_as_soon_as_the_flag_allows(
    lib: Library, history: list[tuple[Any, ...]], kind: int
) -> None:
    """None lost, none twice, none early, whatever the host holds back and whichever way the flag is set."""
    host, expected = ClockHost(lib), Expected()
    host.settle(kind)
    for action in history:
        match action:
            case ("alarm", steps):
                expiry = max(0, host.now + steps * STEP)
                expected.at(host.now)
                expected.expiry = expiry
                host.set_alarm(expiry)
            case ("run", steps):
                host.run_to(host.now + steps * STEP)
                host.run_to(host.now + SLACK)
            case ("enable",):
                expected.enabled = True
                host.enable()
            case ("iret",):
                expected.enabled = True
                host.iret()
            case ("disable",):
                expected.enabled = False
                host.data.irq_enabled = 0
            case ("call",):
                lib.port_in(0x20, 1)
            case ("halt",):
                expected.at(host.now)
                if expected.expiry is None and not expected.requested:
                    continue
                before = len(host.handled)
                if expected.expiry is not None and not expected.requested:
                    expected.at(expected.expiry)
                assert lib.ended_halting() == 0
                assert len(host.handled) == before + 1
                expected.enabled = True
        if expected.expiry is not None and 0 <= expected.expiry - host.now < SLACK:
            host.run_to(expected.expiry + SLACK)
        expected.at(host.now)
        assert bool(host.data.irq_enabled) is expected.enabled
        assert host.data.irq_enabled in (0, IF)
        assert len(host.handled) == expected.handled, action
        assert lib.wild() == 0
    assert set(host.handled) <= {BASE}


ipis = st.sets(st.integers(0x40, 0xFF), min_size=1, max_size=6)
LVTT_VECTOR: Final = 0xE5
kinds = pytest.mark.parametrize("kind", [INTERRUPT, TRAP], ids=["interrupt gates", "trap gates"])


@kinds
@given(vectors=ipis, alarm=st.booleans(), way=st.sampled_from(["enable", "iret"]))
def test_all_that_waits_comes_before_the_code_behind_the_flag(
    lib: Library, vectors: set[int], alarm: bool, way: str, kind: int
) -> None:
    """Of both controllers, each once, the APIC's by priority; then nothing is marked and an IRET is free."""
    host = ClockHost(lib)
    host.settle(kind)
    for vector in vectors:
        host.interrupt_oneself(vector)
    if alarm:
        host.set_alarm(0)
    assert host.handled == []
    host.enable() if way == "enable" else host.iret()
    assert sorted(host.handled) == sorted(vectors | ({BASE} if alarm else set()))
    assert [each for each in host.handled if each != BASE] == sorted(vectors, reverse=True)
    assert (host.data.irq_enabled, host.data.irq_pending) == (IF, 0)
    before = host.entered
    host.iret()
    assert host.entered == before, "an IRET with nothing to take makes no hypercall"


@kinds
@given(first=st.integers(1, 5), second=st.integers(1, 5), late=st.integers(0, 5))
def test_alarms_due_at_one_tick_are_both_seen(
    lib: Library, first: int, second: int, late: int, kind: int
) -> None:
    """One at IRQ 0, one at LVTT; the host's one clock may be so late that it has to tell of both at once."""
    host = ClockHost(lib)
    host.settle(kind)
    host.enable()
    lib.vmi_APICWrite(int(Apic.SPURIOUS), 0x1FF)
    lib.vmi_APICWrite(int(Apic.LVTT), LVTT_VECTOR)
    host.set_alarm(first * STEP)
    host.set_alarm(second * STEP, int(vmi.Counter.AVAILABLE | Alarm.WIRED_LVTT))
    host.now = late * STEP  # the host looks at nothing meanwhile
    host.run_to(late * STEP)
    due = [vector for vector, at in ((BASE, first), (LVTT_VECTOR, second)) if at <= late]
    assert sorted(host.handled) == due
    host.run_to(max(first, second) * STEP)
    host.run_to(max(first, second) * STEP + SLACK)
    assert sorted(host.handled) == [BASE, LVTT_VECTOR]


@kinds
def test_what_the_host_comes_to_hold_during_a_delivery_is_delivered_too(lib: Library, kind: int) -> None:
    """The host's clock is due while the ROM delivers an IPI: wherever that is, nothing is held at the end."""

    def deliver(look: int) -> ClockHost:
        host = ClockHost(lib)
        host.settle(kind)
        host.set_alarm(STEP)
        host.interrupt_oneself(0x80)
        lib.exit_at(look)
        host.enable()
        return host

    assert deliver(0).handled == [0x80]
    places = lib.looks()
    assert places > 20
    for look in range(1, places + 1):
        host = deliver(look)
        assert host.now == STEP
        assert sorted(host.handled) == [BASE, 0x80], look
        assert not host.held and host.data.irq_enabled, look


@given(khz=st.integers(100_000, 6_000_000), ns=st.integers(0, 3 * int(Constants.CLOCK_DELTA_MIN)))
def test_an_alarm_closer_than_the_hosts_least_delta_comes_by_that_delta(
    lib: Library, khz: int, ns: int
) -> None:
    """A shorter one is never asked for, as the host would refuse it; the alarm is neither early nor lost."""
    host = ClockHost(lib)
    host.settle()
    host.true_khz = khz
    lib.set_khz(khz)
    host.enable()
    expiry = host.now + 1 + ns * khz // 10**6
    host.set_alarm(expiry)
    assert host.handled == [] and host.due is not None
    host.run_to(expiry - 1)
    assert host.handled == []
    host.run_to(expiry + 1 + 2 * int(Constants.CLOCK_DELTA_MIN) * khz // 10**6)
    assert host.handled == [BASE]


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
    """Bit 0 of the host's code is about its shadow, which may be empty yet."""
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
    assert shown[0] == error | present


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
        assert words == b"vmirom: the host has no PAE, a guest of VMI 3.1 is entered with it" or not fits
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
