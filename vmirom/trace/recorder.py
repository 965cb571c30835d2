"""A tally that also writes every event to a stream, as JSON lines."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import BinaryIO

import msgspec

from vmirom.trace.events import CallEvent, Event, HostEvent, HypercallRecord, RunEnd, RunStart, TraceCut
from vmirom.trace.tally import MOST_NAMES, OTHERS, OUTSIDE, TRACE_LIMIT, Tally

__all__ = ["MOST_NAMES", "OTHERS", "OUTSIDE", "TRACE_LIMIT", "Recorder", "Tally"]

_MOST_BENEATH = 4096
"""Hypercalls that one event holds."""

_LEAVES_CALL = frozenset({"interrupt", "trap", "timer"})


class Recorder(Tally):
    """A tally that also writes each event as one JSON line to ``out``. Raises OSError from any of its
    methods when ``out`` does. A call under which more hypercalls are made than one event holds goes on as
    events of no call. From the first event that would make the trace longer than ``limit`` bytes, events are
    counted and dropped; a TraceCut says so before the last event, and both of these are always written.
    ``clock`` is what the machine's is called, and ``now_ns`` reads it."""

    def __init__(
        self,
        names: dict[int, str],
        backend: str,
        out: BinaryIO,
        limit: int = TRACE_LIMIT,
        clock: str = "host",
        now_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        super().__init__(names)
        self._backend = backend
        self._out = out
        self._limit, self._written, self._dropped = limit, 0, 0
        self._encode = msgspec.json.Encoder().encode
        self._seq = 0
        self._clock, self._now_ns = clock, now_ns
        self._start = now_ns()
        self._open: tuple[str, int, int] | None = None
        self._beneath: list[HypercallRecord] = []

    def begin(self, abi: str, guest_sha256: str, rom_sha256: str) -> None:
        """Write the first event; call it before the guest runs."""
        self._write(RunStart(self._seq, self._backend, abi, guest_sha256, rom_sha256, self._clock))

    def end(self, outcome: str, reason: str) -> None:
        """Write what is pending and the last event."""
        self._close()
        if self._dropped:
            self._put(self._line(TraceCut(self._seq, self._backend, self._dropped, self._limit)))
        self._put(
            self._line(
                RunEnd(self._seq, self._backend, outcome, reason, self.call_total, self.hypercall_total)
            )
        )

    def call(self, number: int) -> None:
        self._close()
        super().call(number)
        self._open = (self.name(number), number, self._now())

    def hypercall(self, name: str, arguments: tuple[int, ...], result: int | None, why: str = "") -> None:
        super().hypercall(name, arguments, result, why)
        if self._open is None:
            self._open = (OUTSIDE, -1, self._now())
        self._beneath.append(HypercallRecord(name, arguments, result, why))
        if len(self._beneath) >= _MOST_BENEATH:
            self._close()

    def event(self, kind: str, detail: str) -> None:
        super().event(kind, detail)
        if kind in _LEAVES_CALL:
            self._close()
        self._write(HostEvent(self._seq, self._backend, kind, detail, self._now()))

    def _now(self) -> int:
        return (self._now_ns() - self._start) // 1000

    def _close(self) -> None:
        if self._open is None:
            return
        name, number, us = self._open
        self._write(CallEvent(self._seq, self._backend, name, number, us, tuple(self._beneath)))
        self._open = None
        self._beneath.clear()

    def _line(self, event: Event) -> bytes:
        return self._encode(event) + b"\n"

    def _write(self, event: Event) -> None:
        if not self._dropped:
            line = self._line(event)
            if self._written + len(line) <= self._limit:
                self._put(line)
                return
        self._dropped += 1

    def _put(self, line: bytes) -> None:
        self._out.write(line)
        self._written += len(line)
        self._seq += 1
