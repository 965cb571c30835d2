"""``vmirom abi docs``: the reference of a line, a page for each call."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import click

from vmirom.cli.abi_gate import faults
from vmirom.cli.choices import PathArgument, json_option
from vmirom.cli.failing import Fault, shown, write_file
from vmirom.cli.trees import tried

__all__ = ["docs"]


@click.command(
    epilog="\b\nExamples:\n  vmirom abi docs -o site            Markdown, and what sphinx needs\n"
    "  vmirom abi docs -o site --site     and site/_build, made with sphinx and furo\n"
)
@click.option("--line", default="vmi3", metavar="LINE", help="Line (default: vmi3).")
@click.option("--abi", "version", metavar="V", help="Version of the line (default: the newest).")
@click.option("--abi-dir", type=PathArgument(), metavar="DIR", help="An ABI tree of your own.")
@click.option("-o", "--output", type=PathArgument(), required=True, metavar="DIR", help="Where to write it.")
@click.option("--site", "as_site", is_flag=True, help="Build the site, too (needs vmirom[docs]).")
@json_option
def docs(
    line: str, version: str | None, abi_dir: Path | None, output: Path, as_site: bool, as_json: bool
) -> int:
    """Write the reference of a line: a Markdown page for each call, and a sphinx configuration.

    A page tells registers, clobbers, segments, clauses, what the ROM of each backend does, and since when
    the call exists. Files that are there and would be the same are left alone.
    """
    from vmirom.generate.routines import routines
    from vmirom.generate.site import read_answers, site
    from vmirom.rom.build import backend_sources
    from vmirom.schema.clauses import NO_CLAUSES, load_clauses
    from vmirom.schema.tree import load_abi, source_tree

    with faults():
        tree = load_abi(tried(abi_dir))
        resolved = tree.resolve(line, version)
        answers = {}
        if abi_dir is None and resolved.line.executable:
            table = source_tree("romsrc") / "blobs" / "roms.json"
            answers = read_answers(table, str(resolved.version))
        clauses = load_clauses(tree) if resolved.line.executable else NO_CLAUSES
        backends = tuple(tree.resolve(name) for name in sorted(tree.backends))
        parts = {name: backend_sources(name).files for name in answers}
        sources = routines(parts, source_tree("romsrc") / "rom")
        files = site(resolved, answers=answers, clauses=clauses, backends=backends, sources=sources)
    written = 0
    for name, text in files.items():
        path = output / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.is_file() and path.read_bytes() == text.encode("utf-8"):
                continue
        except OSError as error:
            raise Fault(shown(path), error.strerror or "can't be written") from None
        write_file(path, text.encode("utf-8"))
        written += 1
    built = output / "_build"
    if as_site:
        _build(output, built)
    if as_json:
        from vmirom.report.json_text import json_bytes

        facts: dict[str, object] = {"folder": shown(output), "pages": sorted(files), "written": written}
        facts |= {"site": shown(built)} if as_site else {}
        sys.stdout.write(json_bytes(facts).decode())
    else:
        click.echo(f"{shown(output)}: {len(files)} files, {written} written")
        if as_site:
            click.echo(f"{shown(built / 'index.html')}: built")
    return 0


def _build(sources: Path, built: Path) -> None:
    """Have sphinx make the site, each warning an error. Raises Fault."""
    if missing := [name for name in ("sphinx", "furo", "myst_parser") if find_spec(name) is None]:
        raise Fault("--site", f"{missing[0]} is not installed", "pip install 'vmirom[docs]'")
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "-b", "html", str(sources), str(built)]
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    if made.returncode:
        words = (made.stderr.strip() or made.stdout.strip() or "sphinx failed").splitlines()
        raise Fault(shown(sources), "sphinx", words[-1])
