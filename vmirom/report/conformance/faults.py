"""Seeded faults as reports show them: what was broken on purpose, and which checks saw it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import msgspec

from vmirom.conform.checks import Checks

__all__ = ["FaultsError", "SeededFault", "caught_line", "read_faults"]


@dataclass(frozen=True, slots=True)
class SeededFault:
    """``where`` is the ROM or hypervisor that was changed, ``sentence`` says what it then does wrong;
    ``caught`` are the checks that failed, ``clauses`` what they answer for. Nobody caught it: both empty."""

    name: str
    where: str
    sentence: str
    caught: tuple[str, ...] = ()
    clauses: tuple[str, ...] = ()


def caught_line(faults: Iterable[SeededFault]) -> str:
    """How many there are, and how many were caught."""
    caught = [bool(fault.caught) for fault in faults]
    return f"{sum(caught)} of {len(caught)} seeded faults caught"


class FaultsError(ValueError):
    """A file that is no list of faults; one line: place and rule."""


class _Catch(msgspec.Struct, frozen=True):
    means: str
    check: str


class _Fault(msgspec.Struct, frozen=True):
    id: str
    sentence: str
    backend: str
    where: str
    caught: bool
    catches: tuple[_Catch, ...] = ()
    problem: str = ""


class _File(msgspec.Struct, frozen=True):
    faults: tuple[_Fault, ...]


def read_faults(data: bytes, checks: Checks) -> tuple[SeededFault, ...]:
    """What ``vmirom faults --json`` printed. Clauses are those that the checks answer for by the tables.
    Raises FaultsError."""
    try:
        file = msgspec.json.decode(data, type=_File)
    except msgspec.MsgspecError as error:
        raise FaultsError(f"not what 'vmirom faults --json' prints: {error}") from None
    clauses = _clauses_of(checks)
    return tuple(_seeded(fault, clauses) for fault in file.faults)


def _clauses_of(checks: Checks) -> Mapping[str, tuple[str, ...]]:
    every = [*(check for table in checks.guests.values() for check in table.checks), *checks.host]
    return {check.label: check.clauses for check in every}


def _seeded(fault: _Fault, clauses: Mapping[str, tuple[str, ...]]) -> SeededFault:
    sentence = f"{fault.sentence} (could not be tried: {fault.problem})" if fault.problem else fault.sentence
    catches = fault.catches if fault.caught else ()
    return SeededFault(
        fault.id,
        f"{fault.backend} {fault.where}",
        sentence,
        tuple(f"{one.means}: {one.check}" for one in catches),
        tuple(dict.fromkeys(name for one in catches for name in clauses.get(one.check, ()))),
    )
