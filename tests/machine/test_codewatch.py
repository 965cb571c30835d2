"""Code of one kind is looked at while it runs: its stores but those that nobody wants to hear of, and each
way into and out of it; by the host's own instructions and without them the same."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.machine.rig import CODE, machine
from vmirom.machine.engine import Halted
from vmirom.machine.unicorn import UnicornEngine
from vmirom.machine.unicorn.codewatch import CodeWatch, Kind

WATCHED, QUIET, DATA = 0x4000, 0x10000, 0x20000
both_ways = pytest.mark.parametrize("host_code", [True, False], ids=["host code", "Python"])


def store(at: int, value: int) -> bytes:
    return b"\xc7\x05" + struct.pack("<II", at, value)


def call(at: int, to: int) -> bytes:
    return b"\xe8" + struct.pack("<i", to - at - 5)


@contextmanager
def watched(
    routine: bytes, code: bytes, host_code: bool
) -> Iterator[tuple[UnicornEngine, CodeWatch, list[str]]]:
    """Code that calls ``routine``, which is watched, and what is told."""
    told: list[str] = []
    with machine(code) as engine:
        engine.memory.write(WATCHED, routine)
        watch = CodeWatch(
            engine,
            lambda at: Kind.WATCHED if at >> 12 == WATCHED >> 12 else Kind.OTHER,
            lambda at, inside: told.append(f"{'in' if inside else 'out'} {at:X}"),
            lambda at, size, value: told.append(f"{at:X}/{size}={value:X}"),
            host_code=host_code,
        )
        yield engine, watch, told


CALLER = store(DATA, 1) + call(CODE + 10, WATCHED) + store(DATA + 4, 2) + b"\xf4"


@both_ways
def test_only_stores_of_the_watched_code_are_told_of(host_code: bool) -> None:
    with watched(store(DATA + 8, 0x1234) + b"\xc3", CALLER, host_code) as (engine, watch, told):
        watch.begin()
        assert engine.run() == Halted()
    assert told == [f"in {WATCHED:X}", f"{DATA + 8:X}/4=1234", f"out {CODE + 15:X}"]


@both_ways
def test_nothing_is_looked_at_before_it_begins(host_code: bool) -> None:
    with watched(store(DATA + 8, 1) + b"\xc3", CALLER, host_code) as (engine, _watch, told):
        assert engine.run() == Halted()
    assert told == []


@both_ways
def test_quiet_frames_and_the_window_are_passed_over(host_code: bool) -> None:
    """The window lasts until the next crossing."""
    routine = (
        store(QUIET, 1) + store(DATA + 0xFC, 2) + store(DATA + 0x100, 3) + store(DATA + 0x110, 4) + b"\xc3"
    )
    twice = call(CODE, WATCHED) + call(CODE + 5, WATCHED) + b"\xf4"
    with watched(routine, twice, host_code) as (engine, watch, told):
        watch.hush(QUIET >> 12)
        crossed, watch._crossed = watch._crossed, lambda at, inside: None
        opened: list[int] = []

        def cross(at: int, inside: bool) -> None:
            crossed(at, inside)
            if inside and not opened:
                opened.append(at)
                watch.window(DATA + 0x100, 0x10)

        watch._crossed = cross
        watch.begin()
        assert engine.run() == Halted()
    assert [one for one in told if "=" in one] == [
        *(f"{DATA + 0xFC:X}/4=2", f"{DATA + 0x110:X}/4=4"),
        *(f"{DATA + 0xFC:X}/4=2", f"{DATA + 0x100:X}/4=3", f"{DATA + 0x110:X}/4=4"),
    ]


@both_ways
def test_an_exception_from_who_is_told_ends_the_run(host_code: bool) -> None:
    with watched(store(DATA, 1) + b"\xc3", CALLER, host_code) as (engine, watch, _told):

        def crossed(_at: int, _inside: bool) -> None:
            raise ZeroDivisionError

        watch._crossed = crossed
        watch.begin()
        with pytest.raises(ZeroDivisionError):
            engine.run()


@given(
    stores=st.lists(
        st.tuples(st.sampled_from((QUIET, DATA, DATA + 0x1000)), st.integers(0, 0xFFC)), max_size=8
    )
)
def test_both_ways_tell_the_same(stores: list[tuple[int, int]]) -> None:
    routine = b"".join(store(page + offset, n) for n, (page, offset) in enumerate(stores)) + b"\xc3"
    found = []
    for host_code in (True, False):
        with watched(routine, CALLER, host_code) as (engine, watch, told):
            watch.hush(QUIET >> 12)
            watch.begin()
            assert engine.run() == Halted()
            found.append(told)
    assert found[0] == found[1]
    assert len([one for one in found[0] if "=" in one]) == sum(page != QUIET for page, _ in stores)
