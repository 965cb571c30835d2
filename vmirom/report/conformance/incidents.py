"""What went wrong in the boots of a run, one incident a failed line and one a bad end: the clauses that it
concerns, the machine at that moment, and how to see it again.

Many clauses may hang on one incident: a guest that is killed leaves everything behind it unchecked.
"""

from __future__ import annotations

import re
import shlex
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from vmirom.conform.boots import Booted
from vmirom.conform.judge import CheckResult, Judgement, State
from vmirom.conform.run import Conformance
from vmirom.hosts.outcomes import Outcome
from vmirom.hosts.request import EMBEDDED
from vmirom.hosts.scene import Scene

__all__ = ["Incident", "incidents_of", "replay_command"]

_LINE: Final = re.compile(r"[0-9]+ (ok|FAIL) ([a-z]+): (.*)")
_TAIL: Final = 10
_BAD: Final = (State.CRASH, State.FAILURE, State.ERROR)
_CUT_SHORT: Final = ("crash", "budget")
"""Endings that the guest did not choose."""
_Key = tuple[str, str, int]
"""Subject, words and number of a line, as the tables of checks have them."""


@dataclass(frozen=True, slots=True)
class Incident:
    """``line`` is the failed line, empty for the end of the boot; ``scene`` is None where the host could not
    see the machine; ``tail`` are the last lines up to it; ``clauses`` those whose checks it decided."""

    number: int
    place: str
    booted: Booted
    outcome: Outcome
    line: str
    scene: Scene | None
    tail: tuple[str, ...]
    clauses: tuple[str, ...]
    replay: str

    @property
    def title(self) -> str:
        """One line: what happened, and what is told of it beyond the line."""
        if remark := self.booted.result.remarks.get(self.line):
            return f"{self.line} ({remark})"
        return self.line or f"{self.booted.boot.guest} ended: {self.booted.reason}"

    @property
    def name(self) -> str:
        """Its address on a page."""
        return f"incident-{self.number}"


def incidents_of(
    found: Conformance, arguments: Sequence[str] = ()
) -> tuple[tuple[Incident, ...], Mapping[tuple[str, str], tuple[int, ...]]]:
    """All incidents in the order of boots, and for each (place, clause) the numbers of those that concern it.
    ``arguments`` are further ones of the command that makes the run again."""
    incidents: list[Incident] = []
    for judged in found.judgements:
        results = _bad_checks(judged)
        for booted in judged.booted:
            incidents += _of_boot(judged, booted, results, len(incidents), arguments)
    index: dict[tuple[str, str], list[int]] = defaultdict(list)
    for incident in incidents:
        for clause in incident.clauses:
            index[incident.place, clause].append(incident.number)
    return tuple(incidents), {key: tuple(numbers) for key, numbers in index.items()}


def replay_command(judged: Judgement, abi: str, clauses: Sequence[str], arguments: Sequence[str]) -> str:
    """The command that boots the same guest in the same place again."""
    words = ["vmirom", "conform", "--on", judged.backend, "--abi", abi]
    words += ["--host", judged.host] if judged.host != EMBEDDED else []
    words += ["--select", clauses[0]] if clauses else []
    return shlex.join([*words, *arguments])


def _bad_checks(judged: Judgement) -> list[tuple[str, CheckResult]]:
    """(clause, check) of all that went wrong."""
    return [
        (clause, result)
        for clause, verdict in judged.verdicts.items()
        for result in verdict.checks
        if result.state in _BAD
    ]


def _of_boot(
    judged: Judgement,
    booted: Booted,
    bad: Sequence[tuple[str, CheckResult]],
    first: int,
    arguments: Sequence[str],
) -> Iterator[Incident]:
    by_line: dict[_Key, list[str]] = defaultdict(list)
    rest: list[str] = []
    failed = _failed_lines(booted.result.transcript)
    for clause, result in bad:
        if result.guest != booted.boot.guest:
            continue
        key = (result.check.place, result.check.name, result.check.number)
        mine = by_line[key] if key in failed and result.state is State.FAILURE else rest
        if clause not in mine:
            mine.append(clause)
    scenes = _Scenes(booted.result.scenes)

    def make(
        number: int, line: str, tail: Sequence[str], clauses: Sequence[str], outcome: Outcome
    ) -> Incident:
        return Incident(
            first + number,
            judged.label,
            booted,
            outcome,
            line,
            scenes.take(line),
            tuple(tail[-_TAIL:]),
            tuple(clauses),
            replay_command(judged, booted.boot.abi, clauses, arguments),
        )

    # a line that no table lists may be what ended the run, and then the rest hangs on it
    last = list(failed)[-1] if failed else None
    if rest and last is not None and last not in by_line and booted.result.ending not in _CUT_SHORT:
        by_line[last], rest = rest, []
    number = 0
    for key, at in failed.items():
        line = booted.result.transcript[at]
        yield make(number, line, booted.result.transcript[:at], by_line.get(key, []), Outcome.FAILURE)
        number += 1
    told = bool(failed) and booted.result.ending not in _CUT_SHORT
    if rest or (booted.outcome not in (Outcome.SUCCESS, Outcome.SKIP) and not told):
        outcome = booted.outcome if booted.outcome is not Outcome.SUCCESS else Outcome.ERROR
        yield make(number, "", booted.result.transcript, rest, outcome)


class _Scenes:
    """Scenes of one boot, each taken once: equal lines come in the order in which they were printed."""

    def __init__(self, scenes: Sequence[Scene]) -> None:
        self._left = list(scenes)

    def take(self, line: str) -> Scene | None:
        for at, scene in enumerate(self._left):
            if scene.line == line:
                return self._left.pop(at)
        return None


def _failed_lines(transcript: Sequence[str]) -> dict[_Key, int]:
    """Where each failed line stands. Lines of equal words are numbered as the tables do, from 1."""
    times: dict[tuple[str, str], int] = defaultdict(int)
    found: dict[_Key, int] = {}
    for at, line in enumerate(transcript):
        if (match := _LINE.fullmatch(line)) is None:
            continue
        times[match[2], match[3]] += 1
        if match[1] == "FAIL":
            found[match[2], match[3], times[match[2], match[3]]] = at
    return found
