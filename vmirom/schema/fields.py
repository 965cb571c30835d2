"""The parts an ABI struct is made of.

Construct is the declaration language, cut down to what an ABI needs: little-endian integers, bytes, text,
nested structs and arrays of fixed length. Where construct loses information (unknown flag bits, the bytes
of padding) there is a part of our own that keeps it: the memory a guest wrote is read as it was written.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Any

from construct import (
    Adapter,
    Array,
    Bytes,
    Int8sl,
    Int8ul,
    Int16sl,
    Int16ul,
    Int32sl,
    Int32ul,
    Int64sl,
    Int64ul,
    Struct,
    Subconstruct,
)

from vmirom.schema.errors import SchemaError
from vmirom.schema.versions import Version

if TYPE_CHECKING:
    from construct import Construct

    AnyConstruct = Construct[Any, Any]
    _Adapter = Adapter[Any, Any, Any, Any]
    _Subconstruct = Subconstruct[Any, Any, Any, Any]
else:
    AnyConstruct = object
    _Adapter = Adapter
    _Subconstruct = Subconstruct

__all__ = [
    "AnyConstruct",
    "Array",
    "Bytes",
    "Choice",
    "Fixed",
    "Flags",
    "Reserved",
    "Since",
    "Text",
    "s8",
    "s16",
    "s32",
    "s64",
    "struct",
    "u8",
    "u16",
    "u32",
    "u64",
]

u8, u16, u32, u64 = Int8ul, Int16ul, Int32ul, Int64ul
s8, s16, s32, s64 = Int8sl, Int16sl, Int32sl, Int64sl


def struct(name: str, *fields: AnyConstruct, doc: str) -> AnyConstruct:
    """A struct of the contract. ``name`` is its C tag, ``doc`` what it is for, in our own words."""
    renamed: AnyConstruct = name / Struct(*fields)
    return renamed * doc


class Flags(_Adapter):
    """An integer of bits, read as an IntFlag. Bits that no member names are kept, both ways."""

    def __init__(self, field: AnyConstruct, flags: type[enum.IntFlag]) -> None:
        super().__init__(field)
        if not issubclass(flags, enum.IntFlag):
            raise SchemaError(f"Flags needs an IntFlag class, not {flags!r}")
        self.flags = flags

    def _decode(self, obj: int, context: object, path: object) -> int:
        return self.flags(obj)

    def _encode(self, obj: int, context: object, path: object) -> int:
        return int(obj)


class Choice(_Adapter):
    """An integer of which each value has a name; a value without one is kept as a plain int."""

    def __init__(self, field: AnyConstruct, choices: type[enum.IntEnum]) -> None:
        super().__init__(field)
        if not issubclass(choices, enum.IntEnum):
            raise SchemaError(f"Choice needs an IntEnum class, not {choices!r}")
        self.choices = choices

    def _decode(self, obj: int, context: object, path: object) -> int:
        try:
            return self.choices(obj)
        except ValueError:
            return obj

    def _encode(self, obj: int, context: object, path: object) -> int:
        return int(obj)


class Fixed(_Adapter):
    """A field that a correct writer sets to ``value`` (an int, or bytes). Reading keeps what is there."""

    def __init__(self, field: AnyConstruct, value: int | bytes) -> None:
        super().__init__(field)
        self.value = value

    def _decode(self, obj: Any, context: object, path: object) -> Any:
        return obj

    def _encode(self, obj: Any, context: object, path: object) -> Any:
        return obj


class Reserved(_Adapter):
    """``length`` bytes without a meaning yet. They are kept as they are; with ``zero`` a checker
    reports any that are not 0. A reserved field needs a name, because its bytes are kept."""

    def __init__(self, length: int, zero: bool = True) -> None:
        super().__init__(Bytes(length))
        self.zero = zero

    def _decode(self, obj: bytes, context: object, path: object) -> bytes:
        return obj

    def _encode(self, obj: bytes, context: object, path: object) -> bytes:
        return obj


class Text(_Adapter):
    """``length`` bytes of text. Wire truth is bytes: NULs inside and after are kept."""

    def __init__(self, length: int) -> None:
        super().__init__(Bytes(length))

    def _decode(self, obj: bytes, context: object, path: object) -> bytes:
        return obj

    def _encode(self, obj: bytes, context: object, path: object) -> bytes:
        return obj


class Since(_Subconstruct):
    """A field that exists since a version: ``Since("3.1", "build_id" / Bytes(20))``.

    Takes over name and doc of the field, and parses and builds as it does, so that a struct of the newest
    version can be used as it stands. It is resolved before anything else looks at a declaration: nothing
    downstream ever meets a condition, only the flat contract of one version.
    """

    def __init__(self, version: str, field: Construct[Any, Any]) -> None:
        super().__init__(field)
        self.first = Version.parse(version)
        self.name = field.name
        self.docs = field.docs
