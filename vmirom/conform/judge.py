"""What the boots of one (backend, host) together say of each clause.

A clause is as good as the worst of its checks that ran. Nothing is ever taken for a pass that was not
seen: a clause that only tests from the host look at, one with a written reason and one without any check
have states of their own, and so has one that does not apply to a backend.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from vmirom.conform.boots import Booted, end_of
from vmirom.conform.checks import IMAGE, Check, Checks
from vmirom.conform.clauses import Selection
from vmirom.conform.expected import ExpectedFailure, expectation
from vmirom.conform.suite import Suite
from vmirom.hosts.outcomes import BootResult, Outcome, worst
from vmirom.hosts.request import label
from vmirom.schema.clauses import Clause, Cpus, Feature, Paging, When

__all__ = [
    "NOT_PRINTED",
    "NOT_REACHED",
    "CheckResult",
    "Judgement",
    "State",
    "Verdict",
    "judge",
    "judge_place",
    "lacking",
    "verdict",
]

_LINE: Final = re.compile(r"[0-9]+ (ok|FAIL|SKIP) ([a-z]+): (.*)")


_INITIALISED: Final = "VMI-INIT-01"
NOT_REACHED: Final = "not reached"
NOT_PRINTED: Final = "the guest did not print it"
"""How the reason of a check begins that a boot ended too early for."""


class State(enum.Enum):
    """What is known of a clause on one backend: an outcome, or why there is none."""

    SUCCESS = "success"
    SKIP = "skip"
    ERROR = "error"
    FAILURE = "failure"
    CRASH = "crash"
    NOT_APPLICABLE = "not applicable"
    HOST_SUITE = "host suite"
    NO_CHECK_BY_REASON = "no check, with reason"
    NO_CHECK = "no check yet"
    NOT_RUN = "not run"
    """No guest that checks it was booted here: it was left out, and the reason says why."""
    EXPECTED_FAILURE = "expected failure"
    """It failed, and a list of expected failures says so with a reason."""
    UNEXPECTED_PASS = "unexpected pass"
    """It did not fail though it was expected to: the list is wrong, which is a failure of the run."""

    @property
    def outcome(self) -> Outcome | None:
        """The outcome that it is, if it is one."""
        if self is State.UNEXPECTED_PASS:
            return Outcome.FAILURE
        return Outcome(self.value) if self.value in {outcome.value for outcome in Outcome} else None


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What became of one check of ``guest``; ``reason`` is empty for a success."""

    check: Check
    state: State
    reason: str = ""
    guest: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is known of one clause on one (backend, host). ``checks`` are those that answer for it."""

    clause: str
    state: State
    reason: str
    checks: tuple[CheckResult, ...] = ()


@dataclass(frozen=True, slots=True)
class Judgement:
    """All boots on one (backend, host), clause by clause. ``strays`` are failed lines that no table lists,
    with the guest that printed them; ``excused`` are guests whose boots failed in nothing but what was
    expected to fail."""

    backend: str
    host: str
    booted: tuple[Booted, ...]
    verdicts: Mapping[str, Verdict]
    strays: tuple[str, ...] = ()
    excused: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """The backend, and its host where that is not the usual one."""
        return label(self.backend, self.host)

    @property
    def outcome(self) -> Outcome:
        """The worst outcome of the boots; a failure that was expected is none."""
        outcomes = (Outcome.SUCCESS if one.boot.guest in self.excused else one.outcome for one in self.booted)
        return worst(outcomes)

    @property
    def seconds(self) -> float:
        """Wall time of all boots, one behind the other."""
        return sum(one.result.seconds for one in self.booted)

    @property
    def calls(self) -> dict[str, int]:
        """Hits of each call in all boots on a host that sees them."""
        found: dict[str, int] = {}
        for one in self.booted:
            for name, hits in (one.result.calls or {}).items():
                found[name] = found.get(name, 0) + hits
        return found

    def count(self, state: State) -> int:
        """Clauses in a state."""
        return sum(verdict.state is state for verdict in self.verdicts.values())


def lacking(
    features: Mapping[str, Feature], backend: str, answers: Mapping[str, str] | None
) -> dict[str, str]:
    """Features that a backend lacks, with the reason. ``answers`` are what its ROM answers to calls
    (native, translated, nothing); a call that is not among them is absent. None: nobody knows them, and no
    feature is taken for absent because of a call."""
    gone = {}
    for feature in features.values():
        if feature.backends and backend not in feature.backends:
            gone[feature.name] = f"only {' and '.join(feature.backends)} have it"
        if answers is None:
            continue
        for call in feature.calls:
            answer = answers.get(call, "absent")
            if answer not in ("native", "translated"):
                gone[feature.name] = f"{call} is {answer} on {backend}"
        for call in feature.translated:
            if (answer := answers.get(call, "absent")) != "translated":
                gone[feature.name] = f"{call} is {answer} on {backend}"
    return gone


def judge(suite: Suite, booted: Sequence[Booted]) -> Judgement:
    """Every selected clause by the boots of one (backend, host). Raises ValueError where they are of several,
    or none."""
    places = {(one.result.backend, one.result.host) for one in booted}
    if len(places) != 1:
        raise ValueError("boots of one backend on one host are judged together")
    return judge_place(suite, *places.pop(), booted)


def judge_place(suite: Suite, backend: str, host: str, booted: Sequence[Booted] = ()) -> Judgement:
    """The same for a place where perhaps nothing was booted: what is known of the image is told then."""
    told = next((one.result.answers for one in booted if one.result.answers is not None), None)
    gone = lacking(suite.clauses.features, backend, suite.answers.get(backend) if told is None else told)
    ran = _image_results(suite, backend)
    strays: list[str] = []
    for one in booted:
        checks = suite.checks.guests[one.boot.guest]
        table = checks.checks
        seen, lost = _seen(one.result, checks.all_checks)
        if one.boot.ends and end_of(one.result):
            seen = dict.fromkeys(table, _Said("ok" if one.as_promised else "FAIL", ""))
        ran += _results(one, table, seen, gone, lost)
        ran += [_beside(one, check, seen[check]) for check in checks.beside if check in seen]
        strays += [f"{one.boot.guest}: {line}" for line in lost]
    verdicts = {}
    for clause in suite.selection.chosen:
        known = expectation(suite.expected, clause.id, label(backend, host))
        verdicts[clause.id] = _as_expected(_verdict(clause, ran, suite.checks, gone), known)
    excused = tuple(one.boot.guest for one in booted if _excused(one, ran, strays, verdicts))
    return Judgement(backend, host, tuple(booted), verdicts, tuple(strays), excused)


def _image_results(suite: Suite, backend: str) -> list[CheckResult]:
    """What is known of the image of a backend's ROM, if anybody looked."""
    broken = suite.images.get(backend)
    if broken is None:
        return []
    found = []
    for check in suite.checks.image:
        rules = [f"{n}: {r}" for n, r in broken.items() if n == check.name or n.startswith(f"{check.name}.")]
        state = State.FAILURE if rules else State.SUCCESS
        found.append(CheckResult(check, state, "; ".join(rules), IMAGE))
    return found


