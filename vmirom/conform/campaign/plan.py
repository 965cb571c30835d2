"""From a definition to jobs: each with all that its boot needs, so that it can be made again years later."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from vmirom.bundle.refused import GuestError, Refused
from vmirom.bundle.shipped import guest_bundle
from vmirom.conform.campaign.definition import Definition
from vmirom.conform.campaign.refused import CampaignError
from vmirom.conform.campaign.variation import Option, beginning, variation
from vmirom.hosts import registry
from vmirom.hosts.outcomes import BootResult, Outcome
from vmirom.hosts.request import EMBEDDED, BootRequest, label
from vmirom.machine.clock import VIRTUAL
from vmirom.rom.errors import RomError

__all__ = ["Job", "Plan", "make_plan", "units"]

_TOGETHER = 8
"""Most jobs that a host which boots several at once gets in one go: what a kill can cost."""


@dataclass(frozen=True, slots=True)
class Job:
    """One boot. ``bundle`` is the sha256 of its bytes; empty where none can be made."""

    id: int
    guest: str
    backend: str
    host: str
    abi: str
    seed: int
    memory_mib: int
    command_line: str
    options: dict[str, Option]
    budget: float
    bundle: str

    @property
    def name(self) -> str:
        """For people."""
        return f"{self.guest} on {label(self.backend, self.host)}, ABI {self.abi}, seed {self.seed}"

    def request(self, bundle: bytes) -> BootRequest:
        """The boot itself."""
        return BootRequest(
            backend=self.backend,
            bundle=bundle,
            memory_mib=self.memory_mib,
            command_line=self.command_line,
            budget=self.budget,
            options=dict(self.options),
            host=self.host,
        )


@dataclass(frozen=True, slots=True)
class Plan:
    """All jobs of a campaign, the bundles that they name, and the results, by job, of those without one."""

    definition: Definition
    jobs: tuple[Job, ...]
    bundles: Mapping[str, bytes]
    settled: Mapping[int, BootResult] = field(default_factory=dict)


def make_plan(definition: Definition, guests: Mapping[str, bytes]) -> Plan:
    """Jobs in the order in which they run: every guest everywhere with one seed, before the next seed. A
    guest that wants a newer version than one that is run skips it. Raises CampaignError."""
    definition.check()
    bundles: dict[str, bytes] = {}
    made: dict[tuple[str, str, str], str | BootResult] = {}
    for guest in definition.guests:
        for version in definition.versions:
            for backend in dict.fromkeys(place.backend for place in definition.places):
                bundle = _bundle(guests[guest.name], backend, version)
                if isinstance(bundle, bytes):
                    digest = hashlib.sha256(bundle).hexdigest()
                    bundles[digest] = bundle
                    made[guest.name, version, backend] = digest
                else:
                    made[guest.name, version, backend] = bundle
    names = {key: name if isinstance(name, str) else "" for key, name in made.items()}
    jobs = tuple(_jobs(definition, names))
    settled = {
        job.id: replace(why, host=job.host)
        for job in jobs
        if isinstance(why := made[job.guest, job.abi, job.backend], BootResult)
    }
    return Plan(definition, jobs, bundles, settled)


def _bundle(guest: bytes, backend: str, version: str) -> bytes | BootResult:
    major, minor = version.split(".")
    try:
        return guest_bundle(guest, backend, (int(major), int(minor)))
    except RomError as error:
        raise CampaignError(str(error)) from None
    except GuestError as refused:
        return BootResult(backend, Outcome.SKIP, str(refused))
    except Refused as refused:
        return BootResult(backend, Outcome.ERROR, str(refused))


def _jobs(definition: Definition, bundles: Mapping[tuple[str, str, str], str]) -> Iterator[Job]:
    number = 0
    for seed in definition.seeds:
        for guest in definition.guests:
            for version in definition.versions:
                for place in definition.places:
                    number += 1
                    changed = variation(
                        seed, place.backend, definition.vary, definition.memory_mib, definition.append
                    )
                    yield Job(
                        id=number,
                        guest=guest.name,
                        backend=place.backend,
                        host=place.host,
                        abi=version,
                        seed=seed,
                        memory_mib=changed.memory_mib,
                        command_line=changed.command_line,
                        options=changed.options | _time(definition, place.host, seed),
                        budget=definition.budget or registry.budget_of(place.host),
                        bundle=bundles[guest.name, version, place.backend],
                    )


def _time(definition: Definition, host: str, seed: int) -> dict[str, Option]:
    """What the machine's time goes by; real hosts have their own."""
    if host != EMBEDDED or definition.clock != VIRTUAL:
        return {}
    return {"clock": VIRTUAL, **beginning(seed, definition.vary)}


def units(jobs: Iterable[Job], together: int = _TOGETHER) -> Iterator[Sequence[Job]]:
    """What one worker takes at a time: a job, or up to ``together`` of a host that boots several at once."""
    waiting: dict[str, list[Job]] = {}
    gathers: dict[str, bool] = {}
    for job in jobs:
        if job.host not in gathers:
            gathers[job.host] = registry.gathers(job.host)
        if not gathers[job.host]:
            yield [job]
            continue
        waiting.setdefault(job.host, []).append(job)
        if len(waiting[job.host]) == together:
            yield waiting.pop(job.host)
    yield from waiting.values()
