"""Campaigns over hand-made guests, whose boots are told instead of made."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

import vmirom.conform.campaign.plan
from tests.bundle.images import GuestRecipe, RomRecipe
from vmirom.bundle.compose import compose
from vmirom.conform.campaign.crew import Done, Unit
from vmirom.conform.campaign.definition import Definition, GuestEntry, Place, Seeds
from vmirom.conform.campaign.plan import Job, Plan, make_plan
from vmirom.hosts.outcomes import BootResult, Outcome

GUEST = GuestRecipe().build()


def definition(seeds: str = "0-4", backends: tuple[str, ...] = ("native", "xen")) -> Definition:
    places = tuple(Place(backend, "embedded") for backend in backends)
    return Definition((GuestEntry.of("g", GUEST),), places, ("3.1",), Seeds.parse(seeds))


@pytest.fixture
def plan(monkeypatch: pytest.MonkeyPatch) -> Plan:
    """Ten jobs, with hand-made ROMs."""
    return plan_with(monkeypatch, definition())


def plan_with(monkeypatch: pytest.MonkeyPatch, wanted: Definition) -> Plan:
    hand_made(monkeypatch)
    return make_plan(wanted, {"g": GUEST})


def hand_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        vmirom.conform.campaign.plan,
        "guest_bundle",
        lambda guest, backend, abi: compose(guest, RomRecipe(backend).build(), backend, abi),
    )


def well(job: Job) -> BootResult:
    return BootResult(
        job.backend, Outcome.SUCCESS, "power off", ("hello",), ("1 ms",), {"SetCR3": 2}, seconds=0.5
    )


class ToldCrew:
    """Boots nothing: ``ending(job)`` is each result. ``taken`` are the jobs that it was given, in order."""

    workers = 2

    def __init__(self, ending: Callable[[Job], BootResult] = well) -> None:
        self.ending = ending
        self.taken: list[int] = []

    def boot(self, units: Iterable[Unit], idle: Callable[[], None]) -> Iterator[Done]:
        for unit in units:
            for job, request in zip(unit.jobs, unit.requests, strict=True):
                assert (request.backend, request.memory_mib) == (job.backend, job.memory_mib)
                self.taken.append(job.id)
                idle()
                yield Done(job, self.ending(job), "told")


def rows(path: Path, question: str) -> list[tuple[object, ...]]:
    """What the file says to SQLite itself, with none of our code between."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        return database.execute(question).fetchall()
