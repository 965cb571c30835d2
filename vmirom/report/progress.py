"""A conform run while it runs: a row a place and the time left on a terminal, a line a boot elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Final, TextIO

from vmirom.conform.boots import Boot
from vmirom.hosts.outcomes import worst
from vmirom.hosts.workers import Tick, cpus
from vmirom.report.table import STYLES, plain

__all__ = ["LiveProgress", "PlainProgress", "TimeLeft", "progress_of"]

_HZ: Final = 10


class TimeLeft:
    """How long the rest will take, from what has run: a boot takes as long as those of its guest on its host
    did on average, or as those on its host, or as all. ``jobs`` run at a time."""

    def __init__(self, boots: Sequence[Boot], jobs: int) -> None:
        self._boots = boots
        self._jobs = max(1, jobs)
        self._ran = [0.0] * len(boots)
        self._done = [False] * len(boots)

    def tick(self, tick: Tick) -> None:
        """Take in where a boot is."""
        self._ran[tick.index] = tick.seconds
        self._done[tick.index] = tick.result is not None

    def seconds(self) -> float | None:
        """An estimate; None while no boot is over, 0 once all are."""
        left = [at for at, done in enumerate(self._done) if not done]
        if not left:
            return 0.0
        took = _Means(self._boots, [at for at, done in enumerate(self._done) if done], self._ran)
        if took.empty:
            return None
        each = [max(took.of(self._boots[at]) - self._ran[at], 0.0) for at in left]
        return max(sum(each) / min(self._jobs, len(left)), *each)


class _Means:
    def __init__(self, boots: Sequence[Boot], done: Sequence[int], ran: Sequence[float]) -> None:
        self._sums: dict[object, tuple[float, int]] = {}
        for at in done:
            for key in self._keys(boots[at]):
                total, count = self._sums.get(key, (0.0, 0))
                self._sums[key] = (total + ran[at], count + 1)

    @staticmethod
    def _keys(boot: Boot) -> tuple[object, ...]:
        return (boot.guest, boot.request.host), boot.request.host, None

    @property
    def empty(self) -> bool:
        return not self._sums

    def of(self, boot: Boot) -> float:
        total, count = next(self._sums[key] for key in self._keys(boot) if key in self._sums)
        return total / count


def _about(seconds: float | None) -> str:
    if seconds is None:
        return "time left not known yet"
    whole = round(seconds)
    return f"about {whole // 60} min {whole % 60:02} s left" if whole >= 60 else f"about {whole} s left"


class PlainProgress:
    """One line for each boot that ends. Satisfies the same protocol as :class:`LiveProgress`."""

    def __init__(self, boots: Sequence[Boot], stream: TextIO, jobs: int | None = None) -> None:
        self._boots = boots
        self._stream = stream
        self._left = TimeLeft(boots, jobs or cpus())
        self._done = 0

    def __enter__(self) -> PlainProgress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stream.flush()

    def tick(self, tick: Tick) -> None:
        """Print a boot that is done."""
        self._left.tick(tick)
        if (result := tick.result) is None:
            return
        self._done += 1
        width = len(str(len(self._boots)))
        count = f"[{self._done:{width}}/{len(self._boots)}]"
        rest = f", {_about(self._left.seconds())}" if self._done < len(self._boots) else ""
        boot = self._boots[tick.index]
        line = f"{count} {boot.label}: {result.outcome.value}: {result.reason} ({result.seconds:.2f} s{rest})"
        print(line, file=self._stream, flush=True)


class LiveProgress:
    """A rich table with a row for each (backend, host), and a bar below, redrawn at most ten times a second.
    It has no thread of its own, because workers are forked while it is on the screen."""

    def __init__(
        self, boots: Sequence[Boot], jobs: int | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        from rich.console import Console
        from rich.live import Live

        self._boots = boots
        self._clock = clock
        self._ticks = [Tick(index, "wait") for index in range(len(boots))]
        self._left = TimeLeft(boots, jobs or cpus())
        self._start = self._drawn = clock()
        self._live = Live(console=Console(file=sys.stdout), auto_refresh=False, transient=False)

    def __enter__(self) -> LiveProgress:
        self._live.__enter__()
        self._draw()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._draw()
        self._live.__exit__(kind, value, trace)

    def tick(self, tick: Tick) -> None:
        """Take in where a boot is; redraw if the last time is long enough ago."""
        self._ticks[tick.index] = tick
        self._left.tick(tick)
        if self._clock() - self._drawn >= 1 / _HZ:
            self._draw()

    def _draw(self) -> None:
        self._drawn = self._clock()
        self._live.update(self.screen(), refresh=True)

    def screen(self) -> Any:
        """What is shown now."""
        from rich.console import Group
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        done = sum(tick.result is not None for tick in self._ticks)
        foot = Table.grid(padding=(0, 1))
        spent = f"{self._clock() - self._start:.0f} s"
        rest = "" if done == len(self._boots) else f", {_about(self._left.seconds())}"
        words = Text(f"{done} of {len(self._boots)} boots, {spent}{rest}")
        foot.add_row(ProgressBar(total=max(len(self._boots), 1), completed=done, width=30), words)
        return Group(self._rows(), foot)

    def _rows(self) -> Any:
        from rich.table import Table
        from rich.text import Text

        grid = Table(box=None, pad_edge=False, header_style="bold")
        for title in ("backend", "host", "boots", "outcome"):
            grid.add_column(title, no_wrap=True)
        for title in ("calls", "hypercalls"):
            grid.add_column(title, justify="right", no_wrap=True)
        grid.add_column("now", overflow="ellipsis", no_wrap=True)
        places: dict[tuple[str, str], list[Tick]] = {}
        for boot, tick in zip(self._boots, self._ticks, strict=True):
            places.setdefault((boot.request.backend, boot.request.host), []).append(tick)
        for (backend, host), ticks in places.items():
            results = [tick.result for tick in ticks if tick.result is not None]
            outcome = worst(result.outcome for result in results)
            now = [self._boots[t.index].guest for t in ticks if t.phase not in ("wait", "done")]
            grid.add_row(
                backend,
                host,
                f"{len(results)}/{len(ticks)}",
                Text(outcome.value, style=STYLES[outcome]) if results else Text(""),
                f"{sum(tick.calls for tick in ticks):,}",
                f"{sum(tick.hypercalls for tick in ticks):,}",
                Text(", ".join(now)),
            )
        return grid


def progress_of(boots: Sequence[Boot], jobs: int | None = None) -> LiveProgress | PlainProgress:
    """What suits standard output: live on a terminal, lines elsewhere and where NO_COLOR is set."""
    return PlainProgress(boots, sys.stdout, jobs) if plain(sys.stdout) else LiveProgress(boots, jobs)
