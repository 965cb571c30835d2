"""What construct would let pass and an ABI can't have: each is one line that names struct and field."""

import enum
from typing import Any

import construct
import pytest
from construct import this

from vmirom.schema import (
    Array,
    Bytes,
    Choice,
    Fixed,
    Flags,
    Reserved,
    SchemaError,
    Text,
    struct,
    u8,
    u16,
    u32,
    walk,
)


class Bits(enum.IntFlag):
    """Two bits."""

    ONE = 1
    TWO = 2


class Wide(enum.IntEnum):
    """One value that needs nine bits."""

    BIG = 0x100


def _struct(*fields: Any) -> Any:
    return struct("x_case", *fields, doc="A case.")


REFUSED = {
    "FlagsEnum": ("f" / construct.FlagsEnum(u8, a=1), "FlagsEnum drops unknown bits"),
    "Union": ("f" / construct.Union(0, "a" / u8, "b" / u16), "Union has no size"),
    "Padding": ("f" / construct.Padding(2), "padding loses its bytes"),
    "Padded": ("f" / construct.Padded(4, u8), "padding loses its bytes"),
    "Aligned": ("f" / construct.Aligned(4, u8), "padding loses its bytes"),
    "big endian": ("f" / construct.Int32ub, "only little-endian"),
    "big endian in an array": ("f" / Array(2, construct.Int16ub), "only little-endian"),
    "native order": ("f" / construct.Int32un, "only little-endian"),
    "float": ("f" / construct.Float32l, "is not an integer"),
    "24 bits": ("f" / construct.Int24ul, "has no C type"),
    "variable bytes": ("n" / Bytes(this.x), "fixed size"),
    "variable array": ("f" / Array(this.x, u8), "fixed size"),
    "greedy bytes": ("f" / construct.GreedyBytes, "fixed size|no C type"),
    "greedy array": ("f" / construct.GreedyRange(u8), "fixed size|no C type"),
    "C string": ("f" / construct.CString("ascii"), "fixed size|no C type"),
    "If": ("f" / construct.If(this.x > 1, u8), "fixed size; mark versions with Since"),
    "Switch": ("f" / construct.Switch(this.x, {1: u8}), "fixed size; mark versions with Since"),
    "array of arrays": ("f" / Array(2, Array(2, u8)), "arrays of arrays"),
    "array of bytes": ("f" / Array(2, Bytes(4)), "arrays of arrays"),
    "array of texts": ("f" / Array(2, Text(4)), "arrays of arrays"),
    "empty array": ("f" / Array(0, u8), "not a positive|array of 0"),
    "empty bytes": ("f" / Bytes(0), "not a positive"),
    "Computed": ("f" / construct.Computed(1), "not a positive|no C type"),
    "bit struct": (
        "f" / construct.BitStruct("a" / construct.Nibble, "b" / construct.Nibble),
        "no portable C",
    ),
    "swapped bits": (
        "f" / construct.ByteSwapped(construct.BitStruct("a" / construct.BitsInteger(16))),
        "no portable C",
    ),
    "no name": (u8, "a field without a name"),
    "nameless reserved": (Reserved(2), "a field without a name"),
    "nameless struct": ("f" / Array(2, construct.Struct("a" / u8)), "a nested struct needs a name"),
    "upper case": ("Field" / u8, "is not of the form"),
    "blank": ("a field" / u8, "is not of the form"),
    "not ASCII": ("größe" / u8, "is not of the form"),
    "C keyword": ("register" / u8, "is a C keyword"),
    "asm keyword": ("dword" / u32, "is an assembler keyword"),
    "Python keyword": ("in" / u8, "is a Python keyword"),
    "flags in a signed field": ("f" / Flags(construct.Int8sl, Bits), "flags in a signed field"),
    "choice that does not fit": ("f" / Choice(u8, Wide), "BIG = 0x100 does not fit u8"),
    "choice below": ("f" / Choice(construct.Int8sl, Wide), "BIG = 0x100 does not fit s8"),
    "flags on bytes": ("f" / Flags(Bytes(4), Bits), "named values need an integer"),
    "constant too long": ("f" / Fixed(Bytes(2), b"abc"), "constant of 3 bytes in a field of 2"),
    "constant too large": ("f" / Fixed(u8, 256), "does not fit 1 bytes"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(case: str) -> None:
    field, rule = REFUSED[case]
    with pytest.raises(SchemaError, match=rule) as caught:
        walk(_struct("x" / u8, field))
    text = str(caught.value)
    assert "struct x_case, field" in text
    assert "\n" not in text


def test_twice_the_same_name() -> None:
    with pytest.raises(SchemaError, match="struct x_case: name 'a' is used twice"):
        walk(_struct("a" / u8, "b" / u8, "a" / u16))


def test_struct_names_keep_the_rules_too() -> None:
    with pytest.raises(SchemaError, match=r"struct Case: name 'Case' is not of the form"):
        walk(struct("Case", "a" / u8, doc="A case."))
    with pytest.raises(SchemaError, match="struct union: name 'union' is a C keyword"):
        walk(struct("union", "a" / u8, doc="A case."))


def test_something_else_than_a_struct() -> None:
    with pytest.raises(SchemaError, match="struct x: Sequence is not a Struct"):
        walk("x" / construct.Sequence(u8, u8))


def test_flags_and_choice_want_their_own_kind() -> None:
    class Plain(enum.IntEnum):
        A = 1

    with pytest.raises(SchemaError, match="Flags needs an IntFlag class"):
        Flags(u8, Plain)  # type: ignore[arg-type]
    with pytest.raises(SchemaError, match="Choice needs an IntEnum class"):
        Choice(u8, Bits)  # type: ignore[arg-type]


def test_what_construct_offers_and_is_fine() -> None:
    """Enum, Const, Default and PaddedString have a C type and lose nothing that matters here."""
    row = walk(
        _struct(
            "kind" / construct.Enum(u8, one=1, two=2),
            "magic" / construct.Const(b"AB"),
            "number" / construct.Const(7, u16),
            "plain" / construct.Default(u32, 1),
            "text" / construct.PaddedString(8, "ascii"),
        )
    )
    assert [(f.name, f.offset, f.ctype, f.count) for f in row.fields] == [
        ("kind", 0, "u8", None),
        ("magic", 1, "u8", 2),
        ("number", 3, "u16", None),
        ("plain", 5, "u32", None),
        ("text", 9, "char", 8),
    ]
    assert row.field("kind").labels == (("one", 1), ("two", 2))
    assert (row.field("magic").const, row.field("number").const) == (b"AB", 7)
