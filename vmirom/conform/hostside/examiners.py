"""The examinations from outside, each made in the place of a boot: a bundle in, lines and an outcome out.

The bundle holds the player and the ROM that is examined. A ROM that hangs, faults, or takes its machine down
is a failed line; what could not be looked at any more is not reached. Nothing that a ROM does leaves here as
an exception."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from vmirom.bundle.inspect import read_bundle
from vmirom.bundle.refused import Refused as BundleRefused
from vmirom.conform.hostside.beginning import Refused, examine_beginning
from vmirom.conform.hostside.clocks import examine_clocks
from vmirom.conform.hostside.console import examine_console
from vmirom.conform.hostside.entries import examine_entries
from vmirom.conform.hostside.hypercalls import examine_hypercalls
from vmirom.conform.hostside.machines import Machines
from vmirom.conform.hostside.sheet import OutOfTime, Sheet
from vmirom.conform.hostside.slots import Findings, Slots, judge_slots
from vmirom.conform.hostside.ways import examine_ways
from vmirom.conform.model.explore import settings_of
from vmirom.conform.model.player import Died, Setting
from vmirom.hosts.outcomes import BootResult, Outcome, own_fault
from vmirom.hosts.request import BootRequest, Maker, Progress
from vmirom.hypervisors.hypervisor import LoadError
from vmirom.machine.engine import EngineError
from vmirom.machine.memory import BadAddress
from vmirom.rom.errors import RomError

__all__ = ["BEGINNING", "EXAMINERS", "SEED", "confirmed", "machines"]

SEED: Final = 1
"""Of what is drawn, where nobody says otherwise."""
BEGINNING: Final = "hostside-beginning"
"""The examination that also asks the ROM what it answers to each call."""
_MARGIN: Final = 1.5
_Examine = Callable[[tuple[Setting, ...], int, Sheet], None]


def machines(request: BootRequest) -> tuple[Setting, ...]:
    """The machines of a request: its ROM on its backend, in each form that the backend's guests meet. Raises
    Refused for a bundle that is none."""
    bundle = read_bundle(request.bundle)
    rom = bundle.rom.image.data
    return tuple(
        Setting(request.backend, one.options, rom, bundle.abi_text, request.budget)
        for one in settings_of(request.backend, bundle.abi_text)
    )


def _made(request: BootRequest, progress: Progress | None, examine: _Examine) -> BootResult:
    """What is wrong must be so twice: an examination that failed is made again, with the same calls, as far
    as the time allows, and only what is found both times counts."""
    if progress is not None:
        progress("run", None)
    begun = time.monotonic()
    first = _once(request, examine)
    left = request.budget - (time.monotonic() - begun)
    if first.outcome not in (Outcome.FAILURE, Outcome.CRASH) or left < (time.monotonic() - begun) * _MARGIN:
        return first
    return confirmed(first, _once(replace(request, budget=left), examine))


def confirmed(first: BootResult, again: BootResult) -> BootResult:
    """The second of two examinations, with no failure that the first did not have. A machine that ended in
    one of them only is no reason either."""
    if (
        again.outcome is not Outcome.FAILURE
        or first.outcome is not Outcome.FAILURE
        or again.ending == "budget"
    ):
        return again
    words = {line.split(" ", 1)[1] for line in first.transcript if " FAIL " in line}
    lines, remarks = [], {}
    for line in again.transcript:
        number, said = line.split(" ", 1)
        remark = again.remarks.get(line)
        if said.startswith("FAIL ") and said not in words:
            said, remark = f"ok {said.removeprefix('FAIL ')}", f"seen once, not again: {remark}"
        lines.append(f"{number} {said}")
        if remark:
            remarks[lines[-1]] = remark
    failed = sum(" FAIL " in line for line in lines)
    return replace(
        again,
        transcript=tuple(lines),
        remarks=remarks,
        scenes=tuple(scene for scene in again.scenes if scene.line in lines),
        outcome=Outcome.FAILURE if failed else Outcome.SUCCESS,
        reason=f"{failed} of {len(lines)} lines say FAIL, twice"
        if failed
        else "looked at from outside, twice",
    )


def _once(request: BootRequest, examine: _Examine) -> BootResult:
    seed = int(request.options.get("seed", SEED))
    sheet = Sheet(request, seed)
    try:
        examine(machines(request), seed, sheet)
    except OutOfTime:
        return sheet.result("budget", Outcome.FAILURE, f"not through within {request.budget:g} s")
    except Refused as refused:
        return sheet.result("", Outcome.ERROR, str(refused))
    except Died as died:
        return sheet.result("crash", Outcome.CRASH, str(died))
    except (BundleRefused, RomError, LoadError, EngineError, BadAddress) as error:
        return sheet.result("", Outcome.ERROR, str(error))
    except Exception as error:  # noqa: BLE001 - what was looked at before counts all the same
        return sheet.result("", Outcome.ERROR, own_fault(error))
    return sheet.result()


def examine_begun(request: BootRequest, progress: Progress | None = None) -> BootResult:
    """The state of entry, vmi_init, get_reloc, GetCallInfo."""

    def examine(settings: tuple[Setting, ...], seed: int, sheet: Sheet) -> None:
        examine_beginning(settings[-1], seed, sheet)

    return _made(request, progress, examine)


def examine_calls(request: BootRequest, progress: Progress | None = None) -> BootResult:
    """Every call: what it keeps, what it stores, its way out."""

    def examine(settings: tuple[Setting, ...], seed: int, sheet: Sheet) -> None:
        found = Findings()
        for setting in settings:
            with Machines(setting, sheet) as machines:
                Slots(machines, seed, found).run()
                if setting is settings[-1]:
                    judge_slots(found, setting.abi, sheet)
                    examine_entries(machines)
                    examine_console(machines)
                    examine_ways(machines, seed)

    return _made(request, progress, examine)


def examine_counts(request: BootRequest, progress: Progress | None = None) -> BootResult:
    """Hypercalls."""

    def examine(settings: tuple[Setting, ...], seed: int, sheet: Sheet) -> None:
        examine_hypercalls(settings, sheet)

    return _made(request, progress, examine)


def examine_times(request: BootRequest, progress: Progress | None = None) -> BootResult:
    """Clocks, and time that the host takes."""

    def examine(settings: tuple[Setting, ...], seed: int, sheet: Sheet) -> None:
        examine_clocks(settings, sheet)

    return _made(request, progress, examine)


EXAMINERS: Final[Mapping[str, Maker]] = {
    BEGINNING: examine_begun,
    "hostside-calls": examine_calls,
    "hostside-hypercalls": examine_counts,
    "hostside-clocks": examine_times,
}
"""By the name of their table."""
