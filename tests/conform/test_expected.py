"""Expected failures: a list is read strictly, excuses what it names and nothing else, and must be right."""

from __future__ import annotations

import datetime
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.conform.test_judge import ALL, ANSWERS, CALLS, CHECKS, CLAUSES, GOOD, failing
from vmirom.cli.main import cli
from vmirom.conform.boots import Boot, Booted
from vmirom.conform.clauses import select
from vmirom.conform.expected import ExpectedError, read_expected
from vmirom.conform.judge import Judgement, State, judge, verdict
from vmirom.conform.suite import Suite
from vmirom.hosts.outcomes import BootResult, Outcome
from vmirom.hosts.request import BootRequest

TODAY = datetime.date(2026, 6, 1)
ENTRY = '[[failure]]\nclause = "VMI-IRQ-05"\nreason = "known"\nexpires = 2026-12-31\n'
BAD = replace(GOOD, outcome=Outcome.FAILURE, transcript=failing("SetInterruptMask(0) does not"))


def judged(result: BootResult, text: str) -> Judgement:
    expected = read_expected(text.encode(), CLAUSES, TODAY)
    suite = Suite(CLAUSES, CHECKS, select(CLAUSES, "3.1"), CALLS, {result.backend: ANSWERS}, expected)
    boot = Boot("reference", "3.1", BootRequest(result.backend, b""))
    return judge(suite, [Booted(boot, result)])


def test_an_expected_failure_fails_nothing_and_passes_nothing() -> None:
    found = judged(BAD, ENTRY)
    one = found.verdicts["VMI-IRQ-05"]
    assert one.state is State.EXPECTED_FAILURE and one.state.outcome is None
    assert one.reason.startswith("known (until 2026-12-31): ")
    assert found.excused == ("reference",) and verdict([found], ALL) is Outcome.SUCCESS


def test_an_unexpected_pass_fails_the_run() -> None:
    found = judged(GOOD, ENTRY)
    assert found.verdicts["VMI-IRQ-05"].state is State.UNEXPECTED_PASS
    assert verdict([found], ALL) is Outcome.FAILURE


def test_other_failures_and_other_places_are_not_excused() -> None:
    text = ENTRY + 'on = ["lguest", "xen@xen"]\n'
    found = judged(BAD, text)
    assert found.verdicts["VMI-IRQ-05"].state is State.FAILURE and not found.excused
    both = replace(
        BAD, transcript=tuple(line.replace(" ok traps: into", " FAIL traps: into") for line in BAD.transcript)
    )
    found = judged(both, ENTRY)
    assert not found.excused and verdict([found], ALL) is Outcome.FAILURE
    stray = replace(BAD, transcript=(*BAD.transcript, "200 FAIL main: something else"))
    assert not judged(stray, ENTRY).excused


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x = 1", "x: not a [[failure]]"),
        ("failure = 1", "failure: not a list"),
        ("failure = [1]", "failure 1: not a table"),
        ("[[failure]\n", "Expected ']]'"),
        (ENTRY.replace("VMI-IRQ-05", "VMI-IRQ-99"), "failure 1: clause: no clause is called 'VMI-IRQ-99'"),
        (ENTRY.replace('"known"', '" "'), "reason: says in words why"),
        (ENTRY.replace("2026-12-31", '"soon"'), "expires: a date such as"),
        (ENTRY.replace("2026-12-31", "2026-12-31T10:00:00"), "expires: a date such as"),
        (ENTRY.replace("2026-12-31", "2026-05-31"), "was expected to fail until 2026-05-31 only"),
        (ENTRY + "on = 3\n", "on: not a list of places"),
        (ENTRY + "why = 3\n", "why: not one of clause, expires, on, reason"),
        (ENTRY + ENTRY, "failure 2: VMI-IRQ-05 is listed twice for one place"),
    ],
)
def test_bad_lists(text: str, words: str) -> None:
    with pytest.raises(ExpectedError) as refused:
        read_expected(text.encode(), CLAUSES, TODAY)
    assert words in str(refused.value) and "\n" not in str(refused.value)


def test_a_bad_list_is_bad_input(tmp_path: Path) -> None:
    file = tmp_path / "expected.toml"
    file.write_text(ENTRY.replace("2026-12-31", "2001-01-01"))
    result = CliRunner().invoke(cli, ["conform", "--expect", str(file)], prog_name="vmirom")
    assert result.exit_code == 2 and result.stderr.count("\n") == 1
    assert f"{file}: failure 1: expires: " in result.stderr
