"""Which of the two roads to a real KVM is taken, and what comes back from it."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import vmirom
from vmirom.hosts.cache import SetupFailed, note, noted
from vmirom.hosts.doctor import Host
from vmirom.hosts.kvm import BACKENDS, NAME, appliance, launch
from vmirom.hosts.kvm.appliance import Appliance
from vmirom.hosts.outcomes import BootResult, Outcome, judge
from vmirom.hosts.qemu_run import QemuMissing, find_qemu, system_says, version
from vmirom.hosts.remains import scene_of_text
from vmirom.hosts.request import BootRequest, Progress
from vmirom.hosts.transcript import Transcript

if TYPE_CHECKING:
    from vmirom.hosts.kvm.direct import Job, Ran

__all__ = ["ALLOWANCE", "NoRoad", "boot_together", "plan", "probe", "self_test", "setup"]

_NEEDS: Final = f"/dev/kvm that passes a self-test; or QEMU and the appliance ({appliance.PACKAGES})"
_SETUP: Final = "vmirom hosts setup kvm"
_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")
ALLOWANCE: Final = 180.0
"""Seconds that the appliance's own start and end may take: a bound for what hangs. Alone it takes three, on a
machine that is far too busy a hundred."""
_NOTE: Final = "kvm.self-test"


@dataclass(frozen=True, slots=True)
class _Plan:
    """``road`` in words; ``appliance`` and ``qemu`` where it is not the device itself."""

    road: str
    appliance: Appliance | None = None
    qemu: Path | None = None


class NoRoad(Exception):
    """Neither road is open: what was found, and the one command for what is missing."""

    def __init__(self, found: str, missing: str) -> None:
        super().__init__(f"{found}; {missing}")
        self.found = found
        self.missing = missing


def _device_sentence() -> str:
    """What the self-test says of the device, empty if all is well; asked once a boot of this machine."""
    from vmirom.machine.kvm import DEVICE, self_test

    try:
        seen = os.stat(DEVICE)  # noqa: PTH116 - a device, not a path of ours
        who = f"{seen.st_mode} {os.geteuid()} {os.getgroups()}"
        token = f"{_BOOT_ID.read_text().strip()} {seen.st_rdev} {who}"
    except OSError:
        token = ""
    known, _, sentence = noted("kvm.device").partition("\n")
    if token and known == token:
        return sentence
    sentence = self_test() or ""
    if token:
        note("kvm.device", f"{token}\n{sentence}")
    return sentence


def plan() -> _Plan:
    """The road to take here. Raises NoRoad."""
    sentence = _device_sentence()
    if not sentence:
        return _Plan("this machine's KVM")
    if os.environ.get(launch.INSIDE):
        raise NoRoad(sentence, "the appliance is not started inside itself")
    try:
        qemu = find_qemu(launch.PROGRAM)
    except QemuMissing as missing:
        raise NoRoad(f"{sentence}; {missing.found}", missing.and_then(_SETUP)) from None
    found = appliance.find()
    if found is None:
        raise NoRoad(f"{sentence}; {qemu}, but no appliance yet", _SETUP)
    text = ".".join(map(str, version(qemu) or ()))
    road = f"{sentence}; used KVM of Linux {found.kernel} under QEMU {text} (TCG, AMD SVM with nested paging)"
    return _Plan(road, found, qemu)


def probe() -> Host:
    """See :func:`vmirom.hosts.kvm.probe`."""
    tested = noted(_NOTE)
    try:
        return Host(NAME, True, BACKENDS, plan().road, "", _NEEDS, tested)
    except NoRoad as none:
        return Host(NAME, False, BACKENDS, none.found, none.missing, _NEEDS)


def boot_together(requests: Sequence[BootRequest], progress: Progress | None) -> list[BootResult]:
    """See :func:`vmirom.hosts.kvm.boot_together`."""
    try:
        taken = plan()
    except NoRoad as none:
        return [BootResult(r.backend, Outcome.SKIP, str(none), host=NAME) for r in requests]
    if progress is not None:
        progress("load", None)
    if taken.appliance is None or taken.qemu is None:
        return [_direct(request, taken, progress) for request in requests]
    try:
        return _in_appliance(requests, taken.appliance, taken.qemu, taken.road, progress)
    except OSError as error:
        return [BootResult(r.backend, Outcome.ERROR, system_says(error), host=NAME) for r in requests]


def _direct(request: BootRequest, taken: _Plan, progress: Progress | None) -> BootResult:
    from vmirom.hosts.kvm.direct import boot

    if progress is not None:
        progress("run", None)
    ran = boot(_job(request), request.bundle, inside=bool(os.environ.get(launch.INSIDE)))
    return _result(request, ran, taken.road)


def _in_appliance(
    requests: Sequence[BootRequest], found: Appliance, qemu: Path, road: str, progress: Progress | None
) -> list[BootResult]:
    from vmirom.hosts.kvm.jobs import read_ran, write_jobs

    limit = ALLOWANCE + sum(request.budget for request in requests)
    with tempfile.TemporaryDirectory(prefix="vmirom-kvm-") as folder:
        control = Path(folder)
        write_jobs(control, [(_job(request), request.bundle) for request in requests])
        if progress is not None:
            progress("run", None)
        memory = max(request.memory_mib for request in requests)
        launched = launch.launch(qemu, found, _command(), control, limit, memory, _environment())
        answers = [read_ran(control, number) for number in range(len(requests))]
    why = _why(launched)
    return [
        BootResult(r.backend, Outcome.ERROR, why, seconds=launched.seconds, host=NAME, road=road)
        if ran is None
        else _result(r, ran, road)
        for r, ran in zip(requests, answers, strict=True)
    ]


def _why(launched: launch.Launched) -> str:
    """What is said of a boot that left no result."""
    return launched.why or f"in the appliance: {launched.said or f'status {launched.status}'}"


def _command() -> list[str]:
    return [sys.executable, "-S", "-m", "vmirom.hosts.kvm.inside", launch.CONTROL]


def _environment() -> dict[str, str]:
    """Where Python finds this package and cffi's backend, without looking through a site."""
    import _cffi_backend

    here, backend = Path(vmirom.__file__).parents[1], Path(_cffi_backend.__file__).parent
    return {"PYTHONPATH": f"{here}{os.pathsep}{backend}", "PYTHONDONTWRITEBYTECODE": "1"}


