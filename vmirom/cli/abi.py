"""``vmirom abi``: the declared ABI."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from vmirom.cli.choices import PathArgument, json_option
from vmirom.cli.failing import Fault
from vmirom.cli.main import LazyGroup
from vmirom.cli.trees import tried

if TYPE_CHECKING:
    from vmirom.schema import Resolved
    from vmirom.schema.tree import AbiTree

__all__ = ["abi"]

_EXECUTABLE = "vmi3"


@click.group(
    cls=LazyGroup,
    lazy={
        "diff": ("vmirom.cli.abi_diff:diff", "Compare two declarations, locks, ROMs or guests."),
        "lint": ("vmirom.cli.abi_diff:lint", "Find what is wrong in one declaration."),
        "check": ("vmirom.cli.abi_gate:check", "Judge the declarations against their frozen locks, for CI."),
        "freeze": ("vmirom.cli.abi_gate:freeze", "Freeze a version: write its lock."),
        "docs": ("vmirom.cli.abi_docs:docs", "Write the reference: a page for each call, ready for sphinx."),
        "matrix": (
            "vmirom.cli.abi_matrix:matrix",
            "Which guest runs on which ROM on which hypervisor, and why.",
        ),
    },
    epilog="\b\nExamples:\n  vmirom abi show SetCR3\n  vmirom abi check --format github\n",
)
def abi() -> None:
    """The declared ABI: show it, compare it, judge its changes."""


@abi.command(name="list", epilog="\b\nExample:\n  vmirom abi list --json\n")
@click.option("--abi-dir", type=PathArgument(), metavar="DIR", help="An ABI tree of your own.")
@json_option
def list_(abi_dir: Path | None, as_json: bool) -> None:
    """List all lines and backends with their versions."""
    from vmirom.report.abi_text import line_facts
    from vmirom.report.json_text import json_bytes

    facts = line_facts(_tree(abi_dir))
    if as_json:
        sys.stdout.write(json_bytes(facts).decode())
        return
    for line in facts:
        what = f"{line['calls']} calls" if line["calls"] else f"{line['hypercalls']} hypercalls"
        click.echo(
            f"{line['name']:8} {line['kind']:8} {', '.join(line['versions'])}: {what}, "
            f"{line['structs']} structs. {line['doc']}"
        )


@abi.command(
    epilog="\b\nExamples:\n  vmirom abi show SetCR3\n  vmirom abi show vmi_boot_info\n"
    "  vmirom abi show --line xen\n"
)
@click.argument("name", required=False)
@click.option("--line", "line_name", metavar="LINE", help="Line or backend (default: vmi3, then all).")
@click.option("--abi", "version", metavar="V", help="Version of the line (default: the newest).")
@click.option("--abi-dir", type=PathArgument(), metavar="DIR", help="An ABI tree of your own.")
@json_option
def show(
    name: str | None, line_name: str | None, version: str | None, abi_dir: Path | None, as_json: bool
) -> None:
    """Show a call (by name or number), a structure or an enumeration; without NAME, everything in brief."""
    from vmirom.report.json_text import json_bytes

    tree = _tree(abi_dir)
    if name is None:
        value, lines = _contents(_resolve(tree, line_name or _EXECUTABLE, version))
    elif line_name or version:
        value, lines = _one(name, [_resolve(tree, line_name or _EXECUTABLE, version)])
    else:
        everywhere = [_EXECUTABLE, *(n for n in (*tree.lines, *tree.backends) if n != _EXECUTABLE)]
        value, lines = _one(name, [_resolve(tree, each, None) for each in everywhere])
    if as_json:
        sys.stdout.write(json_bytes(value).decode())
    else:
        click.echo("\n".join(lines))


def _tree(folder: Path | None) -> AbiTree:
    from vmirom.schema import AbiError
    from vmirom.schema.tree import load_abi

    try:
        return load_abi(tried(folder))
    except AbiError as error:
        raise Fault(str(error)) from None


def _resolve(tree: AbiTree, name: str, version: str | None) -> Resolved:
    from vmirom.schema import AbiError

    try:
        return tree.resolve(name, version)
    except AbiError as error:
        raise Fault(str(error)) from None


def _contents(resolved: Resolved) -> tuple[object, list[str]]:
    from vmirom.report.abi_text import call_facts, contents_lines

    value = {
        "line": resolved.line.name,
        "version": str(resolved.version),
        "calls": [call_facts(call) for call in resolved.calls],
        "hypercalls": [{"number": h.number, "name": h.name} for h in resolved.hypercalls],
        "structs": resolved.structs,
        "enums": resolved.enums,
    }
    return value, list(contents_lines(resolved))


def _one(name: str, places: list[Resolved]) -> tuple[object, list[str]]:
    """The first thing called ``name``: call, structure or enumeration."""
    from vmirom.report.abi_text import call_facts, call_lines, enum_lines, struct_lines

    plain = name.removeprefix("struct ")
    for place in places:
        for call in place.calls:
            if plain in (call.name, str(call.number)):
                return call_facts(call), list(call_lines(call))
        for struct in place.structs:
            if plain == struct.name:
                return struct, list(struct_lines(struct))
        for enum in place.enums:
            if plain == enum.name:
                return enum, list(enum_lines(enum))
    where = ", ".join(dict.fromkeys(f"{p.line.name} {p.version}" for p in places))
    raise Fault("abi show", f"nothing is called '{name}' in {where}; see 'vmirom abi show'")
