"""Workers: side by side, in order, and none that takes the others or the tool with it."""

import multiprocessing
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import vmirom.hosts.doctor
import vmirom.hosts.kvm
import vmirom.hosts.registry
from tests.hosts.conftest import Scripting, request_for
from tests.hosts.scripted import dies, ends, stuck
from vmirom.hosts.outcomes import BootResult, Outcome
from vmirom.hosts.request import BootRequest
from vmirom.hosts.workers import Tick, boot_all, boot_stream
from vmirom.hypervisors.hypervisor import EndKind

NAMES = ["native", "kvm", "xen", "lguest"]


def outcomes(**changes: object) -> list[Outcome]:
    return [result.outcome for result in boot_all([request_for(name, **changes) for name in NAMES])]


@pytest.mark.parametrize("jobs", [1, 2, 8])
def test_results_come_in_the_order_of_requests(scripted: Scripting, jobs: int) -> None:
    ticks: list[Tick] = []
    results = boot_all([request_for(name) for name in NAMES], ticks.append, jobs)
    assert [result.backend for result in results] == NAMES
    assert [result.call_total for result in results] == [3, 3, 3, 3]
    done = [tick for tick in ticks if tick.phase == "done"]
    assert sorted(tick.index for tick in done) == [0, 1, 2, 3]
    assert all(tick.result is results[tick.index] for tick in done)


def test_engine_that_dies_is_an_error_of_its_backend_only(scripted: Scripting) -> None:
    scripted(kvm=dies)
    results = boot_all([request_for(name) for name in NAMES])
    assert [r.outcome for r in results] == [
        Outcome.SUCCESS,
        Outcome.ERROR,
        Outcome.SUCCESS,
        Outcome.SUCCESS,
    ]
    assert results[1].reason == "the engine's process died: signal SIGKILL"


def test_worker_that_ignores_its_budget_is_ended(
    scripted: Scripting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vmirom.hosts.registry, "_GRACE", 0.3)
    scripted(xen=stuck)
    start = time.monotonic()
    results = boot_all([request_for(name, budget=0.2) for name in NAMES])
    assert time.monotonic() - start < 10
    assert results[2].outcome is Outcome.ERROR
    assert results[2].reason == "the engine did not stop 0.3 s after its budget of 0.2 s"
    assert multiprocessing.active_children() == []


def test_interrupt_ends_all_workers(scripted: Scripting) -> None:
    scripted(native=stuck, kvm=stuck, xen=stuck, lguest=stuck)

    def interrupt(tick: Tick) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        boot_all([request_for(name) for name in NAMES], interrupt)
    assert multiprocessing.active_children() == []


def test_trace_that_cant_be_written_is_an_os_error(scripted: Scripting, tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        boot_all([request_for("xen", trace=tmp_path / "none" / "t")])
    assert multiprocessing.active_children() == []


def test_the_worst_is_kept_apart(scripted: Scripting) -> None:
    scripted(native=ends(EndKind.CRASH), lguest=ends(EndKind.REBOOT))
    assert outcomes() == [Outcome.CRASH, Outcome.SUCCESS, Outcome.SUCCESS, Outcome.SUCCESS]


def test_requests_of_a_host_that_gathers_them_go_to_one_worker(
    scripted: Scripting, monkeypatch: pytest.MonkeyPatch
) -> None:
    def together(requests: list[BootRequest], progress: object) -> list[BootResult]:
        reason = f"{len(requests)} in process {os.getpid()}"
        return [BootResult(r.backend, Outcome.SUCCESS, reason, host="kvm") for r in requests]

    monkeypatch.setattr(vmirom.hosts.kvm, "boot_together", together)
    found = vmirom.hosts.doctor.Host("kvm", True, ("native", "kvm"), "here")
    monkeypatch.setattr(vmirom.hosts.kvm, "probe", lambda: found)
    pairs = [("native", "kvm"), ("xen", "embedded"), ("xen", "kvm"), ("kvm", "kvm")]
    ticks: list[Tick] = []
    results = boot_all([request_for(backend, host=host) for backend, host in pairs], ticks.append)
    assert [(r.backend, r.host) for r in results] == pairs
    assert [r.outcome.value for r in results] == ["success", "success", "skip", "success"]
    assert results[0].reason == results[3].reason != ""
    assert results[0].reason.startswith("2 in process ")
    assert results[2].reason == "host kvm boots native, kvm only"
    assert sorted(tick.index for tick in ticks if tick.phase == "done") == [0, 1, 2, 3]


def test_a_gathering_worker_that_dies_is_an_error_of_all_its_requests(
    scripted: Scripting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vmirom.hosts.kvm, "boot_together", lambda *_: os._exit(9))
    found = vmirom.hosts.doctor.Host("kvm", True, ("native", "kvm"), "here")
    monkeypatch.setattr(vmirom.hosts.kvm, "probe", lambda: found)
    results = boot_all([request_for(backend, host="kvm") for backend in ("native", "kvm")])
    assert [(r.outcome, r.reason) for r in results] == [
        (Outcome.ERROR, "the engine's process died: exit code 9")
    ] * 2


def test_a_stream_asks_for_the_next_group_only_when_a_worker_is_free(scripted: Scripting) -> None:
    asked: list[int] = []
    over: list[tuple[int, int]] = []

    def groups() -> Iterator[list[BootRequest]]:
        for number in range(6):
            asked.append(number)
            yield [request_for(NAMES[number % 4])]

    for number, result in boot_stream(groups(), jobs=2):
        assert (result.backend, result.outcome) == (NAMES[number % 4], Outcome.SUCCESS)
        over.append((number, len(asked)))
    assert sorted(number for number, _ in over) == list(range(6))
    assert all(taken <= done + 2 for done, (_, taken) in enumerate(over))


def test_no_worker_outlives_a_stream_that_is_closed(scripted: Scripting) -> None:
    scripted(kvm=stuck)
    stream = boot_stream([[request_for("native")], [request_for("kvm")]], jobs=2)
    assert next(stream)[1].backend == "native"
    assert len(multiprocessing.active_children()) == 1
    stream.close()
    assert multiprocessing.active_children() == []
