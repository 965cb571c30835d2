"""Suppressions: exceptions that somebody signed for, in TOML.

[[suppress]]
rule = "clobbers-grown"
place = "call/SetAlarm/clobbers"
reason = "no guest in the field keeps a value in EDX over it; asked on the list"
expires = 2027-03-31
line = "vmi3"            # optional: only for this line

Rule and place are exact: nothing matches a pattern, so that no entry can cover what its author never saw.
After the last day it has no effect.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

from vmirom.compat.errors import CompatError
from vmirom.compat.findings import Finding
from vmirom.compat.policy.rules import POLICY_RULES
from vmirom.compat.rulebook import RULES
from vmirom.files import read_bounded

__all__ = ["Suppression", "parse_suppressions", "read_suppressions"]

_LIMIT: Final = 1 << 20
_REQUIRED: Final = ("rule", "place", "reason", "expires")
_KNOWN: Final = (*_REQUIRED, "line")


@dataclass(frozen=True, slots=True)
class Suppression:
    """One exception; ``number`` is its place in ``file``, from 0. An empty ``line`` means every line."""

    rule: str
    place: str
    reason: str
    expires: date
    file: str
    number: int
    line: str = ""

    def matches(self, finding: Finding, line: str) -> bool:
        """Whether it is about this finding of this line of the ABI."""
        return (self.rule, self.place) == (finding.rule, finding.place) and self.line in ("", line)

    def expired(self, today: date) -> bool:
        """Whether its last day has passed."""
        return today > self.expires


def read_suppressions(path: Path) -> tuple[Suppression, ...]:
    """The entries of a file. Raises CompatError: file, field, rule, in one line."""
    name = str(path).encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    try:
        data = read_bounded(path, _LIMIT)
    except OSError as error:
        raise CompatError(f"{name}: {error.strerror or 'can not be read'}") from None
    if len(data) > _LIMIT:
        raise CompatError(f"{name}: size: more than {_LIMIT >> 20} MiB")
    return parse_suppressions(data, name)


def parse_suppressions(data: bytes, name: str) -> tuple[Suppression, ...]:
    """The entries in a file's bytes. Raises CompatError."""
    try:
        table = tomllib.loads(data.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise CompatError(f"{name}: byte {error.start}: not UTF-8") from None
    except (ValueError, RecursionError) as error:
        raise CompatError(f"{name}: not TOML: {' '.join(str(error).split())}") from None
    for key in table:
        if key != "suppress":
            raise CompatError(f"{name}: {_plain(key)}: unknown; there are only [[suppress]] entries")
    rows = table.get("suppress", [])
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise CompatError(f"{name}: suppress: write each entry under [[suppress]]")
    found: list[Suppression] = []
    for number, row in enumerate(rows):
        entry = _entry(row, name, number)
        for other in found:
            if (other.rule, other.place) == (entry.rule, entry.place) and (
                other.line == entry.line or not (other.line and entry.line)
            ):
                raise CompatError(f"{name}: suppress[{number}]: the same as suppress[{other.number}]")
        found.append(entry)
    return tuple(found)


def _entry(row: dict[str, Any], name: str, number: int) -> Suppression:
    where = f"{name}: suppress[{number}]"
    for key in row:
        if key not in _KNOWN:
            raise CompatError(f"{where}.{_plain(key)}: unknown; there are {', '.join(_KNOWN)}")
    for key in _REQUIRED:
        if key not in row:
            raise CompatError(f"{where}.{key}: missing")
    texts = {key: _text(f"{where}.{key}", row[key]) for key in row if key != "expires"}
    rule = texts["rule"]
    if rule in POLICY_RULES or rule in ("version-not-bumped", "version-overbumped"):
        raise CompatError(f"{where}.rule: {rule} is a rule of the gate and can't be suppressed")
    if rule not in RULES:
        raise CompatError(f"{where}.rule: {_plain(rule)!r} is no rule of the comparison")
    if any(letter in texts["place"] for letter in "*?"):
        raise CompatError(f"{where}.place: patterns are not taken; name the place as the report does")
    expires = row["expires"]
    if not isinstance(expires, date) or isinstance(expires, datetime):
        raise CompatError(f"{where}.expires: not a date; write it like 2027-03-31, without quotes or time")
    return Suppression(rule, texts["place"], texts["reason"], expires, name, number, texts.get("line", ""))


def _text(where: str, value: Any) -> str:
    if not isinstance(value, str):
        raise CompatError(f"{where}: not text")
    if not value.strip():
        raise CompatError(f"{where}: empty")
    return value


def _plain(text: str) -> str:
    """A key of the file within a message of one line."""
    return " ".join(text.split())[:80]
