"""Failures that are known, read from a TOML file: which clause, where, why, and until when::

    [[failure]]
    clause = "VMI-DT-08"
    on = ["lguest", "xen@xen"]          # places; without it, all
    reason = "the host's pages can be read at level 1"
    expires = 2027-06-30

A failure that is expected does not make a run fail, and is never counted as a pass. A clause that passes
though its failure is expected does make it fail: the list is wrong. An entry that has expired is bad input,
so that nobody forgets one.
"""

from __future__ import annotations

import datetime
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from vmirom.schema.clauses import ClauseSet

__all__ = ["ExpectedError", "ExpectedFailure", "expectation", "read_expected"]

_KEYS: Final = {"clause", "on", "reason", "expires"}


class ExpectedError(Exception):
    """A list of expected failures that breaks a rule; one line with the entry, the field and the rule."""


@dataclass(frozen=True, slots=True)
class ExpectedFailure:
    """One entry. ``places`` are labels of boots (``xen``, ``xen@xen``); none means every place."""

    clause: str
    reason: str
    expires: datetime.date
    places: tuple[str, ...] = ()


def read_expected(text: bytes, clauses: ClauseSet, today: datetime.date) -> tuple[ExpectedFailure, ...]:
    """The entries of a file. Raises ExpectedError."""
    try:
        whole = tomllib.loads(text.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ExpectedError(" ".join(str(error).split())) from None
    rows = whole.pop("failure", [])
    if whole:
        raise ExpectedError(f"{min(whole)}: not a [[failure]]")
    if not isinstance(rows, list):
        raise ExpectedError("failure: not a list: entries begin with [[failure]]")
    found: list[ExpectedFailure] = []
    for number, row in enumerate(rows, 1):
        one = _entry(f"failure {number}", row, clauses, today)
        for other in found:
            if one.clause == other.clause and (
                not (one.places and other.places) or {*one.places} & {*other.places}
            ):
                raise ExpectedError(f"failure {number}: {one.clause} is listed twice for one place")
        found.append(one)
    return tuple(found)


def _entry(where: str, row: Any, clauses: ClauseSet, today: datetime.date) -> ExpectedFailure:
    if not isinstance(row, dict):
        raise ExpectedError(f"{where}: not a table")
    if unknown := sorted(row.keys() - _KEYS):
        raise ExpectedError(f"{where}: {', '.join(unknown)}: not one of {', '.join(sorted(_KEYS))}")
    clause, reason, expires = row.get("clause"), row.get("reason"), row.get("expires")
    if not isinstance(clause, str) or clause not in clauses.clauses:
        raise ExpectedError(f"{where}: clause: no clause is called {clause!r}")
    if not isinstance(reason, str) or not reason.strip():
        raise ExpectedError(f"{where}: reason: says in words why {clause} fails")
    if not isinstance(expires, datetime.date) or isinstance(expires, datetime.datetime):
        raise ExpectedError(f"{where}: expires: a date such as 2027-06-30")
    if expires < today:
        raise ExpectedError(f"{where}: expires: {clause} was expected to fail until {expires} only")
    places = row.get("on", [])
    if not isinstance(places, list) or not all(isinstance(name, str) and name for name in places):
        raise ExpectedError(f"{where}: on: not a list of places such as xen or xen@xen")
    return ExpectedFailure(clause, " ".join(reason.split()), expires, tuple(places))


def expectation(expected: Iterable[ExpectedFailure], clause: str, place: str) -> ExpectedFailure | None:
    """The entry for a clause at a place, if there is one."""
    return next((e for e in expected if e.clause == clause and (not e.places or place in e.places)), None)
