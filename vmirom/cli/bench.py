"""``vmirom bench``: how long boots take, and whether their counts repeat."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from vmirom.cli.choices import BackendName, HostName, PathArgument, abi_option, json_option
from vmirom.cli.main import LazyGroup
from vmirom.cli.model import paging_option, played_abi_option, settings_for
from vmirom.hosts.outcomes import BootResult, Outcome, worst

__all__ = ["bench"]

_DIFFERENT = 5


@click.group(
    cls=LazyGroup,
    lazy={
        "abi": ("vmirom.cli.bench_abi:abi", "Measure comparisons of ABIs."),
        "conform": ("vmirom.cli.bench_conform:conform", "Measure the whole conformance suite."),
        "campaign": ("vmirom.cli.bench_campaign:campaign", "Measure what a campaign costs beyond its boots."),
    },
    epilog="\b\nExamples:\n  vmirom bench boot --runs 10\n  vmirom bench abi\n  vmirom bench campaign\n",
)
def bench() -> None:
    """Measure boots, campaigns, and comparisons of ABIs."""


@bench.command(epilog="\b\nExample:\n  vmirom bench boot --runs 10 --on xen --json\n")
@click.argument("guest", required=False, type=PathArgument())
@click.option("--on", "backends", multiple=True, type=BackendName(), metavar="B", help="Backend; repeatable.")
@abi_option
@click.option("--runs", type=click.IntRange(1, 1000), default=5, metavar="N", help="Boots (default 5).")
@click.option("--memory", type=click.IntRange(5, 512), default=16, metavar="MIB", help="Memory (default 16).")
@click.option(
    "--host", type=HostName(), default="embedded", metavar="NAME", help="Where to boot (default embedded)."
)
@json_option
def boot(
    guest: Path | None,
    backends: tuple[str, ...],
    abi: tuple[int, int],
    runs: int,
    memory: int,
    host: str,
    as_json: bool,
) -> int:
    """Boot GUEST N times on each backend, one at a time, and print seconds and counts.

    Counts of calls and hypercalls are exact; where they differ between runs (a guest that waits for
    time does so a little differently each time) least and most are shown.
    """
    from vmirom.cli.boot import BootSettings, requests_for
    from vmirom.cli.sources import guest_source
    from vmirom.hosts.backends import backend_names
    from vmirom.hosts.workers import boot_all
    from vmirom.report.json_text import json_bytes

    names = tuple(dict.fromkeys(backends)) or backend_names()
    pairs = [(name, host) for name in names]
    requests = requests_for(guest_source(guest, abi), pairs, BootSettings(abi, memory, "", 60.0, None))
    results = [boot_all(requests, jobs=1) for _ in range(runs)]
    rows = [_row([run[number] for run in results]) for number in range(len(names))]
    if as_json:
        sys.stdout.write(json_bytes({"runs": runs, "backends": rows}).decode())
    else:
        click.echo("\n".join(_lines(rows)))
    return worst(result.outcome for run in results for result in run).exit_code


@bench.command("model", epilog="\b\nExample:\n  vmirom bench model --calls 100000 --on xen\n")
@click.option("--on", "backends", multiple=True, type=BackendName(), metavar="B", help="Backend; repeatable.")
@click.option(
    "--calls", type=click.IntRange(1), default=20_000, metavar="N", help="Calls each (default 20000)."
)
@click.option("--seed", type=int, default=0, metavar="N", help="Other sequences (default 0).")
@played_abi_option
@paging_option
@json_option
def model_run(
    backends: tuple[str, ...], calls: int, seed: int, abi: str | None, two_level: bool, as_json: bool
) -> int:
    """Play random sequences of calls on each backend and print how many calls a second of processor time.

    Generation, the machine, and the comparison with the model all count; one processor does it. Calls are
    those that were compared: what brings a machine back to where a sequence begins is not among them.
    """
    from vmirom.conform.model.explore import explore
    from vmirom.report.json_text import json_bytes

    settings = settings_for(backends, abi, two_level)
    found = [explore(one, seed, calls, shorten=False) for one in settings]
    total, seconds = sum(one.calls for one in found), sum(one.seconds for one in found)
    rows = [(one.setting.label, one.calls, one.seconds) for one in found] + [("all", total, seconds)]
    if as_json:
        told = [{"setting": a, "calls": b, "seconds": c, "rate": b / c} for a, b, c in rows]
        sys.stdout.write(json_bytes(told).decode())
    else:
        for label, made, spent in rows:
            click.echo(f"{label:28} {made:8} calls {spent:7.2f} s {made / spent:8.0f} calls/s")
    return _DIFFERENT if any(one.difference for one in found) else 0


def _row(results: Sequence[BootResult]) -> dict[str, Any]:
    seconds = sorted(result.seconds for result in results)
    return {
        "backend": results[0].label,
        "outcome": worst(result.outcome for result in results),
        "seconds": {"min": seconds[0], "median": statistics.median(seconds), "max": seconds[-1]},
        "calls": _range([result.call_total for result in results]),
        "hypercalls": _range([result.hypercall_total for result in results]),
    }


def _range(counts: Sequence[int]) -> dict[str, Any]:
    return {"min": min(counts), "max": max(counts), "exact": min(counts) == max(counts)}


def _lines(rows: Sequence[dict[str, Any]]) -> list[str]:
    lines = [f"{'backend':8} {'min':>8} {'median':>8} {'max':>8}  {'calls':>15} {'hypercalls':>15}"]
    for row in rows:
        times = " ".join(f"{row['seconds'][key]:6.3f} s" for key in ("min", "median", "max"))
        bad = "" if row["outcome"] is Outcome.SUCCESS else f"  {row['outcome'].value}"
        lines.append(
            f"{row['backend']:8} {times}  {_shown(row['calls']):>15} {_shown(row['hypercalls']):>15}{bad}"
        )
    return lines


def _shown(counts: dict[str, Any]) -> str:
    return str(counts["min"]) if counts["exact"] else f"{counts['min']}-{counts['max']}"
