"""What the checks caught: a table for people, records for machines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import msgspec

from vmirom.conform.faults import Fault, all_faults
from vmirom.conform.faults.by_clause import ClauseProof, proofs, unbroken
from vmirom.conform.faults.judging import CONTROLS, Found, Means
from vmirom.conform.suite import Suite

__all__ = ["FaultReport", "FaultRow", "clause_lines", "fault_lines", "fault_report", "listed"]

_CHECKS_TOLD = 4


class CatchRow(msgspec.Struct, frozen=True):
    """One check that saw the fault: what kind it is (rules, model, guest, outside), its name, what it saw,
    and the clauses that it answers for."""

    means: str
    check: str
    how: str
    clauses: list[str] = []


class FaultRow(msgspec.Struct, frozen=True):
    """One fault. ``breaks`` are the clauses that it is said to break, ``shown`` those of them for which a
    check that failed answers: none of them, and what caught it was about something else. ``problem`` says why
    it could not be tried."""

    id: str
    sentence: str
    backend: str
    where: str
    breaks: list[str]
    shown: list[str]
    caught: bool
    problem: str
    seconds: float
    catches: list[CatchRow]


class ClauseRow(msgspec.Struct, frozen=True):
    """One clause: its checks, the faults that are said to break it, those of them that made one of the checks
    fail, all that did, and why there is none."""

    id: str
    checks: list[str]
    broken_by: list[str]
    shown_by: list[str]
    failed_by: list[str]
    reason: str


class FaultReport(msgspec.Struct, frozen=True):
    """A run. ``controls`` are machines without a fault, with what was (wrongly) caught there. ``wrongly`` is
    how many of those caught were caught by checks of other clauses only. ``clauses`` are told of if asked
    for."""

    faults: list[FaultRow]
    controls: dict[str, list[CatchRow]]
    caught: int
    missed: int
    wrongly: int
    clauses: list[ClauseRow] = []

    @property
    def good(self) -> bool:
        """Every fault was caught, for the right reason, and nothing where there was none."""
        return self.missed == 0 and self.wrongly == 0 and not any(self.controls.values())


def fault_report(found: Sequence[Found], suite: Suite | None = None) -> FaultReport:
    """From what a run of faults and controls gave; with a ``suite``, also by clause, for those it selects."""
    faults = {fault.id: fault for fault in all_faults()}
    rows = [_row(faults[one.id], one) for one in found if one.id in faults]
    controls = {one.id: _catches(one) for one in found if one.id in CONTROLS}
    controls |= {
        one.id: [CatchRow("", "", one.problem)] for one in found if one.id in CONTROLS and one.problem
    }
    caught = sum(row.caught for row in rows)
    wrongly = sum(row.caught and not row.shown for row in rows)
    return FaultReport(rows, controls, caught, len(rows) - caught, wrongly, _clauses(found, suite))


def _clauses(found: Sequence[Found], suite: Suite | None) -> list[ClauseRow]:
    if suite is None:
        return []
    made = proofs(suite, all_faults(), found, unbroken(suite.clauses))
    return [_clause(one) for one in made]


def _clause(one: ClauseProof) -> ClauseRow:
    return ClauseRow(
        one.clause,
        list(one.checks),
        list(one.broken_by),
        list(one.shown_by),
        list(one.failed_by),
        one.reason,
    )


def _catches(one: Found) -> list[CatchRow]:
    return [CatchRow(catch.means.value, catch.check, catch.how, list(catch.clauses)) for catch in one.catches]


def _row(fault: Fault, one: Found) -> FaultRow:
    return FaultRow(
        fault.id,
        fault.sentence,
        fault.backend,
        fault.where.value,
        list(fault.breaks),
        list(one.shown),
        one.caught,
        one.problem,
        one.seconds,
        _catches(one),
    )


def fault_lines(report: FaultReport, *, verbose: bool = False) -> list[str]:
    """A line a fault: whether it was caught, its id and sentence, and the check that did, one of a clause
    that it breaks if there is one; with ``verbose`` all checks and what they saw."""
    width = max((len(row.id) for row in report.faults), default=0)
    lines = []
    for row in report.faults:
        state = _state(row)
        told = _teller(row)
        first = f"{told.means}: {told.check}" if told else row.problem
        lines.append(f"{state} {row.id:{width}}  {row.sentence}  [{first}]")
        if verbose:
            lines.append(f"         breaks {', '.join(row.breaks)}")
            lines += [f"         {catch.means}: {catch.check}: {catch.how}" for catch in row.catches]
    for name, catches in report.controls.items():
        said = f"{catches[0].means}: {catches[0].check}: {catches[0].how}" if catches else "clean"
        lines.append(f"without a fault, {name}: {said}")
    return [*lines, *_totals(report)]


def _state(row: FaultRow) -> str:
    if row.problem:
        return "error "
    if row.shown:
        return "caught"
    return "other " if row.caught else "MISSED"


def _teller(row: FaultRow) -> CatchRow | None:
    """The catch that tells of it best: by a check of a clause that it breaks, else the first."""
    right = (catch for catch in row.catches if not set(catch.clauses).isdisjoint(row.breaks))
    return next(right, row.catches[0] if row.catches else None)


def clause_lines(report: FaultReport, *, verbose: bool = False) -> list[str]:
    """Clause by clause: its checks, the faults that made one of them fail, those first that break it; then
    the clauses for which none did. ``verbose`` names every check and every fault."""
    lines = []
    for row in report.clauses:
        if not row.checks:
            continue
        lines.append(f"{row.id:12}  {_proof(row)}")
        lines += [f"    checked by {name}" for name in _some(row.checks, verbose, "checks")]
        others = [name for name in row.failed_by if name not in row.shown_by]
        lines += [f"    shown by {name}" for name in _some(row.shown_by, verbose, "faults")]
        if others:
            lines.append(f"    failed by {', '.join(_some(others, verbose, 'faults'))}")
        if row.reason:
            lines.append(f"    no fault: {row.reason}")
    judged = [row for row in report.clauses if row.checks]
    never = [row.id for row in judged if not row.failed_by]
    unshown = [row.id for row in judged if not row.shown_by and not row.reason]
    shown = sum(bool(row.shown_by) for row in judged)
    excused = sum(bool(row.reason) for row in judged)
    lines.append(
        f"{len(judged)} clauses judged by a conform run: {shown} shown by a fault, {excused} with a reason "
        f"why not, {len(unshown)} neither"
    )
    lines += [f"no fault has made them fail: {', '.join(never)}"] if never else []
    lines += (
        [f"no fault that breaks them is caught by a check of theirs: {', '.join(unshown)}"] if unshown else []
    )
    return lines


def _proof(row: ClauseRow) -> str:
    checks = f"{len(row.checks)} check{'' if len(row.checks) == 1 else 's'}"
    return f"{checks}, {len(row.shown_by)} of {len(row.broken_by)} faults that break it shown"


def _some(names: Sequence[str], verbose: bool, noun: str) -> list[str]:
    """All, or the first and how many there are beside them."""
    if verbose or len(names) <= _CHECKS_TOLD + 1:
        return list(names)
    return [*names[:_CHECKS_TOLD], f"{len(names) - _CHECKS_TOLD} more {noun}"]


def _totals(report: FaultReport) -> list[str]:
    tellers = [_teller(row) for row in report.faults if row.caught]
    by = Counter(one.means for one in tellers if one is not None)
    parts = [f"{by[means.value]} by {words}" for means, words in _WORDS.items() if by[means.value]]
    places = Counter((row.backend, row.where) for row in report.faults)
    spread = ", ".join(f"{backend} {where} {count}" for (backend, where), count in sorted(places.items()))
    told = f"{len(report.faults)} faults ({spread}): {report.caught} caught"
    told += f" ({', '.join(parts)})" if parts else ""
    told += f", {report.wrongly} of them by checks of other clauses only" if report.wrongly else ""
    return [told + (f", {report.missed} not" if report.missed else "")]


_WORDS = {
    Means.RULES: "the rules of a ROM",
    Means.MODEL: "the model",
    Means.GUEST: "guests",
    Means.OUTSIDE: "calls from outside",
}


def listed(names: Sequence[str]) -> list[str]:
    """A line a fault, without trying it."""
    faults = {fault.id: fault for fault in all_faults()}
    width = max((len(name) for name in names), default=0)
    return [f"{name:{width}}  {faults[name].sentence}  [{', '.join(faults[name].breaks)}]" for name in names]
