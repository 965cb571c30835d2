"""The PC's devices behind their ports, with a clock that the test moves."""

from __future__ import annotations

import datetime

import pytest

from vmirom.machine.devices import Devices, Request, RequestKind
from vmirom.machine.devices.bus import Bus, PortConflict
from vmirom.overlays.native import Acpi, Cmos, Exit, Keyboard, Pic, Pit, Port, Reset, Speaker, Uart, UartIir

MS = 1_000_000


class Pc:
    """Devices, a clock at 0, and what came out."""

    def __init__(self) -> None:
        self.now = 0
        self.printed = b""
        self.asked: list[Request] = []
        self.time = datetime.datetime(2026, 11, 3, 14, 5, 9, tzinfo=datetime.UTC)
        self.devices = Devices(64 << 20, self._print, self.asked.append, lambda: self.now, lambda: self.time)

    def _print(self, data: bytes) -> None:
        self.printed += data

    def out(self, port: int, *values: int) -> None:
        for value in values:
            self.devices.bus.port_out(port, 1, value)

    def read(self, port: int) -> int:
        return self.devices.bus.port_in(port, 1)

    def start_pic(self, mask: int = 0, slave_mask: int = 0) -> None:
        self.out(Pic.MASTER_COMMAND, 0x11)
        self.out(Pic.MASTER_DATA, 0x20, 4, 1, mask)
        self.out(Pic.SLAVE_COMMAND, 0x11)
        self.out(Pic.SLAVE_DATA, 0x28, 2, 1, slave_mask)

    def count(self, command: int, low: int, high: int, channel: int = 0) -> None:
        self.out(Pit.COMMAND, command | channel << 6)
        self.out(Pit.CHANNEL0 + channel, low, high)

    def ticks(self, n: float) -> None:
        """Move the clock by n ticks of the 8254 and a little."""
        self.now += int(n * 1_000_000_000 / Pit.HZ) + 10
        self.devices.advance()


@pytest.fixture
def pc() -> Pc:
    return Pc()


# bus


def test_overlapping_claims_are_refused_by_name() -> None:
    bus = Bus()
    bus.claim("one", 0x100, 8, lambda _: 0, lambda _, __: None)
    with pytest.raises(PortConflict, match="two and one"):
        bus.claim("two", 0x107, 1, lambda _: 0, lambda _, __: None)


def test_a_wide_access_to_byte_registers_is_split_and_nobody_answers_ones(pc: Pc) -> None:
    pc.devices.bus.port_out(Pic.MASTER_COMMAND, 2, 0x11)  # ICW1, and the low byte 0 to the data port
    assert pc.devices.bus.port_in(0x1234, 4) == 0xFFFFFFFF
    pc.devices.bus.port_out(0x1234, 4, 1)
    pc.out(Uart.BASE + Uart.SCRATCH, 0x5A)
    assert pc.devices.bus.port_in(Uart.BASE + Uart.SCRATCH, 2) == 0xFF5A


# 8259


def test_priorities_and_end_of_interrupt(pc: Pc) -> None:
    pc.start_pic()
    pic = pc.devices.pic
    pic.set_line(5, True)
    pic.set_line(3, True)
    assert pic.acknowledge() == 0x23
    assert not pic.pending, "5 waits for 3"
    pic.set_line(1, True)
    assert pic.pending, "1 is better than 3"
    assert pic.acknowledge() == 0x21
    pc.out(Pic.MASTER_COMMAND, 0x0B)
    assert pc.read(Pic.MASTER_COMMAND) == 0b1010
    pc.out(Pic.MASTER_COMMAND, 0x20)
    pc.out(Pic.MASTER_COMMAND, 0x63)  # specific, 3
    assert pic.acknowledge() == 0x25
    pc.out(Pic.MASTER_COMMAND, 0x20)
    assert not pic.pending


def test_an_edge_is_remembered_once_and_a_mask_holds_it(pc: Pc) -> None:
    pc.start_pic(mask=0x10)
    pic = pc.devices.pic
    pic.set_line(4, True)
    pic.set_line(4, False)
    assert not pic.pending
    pc.out(Pic.MASTER_COMMAND, 0x0A)
    assert pc.read(Pic.MASTER_COMMAND) == 0x10
    pc.out(Pic.MASTER_DATA, 0)
    assert pic.acknowledge() == 0x24
    pc.out(Pic.MASTER_COMMAND, 0x20)
    assert not pic.pending


