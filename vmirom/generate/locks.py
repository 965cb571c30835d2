"""The lock of one version of a line: everything two sides must agree on, as canonical JSON.

Words that only explain are left out, so that a better sentence never looks like a change of the ABI.
"""

from __future__ import annotations

from typing import Any

from vmirom.generate.seals import Recorded, sealed, text
from vmirom.schema import Argument, Call, Hypercall, Resolved, Result, StructRow

__all__ = ["lock", "lock_data"]


def lock(line: Resolved, recorded: Recorded | None = None) -> str:
    """Canonical text: keys sorted, calls by number, structs and enumerations by name, sealed by a hash."""
    return text(sealed(lock_data(line), recorded or Recorded()))


def lock_data(line: Resolved) -> dict[str, Any]:
    """What a lock says of a declaration, as plain data without its seal."""
    data: dict[str, Any] = {
        "line": line.line.name,
        "version": str(line.version),
        "structs": {struct.name: _struct(struct) for struct in line.structs},
        "enums": {row.name: {"flags": row.flags, "members": dict(row.members)} for row in line.enums},
    }
    if (slots := line.line.slots) is not None:
        data["slots"] = {"size": slots.size, "count": slots.count, "first": slots.first, "base": slots.base}
    if line.calls:
        data["calls"] = [_call(call) for call in line.calls]
    if line.hypercalls:
        data["hypercalls"] = [_hypercall(call) for call in line.hypercalls]
    return data


def _place(part: Argument | Result) -> dict[str, Any]:
    """What is optional says so; a frozen lock has no word for what is not."""
    row: dict[str, Any] = {"name": part.name, "type": part.type, "place": part.place}
    row["values"] = list(part.values)
    if isinstance(part, Argument) and part.optional:
        row["optional"] = True
    return row


def _call(call: Call) -> dict[str, Any]:
    return {
        "number": call.number,
        "name": call.name,
        "group": call.group,
        "kind": None if call.kind is None else call.kind.value,
        "arguments": None if call.arguments is None else [_place(part) for part in call.arguments],
        "result": None if call.result is None else _place(call.result),
        "outputs": [_place(part) for part in call.outputs],
        "clobbers": None if call.clobbers is None else sorted(call.clobbers),
        "segments": None if call.segments is None else sorted(call.segments),
        "since": str(call.since),
    }


def _hypercall(call: Hypercall) -> dict[str, Any]:
    row = {
        "number": call.number,
        "name": call.name,
        "arguments": [_place(part) for part in call.arguments],
    }
    return {**row, "when": list(call.when)} if call.when else row


def _struct(struct: StructRow) -> dict[str, Any]:
    return {
        "size": struct.size,
        "fields": [
            {
                "name": field.name,
                "offset": field.offset,
                "size": field.size,
                "type": field.ctype,
                "count": field.count,
                "values": field.values,
                "reserved": field.reserved,
                "const": field.const.hex() if isinstance(field.const, bytes) else field.const,
            }
            for field in struct.fields
        ],
    }
