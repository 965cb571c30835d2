"""Every version of every line as it was read, written down whole, so that a comparison need not read
``abi/`` again.

What is written is what two versions are compared by, in the order of the declaration. ``ready.json`` beside
them holds a hash over all sources, and one of each file: what was written down counts only while the sources
are the very same. :mod:`vmirom.compat.ready` reads it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from vmirom.schema.calls import Argument, Call, Hypercall, Result
from vmirom.schema.clauses import NO_CLAUSES, Clause, ClauseSet, load_clauses
from vmirom.schema.errors import AbiError
from vmirom.schema.lines import Resolved
from vmirom.schema.rows import FieldRow
from vmirom.schema.sources import sources_hash
from vmirom.schema.tree import AbiTree

__all__ = ["FOLDER", "ready_files"]

FOLDER = "ready"
"""Where the files lie, below the ABI tree."""


def ready_files(tree: AbiTree) -> dict[str, str]:
    """Text by name in the folder. Raises AbiError."""
    files: dict[str, str] = {}
    newest: dict[str, str] = {}
    for table, clauses in ((tree.lines, load_clauses(tree)), (tree.backends, NO_CLAUSES)):
        for name, line in sorted(table.items()):
            newest[name] = str(line.newest)
            for version in line.versions:
                files[f"{name}-{version}.json"] = _text(_data(tree.resolve(name, version), clauses))
    hashes = {name: hashlib.sha256(text.encode("ascii")).hexdigest() for name, text in sorted(files.items())}
    index = {"sources": _sources(tree.folder), "newest": newest, "files": hashes}
    files["ready.json"] = json.dumps(index, indent=1) + "\n"
    return files


def _sources(folder: Path) -> str:
    try:
        return sources_hash(folder)
    except OSError as error:
        raise AbiError(f"{error.filename or folder}: {error.strerror}") from None


def _data(line: Resolved, clauses: ClauseSet) -> dict[str, Any]:
    """Rows as lists, each in the order of the fields of its class in :mod:`vmirom.compat.model`."""
    version, slots = str(line.version), line.line.slots
    held = [each for each in clauses.clauses.values() if each.binds(version)]
    bound = {call.name: [each.id for each in held if call.name in each.calls] for call in line.calls}
    return {
        "line": line.line.name,
        "version": version,
        "hypercalls": bool(line.hypercalls) or not line.calls,
        "slots": slots and [slots.size, slots.count, slots.first, slots.base],
        "calls": [
            *(_call(call, bound[call.name] if clauses.clauses else None) for call in line.calls),
            *(_hypercall(call) for call in line.hypercalls),
        ],
        "structs": [[row.name, row.size, [_field(each) for each in row.fields]] for row in line.structs],
        "enums": [[row.name, row.members, row.flags] for row in line.enums],
        "clauses": [_clause(each) for each in held] if clauses.clauses else None,
    }


def _values(parts: Iterable[Argument | Result]) -> list[Any]:
    return [[p.name, p.type, p.place, p.values, isinstance(p, Argument) and p.optional] for p in parts]


def _call(call: Call, bound: list[str] | None) -> list[Any]:
    results: list[Argument | Result] = [] if call.result is None else [call.result]
    results += [each for each in call.outputs if call.result is None or each.place != call.result.place]
    return [
        call.number,
        call.name,
        call.kind and call.kind.value,
        None if call.arguments is None else _values(call.arguments),
        None if call.kind is None else _values(results),
        call.clobbers,
        call.segments,
        bound,
        call.doc,
        [],
    ]


def _clause(clause: Clause) -> list[Any]:
    stated = ", ".join(clause.revision.stated)
    return [clause.id, clause.sentence, clause.who.value, stated, clause.when.words, clause.calls]


def _hypercall(call: Hypercall) -> list[Any]:
    unstated = [None] * 5
    return [call.number, call.name, None, _values(call.arguments), *unstated, call.when]


def _field(row: FieldRow) -> list[Any]:
    const = row.const.hex() if isinstance(row.const, bytes) else row.const
    return [row.name, row.offset, row.size, row.ctype, row.count, row.values, row.reserved, const]


def _text(data: Mapping[str, Any]) -> str:
    """JSON with a line for each call, struct, enumeration and clause, so that a difference reads well."""
    parts = []
    for key, value in data.items():
        text = json.dumps(value, separators=(",", ":"))
        if isinstance(value, list) and key != "slots":
            text = "[\n" + ",\n".join(json.dumps(row, separators=(",", ":")) for row in value) + "\n]"
        parts.append(f"{json.dumps(key)}: {text}")
    return "{\n" + ",\n".join(parts) + "\n}\n"
