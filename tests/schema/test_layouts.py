"""Offsets: the declarations, the published numbers, and what cffi makes of the generated overlays."""

import importlib
from typing import Any

import pytest

from tests.schema.layouts import LAYOUTS, OLDER
from tests.schema.lines import NEWEST, TREE, newest_structs
from vmirom.schema import Resolved, StructRow

STRUCTS = {row.name: row for _, row in newest_structs()}
SIZES = {"u8": 1, "u16": 2, "u32": 4, "u64": 8, "s8": 1, "s16": 2, "s32": 4, "s64": 8, "char": 1}


def overlay(line: Resolved) -> Any:
    return importlib.import_module(f"vmirom.overlays.{line.line.family}")


@pytest.mark.parametrize("name", LAYOUTS)
def test_published_offsets(name: str) -> None:
    size, offsets = LAYOUTS[name]
    row = STRUCTS[name]
    assert row.size == size
    assert {field: row.field(field).offset for field in offsets} == offsets


@pytest.mark.parametrize(("line", "version"), OLDER)
def test_what_was_smaller_once(line: str, version: str) -> None:
    name, size = OLDER[line, version]
    assert TREE.resolve(line, version).struct(name).size == size


def test_no_struct_is_named_in_two_families() -> None:
    assert len(STRUCTS) == len(newest_structs())


@pytest.mark.parametrize(
    ("line", "row"), [pytest.param(line, row, id=row.name) for line, row in newest_structs()]
)
def test_fields_follow_each_other_without_a_gap(line: Resolved, row: StructRow) -> None:
    at = 0
    for field in row.fields:
        assert field.offset == at, field.name
        one = field.nested.size if field.nested else SIZES[field.ctype]
        assert field.size == one * (field.count or 1), field.name
        at = field.end
    assert row.size == at


@pytest.mark.parametrize(
    ("line", "row"), [pytest.param(line, row, id=row.name) for line, row in newest_structs()]
)
def test_cffi_agrees(line: Resolved, row: StructRow) -> None:
    ffi = overlay(line).ffi
    ctype = f"struct {row.name}"
    assert ffi.sizeof(ctype) == row.size
    fields = dict(ffi.typeof(ctype).fields)
    assert list(fields) == [field.name for field in row.fields]
    for field in row.fields:
        assert ffi.offsetof(ctype, field.name) == field.offset, field.name
        assert ffi.sizeof(fields[field.name].type) == field.size, field.name


@pytest.mark.parametrize("line", NEWEST, ids=[line.line.family for line in NEWEST])
def test_overlay_reads_in_place(line: Resolved) -> None:
    """A store through an overlay is seen in the buffer at the row's offset, little endian."""
    ffi = overlay(line).ffi
    for row in line.structs:
        memory = bytearray(row.size)
        view = ffi.cast(f"struct {row.name} *", ffi.from_buffer(memory))
        for field in row.fields:
            if field.count is None and field.nested is None:
                setattr(view, field.name, 0x5A)
                assert memory[field.offset] == 0x5A, f"{row.name}.{field.name}"
        for field in row.fields:
            if field.count is None and field.nested is None:
                rest = memory[field.offset + 1 : field.end]
                assert not any(rest), f"{row.name}.{field.name}"


@pytest.mark.parametrize("line", NEWEST, ids=[line.line.family for line in NEWEST])
def test_enumerations_of_the_overlay(line: Resolved) -> None:
    module = overlay(line)
    gates = {"HYPERCALL_FEATURES"} if any(call.when for call in line.hypercalls) else set()
    assert {*module.__all__} == {*(row.name for row in line.enums), "ffi"} | gates
    for row in line.enums:
        declared = getattr(module, row.name)
        assert [(name, int(member)) for name, member in declared.__members__.items()] == list(row.members)
