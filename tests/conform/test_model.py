"""The model's own parts, by cases from the specifications."""

from __future__ import annotations

import re

import pytest

from vmirom.conform.model import Expected, Model, Result, Step, place
from vmirom.conform.model.arena import (
    ARENA,
    GDTS,
    MAGIC,
    PAGES,
    RESULT,
    STACKS,
    STEP,
    STEPS_MAX,
    WINDOW,
    WINDOW_TABLES,
    Routine,
)
from vmirom.conform.model.pic import Pair
from vmirom.conform.model.steps import NO_TRAP
from vmirom.conform.model.tables import Tables, operand
from vmirom.conform.model.time import FAR, Alarms, Counters
from vmirom.conform.model.window import RW, P, Window, frame_entry
from vmirom.overlays.vmi import Alarm
from vmirom.schema.tree import load_abi, source_tree

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


QUIET = Result(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, NO_TRAP, 0, 0, 0, 0)


def wrong(expected: Expected, answer: int, result: Result = QUIET) -> str:
    return expected.wrong(answer, result)


def test_what_is_expected() -> None:
    assert not wrong(Expected(), 5)
    assert not wrong(Expected(0x200, mask=0x200), 0x246) and wrong(Expected(0x200, mask=0x200), 0x46)
    assert wrong(Expected(low=5), 4) and wrong(Expected(high=5), 6) and not wrong(Expected(low=5, high=5), 5)
    assert wrong(Expected(among=(1, 2)), 3) and not wrong(Expected(among=(1, 2)), 2)
    assert not wrong(Expected(5, others=(Expected(6),)), 6) and wrong(Expected(5, others=(Expected(6),)), 7)


def test_a_trap_is_expected_or_not() -> None:
    fault = QUIET._replace(trap=14, error=2, address=0x1000)
    assert "trap 14 with error 0x2 at 0x1000, not no trap" in wrong(Expected(), 0, fault)
    assert "no trap, not trap 14" in wrong(Expected(trap=14), 0)
    assert not wrong(Expected(trap=14, error=2, address=0x1000), 0, fault)
    assert wrong(Expected(trap=14, error=0), 0, fault) and wrong(Expected(trap=14, address=0), 0, fault)
    assert not wrong(Expected(trap=14), 0, fault)


def test_memory_and_more_registers_count() -> None:
    seen = QUIET._replace(peek=0x1234, edi=7)
    assert wrong(Expected(peek=0x1235), 0, seen) and not wrong(
        Expected(peek=0x1235, peek_mask=0xFFF0), 0, seen
    )
    assert not Expected(peek=0x1235).wrong(0, seen, peeked=False)
    assert wrong(Expected(registers=(("edi", 8),)), 0, seen) == "EDI is 0x7, not 0x8"


def test_a_window_forgets_what_is_flushed() -> None:
    """An entry that was present may be met until it is flushed; one that was not only while updates wait."""
    window = Window()
    window.change(0, 0, 0, waits=False)
    assert window.access(WINDOW, "load").others
    window.flush(0)
    assert window.access(WINDOW, "load") == Expected(trap=14, error=0, address=WINDOW, peek=0)
    window.change(0, 0, frame_entry(3, P), waits=False)
    read_only = window.access(WINDOW, "store")
    assert (read_only.trap, read_only.error) == (14, 3) and not read_only.others
    window.set_lazy(True)
    window.change(0, 1, 0, waits=False)
    window.flush()
    window.change(0, 1, frame_entry(1, P | RW), waits=False)
    assert window.access(WINDOW + 4096, "load").others
    window.set_lazy(False)
    assert not window.access(WINDOW + 4096, "load").others


def test_a_window_of_two_levels_has_four_bytes_an_entry_and_tells_no_fetch() -> None:
    window = Window(two_level=True)
    first, second = WINDOW_TABLES
    assert window.entry_at(second + 4 * 3 + 1) == (1, 3, 1) and window.entry_at(first + 4 * 8) is None
    assert Window().entry_at(first + 32) == (0, 4, 0)
    window.change(0, 2, 0, waits=False)
    window.flush()
    absent = window.access(WINDOW + 2 * 4096, "execute")
    assert (absent.error, absent.peek, absent.peek_mask) == (0, 0, 0xFFFFFFFF)
    assert Window().fault(0, "execute") == 0x10


