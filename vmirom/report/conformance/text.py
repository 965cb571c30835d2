"""Clauses and what runs said of them, in lines for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from vmirom.conform.clauses import Selection
from vmirom.conform.coverage import CallCoverage, ClauseCoverage, totals
from vmirom.conform.judge import NOT_REACHED, Judgement, State
from vmirom.conform.run import Conformance
from vmirom.report.conformance.incidents import incidents_of
from vmirom.report.conformance.states import BAD
from vmirom.report.text import ending_lines

__all__ = ["conformance_lines", "how_checked", "list_lines"]

_TOLD = (*BAD, State.SKIP)


def _count_line(found: Conformance) -> str:
    counts = ", ".join(f"{count} {name}" for name, count in totals(found.covered).items() if count)
    return f"{len(found.covered)} clauses of VMI {found.selection.version}: {counts}"


def list_lines(found: Conformance, verbose: bool) -> Iterator[str]:
    """Every clause with how it is checked, then every call, then the sums. ``verbose`` names the checks."""
    for clause, cover in zip(found.selection.chosen, found.covered, strict=True):
        yield f"{clause.id:12}  {how_checked(cover):22}  {clause.sentence}"
        if verbose:
            yield from (f"    {label}" for label in (*cover.guest, *cover.host))
            if cover.reason:
                yield f"    {cover.reason}"
    if not found.selection.words:
        yield ""
        yield from _call_lines(found.calls)
    yield ""
    yield _count_line(found)


def how_checked(cover: ClauseCoverage) -> str:
    """``2 guest + 1 host``, or the state that says why there is no check."""
    if not cover.guest and not cover.host:
        return cover.state.value
    parts = [f"{len(cover.guest)} guest"] if cover.guest else []
    return " + ".join([*parts, *([f"{len(cover.host)} host"] if cover.host else [])])


def _call_lines(calls: Sequence[CallCoverage]) -> Iterator[str]:
    backends = sorted({name for call in calls for name in call.hits})
    heads = " ".join(f"{name:>8}" for name in backends)
    yield f"{'call':18} clauses  guest  host  reason  none yet {heads}".rstrip()
    for call in calls:
        hits = " ".join(f"{call.hits.get(name, 0):8}" for name in backends)
        yield (
            f"{call.call:18} {len(call.clauses):7}  {call.guest:5}  {call.host:4}  {call.reasoned:6}"
            f"  {len(call.unchecked):8} {hits}"
        ).rstrip()


def conformance_lines(found: Conformance, verbose: bool, arguments: Sequence[str] = ()) -> Iterator[str]:
    """What went wrong, clause by clause, and the commands to see it again, with ``arguments``; the sums by
    backend; what has no check. ``verbose``: all clauses and the table of calls."""
    for judged in found.judgements:
        yield from ending_lines([one.result for one in judged.booted if one.outcome is one.result.outcome])
    incidents, _ = incidents_of(found, arguments)
    for judged in found.judgements:
        yield from _bad_lines(found.selection, judged)
        mine = (one.replay for one in incidents if one.place == judged.label and one.clauses)
        yield from (f"    see it again: {command}" for command in dict.fromkeys(mine))
        yield from (f"{judged.label}: a failed line that no table lists: {line}" for line in judged.strays)
    if verbose:
        yield from _matrix(found)
        yield ""
        yield from _call_lines(found.calls)
        yield ""
    width = max((len(judged.label) for judged in found.judgements), default=0)
    for judged in found.judgements:
        parts = [f"{judged.count(state)} {state.value}" for state in State if judged.count(state)]
        yield f"{judged.label:{width}}  {', '.join(parts)}"
    unchecked = [cover.clause for cover in found.covered if cover.state is State.NO_CHECK]
    if unchecked and not verbose:
        yield f"no check yet: {', '.join(unchecked)}"
    yield _count_line(found)


def _bad_lines(selection: Selection, judged: Judgement) -> Iterator[str]:
    """Bad clauses of one boot; those that a boot's end left no time for, in one line."""
    left = []
    for clause in selection.chosen:
        one = judged.verdicts[clause.id]
        if one.reason.startswith(NOT_REACHED):
            left.append(clause.id)
        elif one.state in _TOLD:
            yield f"{judged.label}: {clause.id}: {one.state.value}: {clause.sentence}"
            yield f"    {one.reason}"
    if left:
        yield f"{judged.label}: {len(left)} more could not be checked: {', '.join(left)}"


def _matrix(found: Conformance) -> Iterator[str]:
    labels = [judged.label for judged in found.judgements]
    yield f"{'clause':12}  " + "  ".join(f"{label:21}" for label in labels).rstrip()
    for clause in found.selection.chosen:
        states = [judged.verdicts[clause.id].state.value for judged in found.judgements]
        yield f"{clause.id:12}  " + "  ".join(f"{state:21}" for state in states).rstrip()
