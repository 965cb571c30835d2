"""Port instructions: permission, exact stops, and what a device's exception does."""

from __future__ import annotations

import struct
import sys
import threading
import time

import pytest

from tests.effort import share
from tests.machine.rig import CODE, HALT, machine, mov
from vmirom.machine.engine import Halted, Preempted, Segment, Trap
from vmirom.machine.ticker import ticker
from vmirom.machine.unicorn import UnicornEngine

HLT = b"\xf4"
MODES = pytest.mark.parametrize("live", [True, False], ids=["in place", "context"])


class Recorder:
    """Answers every port and remembers."""

    def __init__(self, answer: int = 0x11223344) -> None:
        self.answer = answer
        self.log: list[tuple[int, ...]] = []
        self.engine: UnicornEngine | None = None

    def port_in(self, port: int, size: int) -> int:
        self.log.append((port, size))
        return self.answer

    def port_out(self, port: int, size: int, value: int) -> None:
        self.log.append((port, size, value))
        if self.engine is not None:
            self.engine.kick()


def soon() -> int:
    return time.monotonic_ns() + 10_000_000_000


@MODES
def test_sizes_and_values(live: bool) -> None:
    code = mov(0, 0xAABBCCDD) + b"\x66\xba\x34\x12\xee\x66\xef\xef\xed\x66\xed\xec" + HALT
    with machine(code, live=live) as engine:
        ports = Recorder()
        engine.set_ports(ports)
        assert engine.run(soon()) == Halted()
        assert ports.log == [
            (0x1234, 1, 0xDD),
            (0x1234, 2, 0xCCDD),
            (0x1234, 4, 0xAABBCCDD),
            (0x1234, 4),
            (0x1234, 2),
            (0x1234, 1),
        ]
        assert engine.eax == 0x11223344


def test_without_devices_ring_0_reads_ones_and_ring_3_traps() -> None:
    with machine(b"\xe4\x60" + HLT) as engine:
        assert engine.run(soon()) == Halted()
        assert engine.eax & 0xFF == 0xFF
    for ring, flags in ((1, 2), (3, 2), (3, 0x3002)):
        with machine(b"\xe4\x60", ring=ring) as engine:
            engine.eflags = flags
            assert engine.run(soon()) == Trap(13, 0)


@MODES
@pytest.mark.parametrize(
    "code",
    [b"\xe6\x80", b"\xe4\x80", b"\xee", b"\xed", b"\x6e", b"\xf3\x6e", b"\x6c"],
    ids=["out imm", "in imm", "out dx", "in dx", "outsb", "rep outsb", "insb"],
)
def test_a_refused_port_changes_nothing_and_stops_at_once(live: bool, code: bytes) -> None:
    """unicorn itself would let it pass, and would run to the block's end before it stopped."""
    with machine(b"\x41" + code + mov(3, 0xBAD), ring=3, live=live) as engine:
        ports = Recorder()
        engine.set_ports(ports)
        engine.eax, engine.edx, engine.esi, engine.edi = 0x55667788, 0x80, 0x5000, 0x6000
        engine.ecx = 4
        for _ in range(2):
            assert engine.run(soon()) == Trap(13, 0)
            assert engine.eip == CODE + 1
            assert (engine.eax, engine.ecx, engine.esi, engine.edi) == (0x55667788, 5, 0x5000, 0x6000)
            assert engine.ebx == 0
        assert ports.log == []


@MODES
def test_iopl_and_the_bitmap_allow(live: bool) -> None:
    with machine(b"\xe6\x80\xe6\x81" + HALT, ring=3, live=live) as engine:
        ports = Recorder()
        engine.set_ports(ports)
        engine.eflags = 0x3002
        assert engine.run(soon()) == Trap(13, 0)  # the HLT
        assert ports.log == [(0x80, 1, 0), (0x81, 1, 0)]
        engine.eflags = 2
        bitmap = bytearray(b"\xff" * 0x20)
        bitmap[0x10] = 0xFE  # port 0x80 only
        engine.memory.write(0x6000 + 0x66, struct.pack("<H", 0x68) + bytes(bitmap))
        engine.set_task_register(Segment(0x70, 0x6000, 0x68 + 0x1F, 0x8900))
        engine.eip = CODE
        assert engine.run(soon()) == Trap(13, 0)
        assert engine.eip == CODE + 2
        assert ports.log[2:] == [(0x80, 1, 0)]
        engine.set_task_register(Segment(0x70, 0x6000, 0x67 + 0x10, 0x8900))  # the bitmap ends before it
        engine.eip = CODE
        assert engine.run(soon()) == Trap(13, 0)
        assert engine.eip == CODE


@MODES
def test_a_kick_from_a_device_stops_right_behind_the_instruction(live: bool) -> None:
    with machine(b"\xe6\x80" + mov(3, 1) + HALT, live=live) as engine:
        ports = Recorder()
        ports.engine = engine
        engine.set_ports(ports)
        assert engine.run(soon()) == Preempted()
        assert (engine.eip, engine.ebx) == (CODE + 2, 0)
        assert engine.run(soon()) == Halted()
        assert engine.ebx == 1


def test_an_exception_in_a_device_comes_out_of_run() -> None:
    class Broken(Recorder):
        def port_out(self, port: int, size: int, value: int) -> None:
            raise ZeroDivisionError("device")

    with machine(b"\xe6\x80" + HLT) as engine:
        engine.set_ports(Broken())
        with pytest.raises(ZeroDivisionError, match="device"):
            engine.run(soon())


