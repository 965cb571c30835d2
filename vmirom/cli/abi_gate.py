"""``vmirom abi check`` and ``vmirom abi freeze``: the gate of an ABI's changes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from vmirom.cli.choices import PathArgument, json_option
from vmirom.cli.failing import Fault, shown
from vmirom.cli.sheets import print_sheet, sheet_options
from vmirom.cli.trees import tried

if TYPE_CHECKING:
    from vmirom.schema.tree import AbiTree

__all__ = ["check", "faults", "freeze"]

_SUPPRESSIONS = "suppressions.toml"
_CODES = """\b
Exit codes:
  0  compatible: nothing changed, or only what its version allows
  1  risky changes only (with --strict: 4)
  2  bad input, an edited lock among it; one line says what and where
  4  breaking: a frozen version changed, or the bump is not the one that the changes demand
"""


@contextmanager
def faults() -> Iterator[None]:
    """What can't be read or compared is one line and exit code 2."""
    from vmirom.compat.errors import CompatError
    from vmirom.schema.errors import AbiError

    try:
        yield
    except (AbiError, CompatError) as error:
        raise Fault(str(error)) from None


@click.command(
    epilog=_CODES
    + "\n\b\nExamples:\n  vmirom abi check\n  vmirom abi check --strict --format sarif -o abi.sarif\n"
    "  vmirom abi check --abi-dir mine/abi --suppressions mine/accepted.toml\n"
)
@click.option("--line", "lines", multiple=True, metavar="LINE", help="Only this line; repeatable.")
@click.option("--abi-dir", type=PathArgument(), metavar="DIR", help="An ABI tree of your own.")
@click.option("--locks", type=PathArgument(), metavar="DIR", help="Its locks (default: DIR/locks).")
@click.option(
    "--suppressions",
    type=PathArgument(),
    metavar="FILE",
    help=f"Accepted findings (default: {_SUPPRESSIONS} in the ABI tree, if it is there).",
)
@click.option("--strict", is_flag=True, help="Risky changes, and suppressions out of use, are failures.")
@sheet_options
def check(
    lines: tuple[str, ...],
    abi_dir: Path | None,
    locks: Path | None,
    suppressions: Path | None,
    strict: bool,
    format_name: str,
    output: Path | None,
) -> int:
    """Judge the declarations against their frozen locks.

    A frozen version must not change. The newest version must carry the bump that its difference to the
    last frozen one demands: a new major for what breaks, a new minor for what is added. A lock that was
    edited is refused. Single findings can be accepted in a TOML file, each with exact rule and place, a
    reason, and a last day; those that expired or match nothing are reported.
    """
    from datetime import date

    from vmirom.compat import policy

    with faults():
        tree = _tree(abi_dir)
        table = suppressions or tree.folder / _SUPPRESSIONS
        accepted = policy.read_suppressions(table) if suppressions or table.exists() else ()
        verdict = policy.check(
            tree,
            policy.read_locks(_folder(locks, tree)),
            lines=lines,
            suppressions=accepted,
            today=date.today(),
            blobs=_blobs(tree),
            strict=strict,
        )
    print_sheet(verdict.sheet, format_name, output)
    return verdict.exit_code


@click.command(epilog="\b\nExample:\n  vmirom abi freeze 3.1\n")
@click.argument("version")
@click.option("--line", default="vmi3", metavar="LINE", help="Line or backend (default: vmi3).")
@click.option("--abi-dir", type=PathArgument(), metavar="DIR", help="An ABI tree of your own.")
@click.option("--locks", type=PathArgument(), metavar="DIR", help="Where its locks are (default: DIR/locks).")
@json_option
def freeze(version: str, line: str, abi_dir: Path | None, locks: Path | None, as_json: bool) -> int:
    """Freeze VERSION of a line: write its lock, which never changes again.

    The lock holds numbers, registers, clobbers, offsets, constants, clauses, the hashes of the version's
    ROMs, and a hash over all of it; sorted, one fact a line. Refused where the version before is frozen
    and the difference demands a new major (exit code 4), and where the version is frozen already and the
    declarations now say something else (2).
    """
    from vmirom.compat import policy

    with faults():
        tree = _tree(abi_dir)
        done = policy.freeze(tree, line, version, locks=_folder(locks, tree), blobs=_blobs(tree))
    if done.refused is not None:
        print_sheet(done.refused.sheet, "json" if as_json else "text", None)
        return done.refused.exit_code
    if as_json:
        from vmirom.report.json_text import json_bytes

        facts: dict[str, object] = {
            "lock": shown(done.path),
            "line": line,
            "version": version,
            "written": done.written,
        }
        facts |= {"roms": done.roms, "clauses": done.clauses}
        click.echo(json_bytes(facts).decode(), nl=False)
        return 0
    what = f"{done.roms} ROMs and {done.clauses} clauses recorded"
    if done.written:
        click.echo(f"{shown(done.path)}: {line} {version} is frozen; {what}")
    else:
        click.echo(f"{shown(done.path)}: {line} {version} was frozen before, and nothing has changed; {what}")
    return 0


def _tree(abi_dir: Path | None) -> AbiTree:
    from vmirom.schema.tree import load_abi

    return load_abi(tried(abi_dir))


def _folder(locks: Path | None, tree: AbiTree) -> Path:
    if locks is not None and not locks.is_dir():
        raise Fault(shown(locks), "not a folder")
    return locks or tree.folder / "locks"


def _blobs(tree: AbiTree) -> Path:
    """Shipped ROMs stand beside the tree, in a checkout and in a wheel."""
    name = "_romsrc" if tree.folder.name == "_abi" else "romsrc"
    return tree.folder.parent / name / "blobs"
