"""Bytes and values: nothing that was in memory is lost, nothing undeclared gets in."""

import enum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.effort import examples
from tests.schema.lines import every_struct
from tests.strategies import data_of, values_of
from vmirom.schema import (
    Array,
    Bytes,
    Choice,
    Fixed,
    Flags,
    Reserved,
    Resolved,
    SchemaError,
    StructRow,
    Text,
    build,
    parse,
    s32,
    struct,
    u8,
    u16,
    u32,
    violations,
    walk,
)


class Colour(enum.IntEnum):
    """Two colours."""

    RED = 1
    BLUE = 2


class Bits(enum.IntFlag):
    """Two bits."""

    LOW = 1
    HIGH = 0x80


INNER = struct("x_inner", "a" / u8, "pad" / Reserved(1), doc="Inside.")
CASE = struct(
    "x_case",
    "magic" / Fixed(u32, 0x12345678),
    "bits" / Flags(u8, Bits),
    "colour" / Choice(u16, Colour),
    "pad" / Reserved(2),
    "keep" / Reserved(1, zero=False),
    "name" / Text(4),
    "raw" / Bytes(3),
    "delta" / s32,
    "words" / Array(2, u16),
    "inner" / INNER,
    "inners" / Array(2, INNER),
    doc="All kinds of field.",
)
GOOD: dict[str, Any] = {
    "bits": Bits.LOW,
    "colour": Colour.RED,
    "name": b"ab\0c",
    "raw": b"xyz",
    "delta": -2,
    "words": [1, 0xFFFF],
    "inner": {"a": 9},
    "inners": [{"a": 1}, {"a": 2, "pad": b"\5"}],
}
SIZE = 4 + 1 + 2 + 2 + 1 + 4 + 3 + 4 + 4 + 2 + 4


@pytest.mark.parametrize(("line", "row"), every_struct())
@examples(25)
@given(data=st.data())
def test_every_struct_reads_and_writes_back_what_was_there(
    line: Resolved, row: StructRow, data: st.DataObject
) -> None:
    declaration = line.declarations[row.name]
    raw = data.draw(data_of(row))
    assert build(declaration, parse(declaration, raw)) == raw


@pytest.mark.parametrize(("line", "row"), every_struct())
@examples(10)
@given(data=st.data())
def test_any_bytes_can_be_judged(line: Resolved, row: StructRow, data: st.DataObject) -> None:
    """Violations are lines that name a place in the struct; what is read through a view counts as bytes."""
    declaration = line.declarations[row.name]
    raw = data.draw(data_of(row))
    assert parse(declaration, memoryview(raw)) == parse(declaration, raw)
    for text in violations(declaration, bytearray(raw)):
        assert text.startswith(f"{row.name}.") and ": " in text and "\n" not in text


@pytest.mark.parametrize(("line", "row"), every_struct())
@examples(15)
@given(data=st.data())
def test_every_struct_gives_back_the_values_it_was_built_from(
    line: Resolved, row: StructRow, data: st.DataObject
) -> None:
    declaration = line.declarations[row.name]
    values = data.draw(values_of(row))
    assert parse(declaration, build(declaration, values)) == values


def test_bytes_are_where_the_order_of_fields_puts_them() -> None:
    raw = build(CASE, GOOD)
    assert len(raw) == SIZE
    assert raw.hex() == (
        "78563412" "01" "0100" "0000" "00" "61620063" "78797a" "feffffff" "0100ffff" "0900" "01000205"
    )  # fmt: skip


def test_reserved_may_be_left_out_and_is_kept() -> None:
    assert build(CASE, GOOD)[7:10] == b"\0\0\0"
    raw = build(CASE, GOOD | {"pad": b"\1\2", "keep": b"\3"})
    assert raw[7:10] == b"\1\2\3"
    assert parse(CASE, raw)["pad"] == b"\1\2"


def test_unknown_bits_are_kept_and_named_ones_have_names() -> None:
    raw = build(CASE, GOOD | {"bits": 0x85})
    bits = parse(CASE, raw)["bits"]
    assert int(bits) == 0x85 and Bits.LOW in bits and Bits.HIGH in bits
    assert build(CASE, parse(CASE, raw)) == raw


def test_unknown_choice_is_a_plain_number() -> None:
    raw = build(CASE, GOOD | {"colour": 7})
    assert parse(CASE, raw)["colour"] == 7
    assert parse(CASE, build(CASE, GOOD))["colour"] is Colour.RED


