"""The loop of a campaign: what has no result is booted, and every result is stored before it is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import lru_cache

from vmirom.conform.campaign.crew import Crew, Done, Unit
from vmirom.conform.campaign.plan import units
from vmirom.conform.campaign.store import Store

__all__ = ["Progress", "drive"]


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a campaign is: jobs that have a result, those in all, and the one that just ended, if one did."""

    done: int
    total: int
    last: Done | None = None


def drive(store: Store, crew: Crew, watcher: Callable[[Progress], None]) -> int:
    """Boot every job without a result; how many were booted now. Stopped at any point (KeyboardInterrupt, a
    kill), it keeps all results so far. Raises CampaignError; then, too, they are kept."""
    bundle = lru_cache(maxsize=64)(store.bundle)

    def wanted() -> Iterator[Unit]:
        for jobs in units(store.pending()):
            yield Unit(jobs, [job.request(bundle(job.bundle)) for job in jobs])

    total, finished, booted = store.total(), store.done(), 0
    watcher(Progress(finished, total))
    boots = crew.boot(wanted(), lambda: watcher(Progress(finished, total)))
    with closing(boots):  # type: ignore[type-var]
        for done in boots:
            if store.record(done.job.id, done.result, done.worker):
                finished += 1
                booted += 1
            watcher(Progress(finished, total, done))
    return booted
