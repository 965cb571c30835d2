"""A run as every format tells it: places, a row a clause, a cell a clause and place, incidents.

Each format is written from this, so that none counts otherwise than another.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from vmirom.conform.coverage import ClauseCoverage
from vmirom.conform.judge import Judgement, State, Verdict
from vmirom.conform.run import Conformance
from vmirom.report.conformance.faults import SeededFault, shown_by
from vmirom.report.conformance.incidents import Incident, incidents_of
from vmirom.report.conformance.states import BAD
from vmirom.schema.clauses import Clause

__all__ = ["Occasion", "Row", "View", "area_counts", "view_of"]


@dataclass(frozen=True, slots=True)
class Occasion:
    """What is told beside the run itself: ``made`` says when (any text), ``arguments`` are further ones of
    the command that makes it again, ``titles`` are those of areas; ``faults`` is None where none were
    seeded."""

    made: str = ""
    arguments: tuple[str, ...] = ()
    titles: Mapping[str, str] = field(default_factory=dict)
    faults: Sequence[SeededFault] | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One clause: its verdict in each place, in the order of places."""

    clause: Clause
    cover: ClauseCoverage
    verdicts: tuple[Verdict, ...]

    @property
    def worst(self) -> State | None:
        """The state that somebody has to look at first, if there is one."""
        states = {verdict.state for verdict in self.verdicts}
        return next((state for state in BAD if state in states), None)


@dataclass(frozen=True, slots=True)
class View:
    """``concerns`` has the numbers of incidents for each (place, clause), ``shown_by`` for each clause the
    seeded faults that its checks saw."""

    found: Conformance
    occasion: Occasion
    places: tuple[Judgement, ...]
    rows: tuple[Row, ...]
    incidents: tuple[Incident, ...]
    concerns: Mapping[tuple[str, str], tuple[int, ...]]
    shown_by: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def bad(self) -> tuple[Row, ...]:
        """Clauses that somebody has to look at."""
        return tuple(row for row in self.rows if row.worst is not None)

    def counts(self, place: Judgement) -> dict[State, int]:
        """How many clauses are in each state in one place, without zeroes, in the order of states."""
        counted = Counter(verdict.state for verdict in place.verdicts.values())
        return {state: counted[state] for state in State if counted[state]}

    @property
    def sentence(self) -> str:
        """The whole run in one line."""
        return _sentence(self)


def view_of(found: Conformance, occasion: Occasion | None = None) -> View:
    """Put a run together for telling."""
    occasion = occasion or Occasion()
    incidents, concerns = incidents_of(found, occasion.arguments)
    places = tuple(found.judgements)
    rows = tuple(
        Row(clause, cover, tuple(place.verdicts[clause.id] for place in places))
        for clause, cover in zip(found.selection.chosen, found.covered, strict=True)
    )
    return View(found, occasion, places, rows, incidents, concerns, shown_by(occasion.faults or ()))


def _sentence(view: View) -> str:
    clauses = _many(len(view.rows), "clause")
    if not view.places:
        return f"{clauses} of VMI {view.found.selection.version}, none judged: nothing was booted"
    where = f"in {_many(len(view.places), 'place')}"
    kept = sum(any(v.state is State.SUCCESS for v in row.verdicts) for row in view.rows)
    if not view.bad:
        return f"{kept} of {clauses} seen to be kept {where}, none broken"
    counted = Counter(row.worst for row in view.bad)
    broken = ", ".join(f"{counted[state]} {state.value}" for state in BAD if counted[state])
    return f"{len(view.bad)} of {clauses} to look at {where}, at worst {broken}"


def _many(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def area_counts(view: View) -> dict[str, dict[State, int]]:
    """For each area how many clauses are in which state at worst: one that somebody has to look at, else
    success where any place saw it, else what all places say."""
    found: dict[str, Counter[State]] = {}
    for row in view.rows:
        found.setdefault(row.clause.area, Counter())[_summary(row)] += 1
    return {area: {s: counted[s] for s in State if counted[s]} for area, counted in found.items()}


def _summary(row: Row) -> State:
    if row.worst is not None:
        return row.worst
    states = [verdict.state for verdict in row.verdicts] or [row.cover.state]
    return State.SUCCESS if State.SUCCESS in states and row.verdicts else states[0]
