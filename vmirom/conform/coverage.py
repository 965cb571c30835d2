"""What is covered: per clause, by which checks; per call, how many of its clauses, and its hits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from vmirom.conform.checks import EVERY_TEST, Checks
from vmirom.conform.judge import Judgement, State
from vmirom.schema.calls import Call
from vmirom.schema.clauses import Clause

__all__ = ["CallCoverage", "ClauseCoverage", "call_coverage", "clause_coverage", "totals"]


@dataclass(frozen=True, slots=True)
class ClauseCoverage:
    """The checks of one clause: lines of guests, tests made from the host, or the reason for none."""

    clause: str
    guest: tuple[str, ...]
    host: tuple[str, ...]
    reason: str

    @property
    def state(self) -> State:
        """What can be known of it at best, before anything has run."""
        if self.guest:
            return State.SUCCESS
        if self.host:
            return State.HOST_SUITE
        return State.NO_CHECK_BY_REASON if self.reason else State.NO_CHECK


@dataclass(frozen=True, slots=True)
class CallCoverage:
    """One call: clauses that bind it by how they are checked, and hits by backend (and host)."""

    call: str
    number: int
    clauses: tuple[str, ...]
    guest: int
    host: int
    reasoned: int
    unchecked: tuple[str, ...]
    hits: Mapping[str, int]


def clause_coverage(clauses: Iterable[Clause], checks: Checks) -> tuple[ClauseCoverage, ...]:
    """Coverage of each clause, in their order."""
    return tuple(
        ClauseCoverage(
            clause.id,
            tuple(check.label for check in checks.of_guest(clause.id)),
            tuple(check.label for check in checks.of_host(clause.id) if check.name != EVERY_TEST),
            checks.reasons.get(clause.id, ""),
        )
        for clause in clauses
    )


def totals(covered: Iterable[ClauseCoverage]) -> dict[str, int]:
    """How many clauses are checked by the guest, only from the host, not with reason, and not yet."""
    names = {
        State.SUCCESS: "guest",
        State.HOST_SUITE: "host suite only",
        State.NO_CHECK_BY_REASON: State.NO_CHECK_BY_REASON.value,
        State.NO_CHECK: State.NO_CHECK.value,
    }
    found = dict.fromkeys(names.values(), 0)
    for one in covered:
        found[names[one.state]] += 1
    return found


def call_coverage(
    calls: Iterable[Call],
    clauses: Iterable[Clause],
    covered: Iterable[ClauseCoverage],
    judgements: Sequence[Judgement],
) -> tuple[CallCoverage, ...]:
    """Coverage of each call that has a published contract. Clauses count that are among ``covered``."""
    states = {one.clause: one.state for one in covered}
    bound = [clause for clause in clauses if clause.id in states]
    out = []
    for call in calls:
        if call.kind is None:
            continue
        mine = [clause.id for clause in bound if call.name in clause.calls]
        state = [states[name] for name in mine]
        out.append(
            CallCoverage(
                call.name,
                call.number,
                tuple(mine),
                state.count(State.SUCCESS),
                state.count(State.HOST_SUITE),
                state.count(State.NO_CHECK_BY_REASON),
                tuple(name for name in mine if states[name] is State.NO_CHECK),
                {
                    judged.label: judged.calls.get(call.name, 0)
                    for judged in judgements
                    if any(one.result.calls is not None for one in judged.booted)
                },
            )
        )
    return tuple(out)