@MODES
def test_the_guest_keeps_its_debug_registers(live: bool) -> None:
    """The exact stop borrows DR0 and DR7 for one instruction."""
    code = mov(0, 0x1234) + b"\x0f\x23\xc0" + b"\xe6\x80\x0f\x21\xc3" + HALT
    with machine(code, live=live) as engine:
        ports = Recorder()
        ports.engine = engine
        engine.set_ports(ports)
        assert engine.run(soon()) == Preempted()
        assert engine.run(soon()) == Halted()
        assert engine.ebx == 0x1234


class Kicker(Recorder):
    """Kicks at each access, in either direction."""

    def port_in(self, port: int, size: int) -> int:
        if self.engine is not None:
            self.engine.kick()
        return super().port_in(port, size)


@MODES
@pytest.mark.parametrize("code", [b"\xf3\x6e", b"\x66\xf3\x6f", b"\xf3\x6c", b"\x67\xf2\x6e"])
def test_kicks_from_a_device_lose_no_step_of_a_repeated_instruction(live: bool, code: bytes) -> None:
    inward = code.endswith(b"\x6c")
    with machine(code + HALT, live=live) as engine:
        ports = Kicker(0x41)
        ports.engine = engine
        engine.set_ports(ports)
        engine.memory.write(0x5000, b"abcdefgh")
        engine.esi, engine.edi, engine.edx, engine.ecx = 0x5000, 0x6000, 0x80, 4
        ends = [engine.run(soon())]
        while ends[-1] == Preempted():
            ends.append(engine.run(soon()))
        assert len(ends) > 1 and ends[-1] == Halted()
        assert (engine.ecx, len(ports.log), engine.eip) == (0, 4, CODE + len(code) + 1)
        if inward:
            assert (engine.edi, engine.memory.read(0x6000, 5)) == (0x6004, b"AAAA\0")
        else:
            sent = b"".join(entry[2].to_bytes(entry[1], "little") for entry in ports.log)
            assert sent == b"abcdefgh"[: len(sent)] and len(sent) in (4, 8)


@MODES
@pytest.mark.parametrize(
    "code", [b"\xe4\x80", b"\xe6\x80", b"\x6c", b"\x6e"], ids=["in", "out", "ins", "outs"]
)
@pytest.mark.parametrize("when", ["before the run", "during the access"])
def test_a_kick_is_exact_whatever_stop_came_before(
    live: bool, code: bytes, when: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stop that comes while unicorn has not begun is lost; one that it has seen takes effect later than
    the kick of a device must."""
    with machine(code + mov(3, 1) + HALT, live=live) as engine:
        ports = Kicker(0x41)
        ports.engine = engine
        engine.set_ports(ports)
        engine.esi, engine.edi, engine.edx = 0x5000, 0x6000, 0x80
        if when == "before the run":
            monkeypatch.setattr(ticker, "enter", lambda running: running.stop())
        else:
            stops = [engine._leave]
            monkeypatch.setattr(engine, "_enter_port", lambda: stops and stops.pop()())
        assert engine.run(soon()) == Preempted()
        assert (engine.eip, engine.ebx, len(ports.log)) == (CODE + len(code), 0, 1)
        monkeypatch.undo()
        assert engine.run(soon()) == Halted()
        assert (engine.ebx, len(ports.log)) == (1, 1)
        if code == b"\x6c":
            assert engine.memory.read(0x6000, 2) == b"A\0" and engine.edi == 0x6001


@MODES
@pytest.mark.sampled
@pytest.mark.parametrize("kind", [Recorder, Kicker])
@pytest.mark.parametrize(
    "code",
    [b"\xf3\x6c", b"\xf3\x6e", b"\x6c\xe2\xfd", b"\x6e\xe2\xfd"],
    ids=["rep ins", "rep outs", "ins", "outs"],
)
def test_stops_from_outside_lose_and_repeat_no_step(live: bool, kind: type[Recorder], code: bytes) -> None:
    """A ticker's stop may come at any moment of a port access, also when a device has just kicked."""
    done = threading.Event()
    interval = sys.getswitchinterval()
    with machine(code + HALT, live=live) as engine:

        def hammer() -> None:
            while not done.is_set():
                engine.stop()
                time.sleep(0.00002)

        ports = kind(0x41)
        ports.engine = engine if kind is Kicker else None
        engine.set_ports(ports)
        threads = [threading.Thread(target=hammer) for _ in range(3)]
        sys.setswitchinterval(1e-5)
        try:
            for thread in threads:
                thread.start()
            for _ in range(share(30)):
                ports.log.clear()
                engine.memory.write(0x5000, bytes(range(64)))
                engine.memory.write(0x6000, bytes(65))
                engine.esi, engine.edi, engine.edx, engine.ecx = 0x5000, 0x6000, 0x80, 64
                engine.eip = CODE
                while engine.run(soon()) == Preempted():
                    pass
                assert (len(ports.log), engine.ecx) == (64, 0)
                if b"\x6c" in code:
                    assert engine.memory.read(0x6000, 65) == b"A" * 64 + b"\0"
                else:
                    assert bytes(entry[2] for entry in ports.log) == bytes(range(64))
        finally:
            done.set()
            sys.setswitchinterval(interval)
            for thread in threads:
                thread.join()
