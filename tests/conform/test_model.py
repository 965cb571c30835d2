"""The model's own parts, by cases from the specifications."""

from __future__ import annotations

import pytest

from vmirom.conform.model import Expected, Model, Step, place
from vmirom.conform.model.pic import Pair
from vmirom.conform.model.time import FAR, Alarms, Counters
from vmirom.overlays.vmi import Alarm
from vmirom.schema.tree import load_abi

CALLS = {call.name: call for call in load_abi().resolve("vmi3").calls}


def test_arguments_go_where_the_declaration_says() -> None:
    registers, stack = place(CALLS["SetAlarm"], {"flags": 1, "expiry": 0x2_00000003, "period": 0x4_00000005})
    assert registers == {"EAX": 1, "EDX": 3, "ECX": 2} and stack == (5, 4)
    registers, stack = place(CALLS["SetPxELong"], {"pte": 0x1_00000002, "ptep": 3, "flags": 4})
    assert registers == {"EAX": 2, "EDX": 1, "ECX": 3} and stack == (4,)
    assert place(CALLS["OUTB"], {"value": 7, "port": 8}) == ({"EAX": 7, "EDX": 8}, ())
    with pytest.raises(KeyError, match="no argument other"):
        place(CALLS["OUTB"], {"value": 7, "port": 8, "other": 9})
    with pytest.raises(KeyError, match="port"):
        place(CALLS["OUTB"], {"value": 7})


def test_what_is_expected() -> None:
    assert not Expected().wrong(5)
    assert not Expected(0x200, mask=0x200).wrong(0x246) and Expected(0x200, mask=0x200).wrong(0x46)
    assert Expected(low=5).wrong(4) and Expected(high=5).wrong(6) and not Expected(low=5, high=5).wrong(5)
    assert Expected(among=(1, 2)).wrong(3) and not Expected(among=(1, 2)).wrong(2)


def test_cancelling_by_the_table_of_the_specification() -> None:
    """vmi.md section 11."""
    alarms = Alarms()
    assert alarms.cancel(0) == 0  # never set
    alarms.set(0, FAR, 0)
    assert alarms.cancel(0) == 1  # armed, not fired
    assert alarms.cancel(0) == 0  # cancelled
    assert alarms.set(0, 0, 0) and alarms.cancel(0) == 0  # fired, delivered or not
    alarms.set(int(Alarm.PERIODIC), FAR, 5)
    assert alarms.cancel(0) == 1  # periodic, never fired
    alarms.set(int(Alarm.PERIODIC), 0, 5)
    assert alarms.cancel(0) == 1  # periodic, fired before
    alarms.set(int(Alarm.PERIODIC), 0, 0)
    assert alarms.cancel(0) == 0  # a period of 0 is none
    for counter in (2, 3, 0xFF):
        assert not alarms.set(counter, 0, 0) and alarms.cancel(counter) == 0
    assert not alarms.set(int(Alarm.WIRED_LVTT), 0, 0)  # fires, but not at IRQ 0
    alarms.set(1, FAR, 0)
    assert alarms.cancel(0) == 0 and alarms.cancel(1) == 1  # neither knows of the other


def test_counters_add_up_and_only_grow() -> None:
    counters = Counters()
    assert counters.expected(3) == Expected(0, mask=(1 << 64) - 1)
    counters.seen(1, 100)
    counters.seen(2, 20)
    assert counters.expected(0).low == 120 and counters.expected(1).low == 100
    counters.seen(0, 500)
    assert counters.expected(0).wrong(500) and not counters.expected(0).wrong(501)


def initialised() -> Pair:
    pair = Pair()
    for port, value in ((0x20, 0x11), (0x21, 0x30), (0x21, 4), (0x21, 1), (0x21, 0xFE)):
        pair.out(port, value)
    return pair


def test_a_pair_serves_one_at_a_time() -> None:
    pair = initialised()
    assert pair.acknowledge() is None
    pair.edge(0)
    assert pair.read(0x20) == 1 and pair.acknowledge() == 0x30
    pair.edge(0)
    pair.out(0x20, 0x0B)
    assert pair.read(0x20) == 1 and pair.acknowledge() is None  # in service
    pair.out(0x20, 0x61)
    assert pair.acknowledge() is None  # another line was ended
    pair.out(0x20, 0x60)
    assert pair.acknowledge() == 0x30
    pair.out(0x21, 0xFF)
    pair.out(0x20, 0x20)
    pair.edge(0)
    assert pair.acknowledge() is None and pair.read(0x21) == 0xFF  # masked
    pair.out(0x20, 0x11)
    assert pair.read(0x20) == 0  # an initialisation forgets requests


def test_enabling_delivers_what_waits() -> None:
    model = Model(pair=initialised())

    def call(name: str, **arguments: int) -> Expected:
        return model.call(Step(name, arguments), lambda gva, length: bytes(length))

    call("SetAlarm", flags=0, expiry=0, period=0)
    assert model.delivered == {} and call("INB", port=0x20).value == 1
    call("SetInterruptMask", mask=0xFFFFFDFF)
    assert model.delivered == {}
    call("SetInterruptMask", mask=0x200)
    assert model.delivered == {0x30: 1} and call("GetInterruptMask").value == 0x200
    call("EnableInterrupts")
    assert model.delivered == {0x30: 1}
    with pytest.raises(KeyError, match="Reboot is not modelled"):
        call("Reboot", how=0)
    assert model.knows("CLTS") and not model.knows("Reboot")
