"""Which checks catch a fault: the rules of a ROM, the model, the guests of a conform run, and what is called
from outside, in this order.

One process per fault at a time: a fault is in force for all that a process does.
"""

from __future__ import annotations

import enum
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from vmirom.bundle.refused import Refused
from vmirom.conform.boots import Boot
from vmirom.conform.faults.fault import CantApply, Fault, Where, applied
from vmirom.conform.faults.listed import all_faults, fault_of
from vmirom.conform.judge import NOT_REACHED, Judgement
from vmirom.conform.model.explore import explore
from vmirom.conform.model.player import Died, Setting
from vmirom.conform.run import conclude, plan
from vmirom.conform.suite import Suite, load_suite
from vmirom.hosts import registry
from vmirom.hosts.outcomes import Outcome
from vmirom.rom.image import violations

__all__ = ["CONTROLS", "Catch", "Found", "Means", "control", "judged", "names", "run_one"]

CALLS: Final = 6000
"""Calls that the model plays before it gives a fault up."""
_SEED: Final = 3
_PLAYED: Final = "3.1"
"""The version that the shipped guests need; ROMs of an older one are only held against the rules."""
_PLAY_S: Final = 5.0
"""Seconds that one sequence may take, and a boot."""
_BOOT_S: Final = 10.0
CONTROLS: Final = ("native", "kvm 2008", "kvm 2026", "xen", "lguest")
"""Machines without a fault, by backend and era."""


class Means(enum.Enum):
    """What kind of check it is."""

    RULES = "rules"
    MODEL = "model"
    GUEST = "guest"
    OUTSIDE = "outside"


@dataclass(frozen=True, slots=True)
class Catch:
    """One check that caught a fault: ``check`` names it, ``how`` is what it saw."""

    means: Means
    check: str
    how: str


@dataclass(frozen=True, slots=True)
class Found:
    """What became of one fault (or of a control run, whose id is its machine). ``problem`` says why it could
    not be tried."""

    id: str
    catches: tuple[Catch, ...]
    seconds: float
    problem: str = ""

    @property
    def caught(self) -> bool:
        """Whether any check saw it. What could not be tried is not caught."""
        return bool(self.catches) and not self.problem


def judged(fault: Fault, *, every: bool) -> Found:
    """Try one fault in this process. ``every``: with all checks, also when one has caught it."""
    begun = time.process_time()
    catches: list[Catch] = []
    problem = ""
    try:
        with applied(fault):
            for catch in _catches(fault.setting(_PLAY_S), rules=fault.where is Where.ROM):
                catches.append(catch)
                if not every:
                    break
    except CantApply as error:
        problem = str(error)
    return Found(fault.id, tuple(catches), time.process_time() - begun, problem)


def control(name: str) -> Found:
    """The same checks on a machine without a fault: nothing may be caught."""
    begun = time.process_time()
    backend, _, era = name.partition(" ")
    setting = Setting(backend, {"host_era": era} if era else {}, budget=_PLAY_S)
    return Found(name, tuple(_catches(setting, rules=False)), time.process_time() - begun)


def run_one(name: str, every: bool) -> Found:
    """A fault or a control by name: what a worker is given."""
    if name in CONTROLS:
        return control(name)
    return judged(fault_of(name), every=every)


def _catches(setting: Setting, *, rules: bool) -> Iterator[Catch]:
    if rules and setting.rom is not None:
        for broken in violations(setting.rom):
            yield Catch(Means.RULES, broken.field, broken.rule)
    if setting.abi == _PLAYED:
        yield from _by_model(setting)
        yield from _by_guests(setting)


def _by_model(setting: Setting) -> Iterator[Catch]:
    try:
        explored = explore(setting, _SEED, CALLS, shorten=False)
    except Refused:
        return  # that it can't be composed is for the guests to tell
    except Died as died:
        yield Catch(Means.MODEL, "the player comes up", str(died))
        return
    if explored.difference is not None:
        step = explored.difference.step
        yield Catch(
            Means.MODEL, step.call if step else "a sequence comes to its end", explored.difference.why
        )


def _by_guests(setting: Setting) -> Iterator[Catch]:
    suite = load_suite(setting.abi)
    try:
        boots = plan(suite, [(setting.backend, "embedded")], rom=setting.rom, budget=_BOOT_S)
    except Refused as refused:
        yield Catch(Means.RULES, refused.field, refused.rule)
        return
    for boot in boots:
        boot.request.options.update(setting.options)
        yield from _by_guest(suite, boot)


def _by_guest(suite: Suite, boot: Boot) -> Iterator[Catch]:
    result = registry.boot(boot.request)
    (judgement,) = conclude(suite, [boot], [result]).judgements
    means = Means.OUTSIDE if suite.checks.guests[boot.guest].outside else Means.GUEST
    yield from _failed(judgement, means)
    if judgement.booted[0].outcome is not Outcome.SUCCESS:
        yield Catch(means, f"{boot.guest}: comes to its end", judgement.booted[0].reason)


def _failed(judgement: Judgement, means: Means) -> Iterator[Catch]:
    told = set()
    for verdict in judgement.verdicts.values():
        for one in verdict.checks:
            outcome = one.state.outcome
            if outcome in (None, Outcome.SUCCESS, Outcome.SKIP) or one.reason.startswith(NOT_REACHED):
                continue
            if one.check.label not in told:
                told.add(one.check.label)
                yield Catch(means, one.check.label, one.reason)
    for line in judgement.strays:
        yield Catch(means, line, "a failed line that no table lists")


def names(select: Sequence[str]) -> tuple[str, ...]:
    """Ids of the faults that match one of these: an id or its beginning, a backend, an area; all if none."""
    found = []
    for fault in all_faults():
        words = (fault.backend, fault.breaks.lower(), fault.where.value)
        if not select or any(fault.id.startswith(word) or word.lower() in words for word in select):
            found.append(fault.id)
    return tuple(found)
