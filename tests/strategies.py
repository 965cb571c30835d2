"""The one home of hypothesis strategies.

Values are drawn from boundaries first (0, 1, all ones, the sign bit, each named value): a one-bit
difference is found among a few values that matter, not among all numbers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import cache
from typing import Any

from hypothesis import strategies as st

from vmirom.conform.boots import Boot, Booted
from vmirom.conform.checks import Check
from vmirom.conform.clauses import Selection
from vmirom.conform.coverage import CallCoverage, ClauseCoverage
from vmirom.conform.judge import CheckResult, Judgement, State, Verdict
from vmirom.conform.model.choices import choices
from vmirom.conform.model.moves import Move
from vmirom.conform.run import Conformance
from vmirom.hosts.outcomes import BootResult, Outcome, worst
from vmirom.hosts.request import BootRequest
from vmirom.hosts.scene import Scene, Site
from vmirom.schema import Call, FieldRow, StructRow
from vmirom.schema.clauses import EXECUTABLE, Clause, Revision, Who
from vmirom.schema.tree import load_abi
from vmirom.trace.recent import Step

__all__ = [
    "arguments_of",
    "conformances",
    "data_of",
    "field_values",
    "hostile_text",
    "integers_of",
    "moves_of",
    "values_of",
]

_BITS = {"u8": 8, "u16": 16, "u32": 32, "u64": 64, "s8": 8, "s16": 16, "s32": 32, "s64": 64}


def integers_of(ctype: str, labels: tuple[tuple[str, int], ...] = ()) -> st.SearchStrategy[int]:
    """Values of a C integer type: its boundaries, the named ones and their neighbours, and any other."""
    bits = _BITS[ctype]
    low, high = (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if ctype[0] == "s" else (0, (1 << bits) - 1)
    edges = {low, low + 1, -1, 0, 1, high >> 1, (high >> 1) + 1, high - 1, high}
    edges |= {value + step for _, value in labels for step in (-1, 0, 1)}
    known = sorted(value for value in edges if low <= value <= high)
    return st.one_of(st.sampled_from(known), st.integers(low, high))


def data_of(row: StructRow) -> st.SearchStrategy[bytes]:
    """Any bytes of a struct's size, the plain fillings first."""
    plain = st.sampled_from([bytes(row.size), b"\xff" * row.size, bytes(n & 0xFF for n in range(row.size))])
    # large structs: a random block repeated, since entropy is drawn byte by byte
    block = st.binary(min_size=min(row.size, 64), max_size=min(row.size, 64))
    filled = block.map(lambda seed: (seed * (row.size // len(seed) + 1))[: row.size])
    return st.one_of(plain, filled)


def field_values(field: FieldRow) -> st.SearchStrategy[Any]:
    """Values of one field as ``vmirom.schema.build`` takes them."""
    if field.nested is not None:
        one: st.SearchStrategy[Any] = values_of(field.nested)
    elif field.ctype == "char" or (field.count is not None and field.ctype == "u8"):
        return st.binary(min_size=min(field.size, 8), max_size=min(field.size, 8)).map(
            lambda seed: (seed * (field.size // len(seed) + 1))[: field.size]
        )
    else:
        one = integers_of(field.ctype, field.labels)
    if field.count is None:
        return one
    count = field.count
    return st.lists(one, min_size=1, max_size=3).map(lambda some: (some * count)[:count])


def values_of(row: StructRow) -> st.SearchStrategy[dict[str, Any]]:
    """Values of all fields of a struct."""
    return st.fixed_dictionaries({field.name: field_values(field) for field in row.fields})


def arguments_of(call: Call) -> st.SearchStrategy[dict[str, int]]:
    """Raw argument values of a call by name, 64-bit ones whole; named values of each argument first."""
    rows = {row.name: row.members for row in load_abi().resolve("vmi3").enums}
    return st.fixed_dictionaries(
        {
            argument.name: integers_of(
                argument.ctype, tuple(member for name in argument.values for member in rows[name])
            )
            for argument in call.arguments or ()
        }
    )


_BARBED = (
    "<script>alert(1)</script>",
    "</script><b>",
    '"><img src=x onerror=y>',
    "]]>",
    "&amp;",
    "| a |",
    "-->",
)
_PLACES = (("native", "embedded"), ("xen", "embedded"), ("xen", "xen"), ("kvm", "qemu"))
_UNTOLD = tuple(state for state in State if state.outcome is None)


@cache
def hostile_text(least: int = 0) -> st.SearchStrategy[str]:
    """Text that wants to be more than text: markup, control characters, any script."""
    letters = st.characters(exclude_categories=("Cs",))
    free = st.text(
        st.one_of(st.sampled_from("<>&\"'`|*_#\\\x00\x1b\n\r\t"), letters), min_size=least, max_size=24
    )
    return st.one_of(st.sampled_from(_BARBED), free)


@cache
def _printed_words() -> st.SearchStrategy[str]:
    """What stands in a line of a transcript: printable ASCII."""
    free = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=1, max_size=24)
    return st.one_of(st.sampled_from(_BARBED), free)


@st.composite
def _scenes(draw: st.DrawFn, line: str) -> Scene:
    code = draw(st.binary(min_size=1, max_size=32))
    gva = 0xC0100000 + draw(st.integers(0, len(code)))
    sites = (Site(gva, 0xC0100000, code.hex(), draw(st.sampled_from(["guest", "ROM SetCR3+0x4", ""]))),) * 2
    texts = draw(_FEW_TEXTS)
    steps = tuple(Step("hypercall", text, 1 + len(text), text[:3]) for text in texts)
    return Scene(line, draw(hostile_text()), sites, steps)


@st.composite
def _boots(
    draw: st.DrawFn, guest: str, place: tuple[str, str], clauses: Sequence[str]
) -> tuple[Booted, list[CheckResult]]:
    """A boot and what its checks came to; its transcript says the same."""
    told: list[CheckResult] = []
    lines: list[str] = []
    scenes: list[Scene] = []
    times: Counter[tuple[str, str]] = Counter()
    for _ in range(draw(st.integers(0, 4))):
        subject, words = draw(_SUBJECTS), draw(_printed_words())
        times[subject, words] += 1
        mine = tuple(draw(st.lists(st.sampled_from(clauses), unique=True, min_size=1, max_size=3)))
        check = Check(subject, words, mine, number=times[subject, words])
        state = draw(_STATES)
        if state in (State.SUCCESS, State.FAILURE):
            lines.append(
                f"{len(lines) + 1:02} {'ok' if state is State.SUCCESS else 'FAIL'} {subject}: {words}"
            )
        if state is State.FAILURE and draw(st.booleans()):
            scenes.append(draw(_scenes(lines[-1])))
        told.append(CheckResult(check, state, "" if state is State.SUCCESS else draw(hostile_text()), guest))
    outcome = draw(_OUTCOMES)
    result = BootResult(
        place[0],
        outcome,
        draw(hostile_text()),
        tuple(lines),
        calls=draw(st.one_of(st.none(), st.just({"Halt": 3}))),
        ending=draw(st.sampled_from(["", "shutdown", "crash", "budget"])),
        refused={draw(hostile_text(1)): 2},
        host=place[1],
        road=draw(hostile_text()),
        scenes=(*scenes, draw(_scenes(""))) if outcome is Outcome.CRASH else tuple(scenes),
    )
    return Booted(Boot(guest, "3.1", BootRequest(place[0], b"", host=place[1])), result), told


@st.composite
def _judgements(draw: st.DrawFn, place: tuple[str, str], clauses: Sequence[str]) -> Judgement:
    made = [
        draw(_boots(guest, place, clauses))
        for guest in draw(st.sampled_from([["reference"], ["reference", "made-up"]]))
    ]
    told = [result for _, results in made for result in results]
    verdicts = {}
    for clause in clauses:
        mine = tuple(result for result in told if clause in result.check.clauses)
        outcomes = [result.state.outcome for result in mine if result.state.outcome is not None]
        state = State(worst(outcomes).value) if outcomes else draw(_UNTOLD_STATES)
        if state is State.SUCCESS and draw(st.booleans()):
            state = State.UNEXPECTED_PASS
        verdicts[clause] = Verdict(clause, state, draw(hostile_text()), mine)
    strays = tuple(draw(_SOME_TEXTS))
    return Judgement(place[0], place[1], tuple(booted for booted, _ in made), verdicts, strays)


@cache
def _first_calls() -> list[Call]:
    return [call for call in load_abi().resolve("vmi3").calls if call.kind is not None][:3]


_SOME_TEXTS = st.lists(hostile_text(1), max_size=2)
_FEW_TEXTS = st.lists(hostile_text(), max_size=4)
_STATES = st.sampled_from(
    [
        State.SUCCESS,
        State.SUCCESS,
        State.FAILURE,
        State.CRASH,
        State.ERROR,
        State.SKIP,
        State.NOT_APPLICABLE,
    ]
)
_SUBJECTS = st.sampled_from(["traps", "time"])
_OUTCOMES = st.sampled_from(Outcome)
_UNTOLD_STATES = st.sampled_from(_UNTOLD)
_WHO = st.sampled_from(Who)


@st.composite
def conformances(draw: st.DrawFn) -> Conformance:
    """Runs that nobody made: any clauses, any verdicts, what guests printed as hostile as can be. Verdicts,
    checks and transcripts of a run agree."""
    numbers = draw(
        st.lists(
            st.tuples(st.sampled_from(["ROM", "IRQ", "TIME"]), st.integers(1, 99)),
            min_size=1,
            max_size=8,
            unique=True,
        )
    )
    names = [f"VMI-{area}-{number:02}" for area, number in sorted(numbers)]
    calls = _first_calls()
    clauses = tuple(
        Clause(
            name,
            draw(hostile_text(1)),
            draw(_WHO),
            draw(hostile_text(1)),
            Revision(EXECUTABLE[:1], carried=False),
            tuple(call.name for call in draw(st.lists(st.sampled_from(calls), unique=True))),
        )
        for name in names
    )
    covered = tuple(
        ClauseCoverage(name, tuple(draw(_SOME_TEXTS)), (), draw(hostile_text())) for name in names
    )
    left_out = {f"VMI-NEG-{n:02}": draw(hostile_text(1)) for n in range(draw(st.integers(0, 3)))}
    places = draw(st.lists(st.sampled_from(_PLACES), unique=True, max_size=3))
    judgements = [draw(_judgements(place, names)) for place in places]
    by_call = tuple(
        CallCoverage(
            call.name, call.number, tuple(c.id for c in clauses if call.name in c.calls), 0, 0, 0, (), {}
        )
        for call in calls
    )
    words = tuple(draw(_SOME_TEXTS))
    return Conformance(Selection("3.1", clauses, left_out, words), covered, by_call, judgements)


def moves_of(longest: int) -> st.SearchStrategy[list[Move]]:
    """Sequences of calls, valid and not, as model runs draw them; simpler ones are shorter and have the first
    values of each argument."""
    one = st.one_of(
        *(
            st.fixed_dictionaries(
                {name: st.sampled_from(some) for name, some in choice.arguments.items()}
            ).map(
                lambda arguments, name=choice.name: Move(name, arguments)  # type: ignore[misc]
            )
            for choice in choices()
        )
    )
    return st.lists(one, min_size=1, max_size=longest)
