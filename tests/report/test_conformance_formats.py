"""Every format of a conform run says the same, whatever a guest printed."""

from __future__ import annotations

import json
import re
from collections import Counter
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given

from tests.effort import examples
from tests.strategies import conformances
from vmirom.conform.judge import State
from vmirom.conform.run import Conformance
from vmirom.hosts.outcomes import Outcome, worst
from vmirom.report.conformance import (
    Occasion,
    SeededFault,
    conformance_junit,
    conformance_lines,
    conformance_markdown,
    conformance_report,
)
from vmirom.report.conformance.document import SCHEMA_FILE
from vmirom.report.conformance.page import conformance_page
from vmirom.report.conformance.states import BAD, MARKS
from vmirom.report.conformance.view import view_of
from vmirom.report.json_text import json_bytes

SCHEMAS = Path(__file__).parent
RUNS = examples(25)
BARBED = Occasion(
    "<b>now</b>", ("--rom", "a b;<script>"), {"IRQ": "<i>"}, (SeededFault("<u>", "x", "&", ("<p>",)),)
)
VOID = {"meta", "link", "input", "br", "use", "path", "rect", "img"}


class Elements(HTMLParser):
    """Reads a page strictly: every element is closed where it should be."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.data = ""
        self.feed(page)
        self.close()
        assert self.open == [], f"not closed: {self.open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(set(names)) == len(names), f"{tag}: an attribute twice"
        self.found.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open and self.open.pop() == tag, f"</{tag}> where it does not belong"

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "script" and self.found[-1][1].get("id") == "data":
            self.data += data
        elif "script" not in self.open and "style" not in self.open:
            self.text.append(data)


@cache
def schema() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(SCHEMA_FILE.read_text())
    return found


def ids(found: Conformance) -> list[str]:
    return [clause.id for clause in found.selection.chosen]


@RUNS
@given(conformances())
def test_json_keeps_to_its_schema_and_has_every_clause_once(found: Conformance) -> None:
    jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is missing: pip install -e .[test]")
    data = json.loads(json_bytes(conformance_report(found, BARBED)))
    jsonschema.Draft202012Validator(schema()).validate(data)
    assert [row["id"] for row in data["clauses"]] == ids(found)
    assert data["left_out"] == found.selection.left_out
    for place, boots in zip(found.judgements, data["boots"], strict=True):
        states = Counter(row["states"][place.label]["state"] for row in data["clauses"])
        assert {name: count for name, count in boots["counts"].items() if count} == states
    for row in data["clauses"]:
        for label, state in row["states"].items():
            for number in state["incidents"]:
                incident = data["incidents"][number]
                assert (incident["number"], incident["place"]) == (number, label)
                assert row["id"] in incident["clauses"]


@RUNS
@given(conformances())
def test_whatever_is_bad_has_an_incident(found: Conformance) -> None:
    """A failed, crashed or erroneous check leads to what happened, once."""
    view = view_of(found)
    for place in view.places:
        for clause, verdict in place.verdicts.items():
            bad = [
                check for check in verdict.checks if check.state in (State.FAILURE, State.CRASH, State.ERROR)
            ]
            numbers = view.concerns.get((place.label, clause), ())
            assert bool(bad) == bool(numbers) and len(set(numbers)) == len(numbers)
    assert [one.number for one in view.incidents] == list(range(len(view.incidents)))
    lines = [
        (p.label, line)
        for p in view.places
        for b in p.booted
        for line in b.result.transcript
        if " FAIL " in line
    ]
    told = [(one.place, one.line) for one in view.incidents if one.line]
    assert sorted(told) == sorted(line for line in lines if re.match(r"\d+ FAIL [a-z]+: ", line[1]))


@cache
def junit_schema() -> Any:
    xmlschema = pytest.importorskip("xmlschema", reason="xmlschema is missing: pip install -e .[test]")
    return xmlschema.XMLSchema(str(Path(__file__).parents[1] / "compat/schemas/junit-10.xsd"))


@RUNS
@given(conformances())
def test_junit_keeps_its_schema_and_counts_alike(found: Conformance) -> None:
    text = conformance_junit(found, BARBED)
    if found.judgements:
        junit_schema().validate(text.decode())
    root = ElementTree.fromstring(text)
    suites = root.findall("testsuite")
    assert len(suites) == len(found.judgements)
    for place, suite in zip(found.judgements, suites, strict=True):
        cases = suite.findall("testcase")
        assert [case.attrib["name"].split(" ")[0] for case in cases] == ids(found)
        kinds = Counter(child.tag for case in cases for child in case)
        assert kinds["failure"] == sum(map(place.count, (State.FAILURE, State.CRASH, State.UNEXPECTED_PASS)))
        assert kinds["error"] == place.count(State.ERROR)
        assert len(cases) - kinds.total() == place.count(State.SUCCESS)
        for tag, attribute in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped")):
            assert int(suite.attrib[attribute]) == kinds[tag]
        assert int(suite.attrib["tests"]) == len(cases)


@RUNS
@given(conformances())
def test_markdown_has_every_clause_once_and_no_markup_of_a_guest(found: Conformance) -> None:
    text = conformance_markdown(found, BARBED).decode()
    table = text.split("\n## Clauses\n", 1)[1].split("\n## ", 1)[0]
    rows = [line for line in table.splitlines() if line.startswith("| VMI-")]
    assert [row.split(" ")[1] for row in rows] == ids(found)
    columns = len(found.judgements) + 2 if found.judgements else 3
    assert all(len(re.findall(r"(?<!\\)\|", row)) == columns + 1 for row in rows)
    for line in text.splitlines():
        if not line.startswith("    "):
            assert not re.search(r"(?<!\\)<", line), line
    for place in found.judgements:
        counts = ", ".join(f"{place.count(state)} {state.value}" for state in State if place.count(state))
        assert f"| {place.backend} | {place.host} | {place.outcome.value} | {counts} |" in text


@RUNS
@given(conformances())
def test_words_have_every_clause_once(found: Conformance) -> None:
    lines = list(conformance_lines(found, verbose=True))
    start = next(at for at, line in enumerate(lines) if line.startswith("clause  "))
    matrix = lines[start + 1 : start + 1 + len(found.selection.chosen)]
    assert [line.split(" ")[0] for line in matrix] == ids(found)


@RUNS
@given(conformances())
def test_page_is_well_formed_and_has_every_clause_once(found: Conformance) -> None:
    page = conformance_page(found, BARBED).decode()
    elements = Elements(page)
    rows = [
        attributes["data-id"] for tag, attributes in elements.found if tag == "tr" and "data-id" in attributes
    ]
    assert rows == ids(found)
    cards = [a["id"] for tag, a in elements.found if tag == "details" and a.get("class") == "clause"]
    assert cards == ids(found)
    cells = Counter(a["class"] for tag, a in elements.found if tag == "td" and a.get("role") == "gridcell")
    if found.judgements:
        counted: Counter[str] = Counter()
        for place in found.judgements:
            counted.update({MARKS[state].key: place.count(state) for state in State if place.count(state)})
        assert cells == counted
    names = Counter(a["id"] for _, a in elements.found if "id" in a)
    assert max(names.values()) == 1, "an id stands once"
    targets = {a["href"] for tag, a in elements.found if tag in ("a", "use") and "href" in a}
    assert {target[1:] for target in targets if target} <= set(names), "every link leads somewhere"


@RUNS
@given(conformances())
def test_page_takes_everything_for_text(found: Conformance) -> None:
    page = conformance_page(found, BARBED).decode()
    elements = Elements(page)
    tags = Counter(tag for tag, _ in elements.found)
    assert tags["script"] == 3 and tags["style"] == 1 and tags["img"] == 0 and tags["b"] == page.count("<b>")
    assert "<b>now</b>" not in page
    for tag, attributes in elements.found:
        assert not any(name.startswith("on") or name == "style" for name in attributes), tag
        assert attributes.get("src") is None and tag not in (
            "iframe",
            "object",
            "embed",
            "base",
            "form-action",
        )
    data = json.loads(elements.data)
    assert list(data["rows"]) == ids(found)
    text = "".join(elements.text)
    for clause in found.selection.chosen:
        assert "".join(clause.sentence.split()) in "".join(text.split())


@RUNS
@given(conformances())
def test_the_worst_is_the_outcome_and_the_exit_code(found: Conformance) -> None:
    states = [v.state.outcome for place in found.judgements for v in place.verdicts.values()]
    told = [outcome for outcome in states if outcome is not None]
    if not found.selection.words:
        told += [booted.outcome for place in found.judgements for booted in place.booted]
        told += [Outcome.FAILURE for place in found.judgements if place.strays]
    assert found.outcome is worst(told)
    data = conformance_report(found)
    assert data["outcome"] == (found.outcome.value if found.judgements else None)
    codes = {"success": 0, "skip": 3, "error": 4, "failure": 5, "crash": 6}
    assert found.outcome.exit_code == codes[found.outcome.value]


def test_every_state_has_a_mark_of_its_own() -> None:
    assert set(MARKS) == set(State)
    for field in ("key", "word", "letter", "path", "meaning"):
        assert len({getattr(mark, field) for mark in MARKS.values()}) == len(State), field
    css = (SCHEMAS.parents[1] / "vmirom/report/conformance/page.css").read_text()
    for mark in MARKS.values():
        assert css.count(f"--{mark.key}: #") == 4, "light, dark by preference, dark by choice, print"
    assert all(state.outcome is None or state.outcome.exit_code for state in BAD)
