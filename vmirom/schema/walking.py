"""From a construct declaration to plain rows, and the rules a declaration must keep.

An ABI struct has a fixed size, little-endian integers, named fields that follow each other without a gap,
and nothing whose layout C can't state. Whatever construct would let pass beyond that is refused here, in
one line that names struct and field.
"""

from __future__ import annotations

import enum
import functools
from typing import Any

import construct
from construct import (
    Array,
    Bytes,
    Const,
    Default,
    FormatField,
    Padded,
    Renamed,
    StringEncoded,
    Struct,
    Subconstruct,
)

from vmirom.schema.errors import SchemaError
from vmirom.schema.fields import AnyConstruct, Choice, Fixed, Flags, Reserved, Since, Text
from vmirom.schema.names import check_field_name, refuse_twins
from vmirom.schema.rows import FieldRow, StructRow
from vmirom.schema.versions import Version

__all__ = ["Part", "parts", "peel_name", "resolve_struct", "walk"]

_C_TYPES = {"B": "u8", "H": "u16", "L": "u32", "Q": "u64", "b": "s8", "h": "s16", "l": "s32", "q": "s64"}


class Part:
    """A field on its way to a row: what was found while peeling it from the outside in."""

    def __init__(self, where: str, name: str, doc: str, core: AnyConstruct) -> None:
        self.where = where
        self.name = name
        self.doc = doc
        self.core = core
        self.const: int | bytes | None = None
        self.values: str | None = None
        self.labels: tuple[tuple[str, int], ...] = ()
        self.flags = False
        self.reserved = False
        self.zero = False
        self.codec: Choice | Flags | None = None


def peel_name(field: Any) -> tuple[str | None, str, Any]:
    """Name, doc and what is under them; the outermost name wins."""
    name, doc = field.name, field.docs or ""
    while isinstance(field, Renamed):
        field = field.subcon
        name = name or field.name
        doc = doc or field.docs or ""
    return name, doc, field


def peel_field(field: Any) -> tuple[str | None, str, Any]:
    """Name, doc and type of a field; a nested struct keeps the name and doc of its own."""
    layers = [field]
    while isinstance(layers[-1], Renamed):
        layers.append(layers[-1].subcon)
    core = layers.pop()
    if not isinstance(core, Struct) or not layers:
        return field.name, field.docs or "", core
    own = layers[-1].name
    inner = next(layer for layer in layers if layer.name == own)
    return field.name, "" if field.docs == inner.docs else field.docs or "", inner


def resolve_struct(struct: AnyConstruct, version: Version) -> AnyConstruct:
    """The struct as it is in ``version``: later fields dropped, ``Since`` marks unwrapped."""
    name, doc, core = peel_name(struct)
    if isinstance(core, Struct):
        fields = (_resolve_field(field, version) for field in core.subcons)
        core = Struct(*(field for field in fields if field is not None))
    resolved: AnyConstruct = _renamed(core, name, doc)
    return resolved


def _resolve_field(field: Any, version: Version) -> Any:
    name, doc, core = peel_field(field)
    if isinstance(core, Since):
        if version < core.first:
            return None
        inner = _resolve_field(core.subcon, version)
        return None if inner is None else _renamed(inner, name, doc)
    if isinstance(peel_name(core)[2], Struct):
        return _renamed(resolve_struct(core, version), name, doc)
    if isinstance(core, Array):
        element = resolve_struct(core.subcon, version)
        return _renamed(Array(core.count, element), name, doc)
    return field


def _renamed(core: Any, name: str | None, doc: str) -> Any:
    if name is None and not doc:
        return core
    return Renamed(core, newname=name, newdocs=doc or None)


@functools.lru_cache(maxsize=512)
def parts(struct: AnyConstruct) -> tuple[Part, ...]:
    """The fields of a resolved struct, each peeled to its C type. Raises SchemaError."""
    name, _, core = peel_name(struct)
    where = f"struct {name or '(anonymous)'}"
    if not isinstance(core, Struct):
        raise SchemaError(f"{where}: {type(core).__name__} is not a Struct")
    found = []
    for field in core.subcons:
        field_name, doc, inner = peel_field(field)
        found.append(_peel(f"{where}, field {field_name or '(anonymous)'}", field_name, doc, inner))
    refuse_twins(where, (part.name for part in found))
    return tuple(found)


def _peel(where: str, name: str | None, doc: str, core: Any) -> Part:
    """Take off what sits over a field's type. Specific wrappers come before the general test."""
    _refuse(where, core)
    part = Part(where, check_field_name(where, name), doc, core)
    while True:
        if isinstance(core, Fixed | Const):
            part.const = core.value
        elif isinstance(core, Choice | Flags):
            part.codec = core
            known: type[enum.IntEnum] | type[enum.IntFlag]
            known = core.choices if isinstance(core, Choice) else core.flags
            part.values = known.__name__
            part.flags = isinstance(core, Flags)
            part.labels = tuple((label, int(item)) for label, item in known.__members__.items())
        elif isinstance(core, construct.Enum):
            part.labels = tuple(core.encmapping.items())
        elif isinstance(core, Reserved):
            part.reserved, part.zero = True, core.zero
        elif not isinstance(core, Default):
            break
        core = core.subcon
        _refuse(where, core)
    part.core = core
    if isinstance(core, Array) and not isinstance(peel_name(core.subcon)[2], Struct):
        element = _peel(where, "element", "", peel_name(core.subcon)[2])
        part.values, part.labels, part.flags = element.values, element.labels, element.flags
    return part


