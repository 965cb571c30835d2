"""Reads traces back, strictly: a line that is no event is refused with its number."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from vmirom.trace.events import Event

__all__ = ["TraceError", "read_trace"]


class TraceError(Exception):
    """A line of a trace file that is no event."""


def read_trace(lines: Iterable[bytes]) -> Iterator[Event]:
    """The events in ``lines`` (an open file will do). Raises TraceError."""
    decode = msgspec.json.Decoder(Event).decode
    for number, line in enumerate(lines, start=1):
        try:
            yield decode(line)
        except msgspec.MsgspecError as error:
            raise TraceError(f"line {number}: {error}") from None
