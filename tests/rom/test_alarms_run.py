"""Alarms of the native and kvm ROMs as a guest meets them: PIT, PIC, stub and handler together."""

from __future__ import annotations

import datetime
import struct
import time
from collections.abc import Callable

import pytest

from tests.rom.bare_machine import CODE, DATA, IDT, KERNEL_CS, STACK, BareMachine
from vmirom.overlays.vmi import Alarm, Eflags

Start = Callable[..., BareMachine]
MS = 1_000_000
LVTT_VECTOR = 0xEF


def ready(start: Start, backend: str = "native", base: int = 0x20, port_calls: bool = True) -> BareMachine:
    machine = start(backend)
    machine.boot()
    machine.settle(base, port_calls)
    return machine


def now(machine: BareMachine, counter: int = 0) -> int:
    return machine.call("GetCycleCounter", eax=counter).pair


def cycles(machine: BareMachine, ns: int) -> int:
    return machine.call("GetCycleFrequency").pair * ns // 1_000_000_000


def set_alarm(machine: BareMachine, expiry: int, period: int = 0, flags: int = 0) -> None:
    stack = (period & 0xFFFFFFFF, period >> 32)
    machine.call("SetAlarm", stack=stack, eax=flags, edx=expiry & 0xFFFFFFFF, ecx=expiry >> 32)


def halt(machine: BareMachine) -> None:
    assert machine.call("Halt").values["EFLAGS"] & Eflags.IF


@pytest.mark.parametrize("backend", ["native", "kvm"])
@pytest.mark.parametrize("ms", [2, 40, 130])
def test_halt_lasts_until_the_alarm(start: Start, backend: str, ms: int) -> None:
    """130 ms are three shots of the PIT: the ROM's own interrupts wake nobody."""
    machine = ready(start, backend)
    expiry = now(machine) + cycles(machine, ms * MS)
    set_alarm(machine, expiry)
    begin = time.monotonic_ns()
    halt(machine)
    assert machine.interrupts(0x20) == 1
    assert now(machine) >= expiry
    assert (time.monotonic_ns() - begin) < (ms + 60) * MS
    assert machine.call("CancelAlarm")["EAX"] == 0


@pytest.mark.parametrize("backend", ["native", "kvm"])
def test_a_handler_that_hardly_uses_its_stack_ends_a_halt(start: Start, backend: str) -> None:
    """The ROM's own tick comes right behind its IRET, where it would begin an interrupted Halt anew."""
    machine = ready(start, backend)
    handler = CODE + 0x80
    machine.put(handler, b"\x50\xb0\x20\xe6\x20\x58\xcf")  # push eax; mov al, 20h; out 20h, al; pop eax; iret
    high = handler & 0xFFFF0000 | 0x8E00
    machine.put(IDT + 8 * 0x21, struct.pack("<II", KERNEL_CS << 16 | handler & 0xFFFF, high))
    machine.settle(icw_base=None)
    machine.call("OUTB", eax=0xFC, edx=0x21)  # IRQ 0 and 1
    set_alarm(machine, now(machine) + cycles(machine, 2000 * MS))
    pic, port_out = machine.devices.pic, machine.devices.bus.port_out

    def tick(port: int, size: int, value: int) -> None:
        port_out(port, size, value)
        if 0 <= machine.engine.eip - handler < 8:
            pic.set_line(0, False)
            pic.set_line(0, True)
            machine.engine.kick()

    machine.devices.bus.port_out = tick  # type: ignore[method-assign]
    pic.set_line(1, True)
    halt(machine)
    assert machine.interrupts(0x20) == 0, "the alarm ended it"


def test_an_alarm_in_the_past_fires_at_once(start: Start) -> None:
    machine = ready(start)
    set_alarm(machine, 1)
    assert machine.interrupts(0x20) == 0  # interrupts are off
    halt(machine)
    assert machine.interrupts(0x20) == 1


@pytest.mark.parametrize("base", [0x20, 0x30, 0xF8])
@pytest.mark.parametrize("port_calls", [True, False], ids=["by OUTB", "raw"])
def test_the_vector_of_irq_0_is_found(start: Start, base: int, port_calls: bool) -> None:
    machine = ready(start, base=base & 0xF8, port_calls=port_calls)
    for n in (1, 2):
        set_alarm(machine, now(machine) + cycles(machine, MS))
        halt(machine)
        assert machine.interrupts(base) == n


def test_other_interrupts_pass_while_the_vector_is_unknown(start: Start) -> None:
    machine = ready(start, port_calls=False)
    set_alarm(machine, now(machine) + cycles(machine, 100 * MS))
    machine.put(CODE + 0x40, b"\xcd\x80\xcd\x31\xc3")  # int 0x80; int 0x31; ret
    machine.trap = lambda trap: _deliver(machine, trap)  # type: ignore[method-assign]
    machine.run_code(CODE + 0x40)
    assert (machine.interrupts(0x80), machine.interrupts(0x31)) == (1, 1)


def _deliver(machine: BareMachine, trap: object) -> None:
    assert machine.delivery.trap(trap) is None  # type: ignore[arg-type]


def test_a_period_is_kept_and_missed_ones_collapse(start: Start) -> None:
    machine = ready(start)
    period = cycles(machine, 5 * MS)
    first = now(machine) + period
    set_alarm(machine, first, period, int(Alarm.PERIODIC))
    for n in (1, 2, 3):
        halt(machine)
        assert machine.interrupts(0x20) == n
        assert now(machine) >= first + (n - 1) * period
    time.sleep(0.03)  # the VCPU does not run: expiries pass
    halt(machine)
    assert machine.interrupts(0x20) == 4
    assert machine.call("CancelAlarm")["EAX"] == 1
    assert machine.call("CancelAlarm")["EAX"] == 0


