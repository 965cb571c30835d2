"""``vmirom boot``: one guest, every backend, one verdict."""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

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
from vmirom.cli.failing import Fault, can_be_written, keep_apart, shown, write_file
from vmirom.cli.sources import Guest, bundle_for, guest_source
from vmirom.files import whole_file
from vmirom.hosts import registry
from vmirom.hosts.backends import backend_names
from vmirom.hosts.outcomes import BootResult
from vmirom.hosts.request import EMBEDDED, BootRequest
from vmirom.hosts.workers import boot_all
from vmirom.overlays import vmi
from vmirom.report.agreement import compare, overall
from vmirom.trace.tally import TRACE_LIMIT

__all__ = ["BootSettings", "boot", "host_choice", "pairs_for", "requests_for"]

_ALL = "all"
HOST_ERAS: Final = ("2008", "2026", "2.6.32", "2.6.35", "3.0", "4.17")
"""Ages of all backends; those of :mod:`vmirom.compat.matrix`, which is not loaded for ``--help``."""


@dataclass(frozen=True, slots=True)
class BootSettings:
    """What the options say; the same for every backend. ``budget`` None: as long as the host likes."""

    abi: tuple[int, int]
    memory_mib: int
    command_line: str
    budget: float | None
    host_era: str | None
    machine: dict[str, dict[str, str]] = field(default_factory=dict)
    """What is said of hosts' machines, by host."""


@click.command(
    epilog="\b\nExamples:\n"
    "  vmirom boot                          the reference guest on all backends\n"
    "  vmirom boot hello.elf --on xen -v    one guest on one backend, with what it printed\n"
    "  vmirom boot --json --trace t.jsonl   for other programs\n"
    "  vmirom boot --clock virtual --trace t.jsonl      the same trace, bit for bit, at any load\n"
    "  vmirom boot --host all               on every hypervisor that is here, real ones too\n"
)
@click.argument("guest", required=False, type=PathArgument())
@click.option("--on", "backends", multiple=True, type=BackendName(), metavar="B", help="Backend; repeatable.")
@abi_option
@click.option("--memory", type=click.IntRange(5, 512), default=16, metavar="MIB", help="Memory (default 16).")
@click.option("--append", "command_line", default="", metavar="CMDLINE", help="The guest's command line.")
@click.option(
    "--host",
    "named_hosts",
    multiple=True,
    type=HostName(_ALL),
    metavar="NAME",
    help="Where to boot; repeatable; 'all' for every host. See 'vmirom hosts' (default embedded).",
)
@click.option(
    "--host-era",
    type=click.Choice(HOST_ERAS),
    help="How old a hypervisor to be like: kvm 2008 or 2026, lguest 2.6.32 or 2.6.35, xen 3.0 or 4.17.",
)
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="NAME=VALUE",
    help="Of the host's machine; repeatable. embedded: paging, uptime; qemu: machine, smp, cpu, protocol.",
)
@clock_option("host")
@click.option(
    "--time",
    "start",
    metavar="DATE",
    help="Where virtual time begins, UTC (default 2026-01-01T12:00:00).",
)
@click.option("--trace", type=PathArgument(), metavar="FILE", help="Write every call as a JSON line.")
@click.option(
    "--trace-limit",
    type=click.IntRange(1, 1 << 20),
    metavar="MIB",
    help="Most that each boot may write (default 64); what is left out behind is counted.",
)
@json_option
@click.option("--junit", "junit_path", type=PathArgument(), metavar="FILE", help="Write JUnit XML.")
@click.option(
    "--budget",
    type=Seconds(),
    metavar="SECONDS",
    help="Time for each boot (default 30; hosts that need longer take longer).",
)
@click.option("-v", "--verbose", is_flag=True, help="Print what the guest printed, too.")
def boot(
    guest: Path | None,
    backends: tuple[str, ...],
    abi: tuple[int, int],
    memory: int,
    command_line: str,
    named_hosts: tuple[str, ...],
    host_era: str | None,
    settings: tuple[str, ...],
    clock: str,
    start: str | None,
    trace: Path | None,
    trace_limit: int | None,
    as_json: bool,
    junit_path: Path | None,
    budget: float | None,
    verbose: bool,
) -> int:
    """Boot GUEST (default: the reference guest) on every backend and compare what it prints.

    Each backend gets its own ROM and the same guest, byte for byte. Exit code 0 only if every boot
    succeeded and all transcripts agree.
    """
    keep_apart((guest,), (trace, junit_path))
    if junit_path is not None:
        can_be_written(junit_path)
    source = guest_source(guest, abi)
    hosts = host_choice(named_hosts)
    told = BootSettings(
        abi,
        memory,
        _command_line(command_line),
        budget,
        host_era,
        machine_options([*settings, *_clock_settings(clock, start, hosts)], hosts),
    )
    if trace is not None:
        _check_traces(hosts)
    elif trace_limit is not None:
        raise Fault("--trace-limit", "limits a trace, and --trace is not given")
    pairs = pairs_for(tuple(dict.fromkeys(backends)), hosts, everywhere=_ALL in named_hosts)
    requests = requests_for(source, pairs, told)
    results = _traced(requests, trace, as_json, trace_limit)
    agreement = compare(results)
    if junit_path is not None:
        from vmirom.report.machine_readable import junit

        write_file(junit_path, junit(source.name, results, agreement))
    if as_json:
        from vmirom.report.json_text import json_bytes
        from vmirom.report.machine_readable import boot_report

        text = f"{abi[0]}.{abi[1]}"
        sys.stdout.write(json_bytes(boot_report(source.name, text, results, agreement)).decode())
    else:
        from vmirom.report import text as words

        lines = [*words.agreement_lines(agreement), *words.matrix_lines(results), *words.road_lines(results)]
        lines += words.ending_lines(results)
        if verbose:
            lines = [line for result in results for line in words.transcript_lines(result)] + lines
        click.echo("\n".join(lines))
    return overall(results, agreement).exit_code


