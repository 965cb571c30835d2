"""``vmirom model``: random sequences of calls through machines and through a model of what a guest sees."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from vmirom.cli.choices import BackendName, PathArgument, clock_option, json_option
from vmirom.cli.failing import Fault, write_file

if TYPE_CHECKING:
    from vmirom.conform.model.explore import Explored
    from vmirom.conform.model.moves import Move
    from vmirom.conform.model.player import Setting

__all__ = ["model", "paging_option", "played_abi_option", "settings_for"]

_DIFFERENT = 5
_ABIS = ("3.0", "3.1")
played_abi_option = click.option(
    "--abi", type=click.Choice(_ABIS), help="Play a guest and a ROM of this version (default 3.1)."
)
paging_option = click.option(
    "--two-level", is_flag=True, help="A guest without PAE: on native and kvm, where one can be."
)


@click.group(
    epilog="\b\nExamples:\n"
    "  vmirom model run --on xen --seed 7 --save found\n"
    "  vmirom model run --on native --abi 3.0 --two-level\n"
    "  vmirom model replay found/*.json\n"
)
def model() -> None:
    """Compare what machines do with what a model in plain Python says a guest must see."""


@model.command(
    epilog="\b\nExample:\n  vmirom model run --on lguest --calls 100000 --save found\n"
    "\b\nExit codes: 0 no difference, 5 a difference was found.\n"
)
@click.option("--on", "backends", multiple=True, type=BackendName(), metavar="B", help="Backend; repeatable.")
@click.option("--seed", type=int, default=0, metavar="N", help="Other sequences (default 0).")
@click.option(
    "--calls",
    type=click.IntRange(1, 1_000_000_000),
    default=20_000,
    metavar="N",
    help="Calls to make on each backend (default 20000).",
)
@played_abi_option
@paging_option
@click.option(
    "--phase",
    type=click.IntRange(0, 1 << 31),
    default=0,
    metavar="N",
    help="Where in the guest's instructions alarms can come (default 0: where the clock says).",
)
@clock_option("virtual")
@click.option("--save", "folder", type=PathArgument(), metavar="FOLDER", help="Keep differences in files.")
@json_option
def run(
    backends: tuple[str, ...],
    seed: int,
    calls: int,
    abi: str | None,
    two_level: bool,
    phase: int,
    clock: str,
    folder: Path | None,
    as_json: bool,
) -> int:
    """Play random sequences of calls, valid and not, on each backend's shipped ROM and embedded hypervisor.

    The same seed plays the same sequences. A difference is made as short as it gets and, with --save, kept in
    a file that ``vmirom model replay`` takes. KVM is played in both of its eras.
    """
    from vmirom.conform.model.explore import explore
    from vmirom.conform.model.player import Died
    from vmirom.conform.model.sequences import kept
    from vmirom.report.json_text import json_bytes

    found: list[Explored] = []
    for setting in settings_for(backends, abi, two_level, phase, clock):
        try:
            with _progress(setting.label, calls, shown=not as_json) as watcher:
                explored = explore(setting, seed, calls, watcher=watcher)
        except Died as died:
            raise Fault(setting.label, str(died)) from None
        found.append(explored)
        if explored.difference is not None and folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            file = folder / f"{setting.label.replace(' ', '-').replace('=', '-')}-{seed}.json"
            write_file(file, kept(explored.difference).encoded())
        if not as_json:
            click.echo(_line(explored))
    if as_json:
        sys.stdout.write(json_bytes([_row(one) for one in found]).decode())
    return _DIFFERENT if any(one.difference for one in found) else 0


@model.command(
    epilog="\b\nExample:\n  vmirom model replay found/xen-7.json --on xen --on kvm\n"
    "\b\nExit codes: 0 no difference, 2 a file that holds no sequence, 5 a difference.\n"
)
@click.argument("files", nargs=-1, required=True, type=PathArgument(), metavar="FILE...")
@click.option(
    "--on", "backends", multiple=True, type=BackendName(), metavar="B", help="Instead of where it was seen."
)
@played_abi_option
@paging_option
@clock_option(None)
@json_option
def replay(
    files: tuple[Path, ...],
    backends: tuple[str, ...],
    abi: str | None,
    two_level: bool,
    clock: str | None,
    as_json: bool,
) -> int:
    """Play the sequences of FILEs again, each on a new machine, by the clock by which it was seen."""
    from vmirom.conform.model.sequences import SequenceError, read_regression
    from vmirom.report.json_text import json_bytes

    told = []
    for file in files:
        try:
            regression = read_regression(file)
        except SequenceError as error:
            raise Fault(str(error)) from None
        seen = regression.setting.setting
        for setting in _again(seen, backends, abi, two_level, clock):
            said = _replayed(setting, regression.sequence)
            told.append({"file": str(file), "setting": setting.label, "difference": said})
            if not as_json:
                click.echo(f"{file.name}: {said or f'{setting.label}: as the model says'}")
    if as_json:
        sys.stdout.write(json_bytes(told).decode())
    return _DIFFERENT if any(each["difference"] for each in told) else 0


def _again(
    seen: Setting, backends: tuple[str, ...], abi: str | None, two_level: bool, clock: str | None
) -> tuple[Setting, ...]:
    """What to replay on: where a difference was seen, or, of that, what is said otherwise."""
    by = clock or seen.clock
    if backends or abi or two_level:
        return settings_for(backends or (seen.backend,), abi or seen.abi, two_level, clock=by)
    return (replace(seen, clock=by),)


def settings_for(
    backends: tuple[str, ...], abi: str | None, two_level: bool, phase: int = 0, clock: str = "host"
) -> tuple[Setting, ...]:
    """What is to be played on; no backend means all. Raises Fault if there is none."""
    from vmirom.conform.model.explore import settings_of
    from vmirom.hosts.backends import backend_names

    names = tuple(dict.fromkeys(backends)) or backend_names()
    found = tuple(
        one for name in names for one in settings_of(name, abi or _ABIS[-1], two_level, phase, clock)
    )
    if not found:
        raise Fault("--two-level", f"{', '.join(names)}: only PAE can be had there")
    return found


def _replayed(setting: Setting, sequence: list[Move]) -> str:
    """How the machine differs; empty if it does not."""
    from vmirom.conform.model.play import Difference, Stage
    from vmirom.conform.model.player import Died
    from vmirom.hypervisors.hypervisor import LoadError
    from vmirom.rom.errors import RomError

    try:
        stage = Stage(setting)
    except (RomError, LoadError, TypeError) as error:
        raise Fault("setting", setting.label, str(error)) from None
    except Died as died:
        return f"{setting.label}: {died}"
    try:
        stage.play(sequence)
    except Difference as difference:
        return str(difference)
    finally:
        stage.close()
    return ""


@contextmanager
def _progress(label: str, calls: int, *, shown: bool) -> Iterator[Callable[[int], None] | None]:
    """A bar where a terminal shows it; what is called with the calls made so far."""
    if not shown or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(label, total=calls)
        yield lambda made: bar.update(task, completed=made)


def _line(one: Explored) -> str:
    if one.difference is None:
        return f"{one.setting.label}: {one.calls} calls as the model says"
    from vmirom.conform.model.sequences import kept

    lines = [f"{one.difference}", *(f"    {m.name} {m.arguments}" for m in kept(one.difference).moves)]
    if not one.steady:
        lines.append("    (a new machine did not show it again: the whole sequence is listed)")
    return "\n".join(lines)


def _row(one: Explored) -> dict[str, object]:
    from vmirom.conform.model.sequences import kept

    return {
        "setting": one.setting.label,
        "calls": one.calls,
        "seconds": one.seconds,
        "difference": None if one.difference is None else kept(one.difference),
        "steady": one.steady,
    }
