"""How the cases are told: locks in few words, and what is expected of their comparison.

A value is ``name type place``, an enumeration of its behind ``=``, ``?`` where it is optional; a field is
``type name``, behind ``pad`` if it is reserved. Several are parted by semicolons.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

__all__ = [
    "BOTH",
    "NEW",
    "NOBODY",
    "NONE",
    "OLD",
    "VERDICTS",
    "B",
    "C",
    "Expected",
    "R",
    "abi",
    "bare",
    "bits",
    "call",
    "case",
    "count",
    "struct",
    "values",
]

B, R, C, NONE = "breaking", "risky", "compatible", "none"
OLD, NEW, BOTH, NOBODY = "old guest on new ROM", "new guest on old ROM", "both", "none"
_WIDTHS = {"char": 1, "u8": 1, "s8": 1, "u16": 2, "s16": 2, "u32": 4, "s32": 4, "u64": 8, "s64": 8}
_LOST, _FLAT = "EAX ECX EDX flags", "CS SS DS ES"
_FIELD = re.compile(r"(pad )?(\w+)(?:\[(\d+)\])? (\w+)(?: =(\w+))?")


@dataclass(frozen=True)
class Expected:
    """Two locks, the severities that are right for the worst finding, rules that must be found, and who
    breaks by one of the worst (empty: not asked). Findings about the version count only if ``versions``."""

    name: str
    old: dict[str, Any]
    new: dict[str, Any]
    severities: frozenset[str]
    rules: frozenset[str]
    breaks: str
    versions: bool


VERDICTS: list[Expected] = []


def case(
    name: str,
    old: dict[str, Any],
    new: dict[str, Any],
    severities: str,
    rules: str = "",
    breaks: str = "",
    *,
    versions: bool = False,
) -> None:
    """``severities``, ``rules``: words."""
    worst = frozenset(severities.split())
    VERDICTS.append(Expected(name, old, new, worst, frozenset(rules.split()), breaks, versions))


def abi(version: str, *calls: dict[str, Any], hyper: bool = False, **parts: Any) -> dict[str, Any]:
    """A lock; ``parts`` are further keys of it."""
    key = "hypercalls" if hyper else "calls"
    return {"line": "abi", "version": version, key: list(calls), **parts}


def bare(number: int, name: str) -> dict[str, Any]:
    return {"number": number, "name": name}


def count(start: int, names: str) -> Iterable[dict[str, Any]]:
    """As an enumeration of C counts."""
    return (bare(start + at, name) for at, name in enumerate(names.split()))


def call(
    number: int,
    name: str,
    arguments: str = "",
    results: str = "",
    *,
    lost: str = _LOST,
    flat: str = _FLAT,
    jump: bool = False,
    when: str = "",
) -> dict[str, Any]:
    outputs = _values(results)
    row = {"number": number, "name": name, "arguments": _values(arguments)}
    row |= {"kind": "jump" if jump else "function" if outputs else "procedure"}
    row |= {"clobbers": lost.split(), "segments": flat.split(), "when": when.split()}
    return {**row, "result": outputs[0], "outputs": outputs} if outputs else row


def _values(text: str) -> list[dict[str, Any]]:
    return [_value(part.split()) for part in text.split(";") if part.strip()]


def _value(words: list[str]) -> dict[str, Any]:
    values = [word[1:] for word in words if word.startswith("=")]
    name, *kind, place = (word for word in words if word[0] not in "=?")
    return {"name": name, "type": " ".join(kind), "place": place, "values": values, "optional": "?" in words}


def struct(text: str) -> dict[str, Any]:
    """Fields one behind the other."""
    fields: list[dict[str, Any]] = []
    at = 0
    for part in text.split(";"):
        told = _FIELD.fullmatch(part.strip())
        assert told is not None, part
        spare, kind, number, name, values = told.groups()
        size = _WIDTHS[kind.removesuffix("_t").replace("uint", "u")] * int(number or 1)
        row = {"name": name, "offset": at, "size": size, "type": kind, "reserved": bool(spare)}
        fields.append(
            row | ({"count": int(number)} if number else {}) | ({"values": values} if values else {})
        )
        at += size
    return {"size": at, "fields": fields}


def bits(**members: int) -> dict[str, Any]:
    """Flags."""
    return {"flags": True, "members": members}


def values(**members: int) -> dict[str, Any]:
    """Values that are taken one by one."""
    return {"members": members}
