"""A running campaign: a bar with the time left on a terminal, a line for each tenth elsewhere."""

from __future__ import annotations

import sys
import time
from collections import Counter
from types import TracebackType
from typing import Final, TextIO

from vmirom.conform.campaign.drive import Progress
from vmirom.hosts.outcomes import Outcome

__all__ = ["LiveBar", "PlainTenths"]

_HZ: Final = 5


class PlainTenths:
    """A line when a campaign starts, one at each tenth of it, and one for each job that ends badly."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._tenth = -1
        self._counts: Counter[Outcome] = Counter()

    def __enter__(self) -> PlainTenths:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stream.flush()

    def tell(self, progress: Progress) -> None:
        """Take in where the campaign is."""
        if (last := progress.last) is not None:
            self._counts[last.result.outcome] += 1
            if last.result.outcome not in (Outcome.SUCCESS, Outcome.SKIP):
                print(_bad_line(progress), file=self._stream, flush=True)
        tenth = 10 * progress.done // max(progress.total, 1)
        if tenth > self._tenth:
            self._tenth = tenth
            told = f"{progress.done} of {progress.total} jobs{_counted(self._counts)}"
            print(told, file=self._stream, flush=True)


def _counted(counts: Counter[Outcome]) -> str:
    told = ", ".join(f"{counts[o]} {o.value}" for o in Outcome if counts[o])
    return f", now {told}" if told else ""


def _bad_line(progress: Progress) -> str:
    assert progress.last is not None
    job, result = progress.last.job, progress.last.result
    return f"job {job.id}: {job.name}: {result.outcome.value}: {result.reason}"


class LiveBar:
    """A rich bar, redrawn a few times a second while jobs end or wait. It has no thread of its own, because
    workers are forked while it is on the screen."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )
        from rich.progress import Progress as Bars

        self._bars = Bars(
            TextColumn("[bold]campaign"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[counts]}"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=Console(file=sys.stdout),
            auto_refresh=False,
        )
        self._task = self._bars.add_task("campaign", total=None, counts="")
        self._counts: Counter[Outcome] = Counter()
        self._drawn = 0.0
        self._first: int | None = None

    def __enter__(self) -> LiveBar:
        self._bars.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.refresh()
        self._bars.__exit__(kind, value, trace)

    def tell(self, progress: Progress) -> None:
        """Take in where the campaign is; redraw if the last time is long enough ago."""
        if self._first is None:
            # what was done in earlier runs says nothing about the speed of this one
            self._first = progress.done
            self._bars.update(self._task, total=progress.total, completed=progress.done)
        if (last := progress.last) is not None:
            self._counts[last.result.outcome] += 1
            told = ", ".join(f"{self._counts[o]} {o.value}" for o in Outcome if self._counts[o])
            self._bars.update(self._task, completed=progress.done, counts=told)
            if last.result.outcome not in (Outcome.SUCCESS, Outcome.SKIP):
                self._bars.console.print(_bad_line(progress), markup=False, highlight=False)
        if time.monotonic() - self._drawn >= 1 / _HZ:
            self._drawn = time.monotonic()
            self._bars.refresh()
