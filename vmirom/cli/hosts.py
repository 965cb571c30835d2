"""``vmirom hosts``: where bundles can boot here, and what provides what is missing."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from vmirom.cli.choices import HostName, json_option
from vmirom.cli.failing import Fault

if TYPE_CHECKING:
    from vmirom.hosts.doctor import Host

__all__ = ["hosts"]

_FOUND_FAULT = 1
_SKIPPED = 3
_FAILED = "failed"
_UNTESTED = "not tested"


@click.group(
    invoke_without_command=True,
    epilog="\b\nExamples:\n  vmirom hosts --json\n  vmirom hosts setup NAME\n  vmirom hosts test\n",
)
@json_option
@click.pass_context
def hosts(context: click.Context, as_json: bool) -> None:
    """Say of each host whether bundles can boot on it here; if not, why, and what to do."""
    if context.invoked_subcommand is not None:
        return
    from vmirom.hosts import registry
    from vmirom.report.json_text import json_bytes

    found = registry.hosts()
    if as_json:
        sys.stdout.write(json_bytes(found).decode())
        return
    click.echo("\n".join(line for host in found for line in _lines(host)))


def _lines(host: Host) -> Iterator[str]:
    yield f"{host.name:9} {'usable' if host.usable else 'not usable':10}  {host.found}"
    for title, text in (
        ("backends", ", ".join(host.backends)),
        ("needs", host.needs),
        ("self-test", host.self_test),
        ("get it", host.missing),
    ):
        if text:
            yield f"{'':21} {title + ':':10} {text}"


@hosts.command(epilog="\b\nExample:\n  vmirom hosts setup xen\n")
@click.argument("name", metavar="HOST", type=HostName())
def setup(name: str) -> None:
    """Provide what HOST needs, in the cache folder; a second call finishes what was interrupted."""
    from vmirom.hosts import registry
    from vmirom.hosts.cache import SetupFailed

    function = registry.setup_of(name)
    if function is None:
        found = registry.host_module(name).probe()
        if not found.usable:
            raise Fault(f"host {name}", found.found, found.missing)
        click.echo(f"{name} needs no setup")
        return
    try:
        function(lambda line: click.echo(line, err=True))
    except SetupFailed as failed:
        raise Fault(f"host {name}", str(failed)) from None
    click.echo(f"{name} is set up")


@hosts.command(epilog="\b\nExample:\n  vmirom hosts test qemu\n")
@click.argument("names", metavar="[HOST]...", nargs=-1, type=HostName())
@json_option
def test(names: tuple[str, ...], as_json: bool) -> int:
    """Boot something small on each HOST (default: all) that is usable and has such a test.

    Exit code 1 if a test failed, 3 if a named HOST could not be tested.
    """
    from vmirom.hosts import registry
    from vmirom.report.json_text import json_bytes

    answers = {name: _tested(name) for name in names or registry.host_names()}
    if as_json:
        sys.stdout.write(json_bytes(answers).decode())
    else:
        click.echo("\n".join(f"{name:9} {answer}" for name, answer in answers.items()))
    if any(answer.startswith(_FAILED) for answer in answers.values()):
        return _FOUND_FAULT
    return _SKIPPED if names and any(answer.startswith(_UNTESTED) for answer in answers.values()) else 0


def _tested(name: str) -> str:
    from vmirom.hosts import registry

    function, found = registry.self_test_of(name), registry.host_module(name).probe()
    if not found.usable:
        return f"{_UNTESTED}: {found.found}; {found.missing}"
    if function is None:
        return f"{_UNTESTED}: it has no self-test"
    fault = function()
    return f"{_FAILED}: {fault}" if fault else "passed"
