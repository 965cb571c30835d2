"""A trace speaks of calls; hypercalls stand beneath the call that made them."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmirom.trace.events import CallEvent, HostEvent, HypercallRecord, RunEnd, RunStart, TraceCut
from vmirom.trace.reader import TraceError, read_trace
from vmirom.trace.recorder import MOST_NAMES, OTHERS, Recorder, Tally

NAMES = {17: "SetCR3", 33: "EnableInterrupts"}


def recorded() -> tuple[Recorder, io.BytesIO]:
    out = io.BytesIO()
    recorder = Recorder(NAMES, "xen", out)
    recorder.begin("3.1", "aa", "bb")
    recorder.hypercall("memory_op", (5, 0), 0)
    recorder.call(17)
    recorder.hypercall("mmuext_op", (0x1000, 1), 0)
    recorder.hypercall("mmu_update", (0x2000, 3), -22, "a frame that is not pinned")
    recorder.call(33)
    recorder.event("interrupt", "port 1")
    recorder.hypercall("iret", (), None)
    recorder.call(99)
    recorder.end("success", "power off")
    return recorder, out


def test_events_come_back_as_they_were_recorded() -> None:
    _, out = recorded()
    events = list(read_trace(out.getvalue().splitlines()))
    assert [event.seq for event in events] == list(range(len(events)))
    start, boot, cr3, enable, interrupt, outside, unknown, end = events
    assert start == RunStart(0, "xen", "3.1", "aa", "bb")
    assert isinstance(boot, CallEvent) and (boot.call, boot.number) == ("-", -1)
    assert [h.name for h in boot.hypercalls] == ["memory_op"]
    assert isinstance(cr3, CallEvent) and (cr3.call, cr3.number) == ("SetCR3", 17)
    assert cr3.hypercalls == (
        HypercallRecord("mmuext_op", (0x1000, 1), 0),
        HypercallRecord("mmu_update", (0x2000, 3), -22, "a frame that is not pinned"),
    )
    assert isinstance(enable, CallEvent) and enable.hypercalls == ()
    assert isinstance(interrupt, HostEvent) and (interrupt.kind, interrupt.detail) == ("interrupt", "port 1")
    assert isinstance(outside, CallEvent) and outside.call == "-"
    assert isinstance(unknown, CallEvent) and unknown.call == "call 99"
    assert end == RunEnd(7, "xen", "success", "power off", 3, 4)
    assert all(event.us >= 0 for event in events if isinstance(event, CallEvent | HostEvent))


def test_recorder_counts_as_a_tally_does() -> None:
    recorder, _ = recorded()
    assert recorder.calls == {"SetCR3": 1, "EnableInterrupts": 1, "call 99": 1}
    assert dict(recorder.by_hypercall) == {"memory_op": 1, "mmuext_op": 1, "mmu_update": 1, "iret": 1}
    assert dict(recorder.refused) == {"mmu_update: a frame that is not pinned": 1}
    assert (recorder.call_total, recorder.hypercall_total) == (3, 4)


def test_tally_starts_with_nothing() -> None:
    tally = Tally(NAMES)
    tally.event("trap", "14")
    assert (tally.calls, tally.call_total, tally.hypercall_total, tally.name(tally.last)) == ({}, 0, 0, "-")


@pytest.mark.parametrize(
    "line",
    [b"", b"{", b"[]", b'{"event":"other"}', b'{"event":"end","seq":"0"}', b'{"event":"call","seq":0}'],
)
def test_foreign_line_is_refused_with_its_number(line: bytes) -> None:
    _, out = recorded()
    good = out.getvalue().splitlines()[0]
    with pytest.raises(TraceError, match="line 2: "):
        list(read_trace([good, line]))


def test_unwritable_stream_raises() -> None:
    class Full(io.BytesIO):
        def write(self, data: object) -> int:
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        Recorder(NAMES, "xen", Full()).begin("3.1", "", "")


def test_names_and_reasons_are_kept_up_to_a_limit_and_counted_beyond() -> None:
    tally = Tally(NAMES)
    for number in range(3 * MOST_NAMES):
        tally.hypercall(f"hypercall {number}", (), -38, "unknown")
    tally.hypercall("hypercall 7", (), -38, "unknown")
    assert len(tally.by_hypercall) == len(tally.refused) == MOST_NAMES + 1
    assert tally.by_hypercall["hypercall 7"] == tally.refused["hypercall 7: unknown"] == 2
    assert tally.by_hypercall[OTHERS] == 2 * MOST_NAMES
    assert tally.hypercall_total == 3 * MOST_NAMES + 1


def test_hypercalls_without_end_are_written_while_they_come() -> None:
    out = io.BytesIO()
    recorder = Recorder(NAMES, "xen", out)
    recorder.call(17)
    for _ in range(20_000):
        recorder.hypercall("xen_version", (0, 0), 0)
    assert out.tell() > 100_000
    recorder.end("failure", "did not end")
    calls = [event for event in read_trace(out.getvalue().splitlines()) if isinstance(event, CallEvent)]
    assert [call.number for call in calls] == [17] + [-1] * (len(calls) - 1)
    assert sum(len(call.hypercalls) for call in calls) == 20_000
    assert max(len(call.hypercalls) for call in calls) < 20_000


LAST_WORDS = 400
"""More bytes than the two events that are written in any case."""


@given(
    limit=st.integers(0, 3000), moves=st.lists(st.sampled_from(["call", "hypercall", "event"]), max_size=60)
)
def test_a_trace_stops_at_its_limit_and_says_what_is_missing(limit: int, moves: list[str]) -> None:
    """The events up to the limit, as they would be without one, the number of the others, the end."""
    traces = []
    for most in (limit, 1 << 20):
        out = io.BytesIO()
        recorder = Recorder(NAMES, "xen", out, most)
        recorder.begin("3.1", "aa", "bb")
        for move in moves:
            match move:
                case "call":
                    recorder.call(17)
                case "hypercall":
                    recorder.hypercall("mmu_update", (1, 2), 0)
                case "event":
                    recorder.event("interrupt", "port 1")
        recorder.end("success", "power off")
        assert len(out.getvalue()) <= most + LAST_WORDS
        traces.append(list(read_trace(out.getvalue().splitlines())))
        assert [event.seq for event in traces[-1]] == list(range(len(traces[-1])))
        assert recorder.call_total == moves.count("call"), "a tally all the same"
    cut, whole = traces
    assert isinstance(cut[-1], RunEnd) and isinstance(whole[-1], RunEnd)
    if not any(isinstance(event, TraceCut) for event in cut):
        assert [(type(e), e.seq) for e in cut] == [(type(e), e.seq) for e in whole]
        return
    *kept, told, _ = cut
    assert isinstance(told, TraceCut) and told.limit == limit
    assert told.dropped == len(whole) - 1 - len(kept) > 0
    assert [type(event) for event in kept] == [type(event) for event in whole[: len(kept)]]


def test_nothing_is_kept_behind_the_first_event_that_is_dropped() -> None:
    """What is short enough would still fit; a trace with holes would mislead."""
    out = io.BytesIO()
    recorder = Recorder(NAMES, "xen", out, 300)
    recorder.begin("3.1", "aa", "bb")
    recorder.event("device", "x" * 400)
    recorder.event("device", "y")
    recorder.end("failure", "budget")
    start, cut, end = read_trace(out.getvalue().splitlines())
    assert isinstance(start, RunStart) and cut == TraceCut(1, "xen", 2, 300) and isinstance(end, RunEnd)
