"""The table of running boots: live on a terminal, one line a boot elsewhere."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Final, TextIO

from vmirom.hosts.outcomes import BootResult, Outcome
from vmirom.hosts.workers import Tick

__all__ = ["STYLES", "LiveTable", "PlainLines", "plain", "table"]

_HZ: Final = 10
STYLES: Final = {
    Outcome.SUCCESS: "green",
    Outcome.SKIP: "yellow",
    Outcome.ERROR: "magenta",
    Outcome.FAILURE: "red",
    Outcome.CRASH: "bold red",
}


def plain(stream: TextIO) -> bool:
    """Whether ``stream`` wants no colours and no movement: no terminal, a dumb one, or NO_COLOR."""
    return not stream.isatty() or bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM", "dumb") == "dumb"


class PlainLines:
    """A heading, and one line for each boot that ends. Satisfies the same protocol as the live table."""

    def __init__(self, backends: Sequence[str], stream: TextIO) -> None:
        self._stream = stream
        self._width = max((len(b) for b in backends), default=0)

    def __enter__(self) -> PlainLines:
        head = f"{'backend':{max(7, self._width)}}  outcome   {'calls':>9}  {'hypercalls':>10}  {'time':>8}"
        print(head, file=self._stream)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stream.flush()

    def tick(self, tick: Tick) -> None:
        """Print a boot that is done."""
        if tick.result is not None:
            print(_line(tick.result, max(7, self._width)), file=self._stream, flush=True)


def _line(result: BootResult, width: int) -> str:
    return (
        f"{result.label:{width}}  {result.outcome.value:8}  {_seen(result.calls, result.call_total):>9}  "
        f"{_seen(result.hypercalls, result.hypercall_total):>10}  {result.seconds:6.2f} s  {result.reason}"
    )


def _seen(hits: dict[str, int] | None, total: int) -> str:
    """A total; a dash where the host does not see what it would count."""
    return "-" if hits is None else str(total)


class LiveTable:
    """A rich table that follows the boots, redrawn at most ten times a second.

    It has no thread of its own, because workers are forked while it is on the screen.
    """

    def __init__(self, backends: Sequence[str]) -> None:
        from rich.console import Console
        from rich.live import Live

        self._ticks = [Tick(index, "wait") for index in range(len(backends))]
        self._backends = backends
        self._drawn = 0.0
        self._live = Live(console=Console(file=sys.stdout), auto_refresh=False, transient=False)

    def __enter__(self) -> LiveTable:
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
        if time.monotonic() - self._drawn >= 1 / _HZ:
            self._draw()

    def _draw(self) -> None:
        self._drawn = time.monotonic()
        self._live.update(table(self._backends, self._ticks), refresh=True)


def table(backends: Sequence[str], ticks: Sequence[Tick]) -> Any:
    """The rich table of ``ticks``, one row a backend."""
    from rich.table import Table
    from rich.text import Text

    grid = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("backend", "phase", "outcome"):
        grid.add_column(title, no_wrap=True)
    for title in ("calls", "hypercalls", "time"):
        grid.add_column(title, justify="right", no_wrap=True)
    grid.add_column("reason", overflow="fold")
    for backend, tick in zip(backends, ticks, strict=True):
        result = tick.result
        outcome = Text(result.outcome.value, style=STYLES[result.outcome]) if result else Text("")
        grid.add_row(
            backend,
            tick.phase,
            outcome,
            f"{tick.calls:,}",
            f"{tick.hypercalls:,}",
            f"{tick.seconds:.2f} s",
            Text(result.reason if result else ""),
        )
    return grid
