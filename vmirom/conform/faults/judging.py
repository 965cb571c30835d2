"""Which checks catch a fault: the rules of a ROM, the model, the guests of a conform run, and what is called
from outside.

A check that fails names clauses. A fault is caught for the right reason when one of them is a clause that the
fault breaks; such a clause is *shown*. So first come the rules and those boots that answer for what the fault
breaks, then the model, which names no clause, and all other boots.

One process per fault at a time: a fault is in force for all that a process does.
"""

from __future__ import annotations

import enum
import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from vmirom.bundle.refused import Refused
from vmirom.conform.boots import Boot
from vmirom.conform.faults.fault import CantApply, Fault, Where, applied
from vmirom.conform.faults.listed import all_faults, fault_of
from vmirom.conform.judge import NOT_PRINTED, NOT_REACHED, CheckResult, Judgement
from vmirom.conform.model.explore import explore
from vmirom.conform.model.player import Died, Setting
from vmirom.conform.run import conclude, plan
from vmirom.conform.suite import Suite, load_suite
from vmirom.hosts import registry
from vmirom.hosts.outcomes import Outcome
from vmirom.machine.clock import HOST, VIRTUAL
from vmirom.rom.image import violations

__all__ = ["CONTROLS", "Catch", "Found", "Means", "control", "judged", "names", "run_one"]

CALLS: Final = 6000
"""Calls that the model plays before it gives a fault up."""
_SEED: Final = 3
_PLAYED: Final = "3.1"
"""The version that the shipped guests need; ROMs of an older one are only held against the rules."""
_PLAY_S: Final = 5.0
"""Virtual seconds that one sequence of the model may take."""
_BOOT_S: Final = 10.0
"""Seconds of the host's that a boot may. A guest that waits in vain looks at its clocks all the while, which
by virtual time takes several times as long."""
_AGAIN_S: Final = 3.0
"""Seconds of virtual time that a boot may, where a fault was not shown by the host's: there an interrupt
comes when it likes, and whether it meets the moment that matters is chance. A reference boot takes a
twentieth of it."""
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
    """One check that caught a fault: ``check`` names it, ``how`` is what it saw; ``clauses`` are those that
    it answers for where it was made, none for the model and for a boot that merely ends badly."""

    means: Means
    check: str
    how: str
    clauses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """What became of one fault (or of a control run, whose id is its machine). ``breaks`` are the clauses
    that the fault is said to break; ``problem`` says why it could not be tried."""

    id: str
    catches: tuple[Catch, ...]
    seconds: float
    problem: str = ""
    breaks: tuple[str, ...] = ()

    @property
    def caught(self) -> bool:
        """Whether any check saw it. What could not be tried is not caught."""
        return bool(self.catches) and not self.problem

    @property
    def shown(self) -> tuple[str, ...]:
        """Clauses that it breaks and that a check which failed answers for."""
        named = {clause for catch in self.catches for clause in catch.clauses}
        return tuple(clause for clause in self.breaks if clause in named and not self.problem)

    @property
    def rightly(self) -> bool:
        """Whether it was caught for the right reason: by a check of a clause that it breaks."""
        return bool(self.shown)


def judged(fault: Fault, *, every: bool) -> Found:
    """Try one fault in this process, until every clause that it breaks is shown. ``every``: with all checks,
    also then."""
    begun = time.process_time()
    catches: list[Catch] = []
    problem = ""
    try:
        with applied(fault):
            left = set(fault.breaks)
            setting = fault.setting(_PLAY_S)
            for catch in _catches(setting, fault.breaks, rules=fault.where is Where.ROM):
                catches.append(catch)
                left.difference_update(catch.clauses)
                if not left and not every:
                    break
            if left:
                catches += _again(setting, sorted(left))
    except CantApply as error:
        problem = str(error)
    return Found(fault.id, tuple(catches), time.process_time() - begun, problem, fault.breaks)


def control(name: str) -> Found:
    """The same checks on a machine without a fault, by virtual time: nothing may be caught."""
    begun = time.process_time()
    backend, _, era = name.partition(" ")
    setting = Setting(backend, {"host_era": era} if era else {}, budget=_PLAY_S, clock=VIRTUAL)
    suite = load_suite(setting.abi)
    caught = [*_by_guests(suite, setting, _planned(suite, setting, VIRTUAL, _BOOT_S)), *_by_model(setting)]
    return Found(name, tuple(caught), time.process_time() - begun)


def run_one(name: str, every: bool) -> Found:
    """A fault or a control by name: what a worker is given."""
    if name in CONTROLS:
        return control(name)
    return judged(fault_of(name), every=every)


