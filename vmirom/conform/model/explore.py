"""Looking for differences: random sequences until so many calls are made, and the shortest that shows one."""

from __future__ import annotations

import gc
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from vmirom.conform.model.choices import draw, simpler
from vmirom.conform.model.moves import Move
from vmirom.conform.model.play import Difference, Stage
from vmirom.conform.model.player import Setting
from vmirom.hypervisors.hypervisor import EndKind
from vmirom.machine.clock import HOST

__all__ = ["LENGTH", "TWO_LEVEL_BACKENDS", "Explored", "explore", "settings_of", "shortest"]

LENGTH: Final = 1000
"""Moves of a sequence."""
TWO_LEVEL_BACKENDS: Final = ("native", "kvm")
"""Where a guest can leave PAE."""
_MACHINES: Final = 3
_ENDS: Final[tuple[tuple[str, dict[str, int], EndKind], ...]] = (
    ("Shutdown", {}, EndKind.SHUTDOWN),
    ("Reboot", {"how": 0}, EndKind.REBOOT),
    ("Reboot", {"how": 1}, EndKind.REBOOT),
)
_ATTEMPTS: Final = 200
"""Machines that may be booted to make a sequence shorter."""


@dataclass(frozen=True, slots=True)
class Explored:
    """What came of it: calls made, seconds of this process that they took, and the difference, made short, if
    there was one. ``steady`` is false if a new machine did not show it again."""

    setting: Setting
    calls: int
    seconds: float
    difference: Difference | None = None
    steady: bool = True


def settings_of(
    backend: str, abi: str = "3.1", two_level: bool = False, phase: int = 0, clock: str = HOST
) -> tuple[Setting, ...]:
    """A backend in each form that its guests meet: KVM as of both eras. With ``two_level`` tables only where
    they can be had: Xen knows PAE only, and a ROM on lguest enters its guest on a host for PAE. What
    ``phase`` is :mod:`vmirom.machine.phase` says."""
    own: dict[str, Any] = {"phase": phase} if phase else {}
    if two_level and backend not in TWO_LEVEL_BACKENDS:
        return ()
    eras = ({"host_era": era} for era in ("2008", "2026")) if backend == "kvm" else ({},)
    return tuple(Setting(backend, {**era, **own}, abi=abi, two_level=two_level, clock=clock) for era in eras)


def explore(
    setting: Setting,
    seed: int,
    calls: int,
    *,
    shorten: bool = True,
    watcher: Callable[[int], None] | None = None,
) -> Explored:
    """Play random sequences, the same for the same seed, until ``calls`` steps are made or one differs. At
    the end the pace of counters and alarms is looked at, and how the machine ends. ``watcher`` is told how
    many were made. Raises Died if the player can't be booted at all."""
    stage = Stage(setting)
    begun = time.process_time()
    difference: Difference | None = None
    collecting = gc.isenabled()
    gc.freeze()  # what was imported and booted is not looked through again and again
    gc.disable()  # nor is a sequence while it is played: thousands of objects, of which a few are in cycles
    try:
        number = 0
        while stage.made < calls and difference is None:
            moves = draw(random.Random(f"{seed}/{number}"), LENGTH)
            try:
                stage.play(moves)
            except Difference as found:
                difference = found
            gc.collect(0)
            number += 1
            if watcher is not None:
                watcher(stage.made)
        seconds = time.process_time() - begun
        if difference is None:
            difference = _pace(stage) or _end(stage, seed)
    finally:
        if collecting:
            gc.enable()
        gc.unfreeze()
        stage.close()
    steady = True
    if difference is not None and difference.moves and shorten:
        again = shortest(setting, moves)
        steady, difference = again is not None, again or difference
    return Explored(setting, stage.made, seconds, difference, steady)


def _pace(stage: Stage) -> Difference | None:
    """What is wrong with the pace of a machine: a difference is one that new machines show as well, since a
    ROM that measures a rate may be disturbed."""
    found: Difference | None = None
    for attempt in range(_MACHINES):
        tried = Stage(stage.setting) if attempt else stage
        try:
            tried.pace()
        except Difference as difference:
            found = difference
        else:
            return None
        finally:
            if attempt:
                tried.close()
    return found


def _end(stage: Stage, seed: int) -> Difference | None:
    """What is wrong with the end of a machine, by one of the calls that make one."""
    call, arguments, kind = _ENDS[seed % len(_ENDS)]
    try:
        stage.end(call, arguments, kind)
    except Difference as difference:
        return difference
    return None


def shortest(setting: Setting, moves: Sequence[Move]) -> Difference | None:
    """Leave out and simplify what the difference does not need, each attempt on a machine of its own; None
    if a new machine does not differ."""
    search = _Search(setting)
    best = search.differs(moves)
    if best is None:
        return None
    best = search.fewer(best)
    return search.simpler(best)


class _Search:
    """Attempts are counted, so that the end is bounded."""

    def __init__(self, setting: Setting) -> None:
        self._setting = setting
        self._left = _ATTEMPTS

    def differs(self, moves: Sequence[Move]) -> Difference | None:
        """The difference that a sequence shows."""
        self._left -= 1
        stage = Stage(self._setting)
        try:
            stage.play(moves)
        except Difference as found:
            return found
        finally:
            stage.close()
        return None

    def fewer(self, best: Difference) -> Difference:
        """Ever smaller pieces are left out."""
        size = max(1, len(best.moves) // 2)
        while size and self._left > 0:
            at = 0
            while at < len(best.moves) and self._left > 0:
                found = self.differs(best.moves[:at] + best.moves[at + size :])
                if found is None:
                    at += size
                else:
                    best = found
            size //= 2
        return best

    def simpler(self, best: Difference) -> Difference:
        """Each argument takes the first of its values that still shows the difference."""
        for at in range(len(best.moves)):
            for move in simpler(best.moves[at]) if at < len(best.moves) else ():
                if self._left <= 0:
                    return best
                found = self.differs((*best.moves[:at], move, *best.moves[at + 1 :]))
                if found is not None:
                    best = found
                    break
        return best