def test_the_slave_comes_through_line_2(pc: Pc) -> None:
    pc.start_pic()
    pic = pc.devices.pic
    pic.set_line(8, True)
    pic.set_line(12, True)
    assert pic.acknowledge() == 0x28
    pc.out(Pic.SLAVE_COMMAND, 0x20)
    assert not pic.pending, "the master still serves line 2"
    pc.out(Pic.MASTER_COMMAND, 0x20)
    assert pic.acknowledge() == 0x2C


def test_levels_last_and_edges_do_not(pc: Pc) -> None:
    pc.start_pic()
    pc.out(Pic.MASTER_ELCR, 0x20)
    pic = pc.devices.pic
    pic.set_line(5, True)
    assert pic.acknowledge() == 0x25
    pc.out(Pic.MASTER_COMMAND, 0x20)
    assert pic.pending, "the level is still there"
    pic.set_line(5, False)
    assert not pic.pending
    assert pic.acknowledge() == 0x27, "spurious"


def test_auto_eoi_rotation_poll_and_special_mask(pc: Pc) -> None:
    pc.out(Pic.MASTER_COMMAND, 0x11)
    pc.out(Pic.MASTER_DATA, 0x20, 4, 3, 0)
    pic = pc.devices.pic
    pic.set_line(1, True)
    assert pic.acknowledge() == 0x21
    pc.out(Pic.MASTER_COMMAND, 0x0B)
    assert pc.read(Pic.MASTER_COMMAND) == 0
    pc.start_pic()
    pc.out(Pic.MASTER_COMMAND, 0xC3)  # 3 becomes the lowest, so 4 is the highest
    for line in (3, 4, 6):
        pic.set_line(line, True)
    assert pic.acknowledge() == 0x24
    pc.out(Pic.MASTER_COMMAND, 0xA0)  # end and rotate: 4 is the lowest now
    assert pic.acknowledge() == 0x26
    pc.out(Pic.MASTER_COMMAND, 0x68)  # special mask mode
    pc.out(Pic.MASTER_DATA, 0x40)  # masks what is being served
    assert pic.pending
    pc.out(Pic.MASTER_COMMAND, 0x0C)  # poll
    assert pc.read(Pic.MASTER_COMMAND) == 0x83
    assert pc.read(Pic.MASTER_DATA) == 0x40


# 8254


