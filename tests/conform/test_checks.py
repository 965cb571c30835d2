"""The tables of checks: what they name exists, what exists is in them, and bad ones are one line."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import vmirom
from vmirom.conform.checks import EVERY_TEST, checks_folder, load_checks
from vmirom.conform.clauses import select
from vmirom.conform.coverage import call_coverage, clause_coverage, totals
from vmirom.conform.judge import State
from vmirom.schema import AbiError
from vmirom.schema.clauses import Who, load_clauses
from vmirom.schema.tree import load_abi, source_tree

CLAUSES = load_clauses()
CHECKS = load_checks(CLAUSES)
REFERENCE = CHECKS.guests["reference"].checks
EVERY = [*(check for table in CHECKS.guests.values() for check in table.all_checks), *CHECKS.host]
TESTS = Path(vmirom.__file__).parents[1]


def named_in(file: Path) -> set[str]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return {n.name for n in tree.body if isinstance(n, ast.FunctionDef) and n.name.startswith("test_")}


def test_every_test_of_the_rom_suites_is_in_the_table() -> None:
    listed: dict[str, set[str]] = {}
    for check in CHECKS.host:
        listed.setdefault(check.place, set()).add(check.name)
    suites = {
        str(path.relative_to(TESTS)): named_in(path) for path in (TESTS / "tests/rom").glob("test_*.py")
    }
    left = sorted(suites.keys() - listed.keys())
    assert left == [], "say in abi/clauses/checks/host.toml what these answer for"
    for place, names in listed.items():
        found = named_in(TESTS / place)
        assert names - {EVERY_TEST} <= found, place
        if EVERY_TEST not in names:
            assert found - names == set(), f"{place}: say in abi/clauses/checks/host.toml what for"


def sentences_of(file: Path) -> list[str]:
    """What the checks of a guest's source say, in their order."""
    found = []
    for call in re.split(r"\bcheck\(", file.read_text(encoding="utf-8"))[1:]:
        found += re.findall(r'"((?:[^"\\]|\\.)*)"\s*\)\s*;', call)[:1]
    return found


def test_every_sentence_of_the_other_guests_is_in_their_tables() -> None:
    sources = {f"conform-{f.stem}": f for f in (source_tree("romsrc") / "guest" / "conform").glob("*.c")}
    images = {table.image for table in CHECKS.guests.values() if not table.outside}
    assert sources.keys() == images - {"reference"}
    for image, file in sources.items():
        listed = [check.name for check in CHECKS.guests[image].checks]
        assert sorted(sentences_of(file)) == sorted(listed), image


def test_every_sentence_of_the_reference_guest_is_in_the_table() -> None:
    """Read from its sources, so that a check that is added can't be forgotten here."""
    sentences = {
        sentence
        for file in (source_tree("romsrc") / "guest" / "reference").glob("*.c")
        for sentence in sentences_of(file)
    }
    listed = {check.name for check in REFERENCE}
    assert len(sentences) > 180
    assert sentences == listed


def test_checks_that_depend_on_features_say_so_in_the_guest_too() -> None:
    honest = {check.name for check in REFERENCE if check.needs}
    assert honest == {check.name for check in REFERENCE if "honestly absent" in check.name}


def test_reasons_are_for_clauses_that_hold_and_have_no_check() -> None:
    assert all(any(CLAUSES.clauses[name].binds(v) for v in ("3.0", "3.1")) for name in CHECKS.reasons)
    duties = {name for name, reason in CHECKS.reasons.items() if reason.startswith("a duty of the guest")}
    assert all(CLAUSES.clauses[name].who is Who.GUEST for name in duties)


def test_coverage_adds_up() -> None:
    chosen = select(CLAUSES, "3.1").chosen
    covered = clause_coverage(chosen, CHECKS)
    sums = totals(covered)
    assert sum(sums.values()) == len(chosen) == 229
    assert sums["guest"] >= 175 and sums["no check yet"] == 0
    calls = call_coverage(load_abi().resolve("vmi3").calls, chosen, covered, ())
    assert len(calls) == 74
    for call in calls:
        assert len(call.clauses) == call.guest + call.host + call.reasoned + len(call.unchecked)
        assert call.guest + call.host, f"{call.call} has no checked clause"
    unchecked = {cover.clause for cover in covered if cover.state is State.NO_CHECK}
    assert unchecked == {c.id for c in chosen} - set(CHECKS.reasons) - {
        name for check in EVERY for name in check.clauses
    }


def folder(path: Path, **tables: str) -> Path:
    for name in ("reference", "host", "image", "boots", "reasons"):
        text = tables.get(name, "")
        (path / f"{name}.toml").write_text(text)
    return path


