"""Registers that values travel in: those of the project's own machine, and of the machines whose hypercall
ABIs people compare with the same rules."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

__all__ = ["REGISTERS", "WORDS", "convention", "everything", "of_one_machine", "word_bits"]

_IA32: Final = ("EAX", "EDX", "ECX", "EBX", "ESI", "EDI", "EBP")
_AMD64: Final = (
    *("RAX", "RDI", "RSI", "RDX", "RCX", "RBX", "RBP"),
    *(f"R{number}" for number in range(8, 16)),
)
_RISCV: Final = (
    *(f"a{number}" for number in range(8)),
    *(f"t{number}" for number in range(7)),
    *(f"s{number}" for number in range(12)),
    "ra",
)
_ARM64: Final = tuple(f"x{number}" for number in range(31))
_MACHINES: Final = (_IA32, _AMD64, _RISCV, _ARM64)

_CONVENTIONS: Final = (
    _IA32,
    ("EBX", "ECX", "EDX", "ESI", "EDI", "EBP"),
    ("RDI", "RSI", "RDX", "RCX", "R8", "R9"),
    ("RDI", "RSI", "RDX", "R10", "R8", "R9"),
    ("RBX", "RCX", "RDX", "RSI"),
    _RISCV,
    _ARM64,
)
"""In which order each convention hands out registers; the first is the project's own."""

REGISTERS: Final = frozenset(name for machine in _MACHINES for name in machine)
"""Every register that a place or a list of clobbers may name."""
WORDS: Final = frozenset(("flags", "memory", "all"))
"""What a list of clobbers may name beside registers; ``all`` is every register, flags and memory."""


def of_one_machine(names: Iterable[str]) -> bool:
    """Whether all are registers, and of the same machine."""
    return any(set(names) <= set(machine) for machine in _MACHINES)


def word_bits(place: str) -> int:
    """Bits that one register of the place's machine holds; 32 for a stack word or for nothing."""
    first = place.split(":")[0]
    return 64 if first in REGISTERS and first not in _IA32 else 32


def everything(places: Iterable[str]) -> frozenset[str]:
    """What ``all`` stands for on the machine that ``places`` are of (default: the project's own)."""
    used = {name for place in places for name in place.split(":")}
    machine = next((each for each in _MACHINES if used & set(each)), _IA32)
    return frozenset(machine) | {"flags", "memory"}


def convention(*sides: Iterable[str]) -> tuple[str, ...]:
    """The convention by which the first registers of every side's places, as listed, were handed out."""
    listed = [[place.split(":")[-1] for place in side if not place.startswith("st")] for side in sides]
    for each in _CONVENTIONS:
        ranks = [[each.index(name) if name in each else -1 for name in side] for side in listed]
        if all(-1 not in side and side == sorted(side) for side in ranks):
            return each
    return _IA32
