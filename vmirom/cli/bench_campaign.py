"""``vmirom bench campaign``: what a campaign costs beyond its boots."""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import click

from vmirom.cli.choices import PathArgument, json_option

__all__ = ["campaign"]


@click.command(epilog="\b\nExample:\n  vmirom bench campaign --jobs 2 --json\n")
@click.argument("guest", required=False, type=PathArgument())
@click.option("--seeds", type=click.IntRange(1, 1000), default=5, metavar="N", help="Seeds (default 5).")
@click.option("--jobs", type=click.IntRange(1, 1024), metavar="N", help="Boots at a time (default 1 a CPU).")
@json_option
def campaign(guest: Path | None, seeds: int, jobs: int | None, as_json: bool) -> int:
    """Measure what a campaign costs beyond its boots.

    GUEST is booted on all backends with N seeds, as a campaign and plainly.
    Both boot the same requests with as many workers; what the campaign takes longer is its file.
    """
    from vmirom.report.json_text import json_bytes

    row, code = _campaign_row(guest, seeds, jobs)
    if as_json:
        sys.stdout.write(json_bytes(row).decode())
    else:
        click.echo(
            f"{row['jobs']} jobs, {row['workers']} workers: campaign {row['campaign_seconds']:.2f} s "
            f"({row['jobs_a_second']:.2f} jobs/s), plain boots {row['plain_seconds']:.2f} s, "
            f"ratio {row['ratio']:.3f}; {row['record_ms']:.2f} ms to store one result"
        )
    return code


def _campaign_row(guest: Path | None, seeds: int, jobs: int | None) -> tuple[dict[str, Any], int]:
    from vmirom.cli.sources import guest_source
    from vmirom.conform.campaign.crew import LocalCrew
    from vmirom.conform.campaign.definition import Definition, GuestEntry, Place, Seeds
    from vmirom.conform.campaign.drive import drive
    from vmirom.conform.campaign.matrix import read_matrix
    from vmirom.conform.campaign.plan import make_plan
    from vmirom.conform.campaign.store import Store
    from vmirom.hosts.backends import backend_names
    from vmirom.hosts.workers import boot_all

    data = guest_source(guest, (3, 1)).data
    places = tuple(Place(backend, "embedded") for backend in backend_names())
    definition = Definition(
        guests=(GuestEntry.of("guest", data),),
        places=places,
        versions=("3.1",),
        seeds=Seeds(((0, seeds - 1),)),
        vary=("memory", "layout", "era"),
    )
    plan = make_plan(definition, {"guest": data})
    crew = LocalCrew(jobs)
    requests = [job.request(plan.bundles[job.bundle]) for job in plan.jobs]
    start = time.perf_counter()
    boot_all(requests, jobs=crew.workers)
    plain = time.perf_counter() - start
    with tempfile.TemporaryDirectory(prefix="vmirom-") as folder:
        start = time.perf_counter()
        with Store.create(Path(folder, "campaign.db"), plan) as store:
            drive(store, crew, lambda progress: None)
            taken = time.perf_counter() - start
            results = list(store.results())
            code = read_matrix(store).outcome.exit_code
        with Store.create(Path(folder, "again.db"), plan) as store:
            start = time.perf_counter()
            for recorded in results:
                store.record(recorded.job.id, recorded.result, recorded.worker)
            each = (time.perf_counter() - start) / len(results)
    return {
        "jobs": len(plan.jobs),
        "workers": crew.workers,
        "campaign_seconds": taken,
        "plain_seconds": plain,
        "jobs_a_second": len(plan.jobs) / taken,
        "ratio": taken / plain,
        "record_ms": 1000 * each,
    }, code
