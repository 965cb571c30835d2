"""JSON of our own, described by ``schemas/report.json``. Keys are only ever added."""

from __future__ import annotations

import json
from typing import Any

from vmirom import __version__
from vmirom.compat.findings import Identity, Severity
from vmirom.compat.formats.sheet import Entry, Section, Sheet

__all__ = ["facts", "render"]

FORMAT = 1
"""Raised when a key goes away or changes its meaning."""


def facts(sheet: Sheet) -> dict[str, Any]:
    """The sheet as plain values."""
    return {
        "format": FORMAT,
        "tool": {"name": "vmirom", "version": __version__},
        "command": sheet.command,
        "severity": None if sheet.severity is None else sheet.severity.value,
        "counts": {
            **{severity.value: sheet.count(severity) for severity in Severity},
            "settled": sheet.settled,
        },
        "rules": {
            rule.id: {"title": rule.title, "severity": rule.severity.value, "explanation": rule.explanation}
            for rule in sheet.used_rules
        },
        "comparisons": [_section(section) for section in sheet.sections],
    }


def _section(section: Section) -> dict[str, Any]:
    return {
        "left": _identity(section.left),
        "right": _identity(section.right),
        "notes": list(section.notes),
        "findings": [_entry(entry) for entry in section.entries],
    }


def _identity(identity: Identity) -> dict[str, str]:
    return {"line": identity.line, "version": identity.version, "source": identity.source}


def _entry(entry: Entry) -> dict[str, Any]:
    finding = entry.finding
    return {
        "rule": finding.rule,
        "severity": finding.severity.value,
        "place": finding.place,
        "old": finding.old,
        "new": finding.new,
        "why": finding.why,
        "breaks": finding.breaks.value,
        "file": None if entry.spot is None else entry.spot.file,
        "line": None if entry.spot is None else entry.spot.line,
        "settled": None if entry.settled is None else {"how": entry.settled.value, "reason": entry.reason},
    }


def render(sheet: Sheet) -> str:
    """Indented by two, with a newline at the end."""
    return json.dumps(facts(sheet), indent=2, ensure_ascii=False) + "\n"
