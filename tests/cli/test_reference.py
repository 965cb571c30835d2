"""The two promises of the README's first command, on the real thing: every backend boots the reference
guest well, and all print the same."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from vmirom.hosts.backends import backend_names
from vmirom.trace.events import CallEvent, Event, HostEvent, RunEnd, RunStart
from vmirom.trace.reader import read_trace

pytestmark = [pytest.mark.boot, pytest.mark.timeout(300)]


def vmirom(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "vmirom", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=280, check=False)


def test_there_are_four_backends() -> None:
    assert backend_names() == ("native", "kvm", "xen", "lguest")


@dataclass(frozen=True)
class Booted:
    """One ``vmirom boot`` of all backends: what it said, and the events of its trace by backend."""

    done: subprocess.CompletedProcess[str]
    report: dict[str, Any]
    events: dict[str, list[Event]]


@pytest.fixture(scope="module")
def booted(tmp_path_factory: pytest.TempPathFactory) -> Booted:
    path = tmp_path_factory.mktemp("booted") / "t.jsonl"
    done = vmirom("boot", "--json", "--trace", path, "--budget", "120")
    events: dict[str, list[Event]] = {}
    with path.open("rb") as lines:
        for event in read_trace(lines):
            events.setdefault(event.backend, []).append(event)
    return Booted(done, json.loads(done.stdout), events)


def test_reference_guest_boots_everywhere_and_prints_the_same(booted: Booted) -> None:
    assert booted.done.stderr == ""
    report = booted.report
    bad = {
        boot["backend"]: [boot["reason"], *(line for line in boot["transcript"] if " FAIL " in line)]
        for boot in report["boots"]
        if boot["outcome"] != "success"
    }
    assert bad == {}
    assert report["agreement"]["differences"] == []
    assert booted.done.returncode == 0
    for boot in report["boots"]:
        assert boot["transcript"][0].startswith("reference guest")
        assert boot["call_total"] > 1000, "calls are counted where they enter the ROM"
        assert (boot["hypercall_total"] > 0) == (boot["backend"] in ("xen", "lguest")) or boot[
            "backend"
        ] == "kvm"


@pytest.mark.parametrize("backend", ["native", "kvm", "xen", "lguest"])
def test_trace_of_a_boot_names_calls_and_what_they_became(backend: str, booted: Booted) -> None:
    (boot,) = (one for one in booted.report["boots"] if one["backend"] == backend)
    events = booted.events[backend]
    assert isinstance(events[0], RunStart) and isinstance(events[-1], RunEnd)
    assert all(isinstance(event, CallEvent | HostEvent) for event in events[1:-1])
    assert [event.seq for event in events] == list(range(len(events)))
    calls = [event for event in events if isinstance(event, CallEvent)]
    assert sum(event.number >= 0 for event in calls) == boot["call_total"]
    assert sum(len(event.hypercalls) for event in calls) == boot["hypercall_total"]
    beneath = {h.name.partition(".")[0] for e in calls if e.call == "SetCR3" for h in e.hypercalls}
    assert beneath >= {"xen": {"mmuext_op"}, "lguest": {"NEW_PGTABLE"}}.get(backend, set())
