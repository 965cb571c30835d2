"""Why clauses were not checked, put together: one entry for each state and reason."""

from __future__ import annotations

from collections import defaultdict
from typing import Final

from vmirom.conform.judge import State
from vmirom.report.conformance.states import BAD
from vmirom.report.conformance.view import View

__all__ = ["EVERYWHERE", "reasons_of"]

EVERYWHERE: Final = "everywhere"
_TOLD_ELSEWHERE: Final = {*BAD, State.SUCCESS}


def reasons_of(view: View) -> list[tuple[State, str, str, list[str]]]:
    """(state, reason, where, clauses) of all that neither passed nor went wrong; ``where`` names places, or
    says that it is all of them. What host tests look at is one entry, for its reasons name a test each."""
    cells: dict[tuple[State, str, str], list[str]] = defaultdict(list)
    for row in view.rows:
        mine: dict[tuple[State, str], list[str]] = defaultdict(list)
        for place, verdict in zip(view.places, row.verdicts, strict=True):
            if verdict.state not in _TOLD_ELSEWHERE:
                reason = "by tests from the host" if verdict.state is State.HOST_SUITE else verdict.reason
                mine[verdict.state, reason].append(place.label)
        for (state, reason), labels in mine.items():
            where = EVERYWHERE if len(labels) == len(view.places) else ", ".join(labels)
            cells[state, reason, where].append(row.clause.id)
    order = list(State)
    return [
        (state, reason, where, clauses)
        for (state, reason, where), clauses in sorted(cells.items(), key=lambda item: order.index(item[0][0]))
    ]
