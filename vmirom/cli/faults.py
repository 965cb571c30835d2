"""``vmirom faults``: do the checks see what is wrong?"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from vmirom.cli.choices import json_option
from vmirom.cli.failing import Fault as Refusal

if TYPE_CHECKING:
    from vmirom.conform.faults.judging import Found
    from vmirom.conform.suite import Suite

__all__ = ["faults"]


@click.command(
    epilog="\b\nExamples:\n"
    "  vmirom faults                          all of them, and machines without one\n"
    "  vmirom faults --select xen --every -v  those of one backend, by every check there is\n"
    "  vmirom faults --list --select IRQ      what there is of one area\n"
    "  vmirom faults --every --clauses        clause by clause: its checks, and the faults that they saw\n"
    "\b\nExit codes: 0 every fault was caught by a check of a clause that it breaks, and nothing else, 1\n"
    "otherwise, 2 bad input. A fault that can't be put in, because what it changes has changed, is not\n"
    "caught.\n"
)
@click.option(
    "--select",
    "words",
    multiple=True,
    metavar="ID|BACKEND|AREA|CLAUSE",
    help="Only these: the beginning of an id, xen, IRQ, VMI-IRQ-03, rom, hypervisor; repeatable.",
)
@click.option(
    "--every", is_flag=True, help="Ask every check, not only until the clauses that a fault breaks are shown."
)
@click.option(
    "--clauses", is_flag=True, help="Tell clause by clause which faults its checks saw, and which none."
)
@click.option("--list", "listing", is_flag=True, help="Try nothing: show what there is.")
@click.option("--jobs", type=click.IntRange(1, 64), metavar="N", help="At a time (default: one a CPU).")
@json_option
@click.option("-v", "--verbose", is_flag=True, help="Show every check that caught, and what it saw.")
def faults(
    words: tuple[str, ...],
    every: bool,
    clauses: bool,
    listing: bool,
    jobs: int | None,
    as_json: bool,
    verbose: bool,
) -> int:
    """Put known faults into ROMs and hypervisors, one at a time and in memory only, and see which checks
    catch them: the rules of a ROM, the guests of a conform run, calls from outside, the model of what a guest
    sees. A fault names the clauses that it breaks; it is caught for the right reason when a check fails that
    answers for one of them."""
    from vmirom.conform.faults.judging import CONTROLS, names
    from vmirom.conform.faults.trying import try_all
    from vmirom.report.faults import clause_lines, fault_lines, fault_report, listed
    from vmirom.report.json_text import json_bytes

    chosen = names(words)
    if not chosen:
        raise Refusal("--select", f"no fault is called or about {', '.join(words)}")
    if listing:
        click.echo("\n".join(listed(chosen)))
        return 0
    todo = (*CONTROLS, *chosen)
    with _progress(len(todo), shown=not as_json) as watcher:
        found = try_all(todo, every=every, jobs=jobs, watcher=watcher)
    report = fault_report(found, _about(words, chosen) if clauses else None)
    if as_json:
        sys.stdout.write(json_bytes(report).decode())
    else:
        lines = [*clause_lines(report, verbose=verbose), ""] if clauses else []
        click.echo("\n".join([*lines, *fault_lines(report, verbose=verbose)]))
    return 0 if report.good else 1


def _about(words: Sequence[str], chosen: Sequence[str]) -> Suite:
    """The clauses that are told of: all, or those of the areas named, or those that chosen faults break."""
    from vmirom.conform.clauses import SelectionError
    from vmirom.conform.faults import fault_of
    from vmirom.conform.suite import load_suite

    if not words:
        return load_suite("3.1")
    try:
        return load_suite("3.1", words)
    except SelectionError:
        return load_suite("3.1", sorted({name for one in chosen for name in fault_of(one).breaks}))


@contextmanager
def _progress(total: int, *, shown: bool) -> Iterator[Callable[[Found], None] | None]:
    """A bar with the time left where a terminal shows it."""
    if not shown or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("faults", total=total)
        yield lambda found: bar.update(task, advance=1, description=found.id)
