"""The declared clauses, and the walk that refuses what does not hold together."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from vmirom.generate.clauses import call_clauses, clauses_page
from vmirom.schema import AbiError, SchemaError
from vmirom.schema.clauses import (
    ADDED,
    CARRIED,
    DOCUMENT,
    EVERY,
    STD,
    THREE,
    Area,
    Clause,
    Declared,
    Feature,
    Revision,
    When,
    Who,
    load_clauses,
    promise,
    walk_clauses,
)
from vmirom.schema.tree import load_abi

CLAUSES = load_clauses()
CALLS = load_abi().resolve("vmi3").calls
GIVEN = {
    "ROM": 17,
    "INIT": 11,
    "REL": 13,
    "CALL": 8,
    "IRQ": 16,
    "DT": 15,
    "CPU": 11,
    "RET": 9,
    "FLT": 3,
    "IO": 7,
    "APIC": 3,
    "AP": 6,
    "MMU": 24,
    "TIME": 30,
    "NEG": 14,
}
"""How many clauses the older specifications give, by area."""


def test_every_numbered_clause_of_the_specifications_is_declared() -> None:
    given = {c.id for c in CLAUSES.clauses.values() if c.revision != ADDED and c.area in GIVEN}
    assert given == {f"VMI-{area}-{n:02}" for area, count in GIVEN.items() for n in range(1, count + 1)}
    assert len(given) == 187


def test_what_3_1_adds_binds_nothing_older() -> None:
    added = [clause for clause in CLAUSES.clauses.values() if clause.revision == ADDED]
    areas = {"ENTRY", "CONS", "EXIT", "PROBE", "COUNT"}
    kept = {"VMI-ROM-18", "VMI-ROM-19", "VMI-CALL-09", "VMI-CALL-10", "VMI-IRQ-17"}
    kept |= {"VMI-AP-07", *(f"VMI-MMU-{number}" for number in range(25, 29))}
    assert {clause.area for clause in added if clause.id not in kept} == areas
    assert kept < {clause.id for clause in added}
    assert all(clause.binds("3.1") and not clause.binds("3.0") for clause in added)


def test_ids_that_calls_quote_exist_and_bind_them() -> None:
    for call in CALLS:
        for quoted in call.clauses:
            assert quoted in CLAUSES.clauses, f"{call.name} quotes {quoted}"
            assert call.name in CLAUSES.clauses[quoted].calls, f"{quoted} does not bind {call.name}"


def test_every_published_call_is_bound_by_a_promise_of_its_own() -> None:
    """A clause for all calls alike says nothing of what one of them does."""
    general = {c.id for c in CLAUSES.clauses.values() if len(c.calls) > 24}
    left = {
        call.name
        for call in CALLS
        if call.kind is not None and not {clause.id for clause in CLAUSES.of_call(call.name)} - general
    }
    assert left == set()


def test_derived_clauses_say_how_they_were_decided() -> None:
    derived = [clause for clause in CLAUSES.clauses.values() if "der." in clause.source]
    assert len(derived) == 9
    assert all(len(clause.decided) > 30 for clause in derived)


def test_revisions() -> None:
    assert CARRIED.binds("3.0") and CARRIED.binds("3.1") and CARRIED.binds("13.0")
    assert not DOCUMENT.binds("3.0") and not DOCUMENT.binds("3.1")
    assert THREE.binds("3.1") and not ADDED.binds("3.0")


def test_general_words_are_spelt_out() -> None:
    std = CLAUSES.clauses["VMI-CALL-01"].calls
    assert "SetCR3" in std and "GetRomInfo" in std
    assert not {"EnableInterrupts", "INB", "CPUID", "IRET", "SetCallbacks"} & set(std)
    every = CLAUSES.clauses["VMI-CALL-05"].calls
    assert set(every) == {call.name for call in CALLS if call.kind is not None}


def declared(*clauses: Clause, features: tuple[Feature, ...] = ()) -> Declared:
    return Declared((Area("IRQ", "x"), Area("ROM", "x", calls=False)), features, ("Pause",), clauses)


def one(identity: str = "VMI-IRQ-01", *calls: str, **others: object) -> Clause:
    return promise(identity, "It is so.", *calls, **{"source": "P1", "rev": THREE, **others})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("clauses", "words"),
    [
        ((one("VMI-IRQ-1", "Halt"),), "not of the form VMI-AREA-NN"),
        ((one("VMI-IRQ-01", "Halt"), one("VMI-IRQ-01", "Halt")), "declared twice"),
        ((one("VMI-IRQ-01"),), "binds no call"),
        ((one("VMI-IRQ-01", "Hold"),), "no call is named 'Hold'"),
        ((one("VMI-IRQ-01", "Pause"),), "no call is named 'Pause'"),
        ((one("VMI-IRQ-01", "Halt", "Halt"),), "names a call twice"),
        ((one("VMI-XYZ-01", "Halt"),), "area XYZ is not one of IRQ, ROM"),
        ((one("VMI-IRQ-01", "Halt", source=" "),), "no source"),
        ((one("VMI-IRQ-01", "Halt", source="P1 (der.)"),), "nothing says how it was decided"),
        ((one("VMI-IRQ-01", "Halt", when=When(features=("nx",))),), "feature 'nx' is not declared"),
        ((one("VMI-IRQ-01", "Halt", rev=Revision(("4.0",))),), "revisions 4.0 are not of"),
        ((one("VMI-IRQ-01", "Halt", rev=Revision(())),), "revisions none are not of"),
        ((Clause("VMI-ROM-01", "No stop", Who.ROM, "P1", THREE),), "does not end with a full stop"),
    ],
)
def test_refusals_of_clauses(clauses: tuple[Clause, ...], words: str) -> None:
    with pytest.raises(SchemaError, match=re.escape(words)) as refused:
        walk_clauses(declared(*clauses), CALLS)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("features", "words"),
    [
        ((Feature("NX", "x"),), "not of the form"),
        ((Feature("nx", "x"), Feature("nx", "x")), "declared twice"),
        ((Feature("nx", "x", calls=("Hold",)),), "no call is named 'Hold'"),
    ],
)
def test_refusals_of_features(features: tuple[Feature, ...], words: str) -> None:
    with pytest.raises(SchemaError, match=re.escape(words)):
        walk_clauses(declared(features=features), CALLS)


def test_historic_calls_bind_in_history_only() -> None:
    found = walk_clauses(declared(one("VMI-IRQ-15", "Pause", rev=DOCUMENT), one("VMI-IRQ-16", *STD)), CALLS)
    assert found.clauses["VMI-IRQ-15"].calls == ("Pause",)
    assert "Halt" in found.clauses["VMI-IRQ-16"].calls
    assert walk_clauses(declared(one("VMI-IRQ-01", *EVERY)), CALLS).of_call("Halt")


LINE = """
from vmirom.schema import Line, procedure
LINE = Line(name="mine", family="mine", versions=("3.0",), doc="d", calls=(procedure(1, "Go", doc="Goes."),))
"""


def tree(folder: Path, text: str | None) -> Path:
    (folder / "mine.py").write_text(LINE)
    if text is not None:
        (folder / "clauses").mkdir()
        (folder / "clauses" / "__init__.py").write_text(text)
    return folder


def test_a_tree_of_ones_own(tmp_path: Path) -> None:
    text = (
        "from vmirom.schema.clauses import *\n"
        "CLAUSES = Declared((Area('GO', 'Going'),), (), (),\n"
        "    (promise('VMI-GO-01', 'It goes.', 'Go', source='me', rev=THREE),))\n"
    )
    found = load_clauses(load_abi(tree(tmp_path, text)))
    assert [clause.id for clause in found.of_call("Go")] == ["VMI-GO-01"]


def test_a_tree_without_clauses(tmp_path: Path) -> None:
    assert not load_clauses(load_abi(tree(tmp_path, None))).clauses


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("oops(", "was never closed"),
        ("CLAUSES = 1\n", "CLAUSES is not a vmirom.schema.clauses.Declared"),
        ("import nothing_of_this_name\n", "ModuleNotFoundError"),
        ("raise SystemExit(3)\n", "SystemExit: 3"),
        (
            "from vmirom.schema.clauses import *\nCLAUSES = Declared((), (), (), (1,))\n",
            "CLAUSES: AttributeError",
        ),
        (
            "from vmirom.schema.clauses import *\nCLAUSES = Declared((), (), (),"
            "(promise('VMI-GO-01', 'Go.', 'Go', source='me', rev=THREE),))\n",
            "clause VMI-GO-01: area GO is not one of",
        ),
    ],
)
def test_a_bad_tree_is_one_line(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(AbiError, match=re.escape(words)) as refused:
        load_clauses(load_abi(tree(tmp_path, text)))
    assert "\n" not in str(refused.value) and str(tmp_path) in str(refused.value)


def test_pages_show_every_clause_and_link_to_it() -> None:
    page = clauses_page(CLAUSES)
    headings = re.findall(r"^### (VMI-\S+)$", page, re.MULTILINE)
    assert headings == list(CLAUSES.clauses)
    for call in CALLS:
        for identity in re.findall(r"clauses\.md#([a-z0-9-]+)", "\n".join(call_clauses(CLAUSES, call.name))):
            assert identity.upper() in CLAUSES.clauses
    assert "  * [VMI-IRQ-11](clauses.md#vmi-irq-11): Halt turns" in "\n".join(call_clauses(CLAUSES, "Halt"))
    assert call_clauses(CLAUSES, "SetCallbacks") == []
