"""``vmirom abi docs``: the reference of a line, a page for each call."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from vmirom.cli.abi_gate import faults
from vmirom.cli.choices import PathArgument, json_option
from vmirom.cli.failing import Fault, shown, write_file
from vmirom.cli.trees import tried

__all__ = ["docs"]


@click.command(
    epilog="\b\nExample:\n  vmirom abi docs -o site\n  pip install 'vmirom[docs]'\n"
    "  sphinx-build site site/_build\n"
)
@click.option("--line", default="vmi3", metavar="LINE", help="Line (default: vmi3).")
@click.option("--abi", "version", metavar="V", help="Version of the line (default: the newest).")
@click.option("--abi-dir", type=PathArgument(), metavar="DIR", help="An ABI tree of your own.")
@click.option("-o", "--output", type=PathArgument(), required=True, metavar="DIR", help="Where to write it.")
@json_option
def docs(line: str, version: str | None, abi_dir: Path | None, output: Path, as_json: bool) -> int:
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
    if as_json:
        from vmirom.report.json_text import json_bytes

        facts = {"folder": shown(output), "pages": sorted(files), "written": written}
        sys.stdout.write(json_bytes(facts).decode())
    else:
        click.echo(f"{shown(output)}: {len(files)} files, {written} written")
    return 0
