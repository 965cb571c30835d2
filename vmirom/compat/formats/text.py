"""Plain text for people: a heading for each comparison, the worst first, and one sentence at the end."""

from __future__ import annotations

from collections.abc import Iterator

from vmirom.compat.findings import Breaks
from vmirom.compat.formats.sheet import Entry, Sheet

__all__ = ["Piece", "change", "pieces", "render"]

Piece = tuple[str, str]
"""(what it is, text): ``heading``, a severity's value, ``place``, ``quiet``, ``settled``, or empty."""


def change(entry: Entry) -> str:
    """``EDX -> ECX``, ``(nothing) -> 74``; empty where neither side has text."""
    finding = entry.finding
    if finding.old is None and finding.new is None:
        return ""
    return f"{_one_line(finding.old)} -> {_one_line(finding.new)}"


def _one_line(text: str | None) -> str:
    return "(nothing)" if text is None else " ".join(text.split())


def pieces(sheet: Sheet) -> Iterator[list[Piece]]:
    """Line by line, in pieces that a terminal may colour."""
    for section in sheet.sections:
        yield [("heading", section.title)]
        for entry in section.entries:
            yield from _entry(entry)
        if not section.entries:
            yield [("quiet", "  no difference")]
        for note in section.notes:
            yield [("quiet", f"  note: {_one_line(note)}")]
        yield []
    yield [("", sheet.verdict)]


def _entry(entry: Entry) -> Iterator[list[Piece]]:
    finding = entry.finding
    style = finding.severity.value if entry.counts else "settled"
    yield [
        ("", "  "),
        (style, f"{finding.severity.value:10}"),
        ("", f"  {finding.rule:26} "),
        ("place", finding.place),
    ]
    if text := change(entry):
        yield [("", f"              {text}")]
    who = "" if finding.breaks is Breaks.NONE else f" Breaks: {finding.breaks.value}."
    yield [("quiet", f"              {_one_line(finding.why)}{who}")]
    if entry.settled is not None:
        yield [("settled", f"              {entry.settled.value}: {_one_line(entry.reason)}")]


def render(sheet: Sheet) -> str:
    """The whole text without colours."""
    return "".join("".join(text for _, text in line).rstrip() + "\n" for line in pieces(sheet))
