"""Versions are ordered by number, and Since is gone before anything else looks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmirom.schema import Array, SchemaError, Since, Version, resolve_struct, struct, u8, u16, u32, walk

GROWING = struct(
    "x_growing",
    "first" / u8,
    Since("1.1", "second" / u32 * "came in 1.1"),
    Since("3.0", "third" / u16),
    doc="Grows.",
)


@pytest.mark.parametrize("text", ["", "3.", ".1", "3.x", "03.1", "-1", "3.1.2.3.4", "3 ", "٣.1", "9999999"])
def test_bad_version_is_one_line(text: str) -> None:
    with pytest.raises(SchemaError, match=r"is not of the form MAJOR\.MINOR") as caught:
        Version.parse(text)
    assert "\n" not in str(caught.value)


def test_order_is_by_number_not_by_letter() -> None:
    assert Version.parse("3.4") < Version.parse("4.17") < Version.parse("4.100")
    assert Version.parse("3") == Version.parse("3.0") and hash(Version.parse("3")) == hash(
        Version.parse("3.0")
    )
    assert Version.parse("2.6.32") < Version.parse("2.6.35")


@given(st.lists(st.integers(0, 99999), min_size=1, max_size=4))
def test_text_round_trip(parts: list[int]) -> None:
    text = ".".join(map(str, parts))
    assert str(Version.parse(text)) == text


@pytest.mark.parametrize(("version", "size"), [("1.0", 1), ("1.1", 5), ("2.9", 5), ("3.0", 7), ("3.7", 7)])
def test_since_drops_later_fields(version: str, size: int) -> None:
    row = walk(resolve_struct(GROWING, Version.parse(version)))
    assert row.size == size
    assert [field.name for field in row.fields] == ["first", "second", "third"][: len(row.fields)]
    assert row.doc == "Grows."


def test_since_keeps_name_and_doc() -> None:
    field = walk(resolve_struct(GROWING, Version.parse("1.1"))).field("second")
    assert (field.doc, field.offset, field.ctype) == ("came in 1.1", 1, "u32")


def test_since_reaches_into_nested_structs_and_arrays() -> None:
    outer = struct("x_outer", "one" / GROWING, "many" / Array(3, GROWING), doc="Holds.")
    old = walk(resolve_struct(outer, Version.parse("1.0")))
    new = walk(resolve_struct(outer, Version.parse("3.0")))
    assert (old.size, new.size) == (4, 28)
    assert old.field("one").ctype == "struct x_growing"
    assert [f.offset for f in new.fields] == [0, 7]


def test_name_may_stand_outside_since() -> None:
    late = struct("x_late", "a" / u8, "b" / Since("2.0", u16), doc="Late.")
    assert walk(resolve_struct(late, Version.parse("1.0"))).size == 1
    assert walk(resolve_struct(late, Version.parse("2.0"))).field("b").offset == 1


def test_unresolved_since_is_refused() -> None:
    with pytest.raises(SchemaError, match="struct x_growing, field second: Since is not resolved"):
        walk(GROWING)


def test_a_struct_that_came_whole_in_a_later_version_is_empty_before() -> None:
    late = struct("x_late", Since("2.0", "a" / u8), doc="Late.")
    with pytest.raises(SchemaError, match="struct x_late: no fields"):
        walk(resolve_struct(late, Version.parse("1.0")))
