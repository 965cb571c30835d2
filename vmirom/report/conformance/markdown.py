"""Markdown for job summaries and pull requests: the verdict, what to look at, and the matrix."""

from __future__ import annotations

from collections.abc import Iterator

from vmirom.conform.run import Conformance
from vmirom.report.conformance.faults import caught_line
from vmirom.report.conformance.incidents import Incident
from vmirom.report.conformance.reasons import reasons_of
from vmirom.report.conformance.states import MARKS
from vmirom.report.conformance.text import how_checked
from vmirom.report.conformance.view import Occasion, View, view_of

__all__ = ["conformance_markdown"]

_ESCAPED = str.maketrans({letter: f"\\{letter}" for letter in "\\`*_[]<>|#~&"})
_STEPS = 12
_INCIDENTS = 20


def conformance_markdown(found: Conformance, occasion: Occasion | None = None) -> bytes:
    """The whole file, UTF-8."""
    view = view_of(found, occasion)
    lines = [f"# VMI {_escape(found.selection.version)} conformance", ""]
    if view.places:
        lines += [f"**{found.outcome.value}**: {_escape(view.sentence)}.", ""]
    else:
        lines += [f"{_escape(view.sentence)}.", ""]
    for section in (_places, _incidents, _matrix, _why_not, _left_out, _calls, _faults):
        lines += section(view)
    return "\n".join(lines).encode("utf-8", "backslashreplace")


def _escape(text: str) -> str:
    """On one line, and taken as it stands: no markup, no HTML, no end of a table's cell."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split()).translate(_ESCAPED)


def _row(*cells: object) -> str:
    return f"| {' | '.join(_escape(str(cell)) for cell in cells)} |"


def _table(heads: tuple[str, ...]) -> Iterator[str]:
    yield _row(*heads)
    yield "|---" * len(heads) + "|"


def _places(view: View) -> Iterator[str]:
    if not view.places:
        return
    yield from _table(("backend", "host", "boots", "clauses"))
    for place in view.places:
        counts = ", ".join(f"{count} {state.value}" for state, count in view.counts(place).items())
        yield _row(place.backend, place.host, place.outcome.value, counts)
    yield ""


def _incidents(view: View) -> Iterator[str]:
    if not view.incidents:
        return
    yield from ("## What to look at", "")
    for one in view.incidents[:_INCIDENTS]:
        yield from _incident(one)
    if len(view.incidents) > _INCIDENTS:
        yield from (f"and {len(view.incidents) - _INCIDENTS} more", "")


def _incident(one: Incident) -> Iterator[str]:
    yield f"### {_escape(one.place)}: {_escape(one.title)}"
    yield ""
    yield f"{one.outcome.value}: {_escape(one.booted.reason)}"
    if one.clauses:
        yield f"Clauses: {', '.join(one.clauses)}"
    yield ""
    yield from _block([one.replay])
    if one.scene is not None:
        steps = [
            f"{s.kind} {s.text}{f' x {s.times}' if s.times > 1 else ''}" for s in one.scene.steps[-_STEPS:]
        ]
        yield from _block([*one.scene.registers.splitlines(), "", *steps])


def _block(lines: list[str]) -> Iterator[str]:
    """As it stands, four columns in: no fence that the text itself could close."""
    yield from (f"    {''.join(c if c.isprintable() else ' ' for c in line)}".rstrip() for line in lines)
    yield ""


def _matrix(view: View) -> Iterator[str]:
    yield from ("## Clauses", "")
    if not view.places:
        yield from _table(("clause", "checked by", "sentence"))
        yield from (_row(row.clause.id, how_checked(row.cover), row.clause.sentence) for row in view.rows)
    else:
        yield from _table(("clause", *(place.label for place in view.places), "sentence"))
        for row in view.rows:
            words = (MARKS[verdict.state].word for verdict in row.verdicts)
            yield _row(row.clause.id, *words, row.clause.sentence)
    yield ""


def _why_not(view: View) -> Iterator[str]:
    if not view.places or not (rows := reasons_of(view)):
        return
    yield from ("## Skipped, not applicable, not checked", "")
    yield from _table(("state", "reason", "where", "clauses"))
    yield from (_row(state.value, why, where, len(clauses)) for state, why, where, clauses in rows)
    yield ""


def _left_out(view: View) -> Iterator[str]:
    if not view.found.selection.left_out:
        return
    yield from ("## Not selected", "")
    yield from _table(("reason", "clauses"))
    reasons: dict[str, int] = {}
    for reason in view.found.selection.left_out.values():
        reasons[reason] = reasons.get(reason, 0) + 1
    yield from (_row(reason, count) for reason, count in reasons.items())
    yield ""


def _calls(view: View) -> Iterator[str]:
    yield from ("## Calls", "")
    yield from _table(("call", "clauses", "guest", "host", "exempt", "none yet"))
    for call in view.found.calls:
        yield _row(call.call, len(call.clauses), call.guest, call.host, call.reasoned, len(call.unchecked))
    yield ""


def _faults(view: View) -> Iterator[str]:
    faults = view.occasion.faults
    if faults is None:
        return
    yield from ("## Seeded faults", "", f"{caught_line(faults)}.", "")
    yield from _table(("fault", "where", "breaks", "caught by"))
    for fault in faults:
        breaks = ", ".join(fault.breaks)
        yield _row(fault.name, fault.where, breaks, "; ".join(fault.caught) or "nobody")
    yield ""
