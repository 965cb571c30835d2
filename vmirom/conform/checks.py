"""Which check answers for which clauses: the tables ``abi/clauses/checks/*.toml``, read strictly.

``host.toml`` lists the tests made from the host, ``reasons.toml`` the clauses that have no check, with the
reason why. Every other table lists the lines of the shipped guest of its name, the reference guest's first.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from vmirom.schema import AbiError
from vmirom.schema.clauses import ClauseSet
from vmirom.schema.tree import source_tree

__all__ = ["REFERENCE", "Check", "Checks", "GuestTable", "checks_folder", "load_checks"]

_KEYS: Final = {"clauses", "needs", "reason"}
_HOST: Final = "host"
_REASONS: Final = "reasons"
EVERY_TEST: Final = "*"
REFERENCE: Final = "reference"
"""The guest whose table must be there."""


@dataclass(frozen=True, slots=True)
class Check:
    """One check. ``place`` is a subject of the guest or a file of tests, ``name`` the line or the test;
    ``number`` tells lines of equal words of one subject apart, from 1. Without ``needs`` it answers for
    nothing where one of these features is lacking. ``reason`` is there if ``clauses`` are not."""

    place: str
    name: str
    clauses: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    reason: str = ""
    number: int = 1

    @property
    def label(self) -> str:
        """How reports call it."""
        return (
            f"{self.place}: {self.name}" if not self.place.endswith(".py") else f"{self.place}::{self.name}"
        )


@dataclass(frozen=True, slots=True)
class GuestTable:
    """The checks of one shipped guest, in the order in which it prints them."""

    guest: str
    checks: tuple[Check, ...]

    def answers_for(self, clauses: Iterable[str]) -> bool:
        """Whether a check of this guest answers for one of ``clauses``."""
        wanted = set(clauses)
        return any(not wanted.isdisjoint(check.clauses) for check in self.checks)


@dataclass(frozen=True, slots=True)
class Checks:
    """All tables: of guests by name, of tests made from the host, of reasons by clause."""

    guests: Mapping[str, GuestTable]
    host: tuple[Check, ...]
    reasons: Mapping[str, str]

    def of_guest(self, clause: str) -> tuple[Check, ...]:
        """Lines of guests that answer for a clause."""
        return tuple(c for table in self.guests.values() for c in table.checks if clause in c.clauses)

    def of_host(self, clause: str) -> tuple[Check, ...]:
        """Tests made from the host that answer for a clause."""
        return tuple(check for check in self.host if clause in check.clauses)


def checks_folder() -> Path:
    """Where the tables are. Raises AbiError."""
    return source_tree("abi") / "clauses" / "checks"


def load_checks(clauses: ClauseSet, folder: Path | None = None) -> Checks:
    """Read the tables against the declared clauses. Raises AbiError, one line, for anything unknown."""
    folder = folder or checks_folder()
    host = _table(folder / f"{_HOST}.toml", clauses)
    file = folder / f"{_REASONS}.toml"
    names = {path.stem for path in folder.glob("*.toml")} - {_HOST, _REASONS, REFERENCE}
    guests = {
        name: GuestTable(name, _table(folder / f"{name}.toml", clauses))
        for name in (REFERENCE, *sorted(names))
    }
    reasons = {}
    for name, reason in _parsed(file).items():
        if name not in clauses.clauses:
            raise AbiError(f"{file}: {name}: no such clause")
        if not isinstance(reason, str) or not reason.strip():
            raise AbiError(f"{file}: {name}: not a reason in words")
        reasons[name] = reason
    every = [*(check for table in guests.values() for check in table.checks), *host]
    checked = {name for check in every for name in check.clauses}
    for name in reasons:
        if name in checked:
            raise AbiError(f"{file}: {name}: has a check, and needs no reason")
    return Checks(guests, host, reasons)


def _parsed(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise AbiError(f"{file}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise AbiError(f"{file}: {' '.join(str(error).split())}") from None


def _table(file: Path, clauses: ClauseSet) -> tuple[Check, ...]:
    found = []
    for place, rows in _parsed(file).items():
        if not isinstance(rows, dict):
            raise AbiError(f"{file}: {place}: not a table of checks")
        found += [_check(f"{file}: {place}: {name}", place, name, row, clauses) for name, row in rows.items()]
    return tuple(found)


def _check(where: str, place: str, key: str, row: object, clauses: ClauseSet) -> Check:
    row = {"clauses": row} if isinstance(row, list) else row
    if not isinstance(row, dict):
        raise AbiError(f"{where}: neither a list of clauses nor a table")
    if unknown := sorted(row.keys() - _KEYS):
        raise AbiError(f"{where}: {', '.join(unknown)}: not one of {', '.join(sorted(_KEYS))}")
    named = _names(where, row.get("clauses", []), clauses.clauses, "clause")
    needs = _names(where, row.get("needs", []), clauses.features, "feature")
    reason = row.get("reason", "")
    if not isinstance(reason, str) or bool(named) == bool(reason.strip()):
        raise AbiError(f"{where}: names clauses or gives a reason, one of the two")
    name, _, number = key.rpartition("#")
    if not name:
        return Check(place, key, named, needs, reason)
    if not number.isdecimal() or int(number) < 2:
        raise AbiError(f"{where}: behind '#' stands which line of the same words it is, from 2")
    return Check(place, name, named, needs, reason, int(number))


def _names(where: str, value: object, known: Iterable[str], what: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise AbiError(f"{where}: {what}s: not a list of names")
    for name in value:
        if name not in known:
            raise AbiError(f"{where}: no {what} is called {name!r}")
    if len(set(value)) != len(value):
        raise AbiError(f"{where}: names a {what} twice")
    return tuple(value)
