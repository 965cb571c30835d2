"""What the tests of this folder go through: every version of every line, and every struct in them."""

from __future__ import annotations

from typing import Any

from vmirom.schema import Resolved, StructRow
from vmirom.schema.tree import load_abi

TREE = load_abi()

VERSIONS: list[Resolved] = [
    TREE.resolve(line.name, version)
    for line in (*TREE.lines.values(), *TREE.backends.values())
    for version in line.versions
]
NEWEST: list[Resolved] = [TREE.resolve(line.name) for line in TREE.families]


def every_struct() -> list[Any]:
    """(line, row) with a readable id, for parametrize; a struct that did not change stands there once."""
    import pytest

    seen: dict[StructRow, Any] = {}
    for line in VERSIONS:
        for row in line.structs:
            ident = f"{line.line.name}-{line.version}-{row.name}"
            seen.setdefault(row, pytest.param(line, row, id=ident))
    return list(seen.values())


def newest_structs() -> list[tuple[Resolved, StructRow]]:
    """(line, row) of the newest versions."""
    return [(line, row) for line in NEWEST for row in line.structs]
