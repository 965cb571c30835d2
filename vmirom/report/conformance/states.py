"""How each state of a clause is told: a word, a mark, and whether somebody has to look at it.

The mark is a shape that differs from all others, drawn with strokes in a box of 16 by 16, so that no state is
known by its colour alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from vmirom.conform.judge import State

__all__ = ["BAD", "MARKS", "Mark", "key_of"]


@dataclass(frozen=True, slots=True)
class Mark:
    """``key`` names the state in style sheets and addresses, ``word`` in a narrow column, ``letter`` in plain
    text, ``path`` is the shape."""

    state: State
    key: str
    word: str
    letter: str
    meaning: str
    path: str


def _mark(state: State, word: str, letter: str, meaning: str, path: str) -> Mark:
    return Mark(state, key_of(state), word, letter, meaning, path)


def key_of(state: State) -> str:
    """``not-applicable`` and the like."""
    return state.value.replace(",", "").replace(" ", "-")


BAD: Final = (State.CRASH, State.FAILURE, State.UNEXPECTED_PASS, State.ERROR)
"""States that make a run fail, the worst first."""

_CIRCLE: Final = "M8 2.5a5.5 5.5 0 1 0 0 11a5.5 5.5 0 1 0 0-11"
MARKS: Final = {
    mark.state: mark
    for mark in (
        _mark(
            State.CRASH,
            "crash",
            "C",
            "the hypervisor killed the guest",
            "M8 1.5l1.7 4 4.3-1.2-2.3 3.7 2.3 3.7-4.3-1.2-1.7 4-1.7-4-4.3 1.2 2.3-3.7-2.3-3.7 4.3 1.2z",
        ),
        _mark(
            State.FAILURE, "fail", "F", "a check says that the promise is not kept", "M3.5 3.5l9 9m0-9l-9 9"
        ),
        _mark(
            State.UNEXPECTED_PASS,
            "xpass",
            "P",
            "listed as an expected failure, and kept: the list is wrong",
            "M3 8.5l3 3 6.5-7M2.5 14h11",
        ),
        _mark(
            State.ERROR,
            "error",
            "E",
            "could not be checked: the surroundings or an earlier end are to blame",
            "M8 2l6.3 11.5H1.7zM8 6.5v3.2m0 1.6v.4",
        ),
        _mark(
            State.SKIP,
            "skip",
            "s",
            "can't be checked here, and why",
            "M3 3.5l5 4.5-5 4.5zM8.5 3.5l5 4.5-5 4.5z",
        ),
        _mark(
            State.EXPECTED_FAILURE,
            "xfail",
            "x",
            "not kept, and a list of expected failures says why",
            "M4.5 3.5l7 7m0-7l-7 7M2.5 14h11",
        ),
        _mark(
            State.SUCCESS, "pass", ".", "every check that ran says that it is kept", "M2.5 8.5l3.7 3.7L13.5 4"
        ),
        _mark(
            State.HOST_SUITE,
            "host",
            "h",
            "looked at by tests from the host, not by a guest in this run",
            "M2.5 3.5h11v7h-11zM5.5 13.5h5M8 10.5v3",
        ),
        _mark(
            State.NOT_RUN,
            "not run",
            "-",
            "no guest that checks it was booted here",
            f"{_CIRCLE}M8 5v3l2.2 1.6",
        ),
        _mark(State.NOT_APPLICABLE, "n/a", " ", "does not apply here, and why", "M3.5 8h9"),
        _mark(
            State.NO_CHECK_BY_REASON,
            "exempt",
            "r",
            "no check can decide it, and a written reason says why",
            f"{_CIRCLE}M4.2 11.8l7.6-7.6",
        ),
        _mark(State.NO_CHECK, "none", "?", "nobody has written a check yet", f"{_CIRCLE}M8 8v0"),
    )
}
"""All states, those first that somebody has to look at."""