def test_a_cancelled_alarm_does_not_come(start: Start) -> None:
    machine = ready(start)
    set_alarm(machine, now(machine) + cycles(machine, 200 * MS))
    assert machine.call("CancelAlarm")["EAX"] == 1
    set_alarm(machine, now(machine) + cycles(machine, 220 * MS), flags=1)
    halt(machine)
    assert machine.interrupts(0x20) == 1
    assert machine.call("CancelAlarm", eax=1)["EAX"] == 0


def test_an_alarm_wired_to_lvtt_arrives_at_its_vector(start: Start) -> None:
    machine = ready(start)
    machine.call("APICWrite", eax=0x320, edx=LVTT_VECTOR)
    for n in (1, 2):
        set_alarm(machine, now(machine) + cycles(machine, 2 * MS), flags=int(Alarm.WIRED_LVTT))
        halt(machine)
        assert machine.interrupts(LVTT_VECTOR) == n
        assert machine.interrupts(0x20) == 0
        assert machine.call("APICRead", eax=0x100 + 16 * (LVTT_VECTOR >> 5))["EAX"] == 1 << (LVTT_VECTOR & 31)
        machine.call("APICWrite", eax=0xB0, edx=0)
    machine.call("APICWrite", eax=0x320, edx=0x10000 | LVTT_VECTOR)  # masked: lost
    set_alarm(machine, now(machine), flags=int(Alarm.WIRED_LVTT))
    set_alarm(machine, now(machine) + cycles(machine, 5 * MS), flags=1)
    halt(machine)
    assert (machine.interrupts(LVTT_VECTOR), machine.interrupts(0x20)) == (2, 1)


def test_an_interrupt_to_oneself_is_delivered(start: Start) -> None:
    machine = ready(start)
    machine.put(CODE + 0x40, b"\xfb\xff\xd1\xfa\xc3")  # sti; call ecx; cli; ret
    eip = machine.entry("APICWrite")
    machine.run_code(CODE + 0x40, eax=0x300, edx=0x40000 | 0x71, ecx=eip)
    assert machine.interrupts(0x71) == 1


def test_two_alarms_are_independent(start: Start) -> None:
    machine = ready(start)
    base = now(machine)
    set_alarm(machine, base + cycles(machine, 1000 * MS))  # far enough to be cancelled before, on any machine
    set_alarm(machine, base + cycles(machine, 2 * MS), flags=1)
    halt(machine)
    assert machine.interrupts(0x20) == 1
    assert machine.call("CancelAlarm", eax=1)["EAX"] == 0
    halt(machine)
    assert machine.interrupts(0x20) == 2
    assert now(machine) >= base + cycles(machine, 1000 * MS)


def test_the_interrupted_code_runs_on(start: Start) -> None:
    """A loop that counts in registers and memory sees nothing of the ROM's own interrupts."""
    machine = ready(start)
    set_alarm(machine, now(machine) + cycles(machine, 120 * MS))
    code = b"\x40\x89\x44\x24\xfc\x3b\x44\x24\xfc\x75\x03\xeb\xf5\x90\xf4"
    machine.put(CODE + 0x40, code)  # inc eax; mov [esp-4], eax; cmp eax, [esp-4]; jne out; jmp; out: hlt
    engine = machine.engine
    engine.esp, engine.eip, engine.eflags, engine.eax = STACK - 0x200, CODE + 0x40, 0x202, 0
    machine.put(IDT + 8 * 0x20, _spare_gate(CODE + 0x60))
    machine.put(CODE + 0x60, b"\xc7\x05" + (DATA).to_bytes(4, "little") + b"\x01\0\0\0\xf4")
    machine.call("WriteIDTEntry", stack=(_high(CODE + 0x60),), eax=IDT, edx=0x20, ecx=_low(CODE + 0x60))
    engine.esp, engine.eip, engine.eflags, engine.eax = STACK - 0x200, CODE + 0x40, 0x202, 0
    machine.run(CODE + 0x60 + 10)  # the handler's HLT
    assert machine.u32(DATA) == 1


def _low(address: int) -> int:
    return KERNEL_CS << 16 | address & 0xFFFF


def _high(address: int) -> int:
    return address & 0xFFFF0000 | 0x8E00


def _spare_gate(address: int) -> bytes:
    return _low(address).to_bytes(4, "little") + _high(address).to_bytes(4, "little")


@pytest.mark.parametrize("backend", ["native", "kvm"])
def test_counters_add_up(start: Start, backend: str) -> None:
    machine = ready(start, backend)
    stolen, available, real = now(machine, 2), now(machine, 1), now(machine, 0)
    again = now(machine, 1)
    assert available <= real - stolen <= again
    assert now(machine, 3) == now(machine, 0xFFFFFFFF) == 0
    if backend == "native":
        assert stolen == 0


def test_the_wallclock_is_the_cmos_clock(start: Start) -> None:
    machine = ready(start)
    shown = machine.call("GetWallclockTime").pair / 1e9
    real = datetime.datetime.now(datetime.UTC).timestamp()
    assert abs(shown - real) < 2.5
    assert [machine.call("WallclockUpdated")["EAX"] for _ in range(3)] == [0, 0, 0]
