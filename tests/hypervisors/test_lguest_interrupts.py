"""Virtual interrupts: when they are delivered, what irq_pending says, HALT, and the timer."""

from __future__ import annotations

import threading
import time

import pytest

from tests.hypervisors.lguest_machine import (
    CODE,
    DATA,
    RESULT,
    SPIN,
    STACK,
    HandClock,
    Machine,
    hypercall,
    leave,
    load,
    mov,
    put,
    store,
)
from vmirom.hypervisors.hypervisor import EndKind
from vmirom.hypervisors.lguest import Lguest
from vmirom.hypervisors.lguest.clock import ClockEvent
from vmirom.machine.unicorn import UnicornEngine
from vmirom.overlays import lguest as abi

Hcall = abi.Hcall
HANDLER = 0x180000
IF = 0x200


def ready(gate: bool = True, **options: object) -> Machine:
    machine = Machine(clock=HandClock(), **options).init()  # type: ignore[arg-type]
    machine.engine.esp = STACK
    if gate:
        machine.gate(32, HANDLER)
        machine.gate(35, HANDLER + 0x100)
    return machine


def deliver(machine: Machine) -> bool:
    """What the run loop does before each entry; whether something was delivered."""
    before = machine.engine.eip
    number = machine.host.interrupts.next()
    if number is not None:
        machine.host.interrupts.try_deliver(number)
    return machine.engine.eip != before


def test_nothing_before_init() -> None:
    machine = Machine()
    machine.host.raise_interrupt(0)
    assert machine.host.interrupts.next() is None


def test_lowest_open_interrupt_goes_first_and_raising_twice_is_once() -> None:
    machine = ready()
    machine.data.irq_enabled = IF
    for number in (3, 0, 3):
        machine.host.raise_interrupt(number)
    assert machine.host.interrupts.next() == 0
    machine.data.blocked_interrupts = 1
    assert machine.host.interrupts.next() == 3
    assert deliver(machine)
    assert machine.engine.eip == HANDLER + 0x100
    assert machine.words(machine.engine.esp, 2) == [CODE, 0x61]
    assert machine.host.interrupts.next() is None, "the other one is blocked"
    machine.data.blocked_interrupts = 0
    assert machine.host.interrupts.next() == 0


@pytest.mark.parametrize("number", [-1, 32, 1000])
def test_numbers_at_the_limit(number: int) -> None:
    with pytest.raises(ValueError, match="is not below 32"):
        ready().host.raise_interrupt(number)


def test_disabled_means_the_whole_word() -> None:
    machine = ready()
    machine.data.irq_enabled = 0
    machine.host.raise_interrupt(0)
    assert not deliver(machine)
    assert machine.data.irq_pending == IF
    machine.data.irq_enabled = 2
    assert deliver(machine), "defect 3: any bit counts"
    assert not machine.words(machine.engine.esp, 3)[2] & IF, "but the frame goes by bit 9"
    assert machine.data.irq_pending == IF, "defect 2: it is never taken back"


def test_noirq_range() -> None:
    machine = Machine(clock=HandClock())
    machine.prepare()
    machine.data.noirq_start, machine.data.noirq_end = CODE, CODE + 4
    machine.call(Hcall.LGUEST_INIT, DATA)
    machine.engine.esp = STACK
    machine.gate(32, HANDLER)
    machine.data.irq_enabled = IF
    machine.host.raise_interrupt(0)
    for eip in (CODE, CODE + 3):
        machine.engine.eip = eip
        assert not deliver(machine)
        assert machine.data.irq_pending == 0, "nothing is said about it"
    machine.engine.eip = CODE + 4
    assert deliver(machine)


def test_absent_gate_leaves_it_pending() -> None:
    machine = ready(gate=False)
    machine.data.irq_enabled = IF
    machine.data.time_sec = 0
    machine.host.raise_interrupt(0)
    assert not deliver(machine)
    assert machine.host.interrupts.next() == 0
    assert machine.data.time_sec == 1_600_000_000, "the clock is written all the same"


def test_a_trap_gate_leaves_interrupts_on() -> None:
    machine = ready()
    machine.gate(32, HANDLER, kind=0xF)
    machine.data.irq_enabled = IF
    machine.host.raise_interrupt(0)
    assert deliver(machine) and machine.data.irq_enabled == IF


def test_halt_enables_whatever_was() -> None:
    machine = ready()
    machine.data.irq_enabled = 0
    machine.call(Hcall.HALT)
    machine.host.raise_interrupt(0)
    assert deliver(machine)
    assert not machine.host.interrupts.halted
    assert machine.words(machine.engine.esp, 3)[2] & IF
    assert machine.data.irq_enabled == 0, "the gate cleared what HALT had set"


