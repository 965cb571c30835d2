"""Which check answers for which clauses: the tables ``abi/clauses/checks/*.toml``, read strictly.

``host.toml`` lists the tests made from the host, ``image.toml`` the rules of the image, ``reasons.toml`` the
clauses that have no check, with the reason why. ``boots.toml`` has the lines of whoever looks on while a
guest boots (vmirom/conform/hostside/boots.py): the reference guest. Every other table lists the
lines of the shipped guest of its name, the reference guest's first; ``hostside-NAME.toml`` those of an
examination from outside, which calls the ROM of a guest that waits (vmirom/conform/hostside). A guest that
can show something only by how it ends is booted once for each such end, by a table ``boot.NAME``: its command
line, the ends of which one is promised, and one check, that it ends so."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from vmirom.schema import AbiError
from vmirom.schema.clauses import ClauseSet
from vmirom.schema.places import source_tree

__all__ = ["ENDS", "IMAGE", "REFERENCE", "Check", "Checks", "GuestTable", "checks_folder", "load_checks"]

_KEYS: Final = {"clauses", "needs", "reason"}
_BOOTS: Final = "boot"
_BOOT_KEYS: Final = {"command_line", "ends", "check", *_KEYS}
ENDS: Final = ("success", "failure", "skip", "error", "off", "reboot", "crash")
"""How a boot can be promised to end: what the guest reports, power off, reset, or being ended."""
_HOST: Final = "host"
_REASONS: Final = "reasons"
_BOOTS_TABLE: Final = "boots"
IMAGE: Final = "image"
"""The place of checks of the image."""
EVERY_TEST: Final = "*"
_HOSTSIDE: Final = "hostside-"
_WAITING_GUEST: Final = "player"
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
    """The checks of one boot of a shipped guest, in the order in which it prints them. ``guest`` is the name
    of the boot, ``image`` that of the guest (the same where it is booted once); ``ends`` are the ends (of
    ENDS) of which the only check promises one, empty for a guest that reports success."""

    guest: str
    image: str
    checks: tuple[Check, ...]
    command_line: str = ""
    ends: tuple[str, ...] = ()
    beside: tuple[Check, ...] = ()

    @property
    def outside(self) -> bool:
        """Whether it is no guest that prints the lines, but whoever calls the guest's ROM from outside."""
        return self.guest.startswith(_HOSTSIDE)

    def answers_for(self, clauses: Iterable[str]) -> bool:
        """Whether a check of this guest answers for one of ``clauses``."""
        wanted = set(clauses)
        return any(not wanted.isdisjoint(check.clauses) for check in self.all_checks)

    @property
    def all_checks(self) -> tuple[Check, ...]:
        """The guest's, and those beside them."""
        return (*self.checks, *self.beside)


@dataclass(frozen=True, slots=True)
class Checks:
    """All tables: of guests by name, of tests made from the host, of reasons by clause, of the image."""

    guests: Mapping[str, GuestTable]
    host: tuple[Check, ...]
    reasons: Mapping[str, str]
    image: tuple[Check, ...] = ()

    def of_guest(self, clause: str) -> tuple[Check, ...]:
        """Lines of guests, and of those who look on, and rules of the image that answer for a clause: what a
        conform run judges itself."""
        lines = (check for table in self.guests.values() for check in table.all_checks)
        return tuple(check for check in (*lines, *self.image) if clause in check.clauses)

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
    image = _table(folder / f"{IMAGE}.toml", clauses)
    file = folder / f"{_REASONS}.toml"
    beside = _table(folder / f"{_BOOTS_TABLE}.toml", clauses)
    names = {path.stem for path in folder.glob("*.toml")}
    names -= {_HOST, _REASONS, IMAGE, REFERENCE, _BOOTS_TABLE}
    guests = {
        table.guest: table
        for name in (REFERENCE, *sorted(names))
        for table in _guest(folder / f"{name}.toml", clauses, beside)
    }
    reasons = {}
    for name, reason in _parsed(file).items():
        if name not in clauses.clauses:
            raise AbiError(f"{file}: {name}: no such clause")
        if not isinstance(reason, str) or not reason.strip():
            raise AbiError(f"{file}: {name}: not a reason in words")
        reasons[name] = reason
    every = [*(check for table in guests.values() for check in table.all_checks), *host, *image]
    checked = {name for check in every for name in check.clauses}
    for name in reasons:
        if name in checked:
            raise AbiError(f"{file}: {name}: has a check, and needs no reason")
    return Checks(guests, host, reasons, image)


def _parsed(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise AbiError(f"{file}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise AbiError(f"{file}: {' '.join(str(error).split())}") from None


def _guest(file: Path, clauses: ClauseSet, beside: tuple[Check, ...]) -> Iterator[GuestTable]:
    """The boots of one guest: one that prints lines, if there are any, and one for each end."""
    parsed = _parsed(file)
    boots = parsed.pop(_BOOTS, {})
    if not isinstance(boots, dict):
        raise AbiError(f"{file}: {_BOOTS}: not a table of boots")
    if parsed or not boots:
        rows = _rows(file, parsed, clauses)
        if file.stem.startswith(_HOSTSIDE):
            yield GuestTable(file.stem, _WAITING_GUEST, rows)
        else:
            yield GuestTable(file.stem, file.stem, rows, beside=beside if file.stem == REFERENCE else ())
    for name, row in boots.items():
        yield _ended(f"{file}: {_BOOTS}: {name}", file.stem, name, row, clauses)


def _ended(where: str, image: str, name: str, row: object, clauses: ClauseSet) -> GuestTable:
    if not isinstance(row, dict):
        raise AbiError(f"{where}: not a table")
    if unknown := sorted(row.keys() - _BOOT_KEYS):
        raise AbiError(f"{where}: {', '.join(unknown)}: not one of {', '.join(sorted(_BOOT_KEYS))}")
    for key in ("command_line", "check"):
        if not isinstance(row.get(key), str):
            raise AbiError(f"{where}: {key}: not a text")
    ends = _names(where, row.get("ends"), ENDS, "end")
    if not ends:
        raise AbiError(f"{where}: ends: names none of {', '.join(ENDS)}")
    check = _check(where, name, row["check"], {k: row[k] for k in _KEYS if k in row}, clauses)
    return GuestTable(f"{image}/{name}", image, (check,), row["command_line"], ends)


def _table(file: Path, clauses: ClauseSet) -> tuple[Check, ...]:
    return _rows(file, _parsed(file), clauses)


def _rows(file: Path, parsed: Mapping[str, Any], clauses: ClauseSet) -> tuple[Check, ...]:
    found = []
    for place, rows in parsed.items():
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
