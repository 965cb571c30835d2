"""The last steps of a run, kept in a ring that costs an ordinary boot an append a step.

A step is a call, a hypercall, an event of the hypervisor or a line that the guest printed, oldest first.
Calls that follow each other and are the same one are a single step, and so are port calls, of which a guest
makes a hundred to print a line.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

__all__ = ["STEPS_MAX", "Recent", "Step"]

STEPS_MAX: Final = 64
"""Steps that are read out."""

_RING: Final = 1024
_TEXT_MAX: Final = 160
_PORT_CALLS: Final = frozenset(f"{way}{size}" for way in ("IN", "OUT", "INS", "OUTS") for size in "BWL")
_PORT_IO: Final = "port I/O"
_CALL: Final = "call"
_HYPERCALL: Final = "hypercall"
_PRINTED: Final = "printed"

Hypercall = tuple[str, tuple[int, ...], int | None, str]
"""Name, arguments, result, why it was refused."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step. ``kind`` is ``call``, ``hypercall``, ``printed`` or what the hypervisor calls its event
    (``trap``, ``interrupt``, ``timer``, ``kill``, ``device``); ``why`` says why a hypercall was refused."""

    kind: str
    text: str
    times: int = 1
    why: str = ""


class Recent:
    """The ring. ``names`` are those of calls by number."""

    def __init__(self, names: Mapping[int, str]) -> None:
        self._names = names
        self._ring: deque[list[int] | Hypercall | tuple[str, str]] = deque(maxlen=_RING)
        self._add = self._ring.append
        self._top = [-1, 0]

    def call(self, number: int) -> None:
        """The guest entered slot ``number``."""
        top = self._top
        if top[0] == number:
            top[1] += 1
        else:
            self._top = top = [number, 1]
            self._add(top)

    def other(self, entry: Hypercall | tuple[str, str]) -> None:
        """A hypercall, or (kind, text) of anything else."""
        self._top = [-1, 0]
        self._add(entry)

    def steps(self) -> tuple[Step, ...]:
        """The last ones, oldest first. What a line cost to print is left out before the line."""
        steps: list[Step] = []
        for entry in self._ring:
            step = self._step(entry)
            if step.kind == _PRINTED:
                _drop_printing(steps)
            elif step.kind == _HYPERCALL and steps and steps[-1].kind == _PRINTED:
                continue  # the one that printed it
            elif step.kind == _CALL and steps and (steps[-1].kind, steps[-1].text) == (_CALL, step.text):
                step = Step(_CALL, step.text, steps.pop().times + step.times)
            steps.append(step)
        return tuple(steps[-STEPS_MAX:])

    def _step(self, entry: list[int] | Hypercall | tuple[str, str]) -> Step:
        if isinstance(entry, list):
            name = self._names.get(entry[0], f"call {entry[0]}")
            return Step(_CALL, _PORT_IO if name in _PORT_CALLS else name, entry[1])
        if len(entry) == 2:
            return Step(entry[0], _short(entry[1]))
        name, arguments, result, why = entry
        answer = "" if result is None else f" = {result:#x}"
        return Step(_HYPERCALL, _short(f"{name}({_hex(arguments)}){answer}"), why=_short(why))


def _drop_printing(steps: list[Step]) -> None:
    """Port calls at the end, and the hypercalls that they became."""
    while steps:
        if steps[-1].kind == _CALL and steps[-1].text == _PORT_IO:
            steps.pop()
        elif len(steps) > 1 and steps[-1].kind == _HYPERCALL and steps[-2].text == _PORT_IO:
            del steps[-2:]
        else:
            return


def _hex(values: Iterable[int]) -> str:
    return ", ".join(f"{value:#x}" for value in values)


def _short(text: str) -> str:
    return text if len(text) <= _TEXT_MAX else f"{text[: _TEXT_MAX - 3]}..."