def test_halt_without_a_gate_does_not_sleep_on() -> None:
    machine = ready(gate=False)
    machine.call(Hcall.HALT)
    machine.host.raise_interrupt(0)
    deliver(machine)
    assert not machine.host.interrupts.halted and machine.data.irq_enabled == IF


def test_halt_for_ever_ends_the_run() -> None:
    machine = Machine(hypercall(1, DATA) + hypercall(Hcall.HALT))
    machine.prepare()
    ending = machine.run(60)
    assert ending.kind is EndKind.BUDGET and "halted for ever" in ending.reason
    machine = Machine(hypercall(1, DATA) + hypercall(Hcall.SET_CLOCKEVENT, 1000) + hypercall(Hcall.HALT))
    machine.prepare()
    machine.data.blocked_interrupts = 1
    assert "halted for ever" in machine.run(60).reason, "its only interrupt is blocked"


def test_the_timer_follows_the_wall_clock_and_fires_once() -> None:
    class Stepped(HandClock):
        step = 0

        def wall(self) -> int:
            return super().wall() + self.step

    clock = Stepped()
    event = ClockEvent(clock)
    event.set(1000)
    assert event.deadline() == 1000 and not event.expired()
    clock.step = 600
    assert event.deadline() == 400
    clock.now = 400
    assert event.expired() and not event.expired() and event.deadline() is None
    event.set(5)
    event.set(0)
    clock.now += 100
    assert not event.expired()


def guest_with_timer(body: bytes, handler: bytes, **options: object) -> Machine:
    code = hypercall(Hcall.LGUEST_INIT, DATA) + mov(4, STACK)
    code += hypercall(Hcall.LOAD_IDT_ENTRY, 32, HANDLER & 0xFFFF, HANDLER & 0xFFFF0000 | 0x8E00)
    machine = Machine(code + body, **options)  # type: ignore[arg-type]
    machine.prepare()
    machine.memory.write(HANDLER, handler)
    return machine


def test_timer_wakes_a_halted_guest() -> None:
    body = hypercall(Hcall.SET_CLOCKEVENT, 5_000_000) + hypercall(Hcall.HALT) + leave(17)
    machine = guest_with_timer(body, leave(18))
    start = time.monotonic()
    assert machine.run().status == 18
    assert time.monotonic() - start >= 0.005


def test_timer_interrupts_a_busy_guest() -> None:
    body = put(DATA, IF) + hypercall(Hcall.SET_CLOCKEVENT, 1_000_000) + SPIN
    assert guest_with_timer(body, leave(18)).run().status == 18


def test_a_held_interrupt_waits_for_send_interrupts() -> None:
    body = hypercall(Hcall.SET_CLOCKEVENT, 100) + hypercall(Hcall.FLUSH_ASYNC) * 3
    body += b"\xb9\x00\x00\x10\x00\xe2\xfe" + hypercall(Hcall.FLUSH_ASYNC)  # count down, then leave once more
    body += load(DATA + 20) + store(RESULT) + put(DATA, IF) + hypercall(Hcall.SEND_INTERRUPTS) + leave(17)
    machine = guest_with_timer(body, leave(18))
    assert machine.run().status == 18
    assert machine.memory.u32(RESULT) == IF


def test_a_pending_interrupt_is_taken_at_the_hosts_next_tick() -> None:
    """A guest that enables by storing alone gets its interrupt when the host next looks, some ms later."""
    body = (
        hypercall(Hcall.SET_CLOCKEVENT, 100) + b"\xb9\x00\x00\x10\x00\xe2\xfe" + hypercall(Hcall.FLUSH_ASYNC)
    )
    assert guest_with_timer(body + put(DATA, IF) + SPIN, leave(18)).run().status == 18


def test_interrupts_from_outside() -> None:
    machine = Machine(
        hypercall(1, DATA)
        + mov(4, STACK)
        + hypercall(Hcall.LOAD_IDT_ENTRY, 35, HANDLER & 0xFFFF, HANDLER & 0xFFFF0000 | 0x8E00)
        + put(DATA, IF)
        + SPIN
    )
    machine.prepare()
    machine.memory.write(HANDLER, leave(20))
    timer = threading.Timer(0.05, machine.host.raise_interrupt, (3,))
    timer.start()
    assert machine.run().status == 20
    timer.join()


def test_describe_is_for_people() -> None:
    lines = Lguest(UnicornEngine, 4, lambda text: None).describe().splitlines()
    assert len(lines) == 4 and lines[0].startswith("eip=")