def test_segments_by_the_rules_of_the_processor() -> None:
    tables, words = Tables(), [7, 7, 7, 7, 7, 7, 7, 7]
    assert tables.load(25 * 8 | 3, words).trap == 13
    tables.write(GDTS[0], 25, 0x0000000F, 0x0040F200)
    assert tables.load(25 * 8 | 3, words) == Expected(15)
    tables.write(GDTS[0], 25, 0x0000000F, 0x00C07200)
    assert tables.load(25 * 8 | 3, words) == Expected(trap=11, error=25 * 8)
    tables.write(GDTS[0], 25, 0x0000000F, 0x00C09200)
    assert tables.load(25 * 8 | 3, words) == Expected(trap=13, error=25 * 8)
    tables.gdt = operand(GDTS[0], 25 * 8 + 6)
    tables.write(GDTS[0], 25, 0x0000000F, 0x0040F200)
    assert tables.load(25 * 8 | 3, words) == Expected(trap=13, error=25 * 8)


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
    assert wrong(counters.expected(0), 500) and not wrong(counters.expected(0), 501)


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
        return model.make(Step(name, arguments))

    call("SetAlarm", flags=0, expiry=0, period=0)
    assert model.delivered == {} and call("INB", port=0x20).value == 1
    call("SetInterruptMask", mask=0xFFFFFDFF)
    assert model.delivered == {}
    call("SetInterruptMask", mask=0x200)
    assert model.delivered == {0x30: 1} and call("GetInterruptMask").value == 0x200
    call("EnableInterrupts")
    assert model.delivered == {0x30: 1}
    with pytest.raises(KeyError, match="RDPMC is not modelled"):
        call("RDPMC", counter=0)
    assert model.knows("CLTS") and not model.knows("RDPMC")


def test_registers_of_the_model_hold_what_they_took_or_what_they_had() -> None:
    model = Model()
    write, read = Step("WRMSR", {"msr": 0x175, "value": 7}), Step("RDMSR", {"msr": 0x175, "dummy": 0})
    refused = QUIET._replace(trap=13)
    assert not wrong(model.make(read), 5) and not wrong(model.make(read), 0, refused)
    assert wrong(model.make(read), 0, QUIET._replace(trap=14))
    model.seen(read, 5, QUIET)
    model.make(write)
    model.seen(write, 0, refused)
    assert wrong(model.make(read), 7)  # it was not taken
    model.seen(write, 0, QUIET)
    assert not wrong(model.make(read), 7) and not wrong(model.make(read), 5) and wrong(model.make(read), 6)


def header() -> str:
    return (source_tree("romsrc") / "guest" / "player" / "player.h").read_text()


def test_player_and_model_agree_on_what_they_share() -> None:
    """The structures' offsets, the arena's place, and the routines by their order."""
    defined = dict(re.findall(r"#define (\w+) (0x[0-9A-Fa-f]+|\d+)u?$", header(), re.MULTILINE))
    numbers = {name: int(value, 0) for name, value in defined.items()}
    assert numbers["PLAYER_ARENA"] == ARENA and numbers["PLAYER_WINDOW"] == WINDOW
    assert numbers["PLAYER_STEPS"] == STEPS_MAX and numbers["PLAYER_MAGIC"] == MAGIC
    assert (numbers["STEP_PEEK"] // 4, STEP.size) == (14, 64)
    order = ("EAX", "EDX", "ECX", "EBX", "ESI", "EDI", "EBP")
    assert [numbers[f"STEP_{name}"] // 4 for name in order] == list(range(2, 9))
    assert [numbers[f"RESULT_{name}"] // 4 for name in order] == list(range(7))
    assert numbers["RESULT_SEGMENTS"] // 4 == Result._fields.index("segments") and RESULT.size == 64
    table = (source_tree("romsrc") / "guest" / "player" / "make.S").read_text().split("player_routines:\n")[1]
    routines = re.findall(r"(?:routine|player)_(\w+)", table.split(".bss")[0])
    names = {"trap": "breakpoint", "await": "wait"}
    assert [names.get(name, name) for name in routines] == [routine.name for routine in Routine]


def test_what_the_player_shares_fills_its_pages() -> None:
    pages = re.findall(
        r"/\* page (\d+) \*/|/\* (\d+)(?::[^*]*)? \*/", header().split("struct player_arena {")[1]
    )
    told = [int(one or other) for one, other in pages]
    assert told == sorted(told) and (STACKS[0] - ARENA) // 4096 - 1 in told
    tables = re.search(r"PLAYER_LINEAR (\d+)", header())
    assert tables is not None and told[-1] + int(tables.group(1)) == PAGES
