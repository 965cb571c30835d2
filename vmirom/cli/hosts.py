"""``vmirom hosts``: where bundles can boot here."""

from __future__ import annotations

import sys

import click

from vmirom.cli.choices import json_option

__all__ = ["hosts"]


@click.command(epilog="\b\nExample:\n  vmirom hosts --json\n")
@json_option
def hosts(as_json: bool) -> None:
    """Say of each host whether bundles can boot on it here; if not, why, and what to do."""
    from vmirom.hosts import doctor
    from vmirom.report.json_text import json_bytes

    found = doctor.hosts()
    if as_json:
        sys.stdout.write(json_bytes(found).decode())
        return
    for host in found:
        click.echo(f"{host.name:9} {'usable' if host.usable else 'not usable':10}  {host.found}")
        if host.backends:
            click.echo(f"{'':21}  backends: {', '.join(host.backends)}")
        if host.missing:
            click.echo(f"{'':21}  {host.missing}")
