"""A run while it runs: how long it will still take, on a terminal and elsewhere."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmirom.conform.boots import Boot
from vmirom.hosts.outcomes import BootResult, Outcome
from vmirom.hosts.request import BootRequest
from vmirom.hosts.workers import Tick
from vmirom.report.progress import LiveProgress, PlainProgress, TimeLeft


def boot(guest: str, host: str = "embedded") -> Boot:
    return Boot(guest, "3.1", BootRequest("xen", b"", host=host))


def done(index: int, seconds: float, outcome: Outcome = Outcome.SUCCESS) -> Tick:
    return Tick(index, "done", 5, 2, seconds, BootResult("xen", outcome, "[bold]why", seconds=seconds))


def test_nothing_is_known_before_the_first_end_and_nothing_is_left_behind_the_last() -> None:
    left = TimeLeft([boot("a"), boot("b")], 1)
    left.tick(Tick(0, "run", seconds=2.0))
    assert left.seconds() is None
    left.tick(done(0, 2.0))
    assert left.seconds() == 2.0
    left.tick(done(1, 1.0))
    assert left.seconds() == 0.0


def test_a_boot_is_taken_to_last_as_long_as_those_most_like_it() -> None:
    boots = [
        boot("a"),
        boot("a", "qemu"),
        boot("b"),
        boot("a"),
        boot("c"),
        boot("d", "qemu"),
        boot("e", "kvm"),
    ]
    left = TimeLeft(boots, 1)
    for index, seconds in ((0, 1.0), (1, 10.0), (2, 3.0)):
        left.tick(done(index, seconds))
    same_guest, same_host, other_host, any_host = 1.0, 2.0, 10.0, 14.0 / 3
    assert left.seconds() == pytest.approx(same_guest + same_host + other_host + any_host)
    left.tick(Tick(5, "run", seconds=4.0))
    assert left.seconds() == pytest.approx(same_guest + same_host + other_host - 4.0 + any_host)


def test_boots_side_by_side_share_the_time() -> None:
    left = TimeLeft([boot("a")] * 5, 2)
    left.tick(done(0, 4.0))
    assert left.seconds() == 8.0


@given(st.lists(st.floats(0, 100), min_size=1, max_size=20), st.integers(1, 8), st.data())
def test_an_estimate_is_never_negative_and_ends_at_nothing(
    took: list[float], jobs: int, data: st.DataObject
) -> None:
    left = TimeLeft([boot("a")] * len(took), jobs)
    for index, seconds in enumerate(took):
        left.tick(Tick(index, "run", seconds=data.draw(st.floats(0, 100))))
        left.tick(done(index, seconds))
        rest = left.seconds()
        assert rest is not None and rest >= 0
    assert left.seconds() == 0


def test_plain_lines() -> None:
    out = io.StringIO()
    with PlainProgress([boot("a"), boot("b")], out, jobs=1) as shown:
        shown.tick(Tick(0, "run", seconds=0.1))
        shown.tick(done(0, 61.0))
        shown.tick(done(1, 0.5, Outcome.CRASH))
    assert out.getvalue().splitlines() == [
        "[1/2] a on xen: success: [bold]why (61.00 s, about 1 min 01 s left)",
        "[2/2] b on xen: crash: [bold]why (0.50 s)",
    ]


def test_the_live_table_has_a_row_a_place_and_the_time_left() -> None:
    from rich.console import Console

    boots = [boot("a"), boot("b"), boot("a", "qemu")]
    shown = LiveProgress(boots, jobs=1, clock=lambda: 7.0)
    for tick in (done(0, 2.0, Outcome.FAILURE), Tick(1, "run", 7, 3, 1.0)):
        shown.tick(tick)
    console = Console(file=io.StringIO(), width=100)
    with console.capture() as captured:
        console.print(shown.screen())
    text = captured.get()
    rows = [line.split() for line in text.splitlines()]
    assert rows[1] == ["xen", "embedded", "1/2", "failure", "12", "5", "b"]
    assert rows[2] == ["xen", "qemu", "0/1", "0", "0"]
    assert "1 of 3 boots, 0 s, about 3 s left" in text