def host_choice(named: Sequence[str]) -> tuple[str, ...]:
    """The hosts that ``--host`` names; the embedded one where it names none."""
    return registry.host_names() if _ALL in named else tuple(dict.fromkeys(named)) or (EMBEDDED,)


def machine_options(said: Sequence[str], hosts: Sequence[str]) -> dict[str, dict[str, str]]:
    """``NAME=VALUE`` texts as options by host, for the hosts that take them. Raises Fault."""
    known = {host: {option.name: option for option in registry.options_of(host)} for host in hosts}
    taken: dict[str, dict[str, str]] = {}
    for text in said:
        name, _, value = text.partition("=")
        takers = [host for host in hosts if name in known[host]]
        if not takers:
            there = [f"{host} takes {', '.join(options)}" for host, options in known.items() if options]
            raise Fault(
                f"--set {text}", f"no host asked for takes {name}", "; ".join(there) or "none takes any"
            )
        for host in takers:
            if not re.fullmatch(known[host][name].values, value):
                raise Fault(f"--set {text}", f"host {host}", known[host][name].about)
            taken.setdefault(host, {})[name] = value
    return taken


def _clock_settings(clock: str, start: str | None, hosts: Sequence[str]) -> list[str]:
    """What ``--clock`` and ``--time`` are as settings of a machine. Raises Fault."""
    if clock == "host":
        if start is not None:
            raise Fault("--time", "is of virtual time, and --clock is host")
        return []
    if EMBEDDED not in hosts:
        raise Fault("--clock virtual", f"{', '.join(hosts)} takes its time from the host")
    if start is None:
        return ["clock=virtual"]
    import datetime

    try:
        begun = datetime.datetime.fromisoformat(start)
    except ValueError:
        raise Fault(f"--time {start}", "no date as 2026-01-01T12:00:00") from None
    if begun.tzinfo is not None:
        begun = begun.astimezone(datetime.UTC)
    return ["clock=virtual", f"time={begun:%Y-%m-%dT%H:%M:%S}"]


