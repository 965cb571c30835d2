"""Real changes of real ABIs, told in our own words as small pairs of declarations, each with what its authors
made of it.

Only what changed is told, with a few calls around it; contracts that no source states are our own guess of
the least that fits the published reason. The authors' verdict is the bump they made (VMI: a new major breaks,
a new minor adds), or what they said where the ABI has no such numbers.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from vmirom.compat import (
    Call,
    Clause,
    Declaration,
    Dispatch,
    Enumeration,
    Field,
    Layout,
    Mechanism,
    Severity,
    Value,
)
from vmirom.compat.assemble import assemble

__all__ = [
    "ALL",
    "C_LOST",
    "HISTORIES",
    "SLOTS",
    "B",
    "C",
    "History",
    "R",
    "abi",
    "arg",
    "bare",
    "call",
    "happened",
    "numbers",
    "struct",
    "vmi",
]

B, R, C = Severity.BREAKING, Severity.RISKY, Severity.COMPATIBLE
SLOTS = Mechanism(Dispatch.SLOTS, 32, 128, 4, 0)
ALL = frozenset(("CS", "SS", "DS", "ES"))
C_LOST = frozenset(("EAX", "ECX", "EDX", "flags"))


@dataclass(frozen=True)
class History:
    """``verdict``: the worst that may be found beside what concerns the version; ``rules``: what must be
    among the findings; ``why``: what the authors said, in our words."""

    name: str
    left: Declaration
    right: Declaration
    verdict: Severity
    rules: frozenset[str]
    why: str


HISTORIES: list[History] = []


def happened(
    name: str, left: Declaration, right: Declaration, verdict: Severity, rules: Iterable[str], why: str
) -> None:
    HISTORIES.append(History(name, left, right, verdict, frozenset(rules), why))


def arg(text: str, *values: str, optional: bool = False) -> Value:
    """``name: type in place``"""
    name, _, rest = text.partition(": ")
    kind, _, place = rest.partition(" in ")
    return Value(name, kind, place, values, optional)


def call(
    number: int,
    name: str,
    *arguments: Value,
    result: Value | None = None,
    lost: frozenset[str] = C_LOST,
    segments: frozenset[str] = ALL,
) -> Call:
    kind = "procedure" if result is None else "function"
    results = () if result is None else (result,)
    return Call(number, name, kind, arguments, results, lost, segments)


def bare(number: int, name: str) -> Call:
    """A number and a name, as header files list them."""
    return Call(number, name, None, None, None, None, None)


def numbers(start: int, *names: str) -> tuple[Call, ...]:
    """As an enumeration of C counts."""
    return tuple(bare(start + at, name) for at, name in enumerate(names))


def struct(name: str, *fields: str, size: int | None = None) -> Layout:
    """Fields as ``u32 name``, ``u8[12] name`` one behind the other; ``pad`` and ``reserved`` are reserved."""
    found, at = [], 0
    for text in fields:
        kind, _, label = text.rpartition(" ")
        plain, _, count = kind.rstrip("]").partition("[")
        width = {"8": 1, "16": 2, "32": 4, "64": 8}[plain[1:]] * int(count or 1)
        spare = label.startswith(("pad", "reserved"))
        found.append(Field(label, at, width, plain, int(count) if count else None, None, spare))
        at += width
    return Layout(name, size or at, tuple(found))


def abi(
    version: str,
    *calls: Call,
    line: str = "other",
    structs: tuple[Layout, ...] = (),
    enums: tuple[Enumeration, ...] = (),
    clauses: tuple[Clause, ...] | None = None,
    mechanism: Mechanism | None = None,
) -> Declaration:
    return assemble(
        line,
        version,
        f"{line} {version}",
        calls=calls,
        structs=structs,
        enums=enums,
        clauses=clauses,
        mechanism=mechanism,
    )


def vmi(version: str, *calls: Call, **parts: object) -> Declaration:
    """A VMI of slots, as all were up to 13."""
    return abi(version, *calls, line="vmi", mechanism=SLOTS, **parts)  # type: ignore[arg-type]
