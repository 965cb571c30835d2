"""Reports of conform runs as files: options, and writing them whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from vmirom.cli.choices import PathArgument
from vmirom.cli.failing import can_be_written, keep_apart, write_file

if TYPE_CHECKING:
    from vmirom.conform.run import Conformance
    from vmirom.report.conformance import Occasion

__all__ = ["ReportFiles", "made_now", "report_options"]

F = TypeVar("F", bound=Callable[..., Any])


def report_options(function: F) -> F:
    """``--html``, ``--markdown``, ``--junit``: arguments ``html_path``, ``markdown_path``, ``junit_path``."""
    for name, what in (("junit", "JUnit XML"), ("markdown", "Markdown"), ("html", "one HTML page")):
        add = click.option(
            f"--{name}", f"{name}_path", type=PathArgument(), metavar="FILE", help=f"Write {what}."
        )
        function = add(function)
    return function


def made_now() -> str:
    """The time for a report, UTC; that of SOURCE_DATE_EPOCH where it is set."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH", "")
    when = datetime.fromtimestamp(int(epoch), UTC) if epoch.isdecimal() else datetime.now(UTC)
    return when.strftime("%Y-%m-%d %H:%M UTC")


@dataclass(frozen=True, slots=True)
class ReportFiles:
    """Where reports go; None for those that nobody asked for."""

    html: Path | None
    markdown: Path | None
    junit: Path | None

    def check(self, *read: Path | None) -> None:
        """A fault before the boots rather than behind them, for what can't be written, or is in ``read``."""
        paths = (self.html, self.markdown, self.junit)
        keep_apart(read, paths)
        for path in paths:
            if path is not None:
                can_be_written(path)

    def write(self, found: Conformance, occasion: Occasion) -> None:
        """Each whole or not at all; a fault where one can't be."""
        from vmirom.report.conformance import conformance_junit, conformance_markdown

        if self.html is not None:
            from vmirom.report.conformance.page import conformance_page

            write_file(self.html, conformance_page(found, occasion))
        if self.markdown is not None:
            write_file(self.markdown, conformance_markdown(found, occasion))
        if self.junit is not None:
            write_file(self.junit, conformance_junit(found, occasion))