def _check_traces(hosts: Sequence[str]) -> None:
    blind = [name for name in hosts if not registry.traces(name)]
    if blind:
        raise Fault("--trace", f"host {', '.join(blind)} can't see the calls a guest makes")


def pairs_for(backends: Sequence[str], hosts: Sequence[str], *, everywhere: bool) -> list[tuple[str, str]]:
    """(backend, host) of all boots. A host that was named is asked for every backend that was, and skips
    what it can't boot; with ``all``, and where no backend was named, only for what it can."""
    return [
        (backend, host)
        for host in hosts
        for backend in backends or backend_names()
        if (backends and not everywhere) or backend in registry.host_module(host).BACKENDS
    ]


def _command_line(text: str) -> str:
    if not text.isascii() or not text.isprintable():
        raise Fault("--append", "only printable ASCII can be handed to a guest")
    longest = vmi.Const.COMMAND_LINE_MAX - 1  # the NUL counts
    if len(text) > longest:
        raise Fault("--append", f"{len(text)} bytes; at most {longest} are allowed")
    return text


def requests_for(guest: Guest, pairs: Iterable[tuple[str, str]], settings: BootSettings) -> list[BootRequest]:
    """One request for each (backend, host), its bundle composed. Faults name the file that is to blame."""
    pairs = list(pairs)
    ages = _ages(settings.host_era, [backend for backend, _ in pairs]) if settings.host_era else {}
    bundles = {name: bundle_for(guest, name, settings.abi) for name in dict.fromkeys(b for b, _ in pairs)}
    return [
        BootRequest(
            backend=backend,
            bundle=bundles[backend],
            memory_mib=settings.memory_mib,
            command_line=settings.command_line,
            budget=settings.budget or registry.budget_of(host),
            options=ages.get(backend, {}) | settings.machine.get(host, {}),
            host=host,
        )
        for backend, host in pairs
    ]


def _ages(name: str, backends: Sequence[str]) -> dict[str, dict[str, str]]:
    """Options by backend for those that know an age of that name. Raises Fault where none of them does."""
    from vmirom.compat.matrix import eras

    known = {era.backend: dict(era.options) for era in eras() if era.name == name and era.backend in backends}
    if not known:
        there = ", ".join(era.title for era in eras() if era.backend in backends and era.options)
        raise Fault("--host-era", f"no backend asked for is of age {name}; there are {there or 'none'}")
    return known


def _traced(
    requests: list[BootRequest], trace: Path | None, quiet: bool, limit_mib: int | None
) -> list[BootResult]:
    """Boot, and write the trace of all boots, one behind the other, whole or not at all."""
    if trace is None:
        return _shown(requests, quiet)
    try:
        with whole_file(trace) as out, tempfile.TemporaryDirectory(prefix="vmirom-") as folder:
            parts = [Path(folder, f"{number}.jsonl") for number in range(len(requests))]
            limit = TRACE_LIMIT if limit_mib is None else limit_mib << 20
            traced = [replace(r, trace=p, trace_limit=limit) for r, p in zip(requests, parts, strict=True)]
            results = _shown(traced, quiet)
            for part in parts:
                if part.exists():  # a worker that died early has written none
                    with part.open("rb") as events:
                        while piece := events.read(1 << 20):
                            out.write(piece)
            return results
    except OSError as error:
        raise Fault(shown(trace), "can't be written", error.strerror or str(error)) from None


def _shown(requests: list[BootRequest], quiet: bool) -> list[BootResult]:
    if quiet:
        return boot_all(requests)
    from vmirom.report.table import LiveTable, PlainLines, plain

    names = [request.label for request in requests]
    shown = PlainLines(names, sys.stdout) if plain(sys.stdout) else LiveTable(names)
    with shown:
        return boot_all(requests, shown.tick)
