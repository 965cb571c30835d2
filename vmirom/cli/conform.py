"""``vmirom conform``: every promise of the ABI, and what each backend makes of it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from vmirom.cli.choices import (
    BackendName,
    HostName,
    PathArgument,
    Seconds,
    abi_option,
    clock_option,
    json_option,
)
from vmirom.cli.failing import Fault, read_file, shown
from vmirom.cli.report_files import ReportFiles, made_now, report_options

if TYPE_CHECKING:
    from vmirom.conform.run import Conformance
    from vmirom.conform.suite import Suite
    from vmirom.report.conformance import Occasion

__all__ = ["conform"]

_GUEST_NEEDS = (3, 1)


@click.command(
    epilog="\b\nExamples:\n"
    "  vmirom conform                        all clauses on all backends\n"
    "  vmirom conform --on xen --select IRQ  one backend, the clauses of one area\n"
    "  vmirom conform --list --select SetCR3 how the clauses of one call are checked, and what is left out\n"
    "  vmirom conform --html report.html     a page with the matrix and every failure, for a browser\n"
    "  vmirom conform --rom mine.rom         a ROM that was made elsewhere\n"
    "\b\nExit codes: 0 success, 3 skip, 4 error, 5 failure, 6 crash; the worst clause wins. A clause\n"
    "without a check is no success and no skip: it is counted on its own.\n"
)
@click.option("--on", "backends", multiple=True, type=BackendName(), metavar="B", help="Backend; repeatable.")
@click.option(
    "--host",
    "hosts",
    multiple=True,
    type=HostName("all"),
    metavar="NAME",
    help="Where to boot; repeatable; 'all' for every host. See 'vmirom hosts' (default embedded).",
)
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
@report_options
@click.option(
    "--faults",
    "faults_path",
    type=PathArgument(),
    metavar="FILE",
    help="Tell in the reports which check caught which seeded fault: what 'vmirom faults --json' printed.",
)
@click.option(
    "--expect",
    "expect_path",
    type=PathArgument(),
    metavar="FILE",
    help="Failures that are known: TOML, each with clause, reason and expiry.",
)
@click.option(
    "--rom",
    "rom_path",
    type=PathArgument(),
    metavar="FILE",
    help="Judge this ROM instead of the shipped ones, on the backend it says it is for.",
)
@click.option(
    "--budget",
    type=Seconds(),
    metavar="SECONDS",
    help="Time for each boot (default 30; hosts that need longer take longer).",
)
@click.option(
    "--seed",
    type=click.IntRange(0, (1 << 63) - 1),
    default=None,
    metavar="N",
    help="Of what is drawn for calls that are made from outside (default 1): the same seed, the same calls.",
)
@clock_option("virtual")
@click.option("-v", "--verbose", is_flag=True, help="Show every clause, every call, and the checks.")
def conform(
    backends: tuple[str, ...],
    hosts: tuple[str, ...],
    abi: tuple[int, int],
    words: tuple[str, ...],
    listing: bool,
    as_json: bool,
    html_path: Path | None,
    markdown_path: Path | None,
    junit_path: Path | None,
    faults_path: Path | None,
    expect_path: Path | None,
    rom_path: Path | None,
    budget: float | None,
    seed: int | None,
    clock: str,
    verbose: bool,
) -> int:
    """Boot small guests on every backend, call the ROM from outside, and say of each clause what became of
    it."""
    if listing and (junit_path is not None or backends or hosts):
        raise Fault("--list", "boots nothing: --on, --host and --junit have no meaning with it")
    if not listing and abi < _GUEST_NEEDS:
        needed = ".".join(map(str, _GUEST_NEEDS))
        raise Fault("--abi", f"the reference guest needs {needed}; older versions can be listed (--list)")
    files = ReportFiles(html_path, markdown_path, junit_path)
    files.check(rom_path, expect_path, faults_path)
    suite = _suite(abi, words, expect_path)
    occasion = _occasion(suite, faults_path, _again(rom_path, budget, seed, clock))
    rom = None if rom_path is None else Rom(shown(rom_path), read_file(rom_path))
    if rom is not None and not listing:
        suite, backends = _judged_rom(suite, rom, backends)
    found = _conformance(suite, backends, hosts, rom, budget, seed, clock, listing=listing, quiet=as_json)
    files.write(found, occasion)
    if listing:
        _print_list(suite, found, as_json, verbose)
        return 0
    _print_run(found, occasion, as_json, verbose)
    return found.outcome.exit_code


def _suite(abi: tuple[int, int], words: Sequence[str], expect_path: Path | None) -> Suite:
    from datetime import date

    from vmirom.conform.clauses import SelectionError
    from vmirom.conform.expected import ExpectedError, read_expected
    from vmirom.conform.suite import load_suite
    from vmirom.rom.errors import RomError
    from vmirom.schema import AbiError

    try:
        suite = load_suite(f"{abi[0]}.{abi[1]}", words)
        if expect_path is None:
            return suite
        return replace(suite, expected=read_expected(read_file(expect_path), suite.clauses, date.today()))
    except ExpectedError as error:
        raise Fault(shown(expect_path) if expect_path else "--expect", str(error)) from None
    except SelectionError as error:
        raise Fault("--select", str(error)) from None
    except (AbiError, RomError) as error:
        raise Fault(str(error)) from None


@dataclass(frozen=True, slots=True)
class Rom:
    """A ROM that was named, and the name by which messages call it."""

    name: str
    data: bytes


def _judged_rom(suite: Suite, rom: Rom, backends: Sequence[str]) -> tuple[Suite, tuple[str, ...]]:
    """The suite with what can be known of a ROM without booting it, and its backend."""
    from vmirom.conform.suite import broken_rules
    from vmirom.rom.errors import RomError
    from vmirom.rom.image import parse_rom

    names = tuple(dict.fromkeys(backends))
    broken, why = broken_rules(rom.data), ""
    if broken and all(field.startswith("private") for field in broken):
        raise Fault(rom.name, *next(iter(broken.items())))  # no clause's, but without it there is no bundle
    try:
        private = parse_rom(rom.data, rom.name).private
        says = (private.backend.name.lower(),) if private else ()
    except RomError as error:
        says, why = (), f" ({error.field}: {error.rule})"
    if len(names or says) != 1:
        raise Fault(rom.name, "backend", f"not told by this ROM{why}: name one with --on")
    (name,) = names or says
    return replace(suite, images={name: broken}), (name,)


def _again(rom_path: Path | None, budget: float | None, seed: int | None, clock: str) -> tuple[str, ...]:
    """What the command that makes the run again needs of this one's options."""
    given = {
        "--rom": rom_path,
        "--budget": None if budget is None else f"{budget:g}",
        "--seed": seed,
        "--clock": None if clock == "virtual" else clock,
    }
    return tuple(word for name, value in given.items() if value is not None for word in (name, str(value)))


