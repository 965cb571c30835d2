"""Phases: where in a guest's instructions it is looked what is due."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.machine.rig import CODE
from vmirom.machine.engine import Preempted
from vmirom.machine.memory import Memory
from vmirom.machine.phase import in_phase, slices
from vmirom.machine.unicorn import UnicornEngine


@given(st.integers(1, 1 << 40))
def test_slices_have_bounds_and_follow_from_the_number(phase: int) -> None:
    every, first = slices(phase)
    assert 400 <= every < 25_600 and 1 <= first <= every
    assert slices(phase) == (every, first)


def test_what_a_number_means_stays() -> None:
    """A campaign's file of long ago is replayed as it was."""
    assert [slices(phase) for phase in (1, 2, 3)] == [(5704, 2839), (8444, 6279), (23744, 5624)]


def test_an_engine_looks_in_its_phase_and_without_one_never() -> None:
    def counting(memory: Memory) -> UnicornEngine:
        engine = UnicornEngine(memory)
        engine.memory.write(CODE, b"\x40\xeb\xfd")  # inc %eax; jmp back
        engine.eip = CODE
        return engine

    every, first = slices(5)
    with in_phase(counting, 5)(Memory(1 << 20)) as engine:  # type: ignore[attr-defined]
        for count in (first, first + every):
            assert engine.run(None) == Preempted() and engine.eax == count
    assert in_phase(counting, 0) is counting
