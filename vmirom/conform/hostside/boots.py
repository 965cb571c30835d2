"""A guest's boot with somebody who looks on: to what the guest prints come lines on what its ROM did.

A machine that is looked at is slower, and a guest that measures time may fail for that alone. Where it does
not report success it is booted again with nobody looking, and what it prints then counts. What the ROM is
found to have done wrong must be found twice: a fault of the ROM's comes again, and whose stack one store
belonged to, between two moments of the host's time, can be told wrongly once."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from vmirom.conform.hostside.bootwatch import ITSELF, STRAYS, BootWatch
from vmirom.hosts import embedded
from vmirom.hosts.embedded import Machine
from vmirom.hosts.outcomes import BootResult, Outcome
from vmirom.hosts.request import BootRequest, Progress

__all__ = ["WATCHED", "watched_boot"]

WATCHED: Final = (STRAYS, ITSELF)
"""The lines, in their order."""
_WORDS_MAX: Final = 3
_LEAST_S: Final = 1.0


def watched_boot(request: BootRequest, progress: Progress | None = None) -> BootResult:
    """Boot on the embedded host, and look on. Raises as that host does."""
    begun = time.monotonic()

    def left() -> float:
        return request.budget - (time.monotonic() - begun)

    watched, watch = _looked_on(request, progress)
    if watch is not None and watch.wrong and left() > _LEAST_S:
        watched, watch = _looked_on(replace(request, budget=left()), progress)
    result = watched
    if watched.outcome is not Outcome.SUCCESS and left() > _LEAST_S:
        result = embedded.boot(replace(request, budget=left()), progress)
    if watch is None or not watch.begun:
        return result
    return _told(result, watched, {STRAYS: watch.strays, ITSELF: watch.itself})


def _looked_on(request: BootRequest, progress: Progress | None) -> tuple[BootResult, BootWatch | None]:
    """A boot, and who looked on; nobody where it did not come so far."""
    watches: list[BootWatch] = []

    def look_on(machine: Machine) -> None:
        watches.append(BootWatch(machine))

    result = embedded.boot(request, progress, look_on)
    return result, watches[0] if watches else None


def _told(result: BootResult, watched: BootResult, found: dict[str, list[str]]) -> BootResult:
    """A result with a line more for each finding, and the machine at the first of each. Of a guest that never
    said a word only what was wrong is told: whoever judges must see that it did not."""
    lines, remarks = list(result.transcript), dict(result.remarks)
    scenes = [scene for scene in result.scenes if scene.line not in found]
    silent = not lines
    for name, wrong in found.items():
        if silent and not wrong:
            continue
        line = f"{len(lines) + 1} {'FAIL' if wrong else 'ok'} {name}"
        lines.append(line)
        if wrong:
            remarks[line] = _few(wrong)
            scenes += [replace(scene, line=line) for scene in watched.scenes if scene.line == name]
    return replace(result, transcript=tuple(lines), remarks=remarks, scenes=tuple(scenes))


def _few(wrong: Sequence[str]) -> str:
    told = "; ".join(dict.fromkeys(wrong[:_WORDS_MAX]))
    return told if len(wrong) <= _WORDS_MAX else f"{told}; {len(wrong)} in all"
