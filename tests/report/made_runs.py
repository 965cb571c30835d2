"""A conform run over the project's own clauses that needs no boot: one failed line, one killed guest, a skip,
and a guest that prints markup.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Final

from vmirom.conform.boots import Boot
from vmirom.conform.run import Conformance, conclude
from vmirom.conform.suite import Suite, load_suite
from vmirom.hosts.outcomes import BootResult, Outcome
from vmirom.hosts.request import BootRequest
from vmirom.hosts.scene import Scene, Site
from vmirom.overlays.vmi import ExitStatus
from vmirom.report.conformance import Occasion, SeededFault
from vmirom.trace.recent import Step

__all__ = ["BARB", "FAILED", "OCCASION", "made_run", "suite", "whole_run", "worst_run"]

FAILED: Final = "interrupts: SetInterruptMask(0) does not deliver it"
"""The check that fails on xen; VMI-IRQ-05 hangs on it."""
BARB: Final = (
    "</script><script>document.title='caught'</script><img src=http://127.0.0.1:9/x onerror=alert(1)>"
)
_HOSTS: Final = ("embedded", "qemu", "kvm", "xen")
_CODE: Final = "b80002000050e8f1ffffff83c40831c0c39090cd82c3"
OCCASION: Final = Occasion(
    "2026-01-01 00:00 UTC",
    faults=(
        SeededFault(
            "forgets-pending",
            "xen ROM",
            "EnableInterrupts delivers nothing.",
            (FAILED,),
            ("VMI-IRQ-05",),
            ("VMI-IRQ-05",),
        ),
        SeededFault("drifts", "shared ROM", "A periodic alarm drifts.", breaks=("VMI-TIME-19",)),
    ),
)


@cache
def suite() -> Suite:
    """All clauses of VMI 3.1."""
    return load_suite("3.1")


def _lines(guest: str) -> tuple[str, ...]:
    checks = suite().checks.guests[guest].checks
    return tuple(f"{n:02} ok {check.place}: {check.name}" for n, check in enumerate(checks, 1))


def _failed(lines: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(line.replace(" ok ", " FAIL ", 1) if line.endswith(FAILED) else line for line in lines)


def _scene(line: str) -> Scene:
    sites = tuple(Site(0xC0100000 + at, 0xC0100000, _CODE, "guest") for at in (5, 11, 17))
    steps = [
        Step("call", "SetInterruptMask", 3),
        Step("hypercall", "sched_op(0x1) = -0x16", why="no such port"),
    ]
    return Scene(line, f"eip c0100005\neax 00000200 {BARB}", sites, (*steps * 30, Step("printed", BARB)))


def _as_promised(guest: str, good: BootResult) -> BootResult:
    """The same boot, ended by what the guest's table promises, if it promises an end."""
    ends = suite().checks.guests[guest].ends
    if not ends:
        return good
    if ends[0] in ("crash", "reboot"):
        return replace(good, transcript=(), ending=ends[0])
    status = None if ends[0] == "off" else int(ExitStatus[ends[0].upper()])
    return replace(good, transcript=(), ending="shutdown", status=status)


def _result(guest: str, backend: str, host: str) -> BootResult:
    lines = _lines(guest)
    good = BootResult(backend, Outcome.SUCCESS, "the guest reports success", lines, host=host, seconds=0.5)
    if host == "kvm":
        return replace(good, outcome=Outcome.SKIP, reason=f"no /dev/kvm here {BARB}", transcript=())
    if (backend, host) == ("xen", "embedded") and guest == "reference":
        told = _failed((*lines[:40], BARB, *lines[40:]))
        scenes = tuple(_scene(line) for line in told if " FAIL " in line)
        return replace(
            good, outcome=Outcome.FAILURE, reason="the guest reports failure", transcript=told, scenes=scenes
        )
    if (backend, host) == ("lguest", "embedded"):
        end = {"outcome": Outcome.CRASH, "ending": "crash", "reason": f"killed: {BARB}"}
        return replace(good, transcript=lines[:5], scenes=(_scene(""),), **end)  # type: ignore[arg-type]
    good = _as_promised(guest, good)
    return replace(good, calls={"Halt": 3, "SetCR3": 7}, hypercalls={"iret": 2})


def _run(results: dict[tuple[str, str, str], BootResult]) -> Conformance:
    ends = {name: table.ends for name, table in suite().checks.guests.items()}
    boots = [Boot(g, "3.1", BootRequest(backend, b"", host=host), ends[g]) for g, backend, host in results]
    return conclude(suite(), boots, list(results.values()))


@cache
def made_run() -> Conformance:
    """Four backends on the embedded host, and two hosts more."""
    places = [(b, "embedded") for b in ("native", "kvm", "xen", "lguest")]
    places += [("native", "qemu"), ("kvm", "kvm"), ("xen", "xen")]
    guests = suite().checks.guests
    return _run({(g, b, h): _result(g, b, h) for b, h in places for g in guests})


@cache
def whole_run() -> Conformance:
    """Every backend on every host, all well."""
    places = [(b, h) for h in _HOSTS for b in ("native", "kvm", "xen", "lguest")]
    well = {
        (g, b, h): replace(_result(g, "native", "qemu"), backend=b, host=h)
        for b, h in places
        for g in suite().checks.guests
    }
    return _run(well)


def worst_run() -> Conformance:
    """Every backend on every host, each line failed, each looked at."""
    results = {}
    for host in _HOSTS:
        for backend in ("native", "kvm", "xen", "lguest"):
            for guest in suite().checks.guests:
                lines = tuple(line.replace(" ok ", " FAIL ", 1) for line in _lines(guest))
                scenes = tuple(_scene(line) for line in lines)
                bad = BootResult(backend, Outcome.FAILURE, "all is lost", lines, host=host, scenes=scenes)
                results[guest, backend, host] = bad
    return _run(results)
