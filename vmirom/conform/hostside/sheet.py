"""What an examination writes down: a line a check, as a guest would print it, so that one judge takes both.

A line says ok, FAIL, or SKIP where there is nothing to look at (a call that is native, or absent); behind the
last two stands why, as a remark. Whoever reads reports finds the machine of the first failure of each line.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from vmirom.conform.hostside.stand import Stand
from vmirom.hosts.outcomes import BootResult, Outcome
from vmirom.hosts.request import BootRequest
from vmirom.hosts.scene import Scene, Site

__all__ = ["OutOfTime", "Sheet", "scene_of"]

_WORDS_MAX: Final = 3
_SITE: Final = 32
_HANGS_AFTER_S: Final = 5.0


class OutOfTime(Exception):
    """The examination's time is up."""


@dataclass
class Sheet:
    """Of one request. ``answers`` are what the ROM says of its calls, by name, once it was asked."""

    request: BootRequest
    seed: int
    answers: dict[str, str] | None = None
    lines: list[str] = field(default_factory=list)
    remarks: dict[str, str] = field(default_factory=dict)
    scenes: list[Scene] = field(default_factory=list)
    begun: float = field(default_factory=time.monotonic)

    def passed(self, place: str, name: str) -> None:
        """All was as it must be."""
        self._line("ok", place, name, "")

    def failed(self, place: str, name: str, why: Sequence[str], scene: Scene | None = None) -> None:
        """Something was not: ``why`` are the findings, the first few of which are told."""
        told = "; ".join(why[:_WORDS_MAX])
        line = self._line(
            "FAIL", place, name, told if len(why) <= _WORDS_MAX else f"{told}; {len(why)} in all"
        )
        if scene is not None:
            self.scenes.append(replace(scene, line=line))

    def judge(self, place: str, name: str, wrong: Sequence[str], scene: Scene | None = None) -> None:
        """Passed if nothing is wrong."""
        if wrong:
            self.failed(place, name, wrong, scene)
        else:
            self.passed(place, name)

    def skipped(self, place: str, name: str, why: str) -> None:
        """There was nothing to look at."""
        self._line("SKIP", place, name, why)

    def _line(self, word: str, place: str, name: str, why: str) -> str:
        line = f"{len(self.lines) + 1} {word} {place}: {name}"
        self.lines.append(line)
        if why:
            self.remarks[line] = why
        return line

    @property
    def patience(self) -> float:
        """Seconds after which one call hangs: it must leave time to look at others."""
        return min(_HANGS_AFTER_S, self.request.budget / 3)

    def check_time(self) -> None:
        """Raises OutOfTime."""
        if time.monotonic() - self.begun > self.request.budget:
            raise OutOfTime

    def result(
        self, ending: str = "shutdown", outcome: Outcome | None = None, reason: str = ""
    ) -> BootResult:
        """The whole as a boot's result: a failure if a line is one."""
        failed = sum(" FAIL " in line for line in self.lines)
        told = f"looked at from outside, seed {self.seed}"
        if outcome is None:
            outcome = Outcome.FAILURE if failed else Outcome.SUCCESS
        return BootResult(
            backend=self.request.backend,
            outcome=outcome,
            reason=reason or (f"{failed} of {len(self.lines)} lines say FAIL, {told}" if failed else told),
            transcript=tuple(self.lines),
            seconds=time.monotonic() - self.begun,
            ending=ending,
            status=0 if ending == "shutdown" else None,
            host=self.request.host,
            scenes=tuple(self.scenes),
            remarks=dict(self.remarks),
            answers=self.answers,
        )


def scene_of(stand: Stand, eip: int | None = None) -> Scene:
    """The machine as it stands, with the instruction at ``eip`` (None: the processor's)."""
    at = stand.engine.eip if eip is None else eip
    try:
        code = stand.get(at, _SITE).hex()
    except (KeyError, IndexError):
        code = ""
    sites = (Site(at, at, code, stand.place(at).strip(" ()")),) if code else ()
    return Scene("", stand.describe(), sites, stand.tally.recent.steps())
