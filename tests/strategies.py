"""The one home of hypothesis strategies.

Values are drawn from boundaries first (0, 1, all ones, the sign bit, each named value): a one-bit
difference is found among a few values that matter, not among all numbers.
"""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from vmirom.schema import Call, FieldRow, StructRow
from vmirom.schema.tree import load_abi

__all__ = ["arguments_of", "data_of", "field_values", "integers_of", "values_of"]

_BITS = {"u8": 8, "u16": 16, "u32": 32, "u64": 64, "s8": 8, "s16": 16, "s32": 32, "s64": 64}


def integers_of(ctype: str, labels: tuple[tuple[str, int], ...] = ()) -> st.SearchStrategy[int]:
    """Values of a C integer type: its boundaries, the named ones and their neighbours, and any other."""
    bits = _BITS[ctype]
    low, high = (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if ctype[0] == "s" else (0, (1 << bits) - 1)
    edges = {low, low + 1, -1, 0, 1, high >> 1, (high >> 1) + 1, high - 1, high}
    edges |= {value + step for _, value in labels for step in (-1, 0, 1)}
    known = sorted(value for value in edges if low <= value <= high)
    return st.one_of(st.sampled_from(known), st.integers(low, high))


def data_of(row: StructRow) -> st.SearchStrategy[bytes]:
    """Any bytes of a struct's size, the plain fillings first."""
    plain = st.sampled_from([bytes(row.size), b"\xff" * row.size, bytes(n & 0xFF for n in range(row.size))])
    # large structs: a random block repeated, since entropy is drawn byte by byte
    block = st.binary(min_size=min(row.size, 64), max_size=min(row.size, 64))
    filled = block.map(lambda seed: (seed * (row.size // len(seed) + 1))[: row.size])
    return st.one_of(plain, filled)


def field_values(field: FieldRow) -> st.SearchStrategy[Any]:
    """Values of one field as ``vmirom.schema.build`` takes them."""
    if field.nested is not None:
        one: st.SearchStrategy[Any] = values_of(field.nested)
    elif field.ctype == "char" or (field.count is not None and field.ctype == "u8"):
        return st.binary(min_size=min(field.size, 8), max_size=min(field.size, 8)).map(
            lambda seed: (seed * (field.size // len(seed) + 1))[: field.size]
        )
    else:
        one = integers_of(field.ctype, field.labels)
    if field.count is None:
        return one
    count = field.count
    return st.lists(one, min_size=1, max_size=3).map(lambda some: (some * count)[:count])


def values_of(row: StructRow) -> st.SearchStrategy[dict[str, Any]]:
    """Values of all fields of a struct."""
    return st.fixed_dictionaries({field.name: field_values(field) for field in row.fields})


def arguments_of(call: Call) -> st.SearchStrategy[dict[str, int]]:
    """Raw argument values of a call by name, 64-bit ones whole; named values of each argument first."""
    rows = {row.name: row.members for row in load_abi().resolve("vmi3").enums}
    return st.fixed_dictionaries(
        {
            argument.name: integers_of(
                argument.ctype, tuple(member for name in argument.values for member in rows[name])
            )
            for argument in call.arguments or ()
        }
    )