def _catches(setting: Setting, breaks: Sequence[str], *, rules: bool) -> Iterator[Catch]:
    suite = load_suite(setting.abi)
    if rules and setting.rom is not None:
        for broken in violations(setting.rom):
            yield _by_rule(suite, broken.field, broken.rule)
    if setting.abi != _PLAYED:
        return
    try:
        boots = _planned(suite, setting, HOST, _BOOT_S)
    except Refused as refused:
        yield _by_rule(suite, refused.field, refused.rule)
        boots = ()
    about = _about(suite, boots, breaks)
    yield from _by_guests(suite, setting, about)
    yield from _by_model(setting)
    yield from _by_guests(suite, setting, [boot for boot in boots if boot not in about])


def _again(setting: Setting, breaks: Sequence[str]) -> Iterator[Catch]:
    """What the boots that answer for these clauses see by virtual time."""
    suite = load_suite(setting.abi)
    if setting.abi != _PLAYED:
        return
    try:
        boots = _planned(suite, setting, VIRTUAL, _AGAIN_S)
    except Refused:
        return  # told already
    yield from _by_guests(suite, setting, _about(suite, boots, breaks))


def _about(suite: Suite, boots: Sequence[Boot], breaks: Sequence[str]) -> list[Boot]:
    """Those that answer for one of these clauses."""
    return [boot for boot in boots if suite.checks.guests[boot.guest].answers_for(breaks)]


def _planned(suite: Suite, setting: Setting, clock: str, budget: float) -> Sequence[Boot]:
    """All boots on this backend. Raises Refused if its ROM forbids them."""
    return plan(suite, [(setting.backend, "embedded")], rom=setting.rom, budget=budget, clock=clock)


def _by_rule(suite: Suite, field: str, rule: str) -> Catch:
    """A rule of the image, and the clauses that it answers for."""
    mine = [check for check in suite.checks.image if f"{field}.".startswith(f"{check.name}.")]
    return Catch(Means.RULES, field, rule, tuple(name for check in mine for name in check.clauses))


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


def _by_guests(suite: Suite, setting: Setting, boots: Sequence[Boot]) -> Iterator[Catch]:
    for boot in boots:
        boot.request.options.update(setting.options)
        yield from _by_guest(suite, boot)


def _by_guest(suite: Suite, boot: Boot) -> Iterator[Catch]:
    result = registry.boot(boot.request)
    (judgement,) = conclude(suite, [boot], [result]).judgements
    table = suite.checks.guests[boot.guest]
    means = Means.OUTSIDE if table.outside else Means.GUEST
    yield from _failed(judgement, means, {check.label for check in table.beside})
    if judgement.booted[0].outcome is not Outcome.SUCCESS:
        yield Catch(means, f"{boot.guest}: comes to its end", judgement.booted[0].reason)


def _failed(judgement: Judgement, means: Means, beside: Collection[str] = ()) -> Iterator[Catch]:
    """Checks that did not succeed, with the clauses that apply here; those ``beside`` the guest's are made
    from outside. A check that was never made because its guest was gone shows nothing."""
    clauses: dict[str, list[str]] = {}
    reasons: dict[str, str] = {}
    for verdict in judgement.verdicts.values():
        for one in verdict.checks:
            outcome = one.state.outcome
            if outcome in (None, Outcome.SUCCESS, Outcome.SKIP) or one.reason.startswith(NOT_REACHED):
                continue
            shown = clauses.setdefault(one.check.label, [])
            reasons[one.check.label] = one.reason
            if _shows(one, judgement):
                shown.append(verdict.clause)
    for label, reason in reasons.items():
        mine = Means.OUTSIDE if label in beside else means
        yield Catch(mine, label, reason, tuple(clauses[label]))
    for line in judgement.strays:
        yield Catch(means, line, "a failed line that no table lists")


def _shows(one: CheckResult, judgement: Judgement) -> bool:
    """Whether a check that did not succeed shows its clauses broken: it failed, or a guest that came well to
    its end never printed it."""
    if one.state.outcome in (Outcome.FAILURE, Outcome.CRASH):
        return True
    ended_well = all(booted.outcome is Outcome.SUCCESS for booted in judgement.booted)
    return ended_well and one.reason.startswith(NOT_PRINTED)


def names(select: Sequence[str]) -> tuple[str, ...]:
    """Ids of the faults that match one of these: an id or its beginning, a backend, a clause, an area; all if
    none."""
    found = []
    for fault in all_faults():
        words = {word.lower() for word in (fault.backend, fault.where.value, *fault.areas, *fault.breaks)}
        if not select or any(fault.id.startswith(word) or word.lower() in words for word in select):
            found.append(fault.id)
    return tuple(found)
