"""Defects of structs: what overlaps, what has no name, and what C would lay out otherwise.

The contract's structs are packed. A field that a compiler would align elsewhere is no defect of theirs, but
whoever declares the struct anew and forgets to pack it gets another layout: that is remarked.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from vmirom.compat.findings import Finding
from vmirom.compat.lint_rules import LINT_RULES
from vmirom.compat.model import Declaration, Field, Layout

__all__ = ["layout_findings"]

_ALIGN = {"u8": 1, "s8": 1, "char": 1, "u16": 2, "s16": 2, "u32": 4, "s32": 4, "u64": 4, "s64": 4}
"""Alignment in bytes as i386 compilers have it inside structs."""


def layout_findings(declaration: Declaration) -> Iterator[Finding]:
    """Findings about the header and all structs."""
    layouts = [*([declaration.header] if declaration.header else []), *declaration.structs]
    known = {each.name: each for each in layouts}
    for layout in layouts:
        place = f"struct/{layout.name}"
        yield from _bytes(layout, place)
        if _contains_itself(layout.name, known):
            yield _found("struct-cycle", place, layout.name)
            continue
        yield from _aligned(layout, known, place)
        for field in layout.fields:
            nested = field.type.removeprefix("struct ")
            if field.type.startswith("struct ") and nested not in known:
                yield _found("struct-unknown", f"{place}/{field.name}", nested)


def _found(rule: str, place: str, what: str) -> Finding:
    info = LINT_RULES[rule]
    return Finding(rule, info.severity, place, None, what, info.explanation, info.breaks)


def _bytes(layout: Layout, place: str) -> Iterator[Finding]:
    """Overlaps, gaps, and fields beyond the end."""
    end, before = 0, ""
    for field in sorted(layout.fields, key=lambda each: (each.offset, each.end)):
        if field.offset < end:
            yield _found(
                "fields-overlap", f"{place}/{field.name}", f"{before} and {field.name} at {field.offset}"
            )
        elif field.offset > end:
            yield _found("padding-implicit", f"{place}/{field.name}", f"bytes {end} to {field.offset - 1}")
        if field.end > end:
            end, before = field.end, field.name
    if end > layout.size:
        yield _found("size-wrong", place, f"fields end at {end}, the struct at {layout.size}")
    elif end < layout.size:
        yield _found("padding-implicit", place, f"bytes {end} to {layout.size - 1}")


def _contains_itself(name: str, known: Mapping[str, Layout]) -> bool:
    seen: set[str] = set()
    stack = [name]
    while stack:
        for field in known[stack.pop()].fields:
            nested = field.type.removeprefix("struct ")
            if nested == name:
                return True
            if field.type.startswith("struct ") and nested in known and nested not in seen:
                seen.add(nested)
                stack.append(nested)
    return False


def _alignment(field: Field, known: Mapping[str, Layout]) -> int:
    """Bytes; 1 for what isn't known or is reserved. A struct is as aligned as its strictest field."""
    if field.reserved:
        return 1
    nested = known.get(field.type.removeprefix("struct ")) if field.type.startswith("struct ") else None
    if nested is not None:
        inner = (f for f in nested.fields if not _contains_itself(nested.name, known))
        return max((_alignment(each, known) for each in inner), default=1)
    return _ALIGN.get(field.type, 1)


def _aligned(layout: Layout, known: Mapping[str, Layout], place: str) -> Iterator[Finding]:
    moved = False
    strictest = 1
    for field in layout.fields:
        need = _alignment(field, known)
        strictest = max(strictest, need)
        if field.offset % need:
            moved = True
            yield _found("field-unaligned", f"{place}/{field.name}", f"at {field.offset}, by {need}")
    if moved or layout.size % strictest:
        padded = -(-layout.size // strictest) * strictest
        what = f"{layout.size} bytes packed" + (f", {padded} at least in C" if padded != layout.size else "")
        yield _found("layout-differs", place, what)
