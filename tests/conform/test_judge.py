"""Transcripts to outcomes: what was not seen is never a pass, and the worst wins."""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree

import pytest

from vmirom.conform.boots import Boot, Booted
from vmirom.conform.checks import load_checks
from vmirom.conform.clauses import select
from vmirom.conform.coverage import call_coverage, clause_coverage, totals
from vmirom.conform.judge import Judgement, State, judge, lacking, verdict
from vmirom.conform.run import Conformance
from vmirom.conform.suite import Suite
from vmirom.hosts.outcomes import BootResult, Outcome
from vmirom.hosts.request import BootRequest
from vmirom.report.conformance import (
    conformance_junit,
    conformance_lines,
    conformance_report,
    list_lines,
)
from vmirom.schema.clauses import load_clauses
from vmirom.schema.tree import load_abi

CLAUSES = load_clauses()
CHECKS = load_checks(CLAUSES)
REFERENCE = CHECKS.guests["reference"].checks
ALL = select(CLAUSES, "3.1")
CALLS = load_abi().resolve("vmi3").calls
ANSWERS = {call.name: "translated" for call in CALLS}
LINES = tuple(f"{n:02} ok {check.place}: {check.name}" for n, check in enumerate(REFERENCE, 1))
GOOD = BootResult("xen", Outcome.SUCCESS, "the guest reports success", ("hello", *LINES), calls={"Halt": 3})


def judged(result: BootResult, words: tuple[str, ...] = (), answers: dict[str, str] = ANSWERS) -> Judgement:
    suite = Suite(CLAUSES, CHECKS, select(CLAUSES, "3.1", words), CALLS, {result.backend: answers})
    boot = Boot("reference", "3.1", BootRequest(result.backend, b""))
    return judge(suite, [Booted(boot, result)])


def failing(sentence: str) -> tuple[str, ...]:
    return tuple(line.replace(" ok ", " FAIL ") if sentence in line else line for line in GOOD.transcript)


def test_a_whole_transcript() -> None:
    found = judged(GOOD)
    assert found.count(State.SUCCESS) == len({name for c in REFERENCE for name in c.clauses})
    assert found.count(State.SUCCESS) + found.count(State.NO_CHECK) < len(ALL.chosen)
    assert not found.strays
    for state in (State.SKIP, State.ERROR, State.FAILURE, State.CRASH):
        assert found.count(state) == 0
    assert verdict([found], ALL) is Outcome.SUCCESS


def test_a_failed_line_fails_its_clauses_and_no_other() -> None:
    found = judged(replace(GOOD, outcome=Outcome.FAILURE, transcript=failing("SetInterruptMask(0) does not")))
    assert [name for name, v in found.verdicts.items() if v.state is State.FAILURE] == ["VMI-IRQ-05"]
    assert "the guest says FAIL" in found.verdicts["VMI-IRQ-05"].reason
    assert verdict([found], ALL) is Outcome.FAILURE
    # a selection is judged by its own clauses
    words = ("VMI-IRQ-01",)
    selected = judged(
        replace(GOOD, outcome=Outcome.FAILURE, transcript=failing("SetInterruptMask(0) does")), words
    )
    assert verdict([selected], select(CLAUSES, "3.1", words)) is Outcome.SUCCESS


def test_lines_of_equal_words_are_told_apart() -> None:
    twice = [
        n
        for n, line in enumerate(GOOD.transcript)
        if line.endswith("alarms: so does one on the available counter")
    ]
    assert len(twice) == 2
    lines = list(GOOD.transcript)
    lines[twice[1]] = lines[twice[1]].replace(" ok ", " FAIL ")
    found = judged(replace(GOOD, transcript=tuple(lines)))
    assert found.verdicts["VMI-TIME-14"].state is State.SUCCESS
    assert found.verdicts["VMI-TIME-19"].state is State.FAILURE


@pytest.mark.parametrize(
    ("outcome", "ending", "first"),
    [(Outcome.CRASH, "crash", State.CRASH), (Outcome.FAILURE, "budget", State.FAILURE)],
)
def test_an_early_end_blames_the_next_check_and_reaches_no_other(
    outcome: Outcome, ending: str, first: State
) -> None:
    end = next(n for n, line in enumerate(GOOD.transcript) if "after EnableInterrupts" in line)
    found = judged(
        replace(GOOD, outcome=outcome, ending=ending, reason="boom", transcript=GOOD.transcript[:end])
    )
    assert found.verdicts["VMI-IRQ-01"].state is first
    assert "boom" in found.verdicts["VMI-IRQ-01"].reason
    assert found.verdicts["VMI-IRQ-02"].state is State.ERROR
    assert found.verdicts["VMI-IRQ-02"].reason.startswith("not reached")
    assert found.verdicts["VMI-CPU-05"].state is State.SUCCESS
    assert verdict([found], ALL) is outcome
    lines = list(conformance_lines(report(found), verbose=False))
    assert sum("VMI-IRQ-02" in line for line in lines) == 1 and any(
        "more could not be checked" in x for x in lines
    )


