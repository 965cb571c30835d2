"""The last steps of a run: what a reader sees of the ring."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from vmirom.trace.recent import STEPS_MAX, Step
from vmirom.trace.recorder import Tally

NAMES = {17: "SetCR3", 33: "EnableInterrupts", 49: "INB", 55: "OUTB"}


def test_calls_in_a_row_are_one_step_and_hypercalls_stand_behind_their_call() -> None:
    tally = Tally(NAMES)
    for _ in range(5000):
        tally.call(33)
    tally.call(17)
    tally.hypercall("mmuext_op", (0x1000, 1), 0)
    tally.call(17)
    tally.hypercall("mmuext_op", (0x2000, 1), -22, "not pinned")
    tally.event("trap", "14")
    tally.call(99)
    assert tally.recent.steps() == (
        Step("call", "EnableInterrupts", 5000),
        Step("call", "SetCR3"),
        Step("hypercall", "mmuext_op(0x1000, 0x1) = 0x0"),
        Step("call", "SetCR3"),
        Step("hypercall", "mmuext_op(0x2000, 0x1) = -0x16", why="not pinned"),
        Step("trap", "14"),
        Step("call", "call 99"),
    )


def test_what_a_line_cost_to_print_is_left_out() -> None:
    tally = Tally(NAMES)
    tally.call(17)
    for _ in range(40):
        tally.call(49)
        tally.call(55)
        tally.hypercall("console_io", (1,), 0)
    tally.recent.other(("printed", "1 ok"))
    tally.call(49)
    tally.call(55)
    assert [step.text for step in tally.recent.steps()] == ["SetCR3", "1 ok", "port I/O"]


LONG = st.builds(lambda letter, times: letter * times, st.characters(), st.integers(0, 300))
STEPS = st.one_of(
    st.tuples(st.just("call"), st.sampled_from([*NAMES, 99])),
    st.tuples(st.just("hypercall"), LONG),
    st.tuples(st.just("event"), LONG),
)


@given(st.lists(STEPS, max_size=200), st.integers(1, 40))
def test_what_is_kept_is_bounded_and_ends_with_the_last_step(made: list[tuple[str, object]], n: int) -> None:
    tally = Tally(NAMES)
    for what, value in made * n:
        if what == "call":
            assert isinstance(value, int)
            tally.call(value)
        elif what == "hypercall":
            tally.hypercall(str(value), (1 << 32,), None, str(value))
        else:
            tally.event("trap", str(value))
    steps = tally.recent.steps()
    assert len(steps) <= STEPS_MAX and bool(steps) == bool(made)
    assert all(len(step.text) <= 160 and len(step.why) <= 160 and step.times > 0 for step in steps)
    if made:
        kind = {"call": "call", "hypercall": "hypercall", "event": "trap"}[made[-1][0]]
        assert steps[-1].kind == kind
