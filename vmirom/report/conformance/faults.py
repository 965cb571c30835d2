"""Seeded faults as reports show them: what was broken on purpose, and which checks saw it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import msgspec

__all__ = ["FaultsError", "SeededFault", "caught_line", "read_faults", "shown_by"]


@dataclass(frozen=True, slots=True)
class SeededFault:
    """``where`` is the ROM or hypervisor that was changed, ``sentence`` says what it then does wrong,
    ``breaks`` which clauses; ``caught`` are the checks that failed, ``clauses`` what they answer for. Nobody
    caught it: both empty."""

    name: str
    where: str
    sentence: str
    caught: tuple[str, ...] = ()
    clauses: tuple[str, ...] = ()
    breaks: tuple[str, ...] = ()

    @property
    def shown(self) -> tuple[str, ...]:
        """Clauses that it breaks and that a check which failed answers for."""
        return tuple(clause for clause in self.breaks if clause in self.clauses)


def caught_line(faults: Iterable[SeededFault]) -> str:
    """How many there are, how many were caught, and how many of these not by a check of what they break."""
    some = list(faults)
    caught = [fault for fault in some if fault.caught]
    wrongly = sum(not fault.shown for fault in caught)
    told = f"{len(caught)} of {len(some)} seeded faults caught"
    return told + (f", {wrongly} of them by checks of other clauses only" if wrongly else "")


def shown_by(faults: Iterable[SeededFault]) -> Mapping[str, tuple[str, ...]]:
    """Clause by clause the faults that break it and were caught by a check that answers for it."""
    found: dict[str, tuple[str, ...]] = {}
    for fault in faults:
        for clause in fault.shown:
            found[clause] = (*found.get(clause, ()), fault.name)
    return found


class FaultsError(ValueError):
    """A file that is no list of faults; one line: place and rule."""


class _Catch(msgspec.Struct, frozen=True):
    means: str
    check: str
    clauses: tuple[str, ...] = ()


class _Fault(msgspec.Struct, frozen=True):
    id: str
    sentence: str
    backend: str
    where: str
    breaks: tuple[str, ...]
    caught: bool
    catches: tuple[_Catch, ...] = ()
    problem: str = ""


class _File(msgspec.Struct, frozen=True):
    faults: tuple[_Fault, ...]


def read_faults(data: bytes) -> tuple[SeededFault, ...]:
    """What ``vmirom faults --json`` printed. Raises FaultsError."""
    try:
        file = msgspec.json.decode(data, type=_File)
    except msgspec.MsgspecError as error:
        raise FaultsError(f"not what 'vmirom faults --json' prints: {error}") from None
    return tuple(_seeded(fault) for fault in file.faults)


def _seeded(fault: _Fault) -> SeededFault:
    sentence = f"{fault.sentence} (could not be tried: {fault.problem})" if fault.problem else fault.sentence
    catches = fault.catches if fault.caught else ()
    return SeededFault(
        fault.id,
        f"{fault.backend} {fault.where}",
        sentence,
        tuple(f"{one.means}: {one.check}" for one in catches),
        tuple(dict.fromkeys(name for one in catches for name in one.clauses)),
        fault.breaks,
    )
