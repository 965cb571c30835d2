"""``vmirom compose`` and ``vmirom bundle``."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from vmirom.cli.choices import BackendName, PathArgument, abi_option, json_option
from vmirom.cli.failing import about, keep_apart, read_file, shown, write_file

__all__ = ["bundle", "compose"]


@click.command(epilog="\b\nExample:\n  vmirom compose hello.elf --backend xen -o hello-xen\n")
@click.argument("guest", type=PathArgument())
@click.option("--backend", required=True, type=BackendName(), metavar="B", help="Whose boot protocol.")
@abi_option
@click.option("--rom", "rom_path", type=PathArgument(), metavar="FILE", help="A ROM other than the shipped.")
@click.option("-o", "--output", required=True, type=PathArgument(), metavar="OUT", help="The bundle.")
def compose(guest: Path, backend: str, abi: tuple[int, int], rom_path: Path | None, output: Path) -> None:
    """Make a bundle of GUEST and the ROM for a backend: one file that backend's loader starts."""
    from vmirom.cli.sources import bundle_for, guest_source

    keep_apart((guest, rom_path), (output,))
    data = bundle_for(guest_source(guest, abi), backend, abi, rom_path)
    write_file(output, data, executable=True)


@click.group(epilog="\b\nExample:\n  vmirom bundle inspect hello-xen\n")
def bundle() -> None:
    """Look into bundles."""


@bundle.command(epilog="\b\nExample:\n  vmirom bundle inspect hello-xen --json\n")
@click.argument("file", type=PathArgument())
@json_option
def inspect(file: Path, as_json: bool) -> None:
    """Show what a bundle was made from and where everything goes."""
    from vmirom.bundle.inspect import read_bundle
    from vmirom.report.describe import bundle_facts, bundle_lines
    from vmirom.report.json_text import json_bytes

    data = read_file(file)
    with about(shown(file)):
        found = read_bundle(data)
    if as_json:
        sys.stdout.write(json_bytes(bundle_facts(found)).decode())
    else:
        click.echo("\n".join(bundle_lines(found)))
