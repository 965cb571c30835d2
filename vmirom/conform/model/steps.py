"""One step of a sequence, what came of it, and what is promised of that.

A step is a call of the contract, or a routine of the player (``arena.Routine``): what a guest does between
its calls, so that their effect shows.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from vmirom.schema.calls import Call, registers, stack_words

__all__ = ["ANYTHING", "NO_TRAP", "Expected", "Result", "Step", "faults", "place"]

_WORD = 0xFFFFFFFF
NO_TRAP = _WORD
_U64 = (1 << 64) - 1


class Step(NamedTuple):
    """A call or routine by name with its raw arguments by name; ``peek`` is the gva of eight bytes that are
    looked at behind it, or 0."""

    call: str
    arguments: Mapping[str, int]
    peek: int = 0

    def __str__(self) -> str:
        return f"{self.call}({', '.join(f'{name}={value:#x}' for name, value in self.arguments.items())})"


class Result(NamedTuple):
    """What became of a step: registers and flags behind it, how far ESP is off, DS and ES as far as they
    changed, the trap that ended it (NO_TRAP: none) with error and address, interrupts so far, the peek."""

    eax: int
    edx: int
    ecx: int
    ebx: int
    esi: int
    edi: int
    ebp: int
    flags: int
    esp: int
    segments: int
    trap: int
    error: int
    address: int
    interrupts: int
    peek: int


class Expected(msgspec.Struct, frozen=True):
    """What is promised of an answer: the bits of ``mask`` are ``value``, it lies in ``low`` to ``high``, it
    is one of ``among``. ``peek`` is what memory holds in the bits of ``peek_mask``. ``trap`` ends the step,
    with ``error`` and ``address`` (None: open). ``registers`` are more results, by field of ``Result``. If
    there are ``others``, one of these is promised instead."""

    value: int | None = None
    mask: int = _WORD
    low: int | None = None
    high: int | None = None
    among: tuple[int, ...] = ()
    peek: int | None = None
    peek_mask: int = _U64
    trap: int = NO_TRAP
    error: int | None = None
    address: int | None = None
    registers: tuple[tuple[str, int], ...] = ()
    others: tuple[Expected, ...] = ()

    def wrong(self, answer: int, result: Result, peeked: bool = True) -> str:
        """Why what came is not as promised; empty if it is. ``peeked``: memory was looked at."""
        alone = self._wrong_alone(answer, result, peeked)
        if not alone or not self.others:
            return alone
        said = [*(one.wrong(answer, result, peeked) for one in self.others), alone]
        return "" if "" in said else "; and ".join(dict.fromkeys(said))

    def _wrong_alone(self, answer: int, result: Result, peeked: bool) -> str:
        if result.trap != self.trap or (self.trap != NO_TRAP and self._wrong_trap(result)):
            return f"{_trap(result.trap, result.error, result.address)}, not {self._trap()}"
        if self.value is not None and (answer ^ self.value) & self.mask:
            return f"{answer:#x}, not {self.value & self.mask:#x} in the bits {self.mask:#x}"
        if self.low is not None and answer < self.low:
            return f"{answer:#x}, below {self.low:#x}"
        if self.high is not None and answer > self.high:
            return f"{answer:#x}, above {self.high:#x}"
        if self.among and answer not in self.among:
            return f"{answer:#x}, none of {', '.join(f'{one:#x}' for one in self.among)}"
        if peeked and self.peek is not None and (result.peek ^ self.peek) & self.peek_mask:
            return f"memory holds {result.peek:#x}, not {self.peek:#x} in the bits {self.peek_mask:#x}"
        for name, value in self.registers:
            if getattr(result, name) != value:
                return f"{name.upper()} is {getattr(result, name):#x}, not {value:#x}"
        return ""

    def _wrong_trap(self, result: Result) -> bool:
        return (self.error is not None and result.error != self.error) or (
            self.address is not None and result.address != self.address
        )

    def _trap(self) -> str:
        return _trap(self.trap, self.error, self.address)


def _trap(vector: int, error: int | None, address: int | None) -> str:
    if vector == NO_TRAP:
        return "no trap"
    text = f"trap {vector}"
    if error is not None:
        text += f" with error {error:#x}"
    return text if address is None or vector != 14 else f"{text} at {address:#x}"


ANYTHING = Expected()


def place(call: Call, arguments: Mapping[str, int]) -> tuple[dict[str, int], tuple[int, ...]]:
    """Registers (by capital name) and stack words that carry ``arguments``. Raises KeyError for a name that
    the call has not, or lacks."""
    in_registers: dict[str, int] = {}
    words: dict[int, int] = {}
    for argument in call.arguments or ():
        value = arguments[argument.name]
        for name in registers(argument.place):
            in_registers[name] = value & _WORD
            value >>= 32
        for word in stack_words(argument.place, argument.type):
            words[word] = value & _WORD
            value >>= 32
    if left := arguments.keys() - {argument.name for argument in call.arguments or ()}:
        raise KeyError(f"{call.name} has no argument {', '.join(sorted(left))}")
    return in_registers, tuple(words[n] for n in range(len(words)))


def faults(address: int, error: int | None) -> Expected:
    """A pointer to where nothing is mapped: the caller's page fault."""
    return Expected(trap=14, error=error, address=address)
