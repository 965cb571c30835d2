"""Steps as the player is given them, and what of a result does not depend on the model.

By the declaration: where a call's arguments go, which registers and flags survive it. All of that is the same
each time that a step is made, so it is worked out once, and a step is then 64 bytes and a few words to be
compared.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from operator import itemgetter
from typing import Any, Final

from vmirom.conform.model.arena import STEP, Routine
from vmirom.conform.model.machine import Model
from vmirom.conform.model.steps import NO_TRAP, Result, Step
from vmirom.schema.calls import Call, registers, stack_words
from vmirom.schema.tree import load_abi

__all__ = ["SENT_FLAGS", "Coded", "coded"]

_ORDER: Final = ("EAX", "EDX", "ECX", "EBX", "ESI", "EDI", "EBP")
_FILL: Final = (0xA1A1A1A1, 0xD2D2D2D2, 0xC3C3C3C3, 0xB4B4B4B4, 0x55555555, 0xD6D6D6D6, 0xB7B7B7B7)
_CALL: Final = 0xFFFFFFFF
_WORD: Final = 0xFFFFFFFF
SENT_FLAGS: Final = 0x845
"""That every step is made with: CF, PF, ZF and OF set; AF and SF clear."""
_ARITHMETIC: Final = 0x8D5
_DIRECTION: Final = 0x400
_BREAKPOINT: Final = 3
_SEGMENT: Final = Routine.segment.name
_ESP, _SEGMENTS = (Result._fields.index(name) for name in ("esp", "segments"))
_REGISTERS, _STACK, _PEEK, _NOTHING = 2, 10, 14, 15
"""Words of a step."""


@dataclass(frozen=True, slots=True)
class _Coding:
    """How a call or routine becomes the words of a step, and what of its result is looked at. ``blank`` are
    the sixteen words without arguments, ``narrow`` arguments of one word with where it goes, ``wide`` those
    of two; ``survivors`` are indices of registers that survive, ``flags`` those that do, and DF."""

    blank: tuple[int, ...]
    narrow: tuple[tuple[str, int], ...]
    wide: tuple[tuple[str, int, int], ...]
    survivors: tuple[int, ...]
    flags: int
    wide_answer: bool
    learns: bool
    sent: Callable[[Sequence[int]], tuple[int, ...]]
    came: Callable[[Sequence[int]], tuple[int, ...]]
    """Of a step's words and of its result, alike if all is well: survivors, ESP's error, and DS and ES but
    where these are what is changed."""


@dataclass(frozen=True, slots=True)
class Coded:
    """A step for the player: ``data`` is what it is given. Where no trap came, a result has nothing that must
    not be if ``came`` of it is ``kept``, and its flags are as sent in the bits ``flags``. ``learns``: the
    model learns from the answer. ``wide``: that has two words."""

    step: Step
    data: bytes
    came: Callable[[Sequence[int]], tuple[int, ...]]
    kept: tuple[int, ...]
    flags: int
    learns: bool
    wide: bool

    def unkept(self, result: Result) -> str:
        """What a step changed that it must not; empty if nothing."""
        if result.trap not in (NO_TRAP, _BREAKPOINT):
            return ""
        if result.esp:
            return f"ESP comes back {result.esp} lower"
        if result.segments and self.step.call != _SEGMENT:
            return "DS or ES is another"
        if result.flags & _DIRECTION:
            return "DF is set"
        for n, sent in zip(_codings()[self.step.call].survivors, self.kept, strict=False):
            if result[n] != sent:
                return f"{_ORDER[n]} comes back as {result[n]:#x}, not {sent:#x}"
        if (result.flags ^ SENT_FLAGS) & self.flags:
            return f"the arithmetic flags come back as {result.flags & _ARITHMETIC:#x}, not {SENT_FLAGS:#x}"
        return ""


def coded(step: Step) -> Coded:
    """A step as the player is given it. Raises KeyError for a call that it can't make, or an argument that is
    not there."""
    coding = _codings()[step.call]
    arguments = step.arguments
    words = list(coding.blank)
    words[_PEEK] = step.peek
    for name, at in coding.narrow:
        words[at] = arguments[name] & _WORD
    for name, low, high in coding.wide:
        value = arguments[name]
        words[low], words[high] = value & _WORD, value >> 32 & _WORD
    data = STEP.pack(*words)
    return Coded(step, data, coding.came, coding.sent(words), coding.flags, coding.learns, coding.wide_answer)


def _coding(
    name: str,
    head: tuple[int, int],
    places: Sequence[tuple[str, tuple[int, ...]]],
    survivors: tuple[int, ...],
    flags: int,
    wide_answer: bool,
) -> _Coding:
    others = (_ESP,) if name == _SEGMENT else (_ESP, _SEGMENTS)
    sent: Any = itemgetter(*(_REGISTERS + n for n in survivors), *(_NOTHING for _ in others))
    came: Any = itemgetter(*survivors, *others)
    return _Coding(
        (*head, *_FILL, SENT_FLAGS, 0, 0, 0, 0, 0, 0),
        tuple((argument, at[0]) for argument, at in places if len(at) == 1),
        tuple((argument, at[0], at[1]) for argument, at in places if len(at) == 2),
        survivors,
        flags,
        wide_answer,
        Model.learns(name),
        sent,
        came,
    )


def _coding_of(call: Call) -> _Coding:
    places = []
    for argument in call.arguments or ():
        where = [_REGISTERS + _ORDER.index(name) for name in registers(argument.place)]
        where += [_STACK + word for word in stack_words(argument.place, argument.type)]
        places.append((argument.name, tuple(where)))
    results = {name for part in (call.result, *call.outputs) if part for name in registers(part.place)}
    survivors = tuple(
        n for n, name in enumerate(_ORDER) if name in (call.preserved or ()) and name not in results
    )
    wide = call.result is not None and len(registers(call.result.place)) == 2
    flags = _DIRECTION | (0 if "flags" in (call.clobbers or ()) else _ARITHMETIC)
    return _coding(call.name, (_CALL, call.number), places, survivors, flags, wide)


_ROUTINE_PLACES: Final[Mapping[str, tuple[tuple[str, tuple[int, ...]], ...]]] = {
    "load": (("address", (2,)),),
    "store": (("address", (2,)), ("value", (3,))),
    "execute": (("address", (2,)),),
    "iret": (("flags", (2,)),),
    "user": (("flags", (2,)), ("eip", (3,)), ("esp", (4,))),
    "sysexit": (("eip", (3,)), ("esp", (4,))),
    "segment": (("selector", (2,)), ("offset", (3,))),
    "wait": (("bound", (2,)),),
    "pace": (("counter", (2,)), ("period", (3,))),
}


@cache
def _codings() -> Mapping[str, _Coding]:
    found = {
        call.name: _coding_of(call)
        for call in load_abi().resolve("vmi3").calls
        if call.kind is not None
        and all(n < 4 for a in call.arguments or () for n in stack_words(a.place, a.type))
    }
    for routine in Routine:
        places = _ROUTINE_PLACES.get(routine.name, ())
        head, survivors = (int(routine), 0), (3, 4, 5, 6)
        found[routine.name] = _coding(routine.name, head, places, survivors, _DIRECTION, False)
    return found
