"""``vmirom guest``: guests of your own."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from vmirom.cli.choices import PathArgument, json_option
from vmirom.cli.failing import Fault, about, keep_apart, read_file, shown, write_file

__all__ = ["guest"]


@click.group(epilog="\b\nExample:\n  vmirom guest build examples/hello/hello.c -o hello.elf\n")
def guest() -> None:
    """Build guests of your own, and look into them."""


@guest.command(
    epilog="\b\nExample:\n  vmirom guest build examples/hello/hello.c -o hello.elf\n\n"
    "The sources define guest_main; entry, note, call sites and console come from the kit in\n"
    "romsrc/guest/sdk. An assembler and a linker: pip install 'vmirom[toolchain]', or gcc and binutils."
)
@click.argument("sources", nargs=-1, required=True, type=PathArgument(), metavar="SRC...")
@click.option("-o", "--output", required=True, type=PathArgument(), metavar="OUT", help="The guest.")
@click.option("--toolchain", type=click.Choice(["zig", "gnu"]), help="Default: the first that is installed.")
def build(sources: tuple[Path, ...], output: Path, toolchain: str | None) -> None:
    """Build a guest from C and assembly, with the kit that every guest needs."""
    from vmirom.guest.build import build_guest
    from vmirom.rom.errors import BuildError

    keep_apart(sources, (output,))
    try:
        built = build_guest(sources, toolchain)
    except BuildError as error:
        raise Fault(str(error)) from None
    for warning in built.warnings:
        click.echo(f"vmirom: {warning}", err=True)
    write_file(output, built.data)


@guest.command(epilog="\b\nExample:\n  vmirom guest inspect hello.elf --json\n")
@click.argument("file", type=PathArgument())
@json_option
def inspect(file: Path, as_json: bool) -> None:
    """Show what a guest says about itself; refuse it where it breaks a rule."""
    from vmirom.guest.inspect import inspect_bytes
    from vmirom.report.describe import guest_facts, guest_lines
    from vmirom.report.json_text import json_bytes

    data = read_file(file)
    with about(shown(file)):
        found = inspect_bytes(data)
    if as_json:
        sys.stdout.write(json_bytes(guest_facts(found)).decode())
    else:
        click.echo("\n".join(guest_lines(found)))
