"""A conform run: which guests are booted where, and what the boots together say.

A boot is told apart by (guest, backend, host, abi). The boots of all guests on one (backend, host) give one
verdict a clause::

    suite = load_suite("3.1", ["IRQ"])
    found = run(suite, plan(suite, [("xen", "embedded")]))
    found.outcome, found.judgements[0].verdicts["VMI-IRQ-01"].state
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from vmirom.bundle.compose import compose
from vmirom.conform.boots import Boot, Booted
from vmirom.conform.checks import REFERENCE, GuestTable
from vmirom.conform.clauses import Selection
from vmirom.conform.coverage import CallCoverage, ClauseCoverage, call_coverage, clause_coverage
from vmirom.conform.hostside.boots import watched_boot
from vmirom.conform.hostside.examiners import BEGINNING, EXAMINERS, SEED
from vmirom.conform.judge import Judgement, judge, judge_place, verdict
from vmirom.conform.suite import Suite
from vmirom.hosts import registry
from vmirom.hosts.outcomes import BootResult, Outcome
from vmirom.hosts.request import EMBEDDED, BootRequest, Maker
from vmirom.hosts.workers import Tick, Watcher, boot_all
from vmirom.machine.clock import VIRTUAL
from vmirom.rom.image import load_rom
from vmirom.schema.places import source_tree

__all__ = ["Boot", "Booted", "Conformance", "conclude", "guest_image", "not_booted", "plan", "run"]

_QUIET_ENDS: Final = frozenset({"off", "reboot"})
"""Ends without a word from the guest: not booted for where the host can't tell them from a crash."""


@dataclass(frozen=True, slots=True)
class Conformance:
    """What a run says, and what there is to say without one: ``judgements`` is empty then."""

    selection: Selection
    covered: Sequence[ClauseCoverage]
    calls: Sequence[CallCoverage]
    judgements: Sequence[Judgement] = ()

    @property
    def outcome(self) -> Outcome:
        """The worst; a skip where nothing was checked."""
        return verdict(self.judgements, self.selection)


def guest_image(name: str) -> bytes:
    """The shipped guest ``name``. Raises AbiError, OSError."""
    return (source_tree("romsrc") / "blobs" / f"{name}.elf").read_bytes()


def plan(
    suite: Suite,
    places: Iterable[tuple[str, str]],
    *,
    rom: bytes | None = None,
    memory_mib: int = 16,
    budget: float | None = None,
    seed: int = SEED,
    clock: str = VIRTUAL,
) -> tuple[Boot, ...]:
    """The boots that check what is selected: for each (backend, host) of ``places`` one of each guest that
    has a check of a selected clause. ``rom`` takes the shipped ROM's place; ``budget`` is seconds a boot,
    None as long as the host likes; ``clock`` is that of embedded machines. ``seed`` is that of what
    examinations from outside draw; these are made on the embedded host, and the first of them of any ROM that
    is given, for what the ROM answers to its calls.

    Raises AbiError, RomError, OSError, and Refused for a ROM that can't be composed with a guest.
    """
    wanted = [clause.id for clause in suite.selection.chosen]
    always = {BEGINNING} if rom is not None else set()
    tables = [t for t in suite.checks.guests.values() if t.answers_for(wanted) or t.guest in always]
    images = {name: guest_image(name) for name in dict.fromkeys(table.image for table in tables)}
    major, _, minor = suite.version.partition(".")
    abi = int(major), int(minor)
    places = list(dict.fromkeys(places))
    bundles: dict[tuple[str, str], bytes] = {}
    for backend in dict.fromkeys(backend for backend, _ in places):
        blob = load_rom(backend, suite.version).data if rom is None else rom
        for name, image in images.items():
            bundles[name, backend] = compose(image, blob, backend, abi)
    return tuple(
        Boot(
            table.guest,
            suite.version,
            BootRequest(
                backend=backend,
                bundle=bundles[table.image, backend],
                memory_mib=memory_mib,
                command_line=table.command_line,
                budget=budget or registry.budget_of(host),
                host=host,
                options=_options(table, host, seed, clock),
                by=_maker(table, host),
            ),
            table.ends,
        )
        for backend, host in places
        for table in tables
        if host == EMBEDDED or not table.outside
        if registry.tells_ends(host) or not _QUIET_ENDS.issuperset(table.ends or ("success",))
    )


def _options(table: GuestTable, host: str, seed: int, clock: str) -> dict[str, Any]:
    seeded = {"seed": seed} if table.outside else {}
    return {**seeded, "clock": clock} if host == EMBEDDED else seeded


def _maker(table: GuestTable, host: str) -> Maker | None:
    """Who makes a boot instead of the host: an examination from outside, or whoever looks on."""
    if table.outside:
        return EXAMINERS[table.guest]
    return watched_boot if table.beside and host == EMBEDDED else None


def run(
    suite: Suite,
    boots: Sequence[Boot],
    watcher: Watcher | None = None,
    jobs: int | None = None,
    *,
    reference_first: bool = False,
) -> Conformance:
    """Make the boots, ``jobs`` at a time (default: one a CPU), and judge them. ``watcher`` is told of each by
    its index. ``reference_first`` is for ROMs of which nothing is known: where the reference guest does not
    come through vmi_init, no other is booted; what the ROM does before its guest is looked at in any case.
    Raises KeyboardInterrupt when asked to; no worker outlives this call."""
    results: dict[int, BootResult] = {}
    left = list(range(len(boots)))
    if reference_first:
        first = [at for at in left if boots[at].guest in (REFERENCE, BEGINNING)]
        results |= _booted(boots, first, watcher, jobs)
        references = [at for at in first if boots[at].guest == REFERENCE]
        lost = {boots[at].key[1:] for at in references if not results[at].transcript}
        left = [at for at in left if at not in results and boots[at].key[1:] not in lost]
    results |= _booted(boots, left, watcher, jobs)
    made = sorted(results)
    return conclude(suite, [boots[at] for at in made], [results[at] for at in made])


def _booted(
    boots: Sequence[Boot], which: Sequence[int], watcher: Watcher | None, jobs: int | None
) -> dict[int, BootResult]:
    """Results of some of the boots, by index."""

    def told(tick: Tick) -> None:
        if watcher is not None:
            watcher(replace(tick, index=which[tick.index]))

    return dict(zip(which, boot_all([boots[at].request for at in which], told, jobs), strict=True))


def not_booted(suite: Suite, places: Iterable[tuple[str, str]]) -> Conformance:
    """What there is to say of a ROM whose image alone forbids to boot it."""
    return _concluded(suite, [judge_place(suite, backend, host) for backend, host in places])


def conclude(suite: Suite, boots: Sequence[Boot], results: Sequence[BootResult]) -> Conformance:
    """Judge boots that were made, wherever that was; ``results`` in the order of ``boots``."""
    places: dict[tuple[str, str], list[Booted]] = {}
    for boot, result in zip(boots, results, strict=True):
        places.setdefault((boot.request.backend, boot.request.host), []).append(Booted(boot, result))
    return _concluded(suite, [judge(suite, booted) for booted in places.values()])


def _concluded(suite: Suite, judgements: Sequence[Judgement]) -> Conformance:
    covered = clause_coverage(suite.selection.chosen, suite.checks)
    calls = call_coverage(suite.calls, suite.selection.chosen, covered, judgements)
    return Conformance(suite.selection, covered, calls, judgements)
