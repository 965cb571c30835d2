"""Bytes to values and back, with the checks construct leaves out.

``parse`` keeps everything that was there, so that ``build(s, parse(s, data)) == data`` for any data of the
right length. ``violations`` says what a correct writer would not have stored. Not for hot paths: overlays
are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from construct import Array, ConstructError, Struct

from vmirom.schema.errors import SchemaError
from vmirom.schema.fields import AnyConstruct
from vmirom.schema.rows import FieldRow, StructRow
from vmirom.schema.walking import Part, parts, peel_name, walk

__all__ = ["build", "parse", "violations"]


def parse(struct: AnyConstruct, data: bytes | bytearray | memoryview) -> dict[str, Any]:
    """Values of a resolved struct by field name. Raises SchemaError if ``data`` has another length."""
    row = walk(struct)
    data = bytes(data)
    if len(data) != row.size:
        raise SchemaError(f"struct {row.name}: {len(data)} bytes given, its size is {row.size}")
    values = {}
    for part, field in zip(parts(struct), row.fields, strict=True):
        values[part.name] = _parse_part(part, field, data[field.offset : field.end])
    return values


def _parse_part(part: Part, field: FieldRow, data: bytes) -> Any:
    core: Any = part.core
    if field.nested is not None:
        if field.count is None:
            return parse(core, data)
        step = field.nested.size
        return [parse(core.subcon, data[at : at + step]) for at in range(0, field.size, step)]
    if isinstance(core, Array):
        return list(core.parse(data))
    if field.count is not None:
        return data
    value = core.parse(data)
    return part.codec._decode(value, None, None) if part.codec is not None else value


def build(struct: AnyConstruct, values: Mapping[str, Any]) -> bytes:
    """Bytes of a resolved struct. Reserved fields may be left out (zeros), fixed ones too (their value).

    Raises SchemaError for a key too many, a key too few, or a value that does not fit.
    """
    row = walk(struct)
    where = f"struct {row.name}"
    if not isinstance(values, Mapping):
        raise SchemaError(f"{where}: {type(values).__name__} given, a mapping of field names is needed")
    known = {field.name for field in row.fields}
    for key in values:
        if key not in known:
            raise SchemaError(f"{where}, field {key}: there is no such field")
    out = []
    for part, field in zip(parts(struct), row.fields, strict=True):
        out.append(_build_part(part, field, _value(part, field, values)))
    return b"".join(out)


def _value(part: Part, field: FieldRow, values: Mapping[str, Any]) -> Any:
    if field.name in values:
        return values[field.name]
    if field.const is not None:
        return field.const
    if field.reserved:
        return bytes(field.size)
    raise SchemaError(f"{part.where}: no value is given")


def _build_part(part: Part, field: FieldRow, value: Any) -> bytes:
    core: Any = part.core
    if isinstance(core, Array):
        if not isinstance(value, list | tuple) or len(value) != field.count:
            raise SchemaError(f"{part.where}: an array of {field.count} elements is needed")
        if field.nested is not None:
            return b"".join(build(core.subcon, element) for element in value)
        return b"".join(_integer(part, core.subcon, element) for element in value)
    if field.nested is not None:
        return build(core, value)
    if field.count is not None:
        if not isinstance(value, bytes | bytearray) or len(value) != field.size:
            raise SchemaError(f"{part.where}: {field.size} bytes are needed")
        return bytes(value)
    if isinstance(value, bytes) and len(value) == field.size:
        return value
    return _integer(part, core, value)


def _integer(part: Part, core: Any, value: Any) -> bytes:
    if not isinstance(value, int):
        raise SchemaError(f"{part.where}: {type(value).__name__} given, an integer is needed")
    try:
        built: bytes = core.build(int(value))
    except ConstructError:
        raise SchemaError(f"{part.where}: {value:#x} does not fit {core.sizeof()} bytes") from None
    return built


def violations(struct: AnyConstruct, data: bytes | bytearray | memoryview) -> Iterator[str]:
    """One line for each thing in ``data`` that a correct writer does not store: reserved bytes that are
    not zero, fixed fields with another value, values without a name, flag bits without a name."""
    yield from _violations(walk(struct), struct, parse(struct, data), "")


def _violations(row: StructRow, struct: AnyConstruct, values: Mapping[str, Any], above: str) -> Iterator[str]:
    for part, field in zip(parts(struct), row.fields, strict=True):
        where = f"{above or row.name}.{field.name}"
        value = values[field.name]
        if field.nested is not None:
            core: Any = part.core
            inner = core if isinstance(peel_name(core)[2], Struct) else core.subcon
            elements = value if isinstance(value, list) else [value]
            for at, element in enumerate(elements):
                place = f"{where}[{at}]" if isinstance(value, list) else where
                yield from _violations(field.nested, inner, element, place)
        elif field.zero and any(value):
            yield f"{where}: reserved bytes are not zero"
        elif field.const is not None and value != field.const:
            yield f"{where}: {_show(value)} where {_show(field.const)} is fixed"
        elif part.values is not None and isinstance(value, list):
            for at, element in enumerate(value):
                yield from _nameless(f"{where}[{at}]", part, int(element))
        elif part.values is not None:
            yield from _nameless(where, part, int(value))


def _nameless(where: str, part: Part, value: int) -> Iterator[str]:
    if part.flags:
        known = 0
        for _, bits in part.labels:
            known |= bits
        if value & ~known:
            yield f"{where}: bits {value & ~known:#x} have no name in {part.values}"
    elif value not in {number for _, number in part.labels}:
        yield f"{where}: {value:#x} has no name in {part.values}"


def _show(value: Any) -> str:
    return f"{value:#x}" if isinstance(value, int) else repr(value)
