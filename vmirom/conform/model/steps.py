"""One call of a sequence, where its arguments go, and what is promised of its answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from vmirom.schema.calls import Call, registers, stack_words

__all__ = ["ANYTHING", "Expected", "Step", "place"]

_WORD = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class Step:
    """A call by name with its raw arguments by name."""

    call: str
    arguments: Mapping[str, int]

    def __str__(self) -> str:
        return f"{self.call}({', '.join(f'{name}={value:#x}' for name, value in self.arguments.items())})"


@dataclass(frozen=True, slots=True)
class Expected:
    """What is promised of an answer: the bits of ``mask`` are ``value``, or the whole lies in ``low`` to
    ``high``, or one of ``among`` it is. ``stores`` is what memory must hold afterwards, by gva."""

    value: int | None = None
    mask: int = _WORD
    low: int | None = None
    high: int | None = None
    among: tuple[int, ...] = ()
    stores: Mapping[int, bytes] | None = None

    def wrong(self, answer: int) -> str:
        """Why an answer is not as promised; empty if it is."""
        if self.value is not None and (answer ^ self.value) & self.mask:
            return f"{answer:#x}, not {self.value & self.mask:#x} in the bits {self.mask:#x}"
        if self.low is not None and answer < self.low:
            return f"{answer:#x}, below {self.low:#x}"
        if self.high is not None and answer > self.high:
            return f"{answer:#x}, above {self.high:#x}"
        if self.among and answer not in self.among:
            return f"{answer:#x}, none of {', '.join(f'{one:#x}' for one in self.among)}"
        return ""


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
