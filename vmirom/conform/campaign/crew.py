"""Who boots a campaign's jobs on this machine: worker processes, one a CPU."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from vmirom.conform.campaign.plan import Job
from vmirom.hosts.outcomes import BootResult
from vmirom.hosts.request import BootRequest
from vmirom.hosts.workers import boot_stream, cpus

__all__ = ["Crew", "Done", "LocalCrew", "Unit"]


@dataclass(frozen=True, slots=True)
class Unit:
    """What one worker takes at a time, with the requests that follow from the jobs."""

    jobs: Sequence[Job]
    requests: Sequence[BootRequest]


@dataclass(frozen=True, slots=True)
class Done:
    """A job that is over; ``worker`` is who had it."""

    job: Job
    result: BootResult
    worker: str


class Crew(Protocol):
    """Boots units, and gives each job back once, in whatever order they end."""

    def boot(self, units: Iterable[Unit], idle: Callable[[], None]) -> Iterator[Done]:
        """``units`` are taken when there is a worker for them; ``idle`` is called several times a second
        while nothing ends. Closing the iterator ends all boots. Raises CampaignError."""


class LocalCrew:
    """Processes on this machine. One that dies, with its guest, is an error result of its job."""

    def __init__(self, workers: int | None = None) -> None:
        self.workers = workers or cpus()

    def boot(self, units: Iterable[Unit], idle: Callable[[], None]) -> Iterator[Done]:
        """See :class:`Crew`."""
        taken: dict[int, Job] = {}

        def groups() -> Iterator[Sequence[BootRequest]]:
            number = 0
            for unit in units:
                for job in unit.jobs:
                    taken[number] = job
                    number += 1
                yield unit.requests

        stream = boot_stream(groups(), lambda tick: idle(), self.workers)
        try:
            for number, result in stream:
                yield Done(taken.pop(number), result, platform.node())
        finally:
            stream.close()  # type: ignore[attr-defined]
