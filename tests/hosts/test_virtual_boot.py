"""Boots by virtual time: the same trace, byte for byte, whatever the host does meanwhile; each has an end."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest

from vmirom.bundle.compose import compose
from vmirom.hosts import embedded
from vmirom.hosts.backends import backend_names
from vmirom.hosts.embedded import boot
from vmirom.hosts.outcomes import BootResult, Outcome
from vmirom.hosts.request import BootRequest
from vmirom.machine.clock import date
from vmirom.machine.unicorn import steps
from vmirom.rom.image import load_rom
from vmirom.rom.lock import blobs_folder
from vmirom.trace.events import RunStart
from vmirom.trace.reader import read_trace

BACKENDS = backend_names()
GUEST = "conform-time.elf"


def booted(backend: str, folder: Path, budget: float = 30.0, **options: object) -> tuple[BootResult, bytes]:
    bundle = compose((blobs_folder() / GUEST).read_bytes(), load_rom(backend).data, backend, (3, 1))
    trace = folder / "trace.jsonl"
    result = boot(
        BootRequest(backend, bundle, budget=budget, trace=trace, options={"clock": "virtual", **options})
    )
    return result, trace.read_bytes()


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_boot_is_the_same_each_time(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, backend: str) -> None:
    """However often the engine asks Python in between, which is what an attentive host does."""
    result, trace = booted(backend, tmp_path)
    assert result.outcome is Outcome.SUCCESS, (result.reason, result.transcript)
    assert result.clock == "virtual"
    monkeypatch.setattr(steps, "_ATTENTION", 4099)
    again, same = booted(backend, tmp_path)
    assert same == trace and again.notes == result.notes
    with (tmp_path / "trace.jsonl").open("rb") as lines:
        start = next(iter(read_trace(lines)))
    assert isinstance(start, RunStart) and start.clock == "virtual"


def test_phase_date_and_age_make_other_boots_with_the_same_transcript(tmp_path: Path) -> None:
    plain, trace = booted("kvm", tmp_path)
    for options in ({"phase": 7}, {"uptime": "4000000"}, {"time": "2031-05-06T07:08:09"}):
        result, other = booted("kvm", tmp_path, **options)
        assert result.transcript == plain.transcript, options
        assert (other != trace) == ("phase" in options), "where time begins alone moves no interrupt"


def test_the_date_is_what_was_said() -> None:
    clock = embedded._virtual(
        BootRequest("kvm", b"", options={"clock": "virtual", "time": "2031-05-06T07:08:09"})
    )
    assert clock is not None
    assert date(clock.wall_ns()) == datetime.datetime(2031, 5, 6, 7, 8, 9, tzinfo=datetime.UTC)
    assert embedded._virtual(BootRequest("kvm", b"")) is None


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_guest_that_takes_too_long_ends_by_virtual_time(tmp_path: Path, backend: str) -> None:
    result, trace = booted(backend, tmp_path, budget=0.004)
    assert (result.outcome, result.ending) == (Outcome.FAILURE, "budget")
    assert "host's time" not in result.reason
    again, same = booted(backend, tmp_path, budget=0.004)
    assert (again.reason, same) == (result.reason, trace)


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_host_s_patience_ends_what_virtual_time_does_not(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, backend: str
) -> None:
    monkeypatch.setattr(BootRequest, "patience", 0.0)
    result, _ = booted(backend, tmp_path)
    assert (result.outcome, result.ending) == (Outcome.FAILURE, "budget")
    assert result.reason.endswith("; 0 s of the host's time were over first")


def test_a_start_that_is_no_date_is_an_error(tmp_path: Path) -> None:
    bundle = compose((blobs_folder() / GUEST).read_bytes(), load_rom("kvm").data, "kvm", (3, 1))
    result = boot(BootRequest("kvm", bundle, options={"clock": "virtual", "time": "2027-13-01T00:00:00"}))
    assert (result.outcome, result.reason) == (
        Outcome.ERROR,
        "time: '2027-13-01T00:00:00': month must be in 1..12",
    )
