"""The model-specific registers that KVM serves, as a sweep over a real one found them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmirom.hypervisors.kvm.registers import Registers

ONES = (1 << 64) - 1


@pytest.mark.parametrize(
    ("index", "value", "same", "zero", "one", "ones"),
    [
        (0x0, 0, False, False, False, False),
        (0x17, 0, False, False, False, False),
        (0xFE, 0x508, False, False, False, False),
        (0x179, 0x20, False, False, False, False),
        (0x8B, 0x100_0065, True, True, True, True),
        (0xC1, 0, True, True, True, True),
        (0x140, 0, True, True, True, False),
        (0x1A0, 0x1800, True, False, False, True),
        (0x1FC, 0, True, True, True, True),
        (0x400, 0, True, True, False, True),
        (0x401, 0, True, True, False, False),
        (0x47E, 0, True, True, True, True),
        (0xC001_0015, 0, True, True, False, False),
        (0xC001_0114, 0, True, True, True, False),
        (0xC001_1029, 0, False, False, False, False),
    ],
)
def test_what_is_read_and_what_may_be_written(
    index: int, value: int, same: bool, zero: bool, one: bool, ones: bool
) -> None:
    assert Registers().read(index) == value
    taken = [Registers().write(index, written) for written in (value, 0, 1, ONES)]
    assert taken == [same, zero, one, ones]


@pytest.mark.parametrize(
    ("index", "good", "bad"),
    [
        (0x200, 0x1006, 0x1002),
        (0x200, 0x1006, 1 << 40 | 6),
        (0x201, 0xFFFFF800, 0x400),
        (0x250, 0x0606060606060606, 0x0607060606060606),
        (0x277, 0x0007040600070406, 0x0002040600070406),
        (0x2FF, 0xC06, 0x1C06),
    ],
)
def test_memory_types_are_looked_at_and_kept_by_the_processor(index: int, good: int, bad: int) -> None:
    registers = Registers()
    assert (registers.read(index), registers.write(index, good), registers.write(index, bad)) == (
        None,
        None,
        False,
    )


def test_performance_monitoring_is_never_there() -> None:
    registers = Registers()
    assert registers.write(0x1A0, ONES)
    assert registers.read(0x1A0) == ONES & ~0x80


@pytest.mark.parametrize("index", [0xC001_0020, 0xC001_0115])
def test_registers_that_are_written_only(index: int) -> None:
    assert (Registers().read(index), Registers().write(index, ONES)) == (False, True)


@given(st.integers(0, 0xFFFFFFFF), st.integers(0, ONES))
def test_what_is_taken_is_read_back_or_lost(index: int, value: int) -> None:
    registers = Registers()
    before = registers.read(index)
    taken = registers.write(index, value)
    after = registers.read(index)
    assert after in ((value, value & ~0x80, before) if taken else (before,))