@pytest.mark.parametrize(
    ("tables", "words"),
    [
        ({"reference": "x = 1"}, "reference.toml: x: not a table of checks"),
        ({"reference": "[s]\na = 3"}, "s: a: neither a list of clauses nor a table"),
        ({"reference": "[s]\na = ['VMI-IRQ-99']"}, "s: a: no clause is called 'VMI-IRQ-99'"),
        ({"reference": "[s]\na = ['VMI-IRQ-01', 'VMI-IRQ-01']"}, "names a clause twice"),
        ({"reference": "[s]\na = [1]"}, "clauses: not a list of names"),
        ({"reference": "[s]\na = []"}, "names clauses or gives a reason"),
        ({"reference": "[s]\na = {clauses = ['VMI-IRQ-01'], reason = 'r'}"}, "one of the two"),
        ({"reference": "[s]\na = {clauses = ['VMI-IRQ-01'], needs = ['nx']}"}, "no feature is called 'nx'"),
        (
            {"reference": "[s]\na = {clause = ['VMI-IRQ-01']}"},
            "s: a: clause: not one of clauses, needs, reason",
        ),
        ({"reference": "[s]\n'a#1' = ['VMI-IRQ-01']"}, "behind '#'"),
        ({"host": "[s\n"}, "host.toml: "),
        ({"image": "[s]\na = 3"}, "image.toml: s: a: neither"),
        ({"reference": "boot = 3"}, "reference.toml: boot: not a table of boots"),
        ({"reference": "[boot]\na = 3"}, "boot: a: not a table"),
        ({"reference": "[boot.a]\nx = 3"}, "boot: a: x: not one of check, clauses, command_line"),
        ({"reference": "[boot.a]\ncheck = 'c'"}, "boot: a: command_line: not a text"),
        (
            {"reference": "[boot.a]\ncheck = 'c'\ncommand_line = ''\nends = []"},
            "boot: a: ends: names none of success, failure",
        ),
        (
            {"reference": "[boot.a]\ncheck = 'c'\ncommand_line = ''\nends = ['well']"},
            "boot: a: no end is called 'well'",
        ),
        ({"reasons": "VMI-IRQ-99 = 'r'"}, "reasons.toml: VMI-IRQ-99: no such clause"),
        ({"reasons": "VMI-IRQ-01 = ''"}, "not a reason in words"),
        (
            {"reference": "[s]\na = ['VMI-IRQ-01']", "reasons": "VMI-IRQ-01 = 'r'"},
            "has a check, and needs no",
        ),
    ],
)
def test_bad_tables(tmp_path: Path, tables: dict[str, str], words: str) -> None:
    with pytest.raises(AbiError, match=re.escape(words)) as refused:
        load_checks(CLAUSES, folder(tmp_path, **tables))
    assert "\n" not in str(refused.value) and str(tmp_path) in str(refused.value)


def test_missing_tables(tmp_path: Path) -> None:
    with pytest.raises(AbiError, match=r"host\.toml: No such file"):
        load_checks(CLAUSES, tmp_path)
    assert (checks_folder() / "reasons.toml").is_file()


@pytest.mark.parametrize(
    ("words", "ids"),
    [
        (["VMI-IRQ-01"], {"VMI-IRQ-01"}),
        (["vmi-time-2*"], {f"VMI-TIME-{n}" for n in range(20, 30)}),
        (["FLT"], {"VMI-FLT-01", "VMI-FLT-02", "VMI-FLT-03"}),
        (["VMI-EXIT"], {"VMI-EXIT-01", "VMI-EXIT-02"}),
    ],
)
def test_selection(words: list[str], ids: set[str]) -> None:
    found = select(CLAUSES, "3.1", words)
    assert {clause.id for clause in found.chosen} == ids
    assert found.left_out.keys() | ids == set(CLAUSES.clauses)


def test_selection_by_call_and_by_version() -> None:
    halt = {clause.id for clause in select(CLAUSES, "3.0", ["halt"]).chosen}
    assert {"VMI-IRQ-11", "VMI-CALL-01"} <= halt and "VMI-IRQ-12" not in halt
    assert len(select(CLAUSES, "3.0").chosen) == 174
    assert select(CLAUSES, "3.0").left_out["VMI-EXIT-01"] == "holds in 3.1, not in 3.0"


@pytest.mark.parametrize(
    ("version", "word"), [("3.1", "VMI-IRQ-99"), ("3.0", "EXIT"), ("3.1", "Pause"), ("3.1", "")]
)
def test_selections_of_nothing(version: str, word: str) -> None:
    with pytest.raises(AbiError, match="is neither a clause, an area nor a call"):
        select(CLAUSES, version, [word])
