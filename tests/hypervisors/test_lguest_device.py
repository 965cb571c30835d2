"""The console device of the embedded lguest: descriptor, output ring, and what the launcher does not take."""

from __future__ import annotations

import pytest

from tests.hypervisors.lguest_machine import MIB, STRINGS, Machine
from vmirom.hypervisors.lguest.death import BadNotify
from vmirom.overlays import lguest as abi

RAM = MIB << 20
INPUT, OUTPUT = RAM + 0x1000, RAM + 0x4000
NEXT, WRITE = 1, 2
Hcall = abi.Hcall


@pytest.fixture
def machine() -> Machine:
    made = Machine().init()
    made.memory.write(STRINGS, b"hello, world")
    return made


def describe(machine: Machine, number: int, gpa: int, length: int, flags: int = 0, then: int = 0) -> None:
    at = OUTPUT + 16 * number
    machine.memory.put64(at, gpa)
    machine.memory.put32(at + 8, length)
    machine.memory.put32(at + 12, flags | then << 16)


def offer(machine: Machine, *heads: int, flags: int = 0) -> None:
    """Chains that begin at ``heads``, from the ring's beginning."""
    words = (flags, len(heads), *heads)
    machine.memory.write(OUTPUT + 0x1000, b"".join(word.to_bytes(2, "little") for word in words))


def test_the_descriptor_names_a_console_of_two_queues(machine: Machine) -> None:
    head = machine.memory.read(RAM, 5)
    assert tuple(head) == (abi.DeviceType.CONSOLE, 2, 0, 0, 0)
    queues = abi.ffi.from_buffer("struct lguest_vqconfig[]", machine.memory.read(RAM + 5, 16))
    assert [(q.num, q.irq, q.pfn << 12) for q in queues] == [(256, 1, INPUT), (256, 2, OUTPUT)]
    assert machine.memory.read(RAM + 21, 1) == b"\0", "the list ends"


def test_chains_are_printed_and_given_back(machine: Machine) -> None:
    describe(machine, 0, STRINGS, 5, NEXT, 7)
    describe(machine, 7, STRINGS + 5, 7, NEXT, 8)
    describe(machine, 8, STRINGS, 5, WRITE)
    describe(machine, 3, STRINGS, 1)
    offer(machine, 3, 0)
    machine.call(Hcall.NOTIFY, OUTPUT)
    assert machine.printed == [b"h", b"hello", b", world"]
    assert machine.words(OUTPUT + 0x2000, 5) == [2 << 16, 3, 0, 0, 0]
    assert machine.host.interrupts.pending
    machine.call(Hcall.NOTIFY, OUTPUT)
    assert len(machine.printed) == 3, "nothing new waits"


def test_a_guest_that_wants_no_interrupt_gets_none(machine: Machine) -> None:
    describe(machine, 0, STRINGS, 5)
    offer(machine, 0, flags=1)
    machine.call(Hcall.NOTIFY, OUTPUT)
    assert machine.printed == [b"hello"] and not machine.host.interrupts.pending


def test_a_status_of_0_resets_it(machine: Machine) -> None:
    describe(machine, 0, STRINGS, 5)
    offer(machine, 0)
    machine.call(Hcall.NOTIFY, OUTPUT)
    machine.memory.write(RAM + 4, b"\x01")
    machine.call(Hcall.NOTIFY, RAM)
    assert machine.words(OUTPUT + 0x2000, 1) == [1 << 16]
    machine.memory.write(RAM + 4, b"\0")
    machine.call(Hcall.NOTIFY, RAM)
    assert not any(machine.memory.read(INPUT, 0x6000))
    describe(machine, 0, STRINGS, 5)
    offer(machine, 0)
    machine.call(Hcall.NOTIFY, INPUT)
    assert machine.printed == [b"hello", b"hello"]


@pytest.mark.parametrize(
    ("heads", "gpa", "length", "then", "words"),
    [
        ((256,), STRINGS, 1, None, "Guest says index 256 is available"),
        ((0,) * 257, STRINGS, 1, None, "Guest moved used index from 0 to 257"),
        ((0,), RAM + 0x6FFF, 2, None, f"Invalid address {RAM + 0x6FFF:#x}"),
        ((0,), 1 << 63, 1, None, "Invalid address"),
        ((0,), STRINGS, 1, 256, "Desc next is 256"),
    ],
)
def test_rings_that_make_no_sense_end_the_launcher(
    machine: Machine, heads: tuple[int, ...], gpa: int, length: int, then: int | None, words: str
) -> None:
    describe(machine, 0, gpa, length, 0 if then is None else NEXT, then or 0)
    offer(machine, *heads)
    with pytest.raises(BadNotify, match=words):
        machine.call(Hcall.NOTIFY, OUTPUT)


def test_a_chain_that_bites_its_tail_is_bounded(machine: Machine) -> None:
    describe(machine, 0, 0, RAM, NEXT, 0)
    offer(machine, 0)
    machine.call(Hcall.NOTIFY, OUTPUT)
    assert sum(map(len, machine.printed)) == 1 << 20