def _job(request: BootRequest) -> Job:
    from vmirom.hosts.kvm.direct import Job

    era = str(request.options.get("host_era", "2026"))
    return Job(request.backend, request.memory_mib, request.command_line, request.budget, era)


def _result(request: BootRequest, ran: Ran, road: str) -> BootResult:
    console = Transcript()
    console.write(ran.console)
    transcript, notes = console.lines()
    if ran.ending is None:
        outcome, reason = Outcome.ERROR, ran.error
    else:
        outcome, reason = judge(ran.ending, request.budget)
    return BootResult(
        backend=request.backend,
        outcome=outcome,
        reason=reason,
        transcript=transcript,
        notes=notes,
        seconds=ran.seconds,
        ending=ran.ending.kind.value if ran.ending else "",
        status=ran.ending.status if ran.ending else None,
        registers=ran.registers,
        host=NAME,
        road=road,
        scenes=scene_of_text(ran.registers, request.bundle),
    )


def setup(say: Callable[[str], None]) -> None:
    """See :func:`vmirom.hosts.kvm.setup`."""
    try:
        qemu = find_qemu(launch.PROGRAM)
    except QemuMissing as missing:
        raise SetupFailed(f"{missing.found}; {missing.missing}, then this again") from None
    made = appliance.setup(say, lambda tried: _try(qemu, tried))
    note(_NOTE, "passed")
    say(f"Linux {made.kernel} in {made.folder}")


def self_test() -> str:
    """See :func:`vmirom.hosts.kvm.self_test`."""
    try:
        taken = plan()
    except NoRoad as none:
        return str(none)
    fault = "" if taken.appliance is None or taken.qemu is None else _try(taken.qemu, taken.appliance)
    note(_NOTE, f"failed: {fault}" if fault else "passed")
    return fault


def _try(qemu: Path, tried: Appliance) -> str:
    """Boot an appliance and test the KVM inside; why it can't be used, or nothing."""
    from vmirom.hosts.kvm.jobs import write_jobs

    with tempfile.TemporaryDirectory(prefix="vmirom-kvm-") as folder:
        write_jobs(Path(folder), [])
        try:
            launched = launch.launch(qemu, tried, _command(), Path(folder), ALLOWANCE, 0, _environment())
        except OSError as error:
            return f"{qemu} can't be started: {error.strerror}"
    return "" if launched.status == 0 else _why(launched)
