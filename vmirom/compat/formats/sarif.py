"""SARIF 2.1.0, for code scanning.

One run; a result for each finding. Breaking is ``error``, risky ``warning``, compatible ``note``. The
place is a logical location, and where the declaration's file is known a physical one too. What is
suppressed carries its suppression; what a bump of the version allows is a ``note``. The fingerprint is
made of rule, place and line of the ABI, so that a finding stays itself when texts change.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any
from urllib.parse import quote

from vmirom import __version__
from vmirom.compat.findings import RuleInfo, Severity
from vmirom.compat.formats.sheet import Entry, Section, Settled, Sheet
from vmirom.compat.formats.text import change

__all__ = ["log", "render"]

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVELS = {Severity.BREAKING: "error", Severity.RISKY: "warning", Severity.COMPATIBLE: "note"}


def log(sheet: Sheet) -> dict[str, Any]:
    """The SARIF log as plain values."""
    rules = sheet.used_rules
    numbers = {rule.id: number for number, rule in enumerate(rules)}
    driver = {
        "name": "vmirom",
        "version": __version__,
        "semanticVersion": _semantic(__version__),
        "rules": [_rule(rule) for rule in rules],
    }
    results = [
        _result(section, entry, numbers[entry.finding.rule])
        for section in sheet.sections
        for entry in section.entries
    ]
    notes = [
        {"level": "note", "message": {"text": _text(note)}}
        for section in sheet.sections
        for note in section.notes
    ]
    invocation: dict[str, Any] = {"executionSuccessful": True, "commandLine": f"vmirom {sheet.command}"}
    if notes:
        invocation["toolExecutionNotifications"] = notes
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "invocations": [invocation],
        "results": results,
    }
    return {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}


def _semantic(version: str) -> str:
    parts = [part for part in version.split("+")[0].split(".") if part.isdigit()]
    return ".".join([*parts, "0", "0", "0"][:3])


def _rule(rule: RuleInfo) -> dict[str, Any]:
    return {
        "id": rule.id,
        "shortDescription": {"text": _text(rule.title)},
        "fullDescription": {"text": _text(rule.explanation)},
        "defaultConfiguration": {"level": _LEVELS[rule.severity]},
        "properties": {"breaks": rule.breaks.value},
    }


def _result(section: Section, entry: Entry, number: int) -> dict[str, Any]:
    finding = entry.finding
    result: dict[str, Any] = {
        "ruleId": finding.rule,
        "ruleIndex": number,
        "level": "note" if entry.settled is Settled.BUMPED else _LEVELS[finding.severity],
        "message": {"text": _message(entry)},
        "locations": [_location(entry)],
        "partialFingerprints": {"vmirom/v1": _fingerprint(section, entry)},
        "properties": {
            "breaks": finding.breaks.value,
            "old": finding.old,
            "new": finding.new,
            "comparison": section.title,
        },
    }
    if entry.settled is Settled.SUPPRESSED:
        result["suppressions"] = [
            {"kind": "external", "status": "accepted", "justification": _text(entry.reason)}
        ]
    return result


def _message(entry: Entry) -> str:
    parts = [f"{entry.finding.place}: {change(entry)}".removesuffix(": "), entry.finding.why]
    if entry.settled is Settled.BUMPED:
        parts.append(entry.reason)
    return _text(". ".join(part.rstrip(".") for part in parts if part) + ".")


def _location(entry: Entry) -> dict[str, Any]:
    place = entry.finding.place
    location: dict[str, Any] = {
        "logicalLocations": [
            {"name": place.rsplit("/", 1)[-1] or place, "fullyQualifiedName": place, "kind": "declaration"}
        ]
    }
    if entry.spot is not None:
        location["physicalLocation"] = {
            "artifactLocation": {"uri": quote(entry.spot.file, errors="surrogateescape")},
            "region": {"startLine": max(1, entry.spot.line)},
        }
    return location


def _fingerprint(section: Section, entry: Entry) -> str:
    whole = "\0".join((section.right.line, entry.finding.rule, entry.finding.place))
    return hashlib.sha256(whole.encode("utf-8", "backslashreplace")).hexdigest()


def _text(text: str) -> str:
    """On one line, and never empty."""
    return " ".join(text.split()) or "-"


def render(sheet: Sheet) -> str:
    """Indented by two, with a newline at the end."""
    return json.dumps(log(sheet), indent=2, ensure_ascii=False) + "\n"
