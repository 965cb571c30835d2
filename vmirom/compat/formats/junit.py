"""JUnit XML: a suite for each comparison, a case for each finding.

Breaking findings are failures. Risky ones are failures too, of another type, so that a reader of the
report sees them; whether they fail the job is said by the exit code. Settled ones are skipped. A
comparison without findings has one case that passed. The form is the one that Jenkins' ``junit-10.xsd``
describes.
"""

from __future__ import annotations

from xml.etree import ElementTree

from vmirom.compat.findings import Severity
from vmirom.compat.formats.sheet import Entry, Section, Sheet
from vmirom.compat.formats.text import change

__all__ = ["render"]


def render(sheet: Sheet) -> str:
    """The whole document."""
    root = ElementTree.Element("testsuites", name=f"vmirom {sheet.command}")
    for section in sheet.sections:
        _suite(root, sheet, section)
    suites = list(root)
    for key in ("tests", "failures", "errors"):
        root.set(key, str(sum(int(suite.get(key, "0")) for suite in suites)))
    ElementTree.indent(root)
    text: str = ElementTree.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'


def _fails(entry: Entry) -> bool:
    return entry.counts and entry.finding.severity is not Severity.COMPATIBLE


def _suite(root: ElementTree.Element, sheet: Sheet, section: Section) -> None:
    suite = ElementTree.SubElement(
        root,
        "testsuite",
        name=_xml(section.title),
        tests=str(len(section.entries) or 1),
        failures=str(sum(_fails(entry) for entry in section.entries)),
        errors="0",
        skipped=str(sum(not entry.counts for entry in section.entries)),
        time="0",
    )
    for entry in section.entries:
        _case(suite, sheet, entry)
    if not section.entries:
        ElementTree.SubElement(suite, "testcase", classname="compatibility", name="no difference", time="0")
    if section.notes:
        ElementTree.SubElement(suite, "system-out").text = _xml("\n".join(section.notes))


def _case(suite: ElementTree.Element, sheet: Sheet, entry: Entry) -> None:
    finding = entry.finding
    case = ElementTree.SubElement(
        suite, "testcase", classname=_xml(finding.rule), name=_xml(finding.place), time="0"
    )
    message = _xml(": ".join(part for part in (sheet.rules[finding.rule].title, change(entry)) if part))
    if entry.settled is not None:
        ElementTree.SubElement(case, "skipped", message=_xml(f"{entry.settled.value}: {entry.reason}"))
    elif _fails(entry):
        failure = ElementTree.SubElement(case, "failure", type=finding.severity.value, message=message)
        failure.text = _xml(f"{finding.why}\nBreaks: {finding.breaks.value}")
    else:
        ElementTree.SubElement(case, "system-out").text = message


def _xml(text: str) -> str:
    """Without what XML 1.0 can't carry: control characters, surrogates, two noncharacters."""
    return "".join(
        c for c in text if c in "\t\n" or " " <= c <= "\ud7ff" or "\ue000" <= c <= "\ufffd" or c > "\uffff"
    )
