"""Markdown for pull requests and job summaries: a table for each comparison."""

from __future__ import annotations

from collections.abc import Iterator

from vmirom.compat.formats.sheet import Entry, Section, Sheet
from vmirom.compat.formats.text import change

__all__ = ["render"]

_ESCAPED = str.maketrans({letter: f"\\{letter}" for letter in "\\`*_[]<>|#"})


def _escape(text: str) -> str:
    """On one line, and taken as it stands: no markup, no HTML, no end of a table's cell."""
    return " ".join(text.split()).translate(_ESCAPED)


def render(sheet: Sheet) -> str:
    """The whole page."""
    lines = [f"# vmirom {sheet.command}", "", f"**{_escape(sheet.verdict)}**", ""]
    for section in sheet.sections:
        lines += _section(section)
    if sheet.entries:
        lines += ["## Rules", ""]
        for rule in sheet.used_rules:
            lines.append(f"* `{rule.id}`: {_escape(rule.title)}. {_escape(rule.explanation)}")
        lines.append("")
    return "\n".join(lines)


def _section(section: Section) -> Iterator[str]:
    yield from (f"## {_escape(section.title)}", "")
    if section.entries:
        yield "| Severity | Rule | Place | Change | Breaks | Settled |"
        yield "|---|---|---|---|---|---|"
        yield from (_row(entry) for entry in section.entries)
    else:
        yield "No difference."
    yield ""
    for note in section.notes:
        yield from (f"* {_escape(note)}",)
    if section.notes:
        yield ""


def _row(entry: Entry) -> str:
    finding = entry.finding
    settled = "" if entry.settled is None else f"{entry.settled.value}: {entry.reason}"
    cells = (
        finding.severity.value,
        finding.rule,
        finding.place,
        change(entry),
        finding.breaks.value,
        settled,
    )
    return "| " + " | ".join(_escape(cell) for cell in cells) + " |"
