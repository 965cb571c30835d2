"""Seeded faults as reports show them: what was broken on purpose, and which checks saw it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["SeededFault", "caught_line"]


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
