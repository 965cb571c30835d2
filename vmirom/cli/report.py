"""``vmirom report``: what came out of a campaign."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from vmirom.cli.campaign import about_file
from vmirom.cli.choices import PathArgument, json_option
from vmirom.cli.failing import Fault, keep_apart, shown, write_file

if TYPE_CHECKING:
    from vmirom.conform.campaign.store import Store

__all__ = ["report"]


@click.command(
    epilog="\b\nExamples:\n"
    "  vmirom report c.db                           matrix, flaky cells, what ended badly\n"
    "  vmirom report c.db --format html -o c.html   one page, whole in itself\n"
    "  vmirom report c.db --json | jq .cells\n"
    "\b\nExit codes: the worst outcome of the campaign (0 success, 3 skip, 4 error, 5 failure, 6 crash),\n"
    "of what has ended so far; 2 bad input.\n"
)
@click.argument("file", type=PathArgument())
@json_option
@click.option(
    "--format",
    "format_name",
    type=click.Choice(["text", "json", "markdown", "junit", "html"]),
    help="How it is told (default: text).",
)
@click.option("-o", "--output", type=PathArgument(), metavar="FILE", help="Write there instead of printing.")
def report(file: Path, as_json: bool, format_name: str | None, output: Path | None) -> int:
    """Tell what came out of the campaign in FILE: guest x backend x host x version. It may be running."""
    keep_apart((file,), (output,))
    from vmirom.conform.campaign.matrix import read_matrix
    from vmirom.conform.campaign.store import Store

    if as_json and format_name not in (None, "json"):
        raise Fault("--json", f"says the same as --format json, not {format_name}")
    with about_file(file), Store.open(file, write=False) as store:
        data = _told(store, file, "json" if as_json else format_name or "text")
        code = read_matrix(store).outcome.exit_code
    if output is not None:
        write_file(output, data)
    else:
        sys.stdout.write(data.decode())
    return code


def _told(store: Store, file: Path, name: str) -> bytes:
    from vmirom.report.campaigns import campaign_json, campaign_junit, campaign_lines, campaign_markdown
    from vmirom.report.json_text import json_bytes

    if name == "json":
        return json_bytes(campaign_json(store))
    if name == "junit":
        return campaign_junit(store)
    if name == "html":
        from vmirom.report.campaign_page import campaign_page

        return campaign_page(store, shown(file))
    if name == "markdown":
        return campaign_markdown(store).encode()
    return "\n".join([*campaign_lines(store), ""]).encode()
