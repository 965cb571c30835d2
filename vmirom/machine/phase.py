"""The phase of a machine: where in a guest's instructions it is looked whether something is due.

An alarm that is due comes at the next look, and between two looks lie a number of basic blocks that the
guest executes itself: so it comes at one of few places, the same ones whenever the phase is the same, however
fast the host is. When it becomes due remains the host's clock's. Phase 0 is none: looks are where that says.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Final

from vmirom.machine.engine import Engine
from vmirom.machine.memory import Memory

__all__ = ["in_phase", "slices"]

_LEAST: Final = 400
_OCTAVES: Final = 6


def slices(phase: int) -> tuple[int, int]:
    """(blocks between two looks, blocks before the first), worked out from the number alone: 400 to 25600
    blocks, each octave as often as another, and a first slice of any length up to a whole one."""
    digest = hashlib.sha256(f"phase:{phase}".encode()).digest()
    octave, within, first = (int.from_bytes(digest[at : at + 8], "big") for at in (0, 8, 16))
    low = _LEAST << octave % _OCTAVES
    every = low + within % low
    return every, 1 + first % every


def in_phase(make: Callable[[Memory], Engine], phase: int) -> Callable[[Memory], Engine]:
    """A factory of engines that look in this phase."""
    if not phase:
        return make

    def made(memory: Memory) -> Engine:
        engine = make(memory)
        engine.look_every(*slices(phase))
        return engine

    return made
