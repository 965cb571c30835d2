"""``vmirom abi diff``: what changed between two declarations. ``vmirom abi lint``: what is wrong in one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from vmirom.cli.choices import PathArgument, json_option
from vmirom.cli.failing import Fault
from vmirom.cli.sheets import print_sheet, sheet_options
from vmirom.cli.trees import tried

if TYPE_CHECKING:
    from vmirom.compat.findings import Severity
    from vmirom.compat.model import Declaration

__all__ = ["diff", "lint"]

_WHAT = """\b
A side is LINE@VERSION (vmi3@3.0), LINE (its newest version), a lock (JSON), a ROM, or a guest (ELF).
ROMs and guests name a version of a line, which is looked up in the declarations.
"""
_CODES = """\b
Exit codes:
  0  {nothing}
  1  risky at worst
  2  bad input; one line says what and where
  4  breaking
"""


@click.command(
    epilog=_WHAT
    + "\n"
    + _CODES.format(nothing="no difference, or compatible ones only")
    + "\n\b\nExamples:\n  vmirom abi diff vmi3@3.0 vmi3@3.1\n  vmirom abi diff vmi13@13.0 vmi3@3.0 --json\n"
    "  vmirom abi diff abi/locks/vmi3-3.0.json mine.rom\n"
)
@click.argument("left", metavar="A")
@click.argument("right", metavar="B")
@click.option("--abi-dir", type=PathArgument(), metavar="DIR", help="An ABI tree of your own.")
@json_option
@sheet_options
def diff(
    left: str, right: str, abi_dir: Path | None, as_json: bool, format_name: str, output: Path | None
) -> int:
    """Compare two declarations: every change as one finding, with its severity and who breaks.

    A is the old side, B the new one. Severities are told from the view of a guest in the field. Within one
    line, numbers mean the same and the versions must tell what changed; across lines, calls are compared by
    name, and a note says so.
    """
    from vmirom.compat.diff import diff as compare
    from vmirom.compat.formats import sheet_of

    abi_dir = tried(abi_dir)
    report = compare(_side(left, abi_dir), _side(right, abi_dir))
    print_sheet(sheet_of("abi diff", [report]), "json" if as_json else format_name, output)
    return _code(report.severity)


@click.command(
    epilog=_WHAT
    + "\n"
    + _CODES.format(nothing="nothing, or remarks only")
    + "\n\b\nExamples:\n  vmirom abi lint vmi6\n  vmirom abi lint vmi3@3.1 --json\n"
)
@click.argument("sides", nargs=-1, required=True, metavar="A...")
@click.option("--abi-dir", type=PathArgument(), metavar="DIR", help="An ABI tree of your own.")
@json_option
@sheet_options
def lint(
    sides: tuple[str, ...], abi_dir: Path | None, as_json: bool, format_name: str, output: Path | None
) -> int:
    """Find what is wrong in one declaration by itself: values bound to nothing, shared places, overlaps."""
    from vmirom.compat.findings import worst
    from vmirom.compat.formats.sheet import Sheet, sheet_of
    from vmirom.compat.lint_rules import LINT_RULES
    from vmirom.compat.linting import lint as examine

    abi_dir = tried(abi_dir)
    reports = [examine(_side(side, abi_dir)) for side in sides]
    sheet = Sheet("abi lint", sheet_of("abi lint", reports).sections, LINT_RULES)
    print_sheet(sheet, "json" if as_json else format_name, output)
    return _code(worst(finding for report in reports for finding in report.findings))


def _side(what: str, abi_dir: Path | None) -> Declaration:
    from vmirom.compat.errors import CompatError
    from vmirom.compat.load import load

    try:
        return load(what, abi_dir)
    except CompatError as error:
        raise Fault(str(error)) from None


def _code(severity: Severity | None) -> int:
    """4 breaking, 1 risky, 0 otherwise."""
    return 0 if severity is None else (0, 1, 4)[severity.rank]
