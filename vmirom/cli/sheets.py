"""How comparisons are printed: ``--format``, ``-o``, and colours on a terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from vmirom.cli.choices import PathArgument
from vmirom.cli.failing import write_file

if TYPE_CHECKING:
    from vmirom.compat.formats import Sheet

__all__ = ["FORMAT_NAMES", "print_sheet", "sheet_options"]

FORMAT_NAMES: Final = ("text", "json", "markdown", "junit", "sarif", "github")
"""Those of :mod:`vmirom.compat.formats`, which is not loaded for ``--help``; a test holds them equal."""

F = TypeVar("F", bound=Callable[..., Any])


def sheet_options(function: F) -> F:
    """``--format NAME`` and ``-o FILE``: arguments ``format_name`` and ``output``."""
    output = click.option(
        "-o", "--output", type=PathArgument(), metavar="FILE", help="Write there instead of printing."
    )
    name = click.option(
        "--format",
        "format_name",
        type=click.Choice(FORMAT_NAMES),
        default="text",
        help="How it is told (default: text).",
    )
    return name(output(function))


def print_sheet(sheet: Sheet, format_name: str, output: Path | None) -> None:
    """Print ``sheet``, or write it whole to ``output``."""
    from vmirom.compat.formats import render

    if output is not None:
        write_file(output, render(sheet, format_name).encode("utf-8"))
    elif format_name == "text" and sys.stdout.isatty():
        from rich.console import Console

        from vmirom.compat.formats.terminal import coloured

        Console(file=sys.stdout, highlight=False, soft_wrap=True).print(coloured(sheet), end="")
    else:
        sys.stdout.write(render(sheet, format_name))
