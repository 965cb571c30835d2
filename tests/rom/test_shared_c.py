"""The ROMs' shared C, compiled for the host and driven at random against plain models and second opinions."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.rom.shared_model import Host
from vmirom.machine.devices.bus import Bus
from vmirom.machine.devices.pic import PicPair
from vmirom.overlays import vmi
from vmirom.overlays.vmi import Alarm, Counter

U64 = (1 << 64) - 1
u32s = st.one_of(st.sampled_from([1, 2, 3, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF]), st.integers(1, 0xFFFFFFFF))
u64s = st.one_of(st.sampled_from([0, 1, (1 << 32) - 1, 1 << 32, 1 << 63, U64]), st.integers(0, U64))


@functools.cache
def compiled() -> Host:
    return Host()


@pytest.fixture(scope="module", autouse=True)
def library() -> None:
    """Compile before the first test, and once, even if it fails."""
    compiled()


def fresh() -> Host:
    host = compiled()
    host.start()
    return host


# arithmetic


@given(u64s, u64s)
def test_remainders(n: int, d: int) -> None:
    assume(d)
    assert fresh().lib.host_mod(n, d) == n % d


@given(u64s, u32s, u32s)
def test_products_and_quotients(a: int, m: int, d: int) -> None:
    lib = compiled().lib
    assert lib.host_div(a, d) == a // d
    assert lib.host_mul_div(a, m, d) == a * m // d & U64
    assert lib.host_mul_shift32(a, m) == a * m >> 32 & U64


@given(u64s, u32s, st.integers(-31, 31))
def test_pvclock(delta: int, mul: int, shift: int) -> None:
    lib = compiled().lib
    scaled = delta << shift & U64 if shift >= 0 else delta >> -shift
    assert lib.host_pvclock(delta, mul, shift) == scaled * mul >> 32 & U64
    khz = (1_000_000 << 32) // mul
    khz = khz >> shift if shift >= 0 else khz << -shift
    assert lib.host_pvclock_khz(mul, shift) == (khz if khz < 1 << 32 else 0)


# alarms


@dataclass
class ModelAlarm:
    """vmi.md 10.12: e0 + p*i, absolute, one-shot if the period is 0."""

    expiry: int = 0
    period: int = 0
    armed: bool = False
    lvtt: bool = False

    def tick(self, now: int) -> bool:
        if not self.armed or now < self.expiry:
            return False
        if self.period:
            missed = (now - self.expiry) // self.period + 1
            self.expiry = min(self.expiry + missed * self.period, U64)
        else:
            self.armed = False
        return True


@dataclass
class Model:
    alarms: dict[int, ModelAlarm] = field(default_factory=lambda: {0: ModelAlarm(), 1: ModelAlarm()})
    real: int = 0
    stolen: int = 0
    fired: list[bool] = field(default_factory=list)

    def now(self, counter: int) -> int:
        return self.real - (self.stolen if counter == Counter.AVAILABLE else 0)

    def tick(self) -> None:
        for counter, alarm in self.alarms.items():
            if alarm.tick(self.now(counter)):
                self.fired.append(alarm.lvtt)

    def deadline(self) -> int:
        """The latest real time at which the platform must make the ROM look."""
        due = [alarm.expiry + (self.stolen if n else 0) for n, alarm in self.alarms.items() if alarm.armed]
        return min([U64, *due])


FLAGS = st.builds(
    lambda counter, bits: counter | bits,
    st.sampled_from([0, 1, 2, 3, 0xFF]),
    st.sampled_from(
        [0, int(Alarm.PERIODIC), int(Alarm.WIRED_LVTT), int(Alarm.PERIODIC | Alarm.WIRED_LVTT), 0x800]
    ),
)
PERIODS = st.one_of(st.sampled_from([0, 1, 2, 7, 1000, 1 << 32, 1 << 62, U64]), st.integers(0, 5000))
STEPS = st.one_of(st.sampled_from([0, 1, 2]), st.integers(0, 4000), st.sampled_from([1 << 33, 1 << 61]))
ACTIONS = st.one_of(
    st.tuples(st.just("set"), FLAGS, st.one_of(st.integers(-50, 5000), st.sampled_from([1 << 40])), PERIODS),
    st.tuples(st.just("cancel"), FLAGS),
    st.tuples(st.just("run"), STEPS),
    st.tuples(st.just("steal"), STEPS),
    st.tuples(st.just("tick")),
)
LVTT = 0x61


def taken(host: Host, model: Model) -> None:
    """What both alarms have raised is in the two controllers; an edge not taken collapses, so take all."""
    vectors = []
    while (vector := host.lib.interrupt_next()) >= 0:
        vectors.append(vector)
        if vector == LVTT:
            host.lib.vmi_APICWrite(0xB0, 0)
        else:
            host.lib.port_out(0x20, 1, 0x20)
    expected = sorted({LVTT if lvtt else 0x20 for lvtt in model.fired})
    assert sorted(vectors) == expected
    model.fired.clear()


@given(st.lists(ACTIONS, max_size=30))
def test_alarms_behave_as_the_model(actions: list[tuple[object, ...]]) -> None:
    host, model = fresh(), Model(real=1_000)
    host.real = 1_000
    for port, value in ((0x20, 0x11), (0x21, 0x20), (0x21, 4), (0x21, 1), (0x21, 0)):
        host.lib.port_out(port, 1, value)
    host.lib.vmi_APICWrite(0x320, LVTT)
    for name, *rest in actions:
        act(host, model, str(name), [int(part) for part in rest if isinstance(part, int)])
        taken(host, model)
        assert model.deadline() == U64 or host.deadline <= max(model.deadline(), 0)
        check_counters(host, model)
        assert host.saved == 0


def act(host: Host, model: Model, name: str, values: list[int]) -> None:
    lib = host.lib
    if name == "set":
        flags, relative, period = values
        expiry = max(model.real + relative, 0) & U64
        lib.vmi_SetAlarm(flags, expiry & 0xFFFFFFFF, expiry >> 32, period & 0xFFFFFFFF, period >> 32)
        if flags & 0xFF in model.alarms:
            repeat = period if flags & Alarm.PERIODIC else 0
            model.alarms[flags & 0xFF] = ModelAlarm(expiry, repeat, True, bool(flags & Alarm.WIRED_LVTT))
            model.tick()
    elif name == "cancel":
        (flags,) = values
        was = False
        if flags & 0xFF in model.alarms:
            model.tick()  # what is due has fired
            was = model.alarms[flags & 0xFF].armed
            model.alarms[flags & 0xFF].armed = False
        assert lib.vmi_CancelAlarm(flags) == was
    else:
        if values:
            model.real = host.real = min(model.real + values[0], 1 << 63)
        if name == "steal":
            model.stolen = host.stolen = min(model.stolen + values[0], model.real)
        if name == "tick" or host.real >= host.deadline:
            host.saved += 1
            lib.alarm_tick()
            host.saved -= 1
            model.tick()


def check_counters(host: Host, model: Model) -> None:
    real, available, stolen, other = (host.lib.vmi_GetCycleCounter(n) for n in (0, 1, 2, 3))
    assert (real, stolen, other) == (model.real, model.stolen, 0)
    assert real == available + stolen


@pytest.mark.parametrize(
    ("flags", "e0", "period", "moments", "fires"),
    [
        (0, 3, 2, (3, 5, 9), (1, 1, 1)),  # did not run 6..9: one firing for 7 and 9
        (0, 7, 0, (6, 9, 10), (0, 1, 0)),
        (0, 7, 1, (9, 10, 11), (1, 1, 1)),  # 8 and 9 are lost
    ],
)
def test_worked_time_tables(
    flags: int, e0: int, period: int, moments: tuple[int, ...], fires: tuple[int, ...]
) -> None:
    """vmi.md section 11, on the real counter."""
    host = fresh()
    host.lib.port_out(0x21, 1, 0)
    mode = flags | (int(Alarm.PERIODIC) if period else 0)
    host.lib.vmi_SetAlarm(mode, e0, 0, period, 0)
    seen = []
    for moment in moments:
        host.real = moment
        host.saved = 1
        host.lib.alarm_tick()
        host.saved = 0
        vector = host.lib.pic_next()
        seen.append(int(vector >= 0))
        host.lib.port_out(0x20, 1, 0x20)
    assert tuple(seen) == fires


def test_worked_table_of_the_available_counter() -> None:
    """Example 1: e0 = 1, p = 2 on available fires at real 1, 3 and 6."""
    host = fresh()
    host.lib.port_out(0x21, 1, 0)
    host.lib.vmi_SetAlarm(int(Alarm.PERIODIC) | 1, 1, 0, 2, 0)
    stolen = [0, 0, 0, 0, 0, 1, 1, 2, 3, 4, 4]
    fired = []
    for real in (0, 1, 2, 3, 5, 6, 9, 10):
        host.real, host.stolen = real, stolen[real]
        if real >= host.deadline:
            host.saved = 1
            host.lib.alarm_tick()
            host.saved = 0
        if host.lib.pic_next() >= 0:
            fired.append(real)
        host.lib.port_out(0x20, 1, 0x20)
    assert fired == [1, 3, 6]


def test_counters_are_of_one_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    """A processor that is taken away between the readings of stolen and real time: the available counter has
    no part of that, and does not go backwards afterwards."""
    host = fresh()
    host.real, host.stolen = 1_000, 100
    taken = [500]

    def real() -> int:
        if taken:
            gone = taken.pop()
            host.real += gone
            host.stolen += gone
        return host.real

    monkeypatch.setattr(host, "_real", real)
    available = host.lib.vmi_GetCycleCounter(int(Counter.AVAILABLE))
    assert not taken and available == 900
    assert host.lib.vmi_GetCycleCounter(int(Counter.AVAILABLE)) == 900


@pytest.mark.parametrize("hz", [1_000, 1_193_000, 2_400_000_000, 5_000_000_000])
def test_the_wallclock_is_told_once_when_it_was_set(hz: int) -> None:
    host = fresh()
    host.hz = hz
    answers = []
    for second, jump in enumerate((0, 0, 0, 3600, 3600, -90, -90)):
        host.real = second * hz
        host.wallclock = (1_000_000 + second + jump) * 10**9
        answers.append(host.lib.vmi_WallclockUpdated())
    assert answers == [0, 0, 0, 1, 0, 1, 0]
    assert host.lib.vmi_GetWallclockTime() == host.wallclock


# interrupt controllers

LINES = st.sampled_from([0, 1, 3, 4, 7, 8, 9, 14, 15])
COMMANDS = st.one_of(st.integers(0, 0x0F), st.integers(0x20, 0x27), st.integers(0x60, 0xEF), st.just(0x68))
MASKS = st.one_of(st.sampled_from([0, 0xFB, 0xFF]), st.integers(0, 255))


def pic_actions(level: bool) -> st.SearchStrategy[tuple[str, int, int]]:
    commands = COMMANDS.filter(lambda value: not value & 0x10)
    kinds = [
        st.tuples(st.just("raise"), LINES, st.just(0)),
        st.tuples(st.just("lower"), LINES, st.just(0)),
        st.tuples(st.just("out"), st.sampled_from([0x20, 0xA0]), commands),
        st.tuples(st.just("out"), st.sampled_from([0x21, 0xA1]), MASKS),
        st.tuples(st.just("in"), st.sampled_from([0x20, 0xA0]), st.just(0)),
        st.tuples(st.just("acknowledge"), st.just(0), st.just(0)),
    ]
    if not level:
        kinds.append(st.tuples(st.just("init"), st.just(0), st.sampled_from([0x10, 0x11, 0x13])))
    return st.one_of(kinds)


class Pics:
    """The ROM's pair and the embedded machine's, side by side."""

    def __init__(self, host: Host) -> None:
        self.lib = host.lib
        self.pair, self.bus = PicPair(), Bus()
        self.pair.attach(self.bus)
        self.start(0x20, 0x11)
        self.start(0xA0, 0x11)

    def out(self, port: int, value: int) -> None:
        self.lib.port_out(port, 1, value)
        self.bus.port_out(port, 1, value)

    def start(self, port: int, icw1: int) -> None:
        self.out(port, icw1)
        for value in (port + 0x20, *(() if icw1 & 2 else (4,)), *((1,) if icw1 & 1 else ())):
            self.out(port + 1, value)

    def act(self, kind: str, where: int, value: int) -> None:
        if kind in ("raise", "lower"):
            (self.lib.pic_raise if kind == "raise" else self.lib.pic_lower)(where)
            self.pair.set_line(where, kind == "raise")
        elif kind == "out":
            self.out(where, value)
        elif kind == "init":  # always both, as PCs do: a slave that still asks is not seen by a fresh master
            self.start(0x20, value)
            self.start(0xA0, value)
        elif kind == "in":
            assert self.lib.port_in(where, 1) == self.bus.port_in(where, 1)
        elif self.pair.pending:
            assert self.lib.interrupt_next() == self.pair.acknowledge()

    def agree(self) -> None:
        assert self.lib.pic_has() == self.pair.pending
        assert self.lib.port_in(0x4D0, 2) == self.bus.port_in(0x4D0, 2)
        if not self.pair.pending:
            assert self.lib.pic_next() == -1


@given(st.integers(0, 0xFFFF), st.lists(pic_actions(True), max_size=40))
def test_two_8259_pairs_agree_with_level_lines(levels: int, actions: list[tuple[str, int, int]]) -> None:
    pics = Pics(fresh())
    pics.out(0x4D0, levels & 0xFF)
    pics.out(0x4D1, levels >> 8)
    for action in actions:
        pics.act(*action)
        pics.agree()


@given(st.lists(pic_actions(False), max_size=40))
def test_two_8259_pairs_agree_through_initialisations(actions: list[tuple[str, int, int]]) -> None:
    pics = Pics(fresh())
    for action in actions:
        pics.act(*action)
        pics.agree()


def test_the_apic_delivers_by_priority() -> None:
    lib = fresh().lib
    for vector in (0x31, 0x45, 0x46, 0x81):
        lib.vmi_APICWrite(0x300, 0x40000 | vector)
    assert lib.interrupt_next() == 0x81
    assert lib.interrupt_next() == -1  # nothing above what is in service
    assert lib.vmi_APICRead(0xA0) == 0x80
    lib.vmi_APICWrite(0xB0, 0)
    lib.vmi_APICWrite(0x80, 0x40)
    assert lib.interrupt_next() == -1  # below the task priority
    lib.vmi_APICWrite(0x80, 0)
    assert [lib.interrupt_next(), lib.vmi_APICWrite(0xB0, 0), lib.interrupt_next()] == [0x46, None, 0x45]
    lib.vmi_APICWrite(0xB0, 0)
    assert lib.interrupt_next() == 0x31


@given(st.lists(st.tuples(st.integers(0, 0x420), u32s), max_size=30))
def test_the_apic_survives_any_access(accesses: list[tuple[int, int]]) -> None:
    host = fresh()
    for offset, value in accesses:
        host.lib.vmi_APICWrite(offset, value)
        read = host.lib.vmi_APICRead(offset)
        assert 0 <= read < 1 << 32
        if offset & 15 or offset >= 0x400:
            assert read == 0
        host.lib.interrupt_next()
    assert host.saved == 0


# console


@given(st.lists(st.binary(min_size=1, max_size=200), max_size=8), st.binary(max_size=40))
def test_the_console_keeps_every_byte_in_order(pieces: list[bytes], typed: bytes) -> None:
    host = fresh()
    host.input += typed
    for piece in pieces:
        for byte in piece:
            assert host.lib.port_in(0x3FD, 1) & 0x60 == 0x60
            host.lib.port_out(0x3F8, 1, byte)
            if byte == 10:
                assert host.text[-1] == 10
    host.lib.uart_flush()
    assert host.text == b"".join(pieces)
    received = bytearray()
    while host.lib.port_in(0x3FD, 1) & 1:
        received.append(host.lib.port_in(0x3F8, 1))
    assert received == typed


@given(st.lists(st.tuples(st.booleans(), st.integers(0x3F8, 0x3FF), st.integers(0, 255)), max_size=60))
def test_the_uart_survives_any_access(accesses: list[tuple[bool, int, int]]) -> None:
    host = fresh()
    host.input += b"some input"
    sent = 0
    for write, port, value in accesses:
        if write:
            host.lib.port_out(port, 1, value)
            sent += port == 0x3F8
        else:
            assert 0 <= host.lib.port_in(port, 1) < 256
    host.lib.uart_flush()
    assert len(host.text) <= sent
    assert host.saved == 0


def test_input_interrupts_where_a_pc_would() -> None:
    host = fresh()
    lib = host.lib
    lib.port_out(0x21, 1, 0)
    lib.port_out(0x3F9, 1, 1)
    host.input += b"ab"
    lib.uart_poll()
    assert lib.interrupt_next() == -1  # OUT2 gates the line
    lib.port_out(0x3FC, 1, 8)
    assert lib.interrupt_next() == 0x24
    assert lib.port_in(0x3FA, 1) == 4
    assert [lib.port_in(0x3F8, 1), lib.port_in(0x3FA, 1), lib.port_in(0x3F8, 1), lib.port_in(0x3FA, 1)] == [
        97,
        4,
        98,
        1,
    ]


@pytest.mark.parametrize(("size", "value"), [(1, 0x10), (2, 0x110), (4, 0xFFFFFF10)])
def test_the_exit_port_ends_the_machine_and_loses_no_text(size: int, value: int) -> None:
    host = fresh()
    for byte in b"bye":
        host.lib.port_out(0x3F8, 1, byte)
    host.lib.port_out(0xABCD0501, size, value)
    assert host.exits == [value]
    assert host.text == b"bye"


@given(st.integers(0, 0xFFFFFFFF), st.sampled_from([1, 2, 4]))
def test_ports_with_nothing_behind_them_read_as_ones(port: int, size: int) -> None:
    devices = {0x20, 0x21, 0xA0, 0xA1, 0x4D0, 0x4D1, *range(0x3F8, 0x400)}
    assume(not devices & {port + i & 0xFFFF for i in range(size)})
    assert fresh().lib.port_in(port, size) == (1 << 8 * size) - 1


# booting


@given(
    st.one_of(st.integers(0, 1024), st.sampled_from([0xFFFFFFFF, 0x38000, 1 << 20])),
    st.integers(0, 0x3FFFFF),
    st.lists(st.tuples(u32s, u32s, st.integers(0, 7)), max_size=8),
    st.tuples(st.integers(0, 0xFFFFFFFF), st.sampled_from([0, 1, 5000])),
    st.integers(0, 40),
    st.one_of(st.just(0), st.integers(0, 1100)),
)
def test_booting_is_refused_or_right(
    pages: int,
    image_end: int,
    segments: list[tuple[int, int, int]],
    initrd: tuple[int, int],
    reserve: int,
    held: int,
) -> None:
    """boot_prepare on any bundle: what it takes, it fits below memory's end and what the loader holds there,
    and it touches nothing outside. What it refuses, it leaves as it was."""
    assume(pages <= 1024 or image_end >> 12 < 4)  # the buffer holds 4 MiB
    host = fresh()
    ffi, lib = host.ffi, host.lib
    memory = ffi.buffer(lib.guest_memory(), 1 << 22)
    bundle = vmi.ffi.new("struct vmi_bundle *")
    bundle.magic, bundle.image_end_gpa, bundle.nr_segments = vmi.Const.BUNDLE_MAGIC, image_end, len(segments)
    for row, (gpa, length, flags) in zip(bundle.segments, segments, strict=False):
        row.gpa, row.length, row.flags = gpa, length, flags
    memory[vmi.Layout.STATE_GPA : vmi.Layout.STATE_GPA + vmi.ffi.sizeof("struct vmi_bundle")] = bytes(
        vmi.ffi.buffer(bundle)
    )
    plan = ffi.new("struct boot_plan *")
    plan.mem_pages, plan.reserve_pages, plan.held_pages = pages, reserve, held
    plan.initrd_gpa, plan.initrd_length = initrd
    before = bytes(memory)
    if lib.boot_prepare(plan) != 0:
        assert bytes(memory) == before
        return
    assert plan.first_free_pfn + held <= pages
    assert plan.mem_pages <= pages
    assert plan.root_gpa >> 12 >= image_end >> 12
    assert plan.root_gpa >> 12 < plan.reserved_pfn
    assert plan.reserved_pfn + reserve == plan.first_free_pfn < plan.mem_pages
    if pages <= 1024:
        assert lib.wild() == 0
