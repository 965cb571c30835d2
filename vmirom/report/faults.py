"""What the checks caught: a table for people, records for machines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import msgspec

from vmirom.conform.faults import Fault, all_faults
from vmirom.conform.faults.judging import CONTROLS, Found, Means

__all__ = ["FaultReport", "FaultRow", "fault_lines", "fault_report", "listed"]


class CatchRow(msgspec.Struct, frozen=True):
    """One check that saw the fault: what kind it is (rules, model, guest), its name, what it saw."""

    means: str
    check: str
    how: str


class FaultRow(msgspec.Struct, frozen=True):
    """One fault. ``problem`` says why it could not be tried."""

    id: str
    sentence: str
    backend: str
    where: str
    breaks: str
    caught: bool
    problem: str
    seconds: float
    catches: list[CatchRow]


class FaultReport(msgspec.Struct, frozen=True):
    """A run. ``controls`` are machines without a fault, with what was (wrongly) caught there."""

    faults: list[FaultRow]
    controls: dict[str, list[CatchRow]]
    caught: int
    missed: int

    @property
    def good(self) -> bool:
        """Every fault was caught, and nothing where there was none."""
        return self.missed == 0 and not any(self.controls.values())


def fault_report(found: Sequence[Found]) -> FaultReport:
    """From what a run of faults and controls gave."""
    faults = {fault.id: fault for fault in all_faults()}
    rows = [_row(faults[one.id], one) for one in found if one.id in faults]
    controls = {one.id: _catches(one) for one in found if one.id in CONTROLS}
    controls |= {
        one.id: [CatchRow("", "", one.problem)] for one in found if one.id in CONTROLS and one.problem
    }
    caught = sum(row.caught for row in rows)
    return FaultReport(rows, controls, caught, len(rows) - caught)


def _catches(one: Found) -> list[CatchRow]:
    return [CatchRow(catch.means.value, catch.check, catch.how) for catch in one.catches]


def _row(fault: Fault, one: Found) -> FaultRow:
    return FaultRow(
        fault.id,
        fault.sentence,
        fault.backend,
        fault.where.value,
        fault.breaks,
        one.caught,
        one.problem,
        one.seconds,
        _catches(one),
    )


def fault_lines(report: FaultReport, *, verbose: bool = False) -> list[str]:
    """A line a fault: whether it was caught, its id and sentence, and the first check that did; with
    ``verbose`` all checks and what they saw."""
    width = max((len(row.id) for row in report.faults), default=0)
    lines = []
    for row in report.faults:
        state = "error " if row.problem else "caught" if row.caught else "MISSED"
        first = f"{row.catches[0].means}: {row.catches[0].check}" if row.catches else row.problem
        lines.append(f"{state} {row.id:{width}}  {row.sentence}  [{first}]")
        if verbose:
            lines += [f"         {catch.means}: {catch.check}: {catch.how}" for catch in row.catches]
    for name, catches in report.controls.items():
        said = f"{catches[0].means}: {catches[0].check}: {catches[0].how}" if catches else "clean"
        lines.append(f"without a fault, {name}: {said}")
    return [*lines, *_totals(report)]


def _totals(report: FaultReport) -> list[str]:
    by = Counter(row.catches[0].means for row in report.faults if row.caught)
    parts = [f"{by[means.value]} by {words}" for means, words in _WORDS.items() if by[means.value]]
    places = Counter((row.backend, row.where) for row in report.faults)
    spread = ", ".join(f"{backend} {where} {count}" for (backend, where), count in sorted(places.items()))
    told = f"{len(report.faults)} faults ({spread}): {report.caught} caught"
    told += f" ({', '.join(parts)})" if parts else ""
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
    return [f"{name:{width}}  {faults[name].breaks:6} {faults[name].sentence}" for name in names]