def test_mode_2_ticks_for_ever_and_late_ticks_fall_together(pc: Pc) -> None:
    pc.start_pic()
    pc.count(0x34, 0xE8, 0x03)  # 1000
    event = pc.devices.next_event()
    assert event == -(-1000 * 1_000_000_000 // Pit.HZ)
    pc.ticks(999)
    assert not pc.devices.pending
    pc.ticks(1)
    assert pc.devices.acknowledge() == 0x20
    pc.out(Pic.MASTER_COMMAND, 0x20)
    pc.ticks(5500)
    assert pc.devices.acknowledge() == 0x20
    pc.out(Pic.MASTER_COMMAND, 0x20)
    assert not pc.devices.pending
    pc.ticks(600)
    assert pc.devices.pending


def test_mode_0_fires_once_and_reloads(pc: Pc) -> None:
    pc.start_pic()
    pc.count(0x30, 100, 0)
    pc.ticks(100)
    assert pc.devices.acknowledge() == 0x20
    pc.out(Pic.MASTER_COMMAND, 0x20)
    assert pc.devices.next_event() is None
    pc.ticks(100_000)
    assert not pc.devices.pending
    pc.out(Pit.CHANNEL0, 50, 0)
    pc.ticks(50)
    assert pc.devices.pending


@pytest.mark.parametrize(("command", "count", "fires"), [(0x36, 1000, 1000), (0x38, 1000, 1001)])
def test_modes_3_and_4_raise_irq_0(pc: Pc, command: int, count: int, fires: int) -> None:
    pc.start_pic()
    pc.count(command, count & 255, count >> 8)
    pc.ticks(fires - 1)
    assert not pc.devices.pending
    pc.ticks(1)
    assert pc.devices.pending


def test_latch_holds_and_the_halves_alternate(pc: Pc) -> None:
    pc.count(0x34, 0, 0)  # 65536
    pc.ticks(1000)
    pc.out(Pit.COMMAND, 0x00)
    pc.ticks(5000)
    low, high = pc.read(Pit.CHANNEL0), pc.read(Pit.CHANNEL0)
    assert high << 8 | low == 65536 - 1000
    low, high = pc.read(Pit.CHANNEL0), pc.read(Pit.CHANNEL0)
    assert high << 8 | low == 65536 - 6000


def test_read_back_gives_status_then_count(pc: Pc) -> None:
    pc.out(Pit.COMMAND, 0x30)
    pc.out(Pit.COMMAND, 0xC2)  # both, of counter 0
    assert pc.read(Pit.CHANNEL0) == 0x40 | 0x30, "OUT low, no count yet"
    pc.read(Pit.CHANNEL0), pc.read(Pit.CHANNEL0)
    pc.out(Pit.CHANNEL0, 10, 0)
    pc.out(Pit.COMMAND, 0xE2)  # status only
    assert pc.read(Pit.CHANNEL0) == 0x30
    pc.ticks(10)
    pc.out(Pit.COMMAND, 0xE2)
    assert pc.read(Pit.CHANNEL0) == 0x80 | 0x30


def test_bcd_and_single_byte_access(pc: Pc) -> None:
    pc.count(0x35, 0x00, 0x10)  # BCD 1000, mode 2
    pc.ticks(1)
    pc.out(Pit.COMMAND, 0x00)
    assert (pc.read(Pit.CHANNEL0), pc.read(Pit.CHANNEL0)) == (0x99, 0x09)
    pc.out(Pit.COMMAND, 0x14)  # low byte only
    pc.out(Pit.CHANNEL0, 100)
    pc.ticks(30)
    assert pc.read(Pit.CHANNEL0) == 70


def test_a_new_period_begins_at_the_end_of_the_old_one(pc: Pc) -> None:
    pc.start_pic()
    pc.count(0x34, 0xE8, 0x03)
    pc.ticks(10)
    pc.out(Pit.CHANNEL0, 10, 0)
    pc.ticks(900)
    assert not pc.devices.pending
    pc.ticks(100)
    event = pc.devices.next_event()
    assert event is not None
    assert event - pc.now < 10 * 1_000_000_000 // Pit.HZ + 1000


def test_the_speaker_gate_measures_time_on_counter_2(pc: Pc) -> None:
    """The calibration loop every kernel has: mode 0 on counter 2, gate up, wait for OUT."""
    pc.out(Pit.SPEAKER, 0)
    pc.count(0x30, 0x10, 0x27, channel=2)
    pc.ticks(20_000)
    assert not pc.read(Pit.SPEAKER) & Speaker.OUT, "the gate holds it"
    pc.out(Pit.SPEAKER, Speaker.GATE)
    pc.ticks(9_999)
    assert not pc.read(Pit.SPEAKER) & Speaker.OUT
    pc.ticks(1)
    assert pc.read(Pit.SPEAKER) & Speaker.OUT
    seen = set()
    for _ in range(4):
        seen.add(pc.read(Pit.SPEAKER) & Speaker.REFRESH)
        pc.now += 15_085
    assert len(seen) == 2


def test_mode_1_needs_a_trigger(pc: Pc) -> None:
    pc.out(Pit.SPEAKER, 0)
    pc.count(0x32, 100, 0, channel=2)
    pc.ticks(500)
    assert pc.read(Pit.SPEAKER) & Speaker.OUT
    pc.out(Pit.SPEAKER, Speaker.GATE)
    assert not pc.read(Pit.SPEAKER) & Speaker.OUT
    pc.ticks(100)
    assert pc.read(Pit.SPEAKER) & Speaker.OUT


# 16550


def test_output_goes_to_the_console(pc: Pc) -> None:
    pc.out(Uart.BASE + Uart.LCR, 0x83)
    pc.out(Uart.BASE, 1)
    pc.out(Uart.BASE + 1, 0)
    assert (pc.read(Uart.BASE), pc.read(Uart.BASE + 1)) == (1, 0)
    pc.out(Uart.BASE + Uart.LCR, 3)
    pc.out(Uart.BASE, *b"hi\n")
    assert pc.printed == b"hi\n"
    assert pc.read(Uart.BASE + Uart.LSR) == 0x60
    assert pc.read(Uart.BASE + Uart.MSR) == 0xB0


def test_transmit_interrupt_comes_and_is_cleared_by_reading_iir(pc: Pc) -> None:
    pc.start_pic()
    pc.out(Uart.BASE + Uart.MCR, 8)
    pc.out(Uart.BASE + Uart.IER, 2)
    assert pc.devices.acknowledge() == 0x24
    pc.out(Pic.MASTER_COMMAND, 0x20)
    assert pc.read(Uart.BASE + Uart.IIR) == UartIir.TRANSMIT
    assert pc.read(Uart.BASE + Uart.IIR) == UartIir.NONE
    assert not pc.devices.pending
    pc.out(Uart.BASE, 65)
    assert pc.devices.pending


def test_input_interrupts_only_with_out2(pc: Pc) -> None:
    pc.start_pic()
    pc.out(Uart.BASE + Uart.IER, 1)
    pc.devices.uart.receive(b"ab")
    assert not pc.devices.pending
    pc.out(Uart.BASE + Uart.MCR, 8)
    assert pc.devices.pending
    assert pc.read(Uart.BASE + Uart.IIR) == UartIir.RECEIVE
    assert [pc.read(Uart.BASE), pc.read(Uart.BASE)] == [97, 98]
    assert pc.read(Uart.BASE + Uart.LSR) == 0x60
    assert pc.read(Uart.BASE + Uart.IIR) == UartIir.NONE


def test_fifo_trigger_and_a_long_input_loses_nothing(pc: Pc) -> None:
    pc.out(Uart.BASE + Uart.FCR, 0xC7)  # on, clear, trigger 14
    pc.out(Uart.BASE + Uart.IER, 1)
    pc.devices.uart.receive(b"x")
    assert pc.read(Uart.BASE + Uart.IIR) == 0xC0 | UartIir.TIMEOUT
    text = bytes(range(40))
    pc.devices.uart.receive(text)
    assert pc.read(Uart.BASE + Uart.IIR) == 0xC0 | UartIir.RECEIVE
    assert bytes(pc.read(Uart.BASE) for _ in range(41)) == b"x" + text


def test_loop_back(pc: Pc) -> None:
    pc.out(Uart.BASE + Uart.MCR, 0x10 | 0xA)
    assert pc.read(Uart.BASE + Uart.MSR) == 0x90
    pc.out(Uart.BASE, 0x42, 0x43)
    assert pc.printed == b""
    assert pc.read(Uart.BASE + Uart.LSR) == 0x60 | 1 | 2, "data, and one byte too many"
    assert pc.read(Uart.BASE) == 0x42


# clock, power, keyboard controller


def cmos(pc: Pc, register: int) -> int:
    pc.out(Cmos.INDEX, register | 0x80)
    return pc.read(Cmos.DATA)


def test_clock_in_bcd_binary_and_twelve_hours(pc: Pc) -> None:
    time = (
        Cmos.SECONDS,
        Cmos.MINUTES,
        Cmos.HOURS,
        Cmos.DAY,
        Cmos.MONTH,
        Cmos.YEAR,
        Cmos.CENTURY,
        Cmos.WEEKDAY,
    )
    assert [cmos(pc, r) for r in time] == [0x09, 0x05, 0x14, 0x03, 0x11, 0x26, 0x20, 3]
    pc.out(Cmos.INDEX, Cmos.STATUS_B)
    pc.out(Cmos.DATA, 4)  # binary, 12 hours
    assert (cmos(pc, Cmos.HOURS), cmos(pc, Cmos.MINUTES)) == (0x82, 5)
    assert cmos(pc, Cmos.STATUS_D) == 0x80
    assert not cmos(pc, Cmos.STATUS_A) & 0x80
    pc.time = pc.time.replace(microsecond=999_900)
    assert cmos(pc, Cmos.STATUS_A) & 0x80, "an update is due"


def test_clock_can_be_set_and_goes_on(pc: Pc) -> None:
    for register, value in ((Cmos.STATUS_B, 0x82), (Cmos.HOURS, 0x23), (Cmos.YEAR, 0x30), (Cmos.STATUS_B, 2)):
        pc.out(Cmos.INDEX, register)
        pc.out(Cmos.DATA, value)
    pc.time += datetime.timedelta(minutes=60)
    assert (cmos(pc, Cmos.HOURS), cmos(pc, Cmos.DAY), cmos(pc, Cmos.YEAR)) == (0x00, 0x04, 0x30)
    pc.out(Cmos.INDEX, Cmos.MONTH)
    pc.out(Cmos.DATA, 0x13)
    assert cmos(pc, Cmos.MONTH) == 0x11, "no such month"


def test_cmos_memory(pc: Pc) -> None:
    assert cmos(pc, Cmos.BASE_MEMORY) | cmos(pc, Cmos.BASE_MEMORY + 1) << 8 == 640
    assert cmos(pc, Cmos.HIGH_MEMORY) | cmos(pc, Cmos.HIGH_MEMORY + 1) << 8 == 48 << 4
    pc.out(Cmos.INDEX, Cmos.SHUTDOWN)
    pc.out(Cmos.DATA, 0x0A)
    assert cmos(pc, Cmos.SHUTDOWN) == 0x0A


@pytest.mark.parametrize(
    ("port", "values", "kind"),
    [
        (Reset.KEYBOARD_PORT, (Reset.KEYBOARD_PULSE,), RequestKind.RESET),
        (Reset.FAST_PORT, (3,), RequestKind.RESET),
        (Reset.FAST_PORT, (0,), RequestKind.A20_OFF),
        (Reset.CONTROL_PORT, (2, 6), RequestKind.RESET),
        (Reset.KEYBOARD_PORT, (Keyboard.A20_OFF,), RequestKind.A20_OFF),
    ],
)
def test_ways_out(pc: Pc, port: int, values: tuple[int, ...], kind: RequestKind) -> None:
    pc.out(port, *values)
    assert [request.kind for request in pc.asked] == [kind]


def test_exit_port_takes_any_width_and_acpi_powers_off(pc: Pc) -> None:
    bus = pc.devices.bus
    bus.port_out(Exit.PORT, 4, 0x12345678)
    bus.port_out(Acpi.PM1A_CONTROL, 2, 0x2000)
    bus.port_out(Acpi.PM1A_CONTROL, 2, 0x2400)
    kinds = [RequestKind.EXIT, RequestKind.OFF, RequestKind.SLEEP]
    assert [request.kind for request in pc.asked] == kinds
    assert pc.asked[0].value == 0x12345678
    pc.now = 1_000_000_000
    assert bus.port_in(Acpi.PM1A_TIMER, 4) == Acpi.TIMER_HZ
    pc.out(Port.POST, 0x42)
    assert pc.read(Port.POST) == 0x42


def test_keyboard_controller_answers(pc: Pc) -> None:
    pc.out(Reset.KEYBOARD_PORT, Keyboard.SELF_TEST)
    assert pc.read(Reset.KEYBOARD_PORT) & 1
    assert pc.read(Port.KEYBOARD_DATA) == 0x55
    assert not pc.read(Reset.KEYBOARD_PORT) & 1
    pc.out(Reset.KEYBOARD_PORT, Keyboard.WRITE_OUTPUT)
    pc.out(Port.KEYBOARD_DATA, 0xDF)
    pc.out(Reset.KEYBOARD_PORT, Keyboard.READ_OUTPUT)
    assert pc.read(Port.KEYBOARD_DATA) == 0xDF
    pc.out(Reset.KEYBOARD_PORT, Keyboard.WRITE_OUTPUT)
    pc.out(Port.KEYBOARD_DATA, 0xDE)
    assert pc.asked == [Request(RequestKind.RESET, "keyboard controller")]
