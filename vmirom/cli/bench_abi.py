"""``vmirom bench abi``: how long a comparison takes, Python start included, and how many a second."""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import time
from typing import Any

import click

from vmirom.cli.choices import json_option
from vmirom.cli.failing import Fault

__all__ = ["abi"]

_SIDES = ("vmi13@13.0", "vmi3@3.0")
_LINES = ("vmi3@3.1", "vmi13@13.0", "vmi6@6.1")
_FAILED = 2


@click.command(epilog="\b\nExample:\n  vmirom bench abi --runs 10 --diffs 5000 --json\n")
@click.option("--runs", type=click.IntRange(1, 1000), default=5, metavar="N", help="Commands (default 5).")
@click.option(
    "--diffs",
    type=click.IntRange(1, 1_000_000),
    default=3000,
    metavar="N",
    help="Comparisons of changed declarations (default 3000).",
)
@click.option("--seed", type=int, default=0, metavar="N", help="What the changes are drawn by (default 0).")
@json_option
def abi(runs: int, diffs: int, seed: int, as_json: bool) -> int:
    """Run ``vmirom abi diff`` of two full lines N times, then compare declarations with one change each.

    The number of findings is exact: the same seed and count give the same, whatever the machine.
    """
    from vmirom.report.json_text import json_bytes

    facts = {"command": _command(runs), "campaign": _campaign(diffs, seed)}
    if as_json:
        sys.stdout.write(json_bytes(facts).decode())
        return 0
    ms, campaign = facts["command"]["ms"], facts["campaign"]
    click.echo(f"abi diff {' '.join(_SIDES)}, {runs} runs, Python start included:")
    click.echo(f"  {ms['min']:.0f} ms at best, {ms['median']:.0f} ms as a rule, {ms['max']:.0f} ms at worst")
    click.echo(f"  {facts['command']['cpu_ms']:.0f} ms of processor time each")
    click.echo(f"{campaign['diffs']} changed declarations compared, {campaign['findings']} findings:")
    click.echo(f"  {campaign['per_second']:.0f} comparisons a second of one core")
    return 0


def _command(runs: int) -> dict[str, Any]:
    """Milliseconds of the whole command, by the clock on the wall and of the processor."""
    times = []
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    for _ in range(runs):
        begin = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-m", "vmirom", "abi", "diff", *_SIDES],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        times.append((time.perf_counter() - begin) * 1000)
        if done.returncode == _FAILED:
            raise Fault("bench abi", " ".join(done.stderr.split()))
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1000 / runs
    ms = {"min": min(times), "median": statistics.median(times), "max": max(times)}
    return {"runs": runs, "sides": list(_SIDES), "ms": ms, "cpu_ms": cpu}


def _campaign(count: int, seed: int) -> dict[str, Any]:
    """Seconds of this process's own time, spent in the comparison alone."""
    from vmirom.compat import diff, load
    from vmirom.compat.variants import variants

    findings, seconds, made = 0, 0.0, 0
    for at, name in enumerate(_LINES):
        start = load(name)
        share = count // len(_LINES) + (at < count % len(_LINES))
        for changed in variants(start, share, seed + at):
            begin = time.process_time()
            findings += len(diff(start, changed).findings)
            seconds += time.process_time() - begin
            made += 1
    rate = made / seconds if seconds else 0.0
    return {"diffs": made, "seed": seed, "findings": findings, "seconds": seconds, "per_second": rate}
