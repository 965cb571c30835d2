"""``vmirom conform``: every promise of the ABI, and what each backend makes of it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from vmirom.cli.choices import BackendName, PathArgument, Seconds, abi_option, json_option
from vmirom.cli.failing import Fault, write_file

if TYPE_CHECKING:
    from vmirom.conform.run import Conformance
    from vmirom.conform.suite import Suite

__all__ = ["conform"]

_GUEST_NEEDS = (3, 1)


@click.command(
    epilog="\b\nExamples:\n"
    "  vmirom conform                        all clauses on all backends\n"
    "  vmirom conform --on xen --select IRQ  one backend, the clauses of one area\n"
    "  vmirom conform --list --select SetCR3 how the clauses of one call are checked\n"
    "\b\nExit codes: 0 success, 3 skip, 4 error, 5 failure, 6 crash; the worst clause wins. A clause\n"
    "without a check is no success and no skip: it is counted on its own.\n"
)
@click.option("--on", "backends", multiple=True, type=BackendName(), metavar="B", help="Backend; repeatable.")
@abi_option
@click.option(
    "--select",
    "words",
    multiple=True,
    metavar="CLAUSE|AREA|CALL",
    help="Only these clauses: VMI-IRQ-01, 'VMI-TIME-2*', IRQ, SetCR3; repeatable.",
)
@click.option("--list", "listing", is_flag=True, help="Boot nothing: show clauses and how they are checked.")
@json_option
@click.option("--junit", "junit_path", type=PathArgument(), metavar="FILE", help="Write JUnit XML.")
@click.option("--budget", type=Seconds(), default=30.0, metavar="SECONDS", help="Time a boot (default 30).")
@click.option("-v", "--verbose", is_flag=True, help="Show every clause, every call, and the checks.")
def conform(
    backends: tuple[str, ...],
    abi: tuple[int, int],
    words: tuple[str, ...],
    listing: bool,
    as_json: bool,
    junit_path: Path | None,
    budget: float,
    verbose: bool,
) -> int:
    """Boot the reference guest on every backend, and say of each clause of the ABI what became of it."""
    from vmirom.report.conformance import conformance_junit, conformance_lines, conformance_report, list_lines
    from vmirom.report.json_text import json_bytes

    if listing and (junit_path is not None or backends):
        raise Fault("--list", "boots nothing: --on and --junit have no meaning with it")
    if not listing and abi < _GUEST_NEEDS:
        needed = ".".join(map(str, _GUEST_NEEDS))
        raise Fault("--abi", f"the reference guest needs {needed}; older versions can be listed (--list)")
    found = _conformance(backends, abi, words, listing, budget, quiet=as_json)
    if junit_path is not None:
        write_file(junit_path, conformance_junit(found))
    if as_json:
        sys.stdout.write(json_bytes(conformance_report(found)).decode())
    else:
        lines = list_lines(found, verbose) if listing else conformance_lines(found, verbose)
        click.echo("\n".join(lines))
    return 0 if listing else found.outcome.exit_code


def _conformance(
    backends: Sequence[str],
    abi: tuple[int, int],
    words: Sequence[str],
    listing: bool,
    budget: float,
    *,
    quiet: bool,
) -> Conformance:
    from vmirom.conform.clauses import SelectionError
    from vmirom.conform.run import conclude
    from vmirom.conform.suite import load_suite
    from vmirom.hosts.backends import backend_names
    from vmirom.rom.errors import RomError
    from vmirom.schema import AbiError

    try:
        suite = load_suite(f"{abi[0]}.{abi[1]}", words)
        if listing:
            return conclude(suite, (), ())
        names = tuple(dict.fromkeys(backends)) or backend_names()
        return _run(suite, [(name, "embedded") for name in names], budget, quiet)
    except SelectionError as error:
        raise Fault("--select", str(error)) from None
    except (AbiError, RomError) as error:
        raise Fault(str(error)) from None


def _run(suite: Suite, places: Sequence[tuple[str, str]], budget: float, quiet: bool) -> Conformance:
    from vmirom.conform.run import plan, run
    from vmirom.report.table import LiveTable, PlainLines, plain

    boots = plan(suite, places, budget=budget)
    if quiet:
        return run(suite, boots)
    names = [boot.label for boot in boots]
    shown = PlainLines(names, sys.stdout) if plain(sys.stdout) else LiveTable(names)
    with shown:
        return run(suite, boots, shown.tick)