def test_text_keeps_its_zeros() -> None:
    assert parse(CASE, build(CASE, GOOD | {"name": b"a\0\0\0"}))["name"] == b"a\0\0\0"


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "extra key": ({"new": 1}, "field new: there is no such field"),
    "too large": ({"bits": 256}, "field bits: 0x100 does not fit 1 bytes"),
    "negative": ({"colour": -1}, "field colour: -0x1 does not fit 2 bytes"),
    "too small": ({"delta": -(1 << 31) - 1}, "field delta: .* does not fit 4 bytes"),
    "not a number": ({"delta": "1"}, "field delta: str given, an integer is needed"),
    "none": ({"delta": None}, "field delta: NoneType given"),
    "short bytes": ({"raw": b"ab"}, "field raw: 3 bytes are needed"),
    "text is not bytes": ({"name": "abcd"}, "field name: 4 bytes are needed"),
    "reserved too long": ({"pad": b"abc"}, "field pad: 2 bytes are needed"),
    "short array": ({"words": [1]}, "field words: an array of 2 elements is needed"),
    "array is not one": ({"words": 5}, "field words: an array of 2 elements is needed"),
    "array element": ({"words": [1, 1 << 16]}, "field words: 0x10000 does not fit 2 bytes"),
    "nested key": ({"inner": {"a": 1, "b": 2}}, "struct x_inner, field b: there is no such field"),
    "nested missing": ({"inner": {}}, "struct x_inner, field a: no value is given"),
    "nested is not one": ({"inner": 5}, "struct x_inner: int given, a mapping"),
    "nested in array": ({"inners": [{"a": 1}, {"a": 999}]}, "struct x_inner, field a: 0x3e7 does not fit"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_values_are_one_line(case: str) -> None:
    change, rule = WRONG[case]
    with pytest.raises(SchemaError, match=rule) as caught:
        build(CASE, GOOD | change)
    assert "\n" not in str(caught.value) and str(caught.value).startswith("struct x_")


@pytest.mark.parametrize("key", sorted(GOOD))
def test_missing_key_is_named(key: str) -> None:
    with pytest.raises(SchemaError, match=f"struct x_case, field {key}: no value is given"):
        build(CASE, {name: value for name, value in GOOD.items() if name != key})


@pytest.mark.parametrize("length", [0, SIZE - 1, SIZE + 1])
def test_wrong_length_is_refused(length: int) -> None:
    with pytest.raises(SchemaError, match=f"struct x_case: {length} bytes given, its size is {SIZE}"):
        parse(CASE, bytes(length))


def test_violations_name_each_place() -> None:
    assert list(violations(CASE, build(CASE, GOOD | {"inners": [{"a": 1}, {"a": 2}]}))) == []
    bad = GOOD | {"magic": 1, "bits": 0x42, "colour": 9, "pad": b"\0\1", "keep": b"\1"}
    assert list(violations(CASE, build(CASE, bad))) == [
        "x_case.magic: 0x1 where 0x12345678 is fixed",
        "x_case.bits: bits 0x42 have no name in Bits",
        "x_case.colour: 0x9 has no name in Colour",
        "x_case.pad: reserved bytes are not zero",
        "x_case.inners[1].pad: reserved bytes are not zero",
    ]


def test_arrays_of_flags_and_choices() -> None:
    case = struct(
        "x_case", "bits" / Array(2, Flags(u8, Bits)), "colours" / Array(2, Choice(u8, Colour)), doc="x"
    )
    raw = build(case, {"bits": [1, 0x42], "colours": [2, 9]})
    assert raw == bytes([1, 0x42, 2, 9])
    values = parse(case, raw)
    assert values["bits"][0] is Bits.LOW and values["colours"] == [Colour.BLUE, 9]
    assert build(case, values) == raw
    field = walk(case).field("bits")
    assert (field.values, field.flags, field.labels) == ("Bits", True, (("LOW", 1), ("HIGH", 0x80)))
    assert list(violations(case, raw)) == [
        "x_case.bits[1]: bits 0x42 have no name in Bits",
        "x_case.colours[1]: 0x9 has no name in Colour",
    ]


def test_fixed_field_reads_what_is_there() -> None:
    raw = bytes(4) + build(CASE, GOOD)[4:]
    assert parse(CASE, raw)["magic"] == 0
    assert build(CASE, parse(CASE, raw)) == raw
