"""GitHub Actions' workflow commands: ``::error file=...,line=...,title=...::message``, one a finding.

Per cent, carriage return and newline are escaped everywhere, colon and comma in properties as well, so
that no text can end a command or begin another.
"""

from __future__ import annotations

from vmirom.compat.findings import Severity
from vmirom.compat.formats.sheet import Entry, Sheet
from vmirom.compat.formats.text import change

__all__ = ["render"]

_COMMANDS = {Severity.BREAKING: "error", Severity.RISKY: "warning", Severity.COMPATIBLE: "notice"}


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def render(sheet: Sheet) -> str:
    """One line for each finding; what is settled is a notice."""
    return "".join(f"{_command(sheet, entry)}\n" for entry in sheet.entries)


def _command(sheet: Sheet, entry: Entry) -> str:
    finding = entry.finding
    command = _COMMANDS[finding.severity] if entry.counts else "notice"
    properties = []
    if entry.spot is not None:
        properties += [f"file={_property(entry.spot.file)}", f"line={max(1, entry.spot.line)}"]
    properties.append(f"title={_property(f'{finding.rule}: {sheet.rules[finding.rule].title}')}")
    message = [f"{finding.place}: {change(entry)}".removesuffix(": "), finding.why]
    if entry.settled is not None:
        message.append(f"{entry.settled.value}: {entry.reason}")
    return f"::{command} {','.join(properties)}::{_data(chr(10).join(message))}"
