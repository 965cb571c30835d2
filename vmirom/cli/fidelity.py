"""``vmirom fidelity``: an embedded hypervisor beside the real one of its name."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

from vmirom.cli.choices import json_option
from vmirom.cli.failing import Fault

if TYPE_CHECKING:
    from vmirom.conform.fidelity import Answer

__all__ = ["fidelity"]

_DIFFERENT = 5
_SKIP = 3


@click.command(epilog="\b\nExample:\n  vmirom fidelity xen --accepted\n")
@click.argument("name", metavar="HYPERVISOR", type=click.Choice(["xen", "kvm", "lguest"]))
@click.option("--accepted", is_flag=True, help="Show the differences that the written list explains, too.")
@click.option("--deadly", is_flag=True, help="Ask what may end the guest, too: a boot for each question.")
@click.option(
    "--budget", type=click.FloatRange(min=1), default=180.0, show_default=True, help="Seconds each."
)
@json_option
def fidelity(name: str, accepted: bool, deadly: bool, budget: float, as_json: bool) -> None:
    """Ask the real and the embedded HYPERVISOR the same questions and print where their answers differ.

    Nobody packages a real lguest: its answers are those that its sources give, written down. What
    may end the guest is asked of it in any case.
    Exit code 5 for a difference that the written list does not explain, 3 where the real one can't run here.
    """
    from vmirom.conform import fidelity as made
    from vmirom.report.json_text import json_bytes

    try:
        real, embedded, qemu = _answers(name, budget, deadly)
        expected = made.accepted_list(name)
    except made.Unusable as unusable:
        raise Fault("fidelity", str(unusable)) from None
    found = made.compare(real, embedded, expected, qemu)
    unexplained = [one for one in found if not one.reason]
    if as_json:
        sys.stdout.write(json_bytes(found).decode())
    else:
        for one in found if accepted else unexplained:
            click.echo(f"{one.identity}: {one.question}\n  real:     {one.real}\n  embedded: {one.embedded}")
            if one.reason:
                click.echo(f"  accepted: {one.reason}")
        for pattern in made.idle(real, embedded, expected, qemu):
            click.echo(f"accepted, but answered alike here: {pattern}")
        click.echo(
            f"{len(real)} questions, {len(found)} answered otherwise: "
            f"{len(found) - len(unexplained)} for a reason, {len(unexplained)} for none"
        )
    if unexplained:
        sys.exit(_DIFFERENT)


def _answers(
    name: str, budget: float, deadly: bool
) -> tuple[Mapping[str, Answer], Mapping[str, Answer], int]:
    """(of the real one, of the embedded one, QEMU's major version). Raises Unusable; ends where the real one
    can't run here."""
    from vmirom.conform import fidelity as made
    from vmirom.hosts import registry

    if name not in registry.host_names():
        click.echo(f"no real {name} is at hand: compared with what its sources say", err=True)
        embedded = made.embedded_answers(name, budget, deadly=True)
        return made.written_answers(name, embedded), embedded, 0
    host = registry.host_module(name).probe()
    if not host.usable:
        click.echo(f"vmirom: host {name}: skipped: {host.found}; {host.missing}", err=True)
        sys.exit(_SKIP)
    real, qemu = made.real_answers(name, budget, deadly)
    return real, made.embedded_answers(name, budget, deadly), qemu
