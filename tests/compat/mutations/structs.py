"""Structs and their fields."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from tests.compat.mutations.frame import (
    B,
    C,
    Mutant,
    R,
    mutant,
    mutation,
    plain_field,
)
from vmirom.compat import Declaration, Field, Layout, Value


def _struct(rng: Random, d: Declaration) -> Layout:
    return rng.choice(d.structs)


def _put_struct(
    d: Declaration, old: Layout, fields: tuple[Field, ...], size: int | None = None
) -> Declaration:
    ordered = tuple(sorted(fields, key=lambda f: f.offset))
    new = replace(old, fields=ordered, size=old.size if size is None else size)
    return replace(d, structs=tuple(new if s is old else s for s in d.structs))


@mutation
def remove_struct(rng: Random, d: Declaration) -> Mutant:
    gone = _struct(rng, d)
    return mutant(replace(d, structs=tuple(s for s in d.structs if s is not gone)), ("struct-removed", B))


@mutation
def add_struct(rng: Random, d: Declaration) -> Mutant:
    new = Layout("vmi_fresh", 4, (Field("value", 0, 4, "u32"),))
    return mutant(replace(d, structs=(*d.structs, new)), ("struct-added", C))


def _replaced(d: Declaration, old: Layout, new: Layout) -> Declaration:
    """With a struct under another name, and with all that name it: arguments and fields."""

    def told(kind: str) -> str:
        bare = kind.removesuffix("*").strip().removeprefix("struct ")
        return kind.replace(old.name, new.name) if bare == old.name else kind

    def values(parts: tuple[Value, ...] | None) -> tuple[Value, ...] | None:
        return parts and tuple(replace(part, type=told(part.type)) for part in parts)

    structs = tuple(
        replace(s, fields=tuple(replace(f, type=told(f.type)) for f in s.fields))
        for s in (new if s is old else s for s in d.structs)
    )
    calls = tuple(replace(c, arguments=values(c.arguments), results=values(c.results)) for c in d.calls)
    return replace(d, structs=structs, calls=calls)


@mutation
def rename_struct(rng: Random, d: Declaration) -> Mutant:
    old = _struct(rng, d)
    return mutant(_replaced(d, old, replace(old, name=f"{old.name}_now")), ("struct-renamed", C))


@mutation
def rename_struct_and_append(rng: Random, d: Declaration) -> Mutant | None:
    old = _struct(rng, d)
    if len([f for f in old.fields if not f.reserved]) < 4:
        return None
    fields = (*old.fields, Field("fresh_thing", old.size, 4, "u32"))
    new = Layout("fresh_struct", old.size + 4, fields)
    due = ("field-appended", C if _tells(old) else B)
    return mutant(_replaced(d, old, new), ("struct-renamed", C), due)


def _tells(layout: Layout) -> bool:
    """Those of the lines at hand that tell their own size at their head."""
    return layout.name in ("vmi_pnp_header", "vmi_boot_info", "vmi_bundle", "vmi_rom_info")


@mutation
def append_field(rng: Random, d: Declaration) -> Mutant:
    old = _struct(rng, d)
    fields = (*old.fields, Field("fresh_thing", old.size, 4, "u32"))
    return mutant(_put_struct(d, old, fields, old.size + 4), ("field-appended", C if _tells(old) else B))


@mutation
def grow_struct(rng: Random, d: Declaration) -> Mutant:
    old = _struct(rng, d)
    return mutant(_put_struct(d, old, old.fields, old.size + 4), ("struct-size", C if _tells(old) else B))


@mutation
def insert_field(rng: Random, d: Declaration) -> Mutant | None:
    old = _struct(rng, d)
    at = plain_field(rng, old)
    fields = tuple(replace(f, offset=f.offset + 4) if f.offset >= at.offset else f for f in old.fields)
    new = Field("fresh_thing", at.offset, 4, "u32")
    return mutant(_put_struct(d, old, (*fields, new), old.size + 4), ("field-inserted", B))


@mutation
def remove_field(rng: Random, d: Declaration) -> Mutant | None:
    old = _struct(rng, d)
    field = plain_field(rng, old)
    fields = tuple(
        replace(f, offset=f.offset - field.size) if f.offset > field.offset else f
        for f in old.fields
        if f is not field
    )
    return mutant(_put_struct(d, old, fields, old.size - field.size), ("field-removed", B))


@mutation
def resize_field(rng: Random, d: Declaration) -> Mutant:
    old = _struct(rng, d)
    field = plain_field(rng, old)
    fields = tuple(
        replace(f, size=f.size + 4, type="u8", count=f.size + 4)
        if f is field
        else replace(f, offset=f.offset + 4)
        if f.offset > field.offset
        else f
        for f in old.fields
    )
    tail = field.end == old.size and field.count is not None and field.type == "u8" and _tells(old)
    return mutant(_put_struct(d, old, fields, old.size + 4), ("field-resized", R if tail else B))


@mutation
def exchange_fields(rng: Random, d: Declaration) -> Mutant | None:
    old = _struct(rng, d)
    pairs = [
        (a, b)
        for a in old.fields
        for b in old.fields
        if a.offset < b.offset and a.size == b.size and not a.reserved and not b.reserved
    ]
    if not pairs:
        return None
    a, b = rng.choice(pairs)
    fields = tuple(
        replace(f, offset=b.offset) if f is a else replace(f, offset=a.offset) if f is b else f
        for f in old.fields
    )
    return mutant(_put_struct(d, old, fields), ("fields-swapped", B))


@mutation
def move_fields(rng: Random, d: Declaration) -> Mutant | None:
    old = _struct(rng, d)
    field = plain_field(rng, old)
    spare = Field("spare_front", field.offset, 4, "u8", 4, reserved=True)
    fields = tuple(replace(f, offset=f.offset + 4) if f.offset >= field.offset else f for f in old.fields)
    return mutant(_put_struct(d, old, (*fields, spare), old.size + 4), ("field-moved", B))


@mutation
def retype_field(rng: Random, d: Declaration) -> Mutant | None:
    old = _struct(rng, d)
    field = plain_field(rng, old)
    if field.type not in ("u8", "u16", "u32") or field.count is not None:
        return None
    fields = tuple(replace(f, type=f"s{f.type[1:]}") if f is field else f for f in old.fields)
    return mutant(_put_struct(d, old, fields), ("field-type", R))


@mutation
def rename_field(rng: Random, d: Declaration) -> Mutant:
    old = _struct(rng, d)
    field = plain_field(rng, old)
    fields = tuple(replace(f, name=f"{f.name}_now") if f is field else f for f in old.fields)
    return mutant(_put_struct(d, old, fields), ("field-renamed", C))


@mutation
def repurpose_field(rng: Random, d: Declaration) -> Mutant:
    old = _struct(rng, d)
    field = plain_field(rng, old)
    fields = tuple(replace(f, name="zzyzx") if f is field else f for f in old.fields)
    return mutant(_put_struct(d, old, fields), ("field-repurposed", B))


@mutation
def retire_field(rng: Random, d: Declaration) -> Mutant:
    old = _struct(rng, d)
    field = plain_field(rng, old)
    spare = Field(f"spare{field.offset}", field.offset, field.size, "u8", field.size, reserved=True)
    fields = tuple(spare if f is field else f for f in old.fields)
    return mutant(_put_struct(d, old, fields), ("field-retired", B))


@mutation
def take_field_from_reserved(rng: Random, d: Declaration) -> Mutant | None:
    found = [(s, f) for s in d.structs for f in s.fields if f.reserved]
    if not found:
        return None
    old, space = rng.choice(found)
    new = Field("fresh_thing", space.offset, space.size, "u8", space.size)
    fields = tuple(new if f is space else f for f in old.fields)
    return mutant(_put_struct(d, old, fields), ("field-from-reserved", R))


@mutation
def change_field_values(rng: Random, d: Declaration) -> Mutant:
    old = _struct(rng, d)
    field = plain_field(rng, old)
    fields = tuple(replace(f, values="Zq") if f is field else f for f in old.fields)
    return mutant(_put_struct(d, old, fields), ("field-values", R))


@mutation
def change_field_const(rng: Random, d: Declaration) -> Mutant | None:
    found = [(s, f) for s in d.structs for f in s.fields if f.const is not None]
    if not found:
        return None
    old, field = rng.choice(found)
    const = rng.choice((0x77, None))
    fields = tuple(replace(f, const=const) if f is field else f for f in old.fields)
    return mutant(_put_struct(d, old, fields), ("field-const", R if const is None else B))


def _halved(rng: Random, d: Declaration) -> Declaration | None:
    """With one integer of a struct told as its halves; None where the field drawn has none."""
    layout = rng.choice(d.structs)
    field = plain_field(rng, layout)
    if field.count is not None or field.size not in (4, 8) or not field.type.startswith("u") or field.values:
        return None
    half = field.size // 2
    low = Field(f"{field.name}_lo", field.offset, half, f"u{8 * half}")
    high = Field(f"{field.name}_hi", field.offset + half, half, f"u{8 * half}")
    fields = tuple(each for each in layout.fields if each is not field)
    return _put_struct(d, layout, (*fields, low, high))


@mutation
def split_field(rng: Random, d: Declaration) -> Mutant | None:
    changed = _halved(rng, d)
    return None if changed is None else mutant(changed, ("field-split", C))


@mutation
def join_field(rng: Random, d: Declaration) -> Mutant | None:
    start = _halved(rng, d)
    return None if start is None else Mutant(d, (("field-joined", C),), start=start)


@mutation
def widen_into_reserved(rng: Random, d: Declaration) -> Mutant:
    """An integer grows into bytes that were kept free behind it."""
    layout = Layout(
        "vmi_fresh", 8, (Field("length", 0, 2, "u16"), Field("pad", 2, 6, "u8", 6, reserved=True))
    )
    wider = (Field("length", 0, 4, "u32"), Field("pad", 4, 4, "u8", 4, reserved=True))
    start = replace(d, structs=(*d.structs, layout))
    changed = replace(d, structs=(*d.structs, replace(layout, fields=wider)))
    return Mutant(changed, (("field-resized", R),), start=start)
