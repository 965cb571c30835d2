"""``vmirom guest``: guests of your own."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from vmirom.cli.choices import PathArgument, json_option
from vmirom.cli.failing import about, read_file

__all__ = ["guest"]


@click.group(epilog="\b\nExample:\n  vmirom guest build examples/hello/hello.c -o hello.elf\n")
def guest() -> None:
    """Build guests of your own, and look into them."""


@guest.command(epilog="\b\nExample:\n  vmirom guest inspect hello.elf --json\n")
@click.argument("file", type=PathArgument())
@json_option
def inspect(file: Path, as_json: bool) -> None:
    """Show what a guest says about itself; refuse it where it breaks a rule."""
    from vmirom.bundle.guest import read_guest
    from vmirom.report.describe import guest_facts, guest_lines
    from vmirom.report.json_text import json_bytes

    data = read_file(file)
    with about(str(file)):
        found = read_guest(data)
    if as_json:
        sys.stdout.write(json_bytes(guest_facts(found)).decode())
    else:
        click.echo("\n".join(guest_lines(found)))
