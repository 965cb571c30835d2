"""IRET and SYSEXIT of every ROM, called directly: what the code finds that they lead to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.effort import examples
from tests.rom.bare_machine import GENERAL, KERNEL_CS, KERNEL_DS, RETURN, STACK, USER_CODE
from tests.rom.romguests import GUESTS, settled_guest
from tests.rom.slotcall import ARITHMETIC, DF
from vmirom.machine.engine import Segment, SegmentName

IF = 0x200
USER_STACK = USER_CODE + 0x2000
NULL = Segment(0, 0, 0, 0)
ROADS = ("entry", "slot")
registers = st.fixed_dictionaries(
    {
        name: st.one_of(
            st.sampled_from([0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF]), st.integers(0, 0xFFFFFFFF)
        )
        for name in GENERAL
    }
)
flags = st.integers(0, 0xFFF).map(lambda bits: 2 | bits & (ARITHMETIC | DF))


@pytest.fixture(scope="module", params=GUESTS, ids="-".join)
def machine(request: pytest.FixtureRequest) -> Iterator[Any]:
    """Tests leave it as they found it."""
    made = settled_guest(*request.param)
    yield made
    made.close()


class Kept:
    """Segments and the flag as they were, put back at the end; within, DS and ES hold nothing if ``null``."""

    def __init__(self, machine: Any, null: bool = False) -> None:
        self.machine = machine
        self.segments = {name: machine.engine.segment(name) for name in SegmentName}
        if null:
            for name in (SegmentName.DS, SegmentName.ES):
                machine.engine.set_segment(name, NULL)

    def __enter__(self) -> Kept:
        return self

    def __exit__(self, *_: object) -> None:
        for name, segment in self.segments.items():
            self.machine.engine.set_segment(name, segment)
        self.machine.enabled = False


@pytest.mark.parametrize("road", ROADS)
@pytest.mark.parametrize("name", ["IRET", "SYSEXIT"])
@examples(25)
@given(values=registers, now=flags, then=flags, enabled=st.booleans(), null=st.booleans())
def test_user_code_finds_every_register(
    machine: Any, road: str, name: str, values: dict[str, int], now: int, then: int, enabled: bool, null: bool
) -> None:
    """At ring 3 on its own stack, with the flags of the frame (SYSEXIT: the call's, and interrupts on)."""
    eip = getattr(machine, road)(name)
    values = dict(values)
    if name == "SYSEXIT":
        values |= {"edx": USER_CODE, "ecx": USER_STACK}
        frame: tuple[int, ...] = ()
        then, enabled = now, True
    else:
        frame = (USER_CODE, 0x73, then | (IF if enabled else 0), USER_STACK, 0x7B)
    machine.enabled = False
    with Kept(machine, null) as kept:
        machine.jump(eip, frame, now, values)
        engine = machine.engine
        assert {register: getattr(engine, register) for register in GENERAL} == values
        assert (engine.eip, engine.esp, engine.cpl) == (USER_CODE, USER_STACK, 3)
        assert engine.segment(SegmentName.CS).selector == 0x73
        assert engine.segment(SegmentName.SS).selector == 0x7B
        assert (engine.eflags ^ then) & (ARITHMETIC | DF) == 0
        assert machine.enabled is enabled
        for segment in (SegmentName.DS, SegmentName.ES, SegmentName.FS, SegmentName.GS):
            was = (
                0 if null and segment in (SegmentName.DS, SegmentName.ES) else kept.segments[segment].selector
            )
            assert engine.segment(segment).selector in (was, 0), (
                "as it was, or null as the processor makes it"
            )


@pytest.mark.parametrize("road", ROADS)
@examples(25)
@given(values=registers, then=flags, before=st.booleans(), enabled=st.booleans(), null=st.booleans())
def test_iret_within_the_kernel_takes_the_frame_and_nothing_else(
    machine: Any, road: str, values: dict[str, int], then: int, before: bool, enabled: bool, null: bool
) -> None:
    eip = getattr(machine, road)("IRET")
    privilege = machine.engine.cpl
    with Kept(machine, null) as kept:
        machine.enabled = before
        now = 2 | (IF if before and privilege == 0 else 0)
        machine.jump(eip, (RETURN, KERNEL_CS | privilege, then | (IF if enabled else 0)), now, values)
        engine = machine.engine
        assert {register: getattr(engine, register) for register in GENERAL} == values
        assert (engine.eip, engine.esp, engine.cpl) == (RETURN, STACK - 0x100, privilege)
        assert (engine.eflags ^ then) & (ARITHMETIC | DF) == 0
        assert machine.enabled is enabled
        for segment in SegmentName:
            was = (
                0 if null and segment in (SegmentName.DS, SegmentName.ES) else kept.segments[segment].selector
            )
            assert engine.segment(segment).selector & ~3 == was & ~3


def test_kernel_segments_are_the_contracts(machine: Any) -> None:
    """What the tests above put back and compare with."""
    engine = machine.engine
    assert engine.segment(SegmentName.CS).selector & ~3 == KERNEL_CS
    assert engine.segment(SegmentName.SS).selector & ~3 == KERNEL_DS