def _as_expected(found: Verdict, known: ExpectedFailure | None) -> Verdict:
    """A verdict as a list of expected failures has it."""
    if known is None:
        return found
    if found.state in (State.FAILURE, State.CRASH, State.ERROR):
        reason = f"{known.reason} (until {known.expires}): {found.reason}"
        return Verdict(found.clause, State.EXPECTED_FAILURE, reason, found.checks)
    if found.state is State.SUCCESS:
        reason = f"expected to fail until {known.expires}: {known.reason}"
        return Verdict(found.clause, State.UNEXPECTED_PASS, reason, found.checks)
    return found


def _excused(
    one: Booted, ran: Sequence[CheckResult], strays: Sequence[str], verdicts: Mapping[str, Verdict]
) -> bool:
    """Whether all that went wrong in a boot was expected, and something was."""
    bad = [r for r in ran if r.guest == one.boot.guest and r.state.outcome not in (None, Outcome.SUCCESS)]
    known = {name for name, v in verdicts.items() if v.state is State.EXPECTED_FAILURE}
    return (
        bool(bad)
        and all(result.check.clauses and known.issuperset(result.check.clauses) for result in bad)
        and not any(stray.startswith(f"{one.boot.guest}: ") for stray in strays)
    )


def verdict(judgements: Sequence[Judgement], selection: Selection) -> Outcome:
    """The worst of all clauses' outcomes, and, unless clauses were selected, of the boots themselves. A run
    in which nothing was checked is a skip."""
    found = [v.state.outcome for judged in judgements for v in judged.verdicts.values()]
    outcomes = [outcome for outcome in found if outcome is not None]
    if not selection.words:
        outcomes += [judged.outcome for judged in judgements]
        outcomes += [Outcome.FAILURE for judged in judgements if judged.strays]
    return worst(outcomes)


@dataclass(frozen=True, slots=True)
class _Said:
    """What a line says of its check: ``ok``, ``FAIL`` or ``SKIP``, and perhaps why."""

    word: str
    why: str


