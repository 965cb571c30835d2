"""JUnit XML: a suite a place, a case a clause; what was not checked is skipped, never passed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final
from xml.etree import ElementTree

from vmirom.conform.judge import Judgement, State, Verdict
from vmirom.conform.run import Conformance
from vmirom.report.conformance.incidents import Incident
from vmirom.report.conformance.view import Occasion, Row, View, view_of
from vmirom.report.xml_text import xml_text

__all__ = ["conformance_junit"]

_KINDS: Final = {
    State.SUCCESS: "",
    State.ERROR: "error",
    State.FAILURE: "failure",
    State.CRASH: "failure",
    State.UNEXPECTED_PASS: "failure",
}


def _kind(state: State) -> str:
    return _KINDS.get(state, "skipped")


def conformance_junit(found: Conformance, occasion: Occasion | None = None) -> bytes:
    """The whole file. What a failure's command, registers and last calls are stands in its text."""
    view = view_of(found, occasion)
    root = ElementTree.Element("testsuites", name="vmirom conform")
    for lane, place in enumerate(view.places):
        _suite(root, view, lane, place)
    ElementTree.indent(root)
    whole: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return whole + b"\n"


def _suite(root: ElementTree.Element, view: View, lane: int, place: Judgement) -> None:
    kinds = [_kind(row.verdicts[lane].state) for row in view.rows]
    suite = ElementTree.SubElement(
        root,
        "testsuite",
        name=xml_text(f"vmirom conform {place.label}"),
        tests=str(len(kinds)),
        failures=str(kinds.count("failure")),
        errors=str(kinds.count("error")),
        skipped=str(kinds.count("skipped")),
        time=f"{place.seconds:.3f}",
    )
    for row in view.rows:
        numbers = view.concerns.get((place.label, row.clause.id), ())
        _case(suite, place.label, row, row.verdicts[lane], [view.incidents[number] for number in numbers])
    if place.strays:
        text = "\n".join(place.strays)
        element = ElementTree.SubElement(suite, "system-err")
        element.text = xml_text(f"failed lines that no table lists:\n{text}")


def _case(
    suite: ElementTree.Element, label: str, row: Row, one: Verdict, incidents: Iterable[Incident]
) -> None:
    name = f"{row.clause.id} {row.clause.sentence}"
    case = ElementTree.SubElement(
        suite, "testcase", classname=xml_text(f"{label}.{row.clause.area}"), name=xml_text(name), time="0"
    )
    if not (kind := _kind(one.state)):
        return
    message = one.reason if one.state.value == one.reason else f"{one.state.value}: {one.reason}"
    element = ElementTree.SubElement(case, kind, message=xml_text(message))
    if kind != "skipped":
        element.text = xml_text("\n\n".join(_told(incident) for incident in incidents)) or None


def _told(one: Incident) -> str:
    lines = [one.title, one.booted.reason, f"see it again: {one.replay}"]
    if one.scene is not None and one.line:
        lines += one.scene.registers.splitlines()
    return "\n".join(lines)
