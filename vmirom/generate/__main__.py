"""``python -m vmirom.generate [--check] [--root DIR]``: write all views of abi/, or name the stale ones.

Exit code 0: current; 1: ``--check`` found stale files; 2: the declarations or the checkout are wrong.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from vmirom.generate.views import all_views, stale, write
from vmirom.schema.errors import AbiError
from vmirom.schema.tree import AbiTree, load_abi, source_tree


def main(arguments: list[str] | None = None) -> int:
    """Run the command; gives the exit code."""
    parser = argparse.ArgumentParser(prog="vmirom.generate", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if a file is stale")
    parser.add_argument("--root", type=Path, help="checkout to read abi/ from and to write to")
    options = parser.parse_args(arguments)
    try:
        root, tree = _sources(options.root)
        views = all_views(tree, root)
        if options.check:
            found = stale(views, root)
            for path in found:
                print(f"{path}: not what abi/ says; run python -m vmirom.generate")
            return 1 if found else 0
        for path in write(views, root):
            print(path)
    except AbiError as error:
        print(f"vmirom.generate: {error}", file=sys.stderr)
        return 2
    return 0


def _sources(root: Path | None) -> tuple[Path, AbiTree]:
    if root is not None:
        return root, load_abi(root / "abi")
    folder = source_tree("abi")
    if folder.name != "abi":
        raise AbiError(f"{folder}: an installed package is not generated anew; use a checkout")
    return folder.parent, load_abi(folder)


if __name__ == "__main__":
    sys.exit(main())