def _refuse(where: str, core: Any) -> None:
    """Constructs that lose information or have no C type."""
    if isinstance(core, Since):
        raise SchemaError(f"{where}: Since is not resolved; resolve the struct for a version first")
    if isinstance(core, construct.FlagsEnum):
        raise SchemaError(f"{where}: FlagsEnum drops unknown bits; use Flags")
    if isinstance(core, construct.Union):
        raise SchemaError(f"{where}: Union has no size; declare Bytes and a struct for each reading")
    if isinstance(core, Padded | construct.Aligned):
        raise SchemaError(f"{where}: padding loses its bytes; use a named Reserved")
    if isinstance(core, construct.Transformed | construct.Restreamed | construct.BitsInteger):
        raise SchemaError(f"{where}: bit structs have no portable C; declare the integer with Flags")
    if isinstance(core, construct.BytesInteger):
        raise SchemaError(f"{where}: an integer of {core.length} bytes has no C type; declare Bytes")
    if isinstance(core, construct.IfThenElse | construct.Switch | construct.Select):
        raise SchemaError(f"{where}: an ABI struct has fixed size; mark versions with Since")


def _size(where: str, core: Any) -> int:
    try:
        size = core.sizeof()
    except Exception:  # noqa: BLE001  sizeof evaluates lambdas of the declaration
        raise SchemaError(f"{where}: an ABI struct has fixed size") from None
    if not isinstance(size, int) or size <= 0:
        raise SchemaError(f"{where}: size {size!r} is not a positive number of bytes")
    return size


def _scalar(where: str, core: Any) -> str:
    """C type of an integer field."""
    order, letter = core.fmtstr[0], core.fmtstr[1:]
    ctype = _C_TYPES.get(letter)
    if ctype is None:
        raise SchemaError(f"{where}: format {core.fmtstr!r} is not an integer")
    if order != "<":
        raise SchemaError(f"{where}: only little-endian fields have a place in an ABI")
    return ctype


def _type(where: str, core: Any) -> tuple[str, int | None, StructRow | None]:
    """C type, count and nested struct of a peeled field."""
    if isinstance(core, FormatField):
        return _scalar(where, core), None, None
    if isinstance(core, Text | StringEncoded):
        return "char", _size(where, core), None
    if isinstance(core, Bytes):
        return "u8", _size(where, core), None
    if isinstance(core, Array):
        return _array(where, core)
    name, _, inner = peel_name(core)
    if isinstance(inner, Struct):
        if name is None:
            raise SchemaError(f"{where}: a nested struct needs a name of its own")
        nested = walk(core)
        return f"struct {nested.name}", None, nested
    if isinstance(core, Subconstruct) and not isinstance(core, construct.Adapter):
        _refuse(where, core.subcon)
    raise SchemaError(f"{where}: {type(core).__name__} has no C type")


def _array(where: str, core: Any) -> tuple[str, int | None, StructRow | None]:
    if not isinstance(core.count, int):
        raise SchemaError(f"{where}: an ABI struct has fixed size; the count of an array is a number")
    if core.count <= 0:
        raise SchemaError(f"{where}: an array of {core.count} elements")
    inner = core.subcon
    if isinstance(peel_name(inner)[2], Struct):
        ctype, count, nested = _type(where, inner)
    else:
        element = _peel(where, "element", "", peel_name(inner)[2])
        ctype, count, nested = _type(where, element.core)
    if count is not None:
        raise SchemaError(f"{where}: arrays of arrays are not declared; name the inner struct")
    return ctype, core.count, nested


@functools.lru_cache(maxsize=512)
def walk(struct: AnyConstruct) -> StructRow:
    """Rows of a resolved struct. Raises SchemaError for whatever the rules above refuse."""
    name, doc, _ = peel_name(struct)
    check_field_name(f"struct {name or '(anonymous)'}", name)
    assert name is not None
    fields = []
    at = 0
    for part in parts(struct):
        size = _size(part.where, part.core)
        ctype, count, nested = _type(part.where, part.core)
        _check_labels(part, ctype)
        fields.append(
            FieldRow(
                part.name,
                at,
                size,
                ctype,
                count,
                part.doc,
                _constant(part, size),
                part.values,
                part.labels,
                part.flags,
                part.reserved,
                part.zero,
                nested,
            )
        )
        at += size
    if not fields:
        raise SchemaError(f"struct {name}: no fields")
    return StructRow(name, at, tuple(fields), doc)


def _check_labels(part: Part, ctype: str) -> None:
    """A named value that the field can't hold would be a promise nobody can keep."""
    if not part.labels:
        return
    if not isinstance(part.core, FormatField | Array) or ctype not in _C_TYPES.values():
        raise SchemaError(f"{part.where}: named values need an integer")
    if part.flags and ctype[0] == "s":
        raise SchemaError(f"{part.where}: flags in a signed field")
    bits = int(ctype[1:]) - (ctype[0] == "s")
    for label, value in part.labels:
        if not -(1 << bits) * (ctype[0] == "s") <= value < 1 << bits:
            raise SchemaError(f"{part.where}: {label} = {value:#x} does not fit {ctype}")


def _constant(part: Part, size: int) -> int | bytes | None:
    value = part.const
    if isinstance(value, bytes) and len(value) != size:
        raise SchemaError(f"{part.where}: constant of {len(value)} bytes in a field of {size}")
    if isinstance(value, int) and not 0 <= value < 1 << (8 * size):
        raise SchemaError(f"{part.where}: constant {value:#x} does not fit {size} bytes")
    return int(value) if isinstance(value, int) else value
