"""``vmirom abi matrix``: guest versions against ROM versions against ages of hypervisors."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vmirom.cli.abi_gate import faults
from vmirom.cli.choices import BackendName, PathArgument, Seconds, json_option
from vmirom.cli.failing import Fault
from vmirom.cli.trees import tried

if TYPE_CHECKING:
    from vmirom.compat.matrix import Cell

__all__ = ["matrix"]

_DIFFERS = 5


@click.command(
    epilog="\b\nExit codes:\n  0  (with --boot: everything that was tried did what was predicted)\n"
    "  2  bad input\n  5  a cell in which prediction and boot differ: a fault of ours\n"
    "\n\b\nExamples:\n  vmirom abi matrix\n  vmirom abi matrix --boot --on xen --on kvm\n"
)
@click.option(
    "--guest", "guests", multiple=True, metavar="V", help="Only guests of this version; repeatable."
)
@click.option("--rom", "roms", multiple=True, metavar="V", help="Only ROMs of this version; repeatable.")
@click.option("--on", "backends", multiple=True, type=BackendName(), metavar="B", help="Backend; repeatable.")
@click.option("--boot", is_flag=True, help="Boot every cell on the embedded hypervisors, too.")
@click.option(
    "--budget", type=Seconds(), default=30.0, metavar="SECONDS", help="Time for each boot (default 30)."
)
@click.option("--abi-dir", type=PathArgument(), metavar="DIR", help="An ABI tree of your own.")
@json_option
def matrix(
    guests: tuple[str, ...],
    roms: tuple[str, ...],
    backends: tuple[str, ...],
    boot: bool,
    budget: float,
    abi_dir: Path | None,
    as_json: bool,
) -> int:
    """Say for each guest version, ROM version and age of a hypervisor whether the guest may run, and why.

    A prediction comes from the declarations and from what that hypervisor offers. With --boot each cell is
    tried: the guest composed with the shipped ROM, and booted on the embedded hypervisor of that age.
    """
    from vmirom.compat.matrix import matrix as predicted
    from vmirom.compat.matrix import observe
    from vmirom.schema.tree import load_abi

    with faults():
        cells = predicted(load_abi(tried(abi_dir)), guests=guests, roms=roms, backends=backends)
        for version in guests:
            if not any(cell.guest == version for cell in cells):
                raise Fault("--guest", f"no line declares a version {version}")
    if boot:
        cells = observe(cells, budget)
    if as_json:
        from vmirom.report.json_text import json_bytes

        sys.stdout.write(json_bytes([_facts(cell) for cell in cells]).decode())
    else:
        click.echo("\n".join(_lines(cells, boot)))
    return _DIFFERS if any(cell.differs for cell in cells) else 0


def _facts(cell: Cell) -> dict[str, Any]:
    return {
        "guest": {"line": cell.line, "version": cell.guest},
        "rom": cell.rom,
        "backend": cell.era.backend,
        "era": cell.era.name,
        "predicted": cell.predicted.value,
        "reason": cell.reason,
        "beyond": cell.beyond or None,
        "observed": None if cell.observed is None else cell.observed.value,
        "seen": cell.seen,
        "differs": cell.differs,
    }


def _lines(cells: Sequence[Cell], boot: bool) -> list[str]:
    head = f"{'hypervisor':14} {'guest':>6} {'ROM':>5}  predicted" + ("  observed" if boot else "")
    lines = [f"{head}  reason"]
    for cell in cells:
        row = f"{cell.era.title:14} {cell.guest:>6} {cell.rom:>5}  {cell.predicted.value:9}"
        if boot:
            row += f"  {cell.observed.value if cell.observed else 'not tried':9}"
        mark = "  DIFFERS" if cell.differs else ""
        said = f"{cell.reason} ({cell.beyond})" if cell.beyond else cell.reason
        if boot and cell.observed is not cell.predicted:
            said += f" | {cell.seen}"
        lines.append(f"{row}  {said}{mark}".rstrip())
    if boot:
        tried = sum(cell.observed is not None for cell in cells)
        bad = sum(cell.differs for cell in cells)
        lines.append(f"{tried} of {len(cells)} tried, {bad} not as predicted")
    return lines
