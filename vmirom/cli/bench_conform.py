"""``vmirom bench conform``: how long the whole suite takes, and how much that is."""

from __future__ import annotations

import statistics
import sys
import time
from typing import Any

import click

from vmirom.cli.choices import BackendName, json_option
from vmirom.cli.failing import Fault

__all__ = ["conform"]


@click.command(epilog="\b\nExample:\n  vmirom bench conform --runs 3\n")
@click.option("--on", "backends", multiple=True, type=BackendName(), metavar="B", help="Backend; repeatable.")
@click.option("--runs", type=click.IntRange(1, 100), default=3, metavar="N", help="Runs (default 3).")
@click.option(
    "--jobs", type=click.IntRange(1, 256), metavar="N", help="Boots at a time (default: one a CPU)."
)
@json_option
def conform(backends: tuple[str, ...], runs: int, jobs: int | None, as_json: bool) -> int:
    """Run all checks on the embedded hypervisors N times, and print seconds and exact counts."""
    from vmirom.conform.judge import State
    from vmirom.conform.run import plan, run
    from vmirom.conform.suite import load_suite
    from vmirom.hosts.backends import backend_names
    from vmirom.hosts.outcomes import worst
    from vmirom.hosts.request import EMBEDDED
    from vmirom.report.json_text import json_bytes
    from vmirom.rom.errors import RomError
    from vmirom.schema import AbiError

    names = tuple(dict.fromkeys(backends)) or backend_names()
    seconds, outcomes, found = [], [], None
    try:
        for _ in range(runs):
            start = time.monotonic()
            suite = load_suite("3.1")
            boots = plan(suite, [(name, EMBEDDED) for name in names])
            found = run(suite, boots, jobs=jobs)
            seconds.append(time.monotonic() - start)
            outcomes.append(found.outcome)
    except (AbiError, RomError) as error:
        raise Fault(str(error)) from None
    assert found is not None  # there is at least one run
    row: dict[str, Any] = {
        "runs": runs,
        "outcome": worst(outcomes).value,
        "seconds": {"min": min(seconds), "median": statistics.median(seconds), "max": max(seconds)},
        "boots": len(boots),
        "checks": sum(len(suite.checks.guests[boot.guest].checks) for boot in boots),
        "clauses": len(suite.selection.chosen),
        "passed": {judged.label: judged.count(State.SUCCESS) for judged in found.judgements},
    }
    if as_json:
        sys.stdout.write(json_bytes(row).decode())
    else:
        times = ", ".join(f"{key} {row['seconds'][key]:.1f} s" for key in ("min", "median", "max"))
        passed = ", ".join(f"{name} {count}" for name, count in row["passed"].items())
        click.echo(f"{runs} runs, {row['outcome']}: {times}")
        click.echo(
            f"{row['boots']} boots, {row['checks']} checks, {row['clauses']} clauses; passed: {passed}"
        )
    return worst(outcomes).exit_code
