"""The declared ABI as plain values and as lines: versions, calls, structures."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from vmirom.schema import Call, EnumRow, Resolved, StructRow
from vmirom.schema.tree import AbiTree

__all__ = [
    "call_facts",
    "call_lines",
    "contents_lines",
    "enum_lines",
    "line_facts",
    "struct_lines",
]


def line_facts(tree: AbiTree) -> list[dict[str, Any]]:
    """Each line and backend: versions, and what its newest one declares."""
    found = []
    for name in (*sorted(tree.lines), *sorted(tree.backends)):
        resolved = tree.resolve(name)
        found.append(
            {
                "name": name,
                "kind": "backend" if name in tree.backends else "line",
                "executable": resolved.line.executable,
                "versions": list(resolved.line.versions),
                "newest": str(resolved.version),
                "calls": len(resolved.calls),
                "hypercalls": len(resolved.hypercalls),
                "structs": len(resolved.structs),
                "doc": _words(resolved.line.doc),
            }
        )
    return found


def contents_lines(resolved: Resolved) -> Iterator[str]:
    """All calls (or hypercalls) and structures of one version, a line each."""
    yield f"{resolved.line.name} {resolved.version}: {_words(resolved.line.doc)}"
    for call in resolved.calls:
        kind = call.kind.value if call.kind else "unpublished"
        yield f"  {call.number:3}  {call.name:24} {kind:11} since {call.since}"
    for hypercall in resolved.hypercalls:
        gate = f"only with {' and '.join(hypercall.when)}" if hypercall.when else ""
        said = "; ".join(each for each in (gate, _words(hypercall.doc)) if each)
        yield f"  {hypercall.number:3}  {hypercall.name:24} {said}".rstrip()
    for struct in resolved.structs:
        yield f"  struct {struct.name:28} {struct.size:5} bytes"
    for enum in resolved.enums:
        yield f"  enum   {enum.name:28} {len(enum.members):5} members"


def call_facts(call: Call) -> dict[str, Any]:
    """A call as plain values."""
    return {
        "number": call.number,
        "name": call.name,
        "kind": call.kind.value if call.kind else None,
        "since": str(call.since),
        "group": call.group,
        "arguments": [_place(a) for a in call.arguments] if call.arguments is not None else None,
        "result": _place(call.result) if call.result else None,
        "outputs": [_place(r) for r in call.outputs],
        "clobbers": list(call.clobbers) if call.clobbers is not None else None,
        "preserved": list(call.preserved) if call.preserved is not None else None,
        "doc": _words(call.doc),
    }


def _place(value: Any) -> dict[str, Any]:
    return {"name": value.name, "type": value.type, "place": value.place, "values": list(value.values)}


def call_lines(call: Call) -> Iterator[str]:
    """A call for people."""
    kind = call.kind.value if call.kind else "number without a published contract"
    yield f"call {call.number} {call.name}: {kind}, since {call.since}"
    for argument in call.arguments or ():
        yield f"  in   {argument.place:8} {argument.type} {argument.name}{_of(argument.values)}"
    for result in call.outputs or ((call.result,) if call.result else ()):
        yield f"  out  {result.place:8} {result.type} {result.name}{_of(result.values)}"
    if call.clobbers is not None:
        yield f"  may change  {' '.join(call.clobbers) or 'nothing'}"
    if call.preserved is not None:
        yield f"  keeps       {' '.join(call.preserved)} ESP"
    yield f"  {_words(call.doc)}"


def _of(values: tuple[str, ...]) -> str:
    return f" ({' | '.join(values)})" if values else ""


def struct_lines(struct: StructRow) -> Iterator[str]:
    """A structure for people, offsets in hex."""
    yield f"struct {struct.name}: {struct.size} bytes. {_words(struct.doc)}"
    for field in struct.fields:
        count = f"[{field.count}]" if field.count is not None else ""
        yield f"  {field.offset:#06x}  {field.ctype + count:24} {field.name:24} {_words(field.doc)}".rstrip()


def enum_lines(enum: EnumRow) -> Iterator[str]:
    """An enumeration for people."""
    yield f"enum {enum.name}{' (bits)' if enum.flags else ''}. {_words(enum.doc)}"
    yield from (f"  {value:#10x}  {member}" for member, value in enum.members)


def _words(text: str) -> str:
    return " ".join(text.split())