def _seen(result: BootResult, table: Sequence[Check]) -> tuple[dict[Check, _Said], tuple[str, ...]]:
    """What was said of each check that was printed; and the failed lines that are in no table."""
    known = {(check.place, check.name, check.number): check for check in table}
    times: dict[tuple[str, str], int] = {}
    seen: dict[Check, _Said] = {}
    strays = []
    for line in result.transcript:
        if not (match := _LINE.fullmatch(line)):
            continue
        key = match[2], match[3]
        times[key] = times.get(key, 0) + 1
        check = known.get((*key, times[key]))
        if check is not None:
            seen[check] = _Said(match[1], result.remarks.get(line, ""))
        elif match[1] == "FAIL":
            strays.append(line)
    return seen, tuple(strays)


def _results(
    one: Booted,
    table: Sequence[Check],
    seen: Mapping[Check, _Said],
    gone: Mapping[str, str],
    lost: Sequence[str],
) -> list[CheckResult]:
    guest = one.boot.guest
    last = max((at for at, check in enumerate(table) if check in seen), default=-1)
    if not one.result.transcript and not one.boot.ends:  # it did not come through vmi_init
        first = [at for at, check in enumerate(table) if _INITIALISED in check.clauses]
        last = first[0] - 1 if first else len(table)
    out = []
    for at, check in enumerate(table):
        needed = [f"{name}: {gone[name]}" for name in check.needs if name in gone]
        said = seen.get(check)
        if said is not None and said.word == "FAIL":
            why = one.reason if one.boot.ends else said.why or "the guest says FAIL"
            out.append(CheckResult(check, State.FAILURE, f"{check.label}: {why}", guest))
        elif needed:
            out.append(CheckResult(check, State.NOT_APPLICABLE, "; ".join(needed), guest))
        elif said is not None and said.word == "SKIP":
            out.append(CheckResult(check, State.NOT_APPLICABLE, said.why, guest))
        elif said is not None:
            out.append(CheckResult(check, State.SUCCESS, "", guest))
        else:
            state, reason = _missing(one.result, check, at == last + 1, lost)
            out.append(CheckResult(check, state, reason, guest))
    return out


def _beside(one: Booted, check: Check, said: _Said) -> CheckResult:
    """A line of whoever looked on; no guest ends too early for it."""
    if said.word == "FAIL":
        return CheckResult(check, State.FAILURE, f"{check.label}: {said.why}", one.boot.guest)
    return CheckResult(check, State.SUCCESS, "", one.boot.guest)


def _missing(result: BootResult, check: Check, next_one: bool, lost: Sequence[str]) -> tuple[State, str]:
    """A check that was not printed: if it came next, the boot's end or a failed line of no check is what
    became of it, else it was not reached."""
    if result.outcome in (Outcome.ERROR, Outcome.SKIP):
        return State(result.outcome.value), result.reason
    ended = result.outcome is Outcome.CRASH or result.ending == "budget"
    if ended and next_one:
        return State(result.outcome.value), f"{check.label}: {result.reason}"
    if lost and next_one:
        return State.FAILURE, f"{check.label}: {lost[-1]}"
    if ended or lost:
        return State.ERROR, f"{NOT_REACHED}: {check.label}"
    return State.ERROR, f"{NOT_PRINTED}: {check.label}"


def _verdict(clause: Clause, ran: Sequence[CheckResult], checks: Checks, gone: Mapping[str, str]) -> Verdict:
    why_not = _not_applicable(clause.when, gone)
    if why_not:
        return Verdict(clause.id, State.NOT_APPLICABLE, why_not)
    mine = tuple(result for result in ran if clause.id in result.check.clauses)
    told = [result for result in mine if result.state.outcome is not None]
    if told:
        bad = worst(result.state.outcome for result in told if result.state.outcome is not None)
        reason = next((r.reason for r in told if r.state.outcome is bad), "")
        return Verdict(clause.id, State(bad.value), reason, mine)
    if mine:
        return Verdict(clause.id, State.NOT_APPLICABLE, mine[0].reason, mine)
    if left := checks.of_guest(clause.id):
        return Verdict(clause.id, State.NOT_RUN, f"checked by {left[0].label}, which was not booted")
    if host := checks.of_host(clause.id):
        return Verdict(clause.id, State.HOST_SUITE, f"checked by {host[0].label}")
    if clause.id in checks.reasons:
        return Verdict(clause.id, State.NO_CHECK_BY_REASON, checks.reasons[clause.id])
    return Verdict(clause.id, State.NO_CHECK, "no check yet")


def _not_applicable(when: When, gone: Mapping[str, str]) -> str:
    """Why a clause does not apply to guests that use PAE on one processor."""
    for name in when.features:
        if name in gone:
            return f"{name}: {gone[name]}"
    if when.cpus is Cpus.SEVERAL:
        return f"{when.cpus.value}: embedded hypervisors give one"
    if when.paging is Paging.TWO_LEVEL:
        return f"{when.paging.value}: the guests use {Paging.PAE.value}"
    return ""