def test_silence_is_no_pass() -> None:
    found = judged(replace(GOOD, transcript=()))
    assert found.count(State.SUCCESS) == 0
    assert found.verdicts["VMI-IRQ-01"].reason.startswith("the guest did not print it")
    assert verdict([found], ALL) is Outcome.ERROR


def test_a_boot_that_was_skipped_or_could_not_be_made() -> None:
    skipped = judged(replace(GOOD, outcome=Outcome.SKIP, reason="no such host", transcript=()))
    assert skipped.verdicts["VMI-IRQ-01"].state is State.SKIP and skipped.count(State.SUCCESS) == 0
    assert verdict([skipped], ALL) is Outcome.SKIP
    broken = judged(replace(GOOD, outcome=Outcome.ERROR, reason="engine died", transcript=()))
    assert broken.verdicts["VMI-IRQ-01"].reason == "engine died"
    assert verdict([judged(GOOD), broken], ALL) is Outcome.ERROR


def test_a_failed_line_that_no_table_lists() -> None:
    found = judged(
        replace(GOOD, transcript=(*GOOD.transcript, "192 FAIL traps: an unexpected trap ended the run"))
    )
    assert found.strays == ("reference: 192 FAIL traps: an unexpected trap ended the run",)
    assert verdict([found], ALL) is Outcome.FAILURE
    assert any("no table lists" in line for line in conformance_lines(report(found), verbose=False))


def test_what_a_backend_lacks_is_neither_passed_nor_skipped() -> None:
    answers = {**ANSWERS, "SetLDT": "nothing"}
    del answers["SetIOPLMask"]
    found = judged(GOOD, answers=answers)
    assert found.verdicts["VMI-IO-04"].state is State.NOT_APPLICABLE
    assert found.verdicts["VMI-IO-04"].reason == "iopl: SetIOPLMask is absent on xen"
    ldt = next(c for c in found.verdicts["VMI-DT-05"].checks if c.check.needs)
    assert ldt.state is State.NOT_APPLICABLE and found.verdicts["VMI-DT-05"].state is State.SUCCESS
    assert lacking(CLAUSES.features, "native", ANSWERS).keys() == {"deprivileged", "hosted", "stolen"}
    assert found.verdicts["VMI-AP-02"].reason == "several CPUs: embedded hypervisors give one"


def test_states_without_an_outcome() -> None:
    found = judged(GOOD)
    assert found.verdicts["VMI-ENTRY-16"].state is State.HOST_SUITE
    assert found.verdicts["VMI-FLT-01"].state is State.NO_CHECK_BY_REASON
    assert found.verdicts["VMI-TIME-16"].state is State.NOT_RUN
    assert found.verdicts["VMI-INIT-02"].state is State.NOT_RUN
    assert found.verdicts["VMI-NEG-08"].state is State.NOT_RUN
    words = ("NEG",)
    assert verdict([judged(GOOD, words)], select(CLAUSES, "3.1", words)) is Outcome.SKIP


def report(*judgements: Judgement, words: tuple[str, ...] = ()) -> Conformance:
    chosen = select(CLAUSES, "3.1", words)
    covered = clause_coverage(chosen.chosen, CHECKS)
    calls = call_coverage(CALLS, chosen.chosen, covered, judgements)
    return Conformance(chosen, covered, calls, judgements)


def test_report_in_words() -> None:
    lines = list(conformance_lines(report(judged(GOOD)), verbose=False))
    counted = totals(report().covered)
    told = f"{sum(counted.values())} clauses of VMI 3.1: {counted['guest']} guest, "
    assert lines[-1].startswith(told) and counted["guest"] >= 176 and not counted["no check yet"]
    assert not any(line.startswith("no check yet") for line in lines)
    whole = list(conformance_lines(report(judged(GOOD)), verbose=True))
    assert any(line.split()[:2] == ["VMI-IRQ-01", "success"] for line in whole)
    assert any(line.split()[0] == "Halt" and line.endswith(" 3") for line in whole if line)
    listed = list(list_lines(report(words=("VMI-EXIT-01",)), verbose=True))
    assert "    tests/rom/test_shared_c.py::test_the_exit_port_ends_the_machine_and_loses_no_text" in listed


def test_report_for_programs() -> None:
    data = conformance_report(report(judged(GOOD)))
    assert data["outcome"] == "success" and len(data["clauses"]) == 229
    assert {row["id"]: row["states"]["xen"]["state"] for row in data["clauses"]}["VMI-NEG-01"] == "not run"
    assert next(row for row in data["calls"] if row["call"] == "Halt")["hits"] == {"xen": 3}
    assert conformance_report(report())["outcome"] is None


def test_junit_passes_only_what_was_seen() -> None:
    bad = judged(replace(GOOD, outcome=Outcome.FAILURE, transcript=failing("SetInterruptMask(0) does not")))
    root = ElementTree.fromstring(conformance_junit(report(judged(GOOD), bad)))
    good, failed = root.findall("testsuite")
    assert good.attrib["tests"] == "229" and good.attrib["failures"] == "0"
    assert int(good.attrib["skipped"]) == 229 - judged(GOOD).count(State.SUCCESS)
    assert [
        case.attrib["name"][:10] for case in failed.findall("testcase") if case.find("failure") is not None
    ] == ["VMI-IRQ-05"]
