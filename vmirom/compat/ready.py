"""Lines of the project's own tree as they were written down when they were last generated.

Reading ``abi/`` executes some fifty modules; what ``python -m vmirom.generate`` wrote of it is one file a
version. It is taken only if a hash says that every source, and all code that reads sources, is what it was
then: a declaration that was edited is always read itself.
"""

from __future__ import annotations

import functools
import hashlib
import json
from pathlib import Path
from typing import Any

from vmirom.compat.assemble import assemble
from vmirom.compat.model import (
    Call,
    Clause,
    Declaration,
    Dispatch,
    Enumeration,
    Field,
    Layout,
    Mechanism,
    Value,
)
from vmirom.schema.errors import AbiError
from vmirom.schema.places import source_tree
from vmirom.schema.sources import sources_hash

__all__ = ["ready"]


def ready(line: str, version: str | None = None) -> Declaration | None:
    """A line of the project's own tree at a version (default: the newest); None where it must be read."""
    try:
        folder = source_tree("abi")
        index = _index(folder)
        at = version or index["newest"][line]
        name = f"{line}-{at}.json"
        wanted, data = index["files"][name], (folder / "ready" / name).read_bytes()
        if hashlib.sha256(data).hexdigest() != wanted:
            return None
        return _declaration(json.loads(data), f"{line}@{at}")
    except (AbiError, OSError, ValueError, LookupError, TypeError):
        return None


@functools.cache
def _index(folder: Path) -> Any:
    """What was written down, if it is of the sources as they are; once in a process. Raises OSError,
    ValueError."""
    index = json.loads((folder / "ready" / "ready.json").read_bytes())
    if index["sources"] != sources_hash(folder):
        raise ValueError("of other sources")
    return index


def _declaration(data: dict[str, Any], source: str) -> Declaration:
    slots, clauses = data["slots"], data["clauses"]
    return assemble(
        data["line"],
        data["version"],
        source,
        calls=tuple(_call(*row) for row in data["calls"]),
        structs=tuple(
            Layout(name, size, tuple(Field(*row) for row in fields)) for name, size, fields in data["structs"]
        ),
        enums=tuple(
            Enumeration(name, tuple((label, value) for label, value in members), flags)
            for name, members, flags in data["enums"]
        ),
        clauses=None if clauses is None else tuple(_clause(*row) for row in clauses),
        mechanism=None if slots is None else Mechanism(Dispatch.SLOTS, *slots),
        hypercalls=data["hypercalls"],
    )


def _clause(identity: str, text: str, who: str, revision: str, when: str, calls: list[str]) -> Clause:
    return Clause(identity, text, who, revision, when, tuple(calls))


def _call(
    number: int,
    name: str,
    kind: str | None,
    arguments: list[Any] | None,
    results: list[Any] | None,
    clobbers: list[str] | None,
    segments: list[str] | None,
    clauses: list[str] | None,
    doc: str | None,
    when: list[str],
) -> Call:
    def values(rows: list[Any] | None) -> tuple[Value, ...] | None:
        if rows is None:
            return None
        return tuple(Value(n, t, place, tuple(v), optional) for n, t, place, v, optional in rows)

    def names(given: list[str] | None) -> frozenset[str] | None:
        return None if given is None else frozenset(given)

    return Call(
        number,
        name,
        kind,
        values(arguments),
        values(results),
        names(clobbers),
        names(segments),
        names(clauses),
        doc,
        tuple(when),
    )