def _occasion(suite: Suite, faults_path: Path | None, again: tuple[str, ...]) -> Occasion:
    from vmirom.report.conformance import Occasion
    from vmirom.report.conformance.faults import FaultsError, read_faults

    faults = None
    if faults_path is not None:
        try:
            faults = read_faults(read_file(faults_path))
        except FaultsError as error:
            raise Fault(shown(faults_path), str(error)) from None
    titles = {area.name: area.title for area in suite.clauses.areas.values()}
    return Occasion(made_now(), again, titles=titles, faults=faults)


def _conformance(
    suite: Suite,
    backends: Sequence[str],
    hosts: Sequence[str],
    rom: Rom | None,
    budget: float | None,
    seed: int | None,
    clock: str,
    *,
    listing: bool,
    quiet: bool,
) -> Conformance:
    from vmirom.bundle.refused import RomRefused
    from vmirom.cli.boot import host_choice, pairs_for
    from vmirom.conform.run import conclude
    from vmirom.rom.errors import RomError
    from vmirom.schema import AbiError

    if listing:
        return conclude(suite, (), ())
    names = tuple(dict.fromkeys(backends))
    places = pairs_for(names, host_choice(hosts), everywhere="all" in hosts)
    try:
        return _run(suite, places, rom, budget, seed, clock, quiet)
    except RomRefused as refused:
        raise Fault(rom.name if rom else "ROM", refused.field, refused.rule) from None
    except (AbiError, RomError) as error:
        raise Fault(str(error)) from None


def _run(
    suite: Suite,
    places: Sequence[tuple[str, str]],
    rom: Rom | None,
    budget: float | None,
    seed: int | None,
    clock: str,
    quiet: bool,
) -> Conformance:
    from vmirom.conform.hostside.examiners import SEED
    from vmirom.conform.run import not_booted, plan, run
    from vmirom.report.progress import progress_of

    if rom is not None and any(suite.images[backend] for backend, _ in places):
        return not_booted(suite, places)
    data = rom.data if rom else None
    drawn = SEED if seed is None else seed
    boots = plan(suite, places, rom=data, budget=budget, seed=drawn, clock=clock)
    unknown = rom is not None
    if quiet:
        return run(suite, boots, reference_first=unknown)
    with progress_of(boots) as shown:
        return run(suite, boots, shown.tick, reference_first=unknown)


def _print_run(found: Conformance, occasion: Occasion, as_json: bool, verbose: bool) -> None:
    from vmirom.report.conformance import conformance_lines, conformance_report
    from vmirom.report.json_text import json_bytes

    if as_json:
        sys.stdout.write(json_bytes(conformance_report(found, occasion)).decode())
    else:
        click.echo("\n".join(conformance_lines(found, verbose, occasion.arguments)))


def _print_list(suite: Suite, found: Conformance, as_json: bool, verbose: bool) -> None:
    from vmirom.conform.listing import listed_checks
    from vmirom.report.conformance.listing import check_lines, check_table, list_report
    from vmirom.report.conformance.text import list_lines
    from vmirom.report.json_text import json_bytes
    from vmirom.report.table import plain

    checks = listed_checks(suite)
    if as_json:
        sys.stdout.write(json_bytes(list_report(found, checks)).decode())
        return
    if plain(sys.stdout):
        click.echo("\n".join(check_lines(checks)))
    else:
        from rich.console import Console

        Console(file=sys.stdout, highlight=False).print(check_table(checks))
    click.echo()
    click.echo("\n".join(list_lines(found, verbose)))
