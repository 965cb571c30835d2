"""How calls are reached, what a ROM is recognised by, and its header."""

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
from vmirom.compat import Declaration, Dispatch, Field, Mechanism


@mutation
def change_dispatch(rng: Random, d: Declaration) -> Mutant:
    slots = Mechanism(Dispatch.SLOTS, 32, 128, 4, 0)
    looked_up = Mechanism(Dispatch.RELOCATION, entries=(("vmi_init", 128),), types=(("NONE", 0),))
    other = looked_up if d.mechanism.dispatch is Dispatch.SLOTS else slots
    return mutant(replace(d, mechanism=other), ("dispatch-changed", B))


@mutation
def change_slots(rng: Random, d: Declaration) -> Mutant | None:
    if d.mechanism.dispatch is not Dispatch.SLOTS:
        return None
    if rng.random() < 0.5:
        return mutant(replace(d, mechanism=replace(d.mechanism, slot_size=64)), ("slot-layout", B))
    return mutant(replace(d, mechanism=replace(d.mechanism, slot_count=64)), ("slot-capacity", R))


@mutation
def change_entry(rng: Random, d: Declaration) -> Mutant | None:
    entries = dict(d.mechanism.entries)
    if not entries:
        return None
    name = rng.choice(sorted(entries))
    what = rng.choice(("entry-added", "entry-removed", "entry-moved"))
    if what == "entry-added":
        entries["third"] = 0x100
    elif what == "entry-removed":
        del entries[name]
    else:
        entries[name] += 16
    mechanism = replace(d.mechanism, entries=tuple(entries.items()))
    return mutant(replace(d, mechanism=mechanism), (what, C if what == "entry-added" else B))


@mutation
def change_relocation(rng: Random, d: Declaration) -> Mutant | None:
    types = dict(d.mechanism.types)
    if not types:
        looked_up = replace(d.mechanism, types=(("NONE", 0), ("CALL_REL", 1)))
        due = ("relocation-type-added", C)
        return mutant(replace(d, mechanism=looked_up), due, due)
    name = rng.choice(sorted(types))
    what = rng.choice(("added", "removed", "changed"))
    if what == "added":
        types["INDIRECT"] = 4
    elif what == "removed":
        del types[name]
    else:
        types[name] = 9
    mechanism = replace(d.mechanism, types=tuple(types.items()))
    return mutant(replace(d, mechanism=mechanism), (f"relocation-type-{what}", C if what == "removed" else B))


@mutation
def change_identity(rng: Random, d: Declaration) -> Mutant:
    key = rng.choice(sorted(d.identity))
    tested = key in ("rom_signature", "vrom_signature")
    return mutant(
        replace(d, identity={**d.identity, key: "0x1234"}), ("identity-changed", B if tested else R)
    )


def _header(d: Declaration, fields: tuple[Field, ...], size: int | None = None) -> Declaration:
    assert d.header is not None
    ordered = tuple(sorted(fields, key=lambda f: f.offset))
    return replace(d, header=replace(d.header, fields=ordered, size=size or d.header.size))


@mutation
def take_header_field_from_reserved(rng: Random, d: Declaration) -> Mutant:
    assert d.header is not None
    space = rng.choice([f for f in d.header.fields if f.reserved])
    rest = [f for f in d.header.fields if f is not space]
    new = Field("fresh_thing", space.offset, 1, "u8")
    left = Field(space.name, space.offset + 1, space.size - 1, "u8", space.size - 1, reserved=True)
    fields = (*rest, new, *([left] if left.size else []))
    return mutant(_header(d, fields), ("header-field-from-reserved", R))


@mutation
def retire_header_field(rng: Random, d: Declaration) -> Mutant:
    assert d.header is not None
    field = plain_field(rng, d.header)
    spare = Field(f"spare{field.offset}", field.offset, field.size, "u8", field.size, reserved=True)
    fields = tuple(spare if f is field else f for f in d.header.fields)
    return mutant(_header(d, fields), ("header-field-retired", B))


@mutation
def rename_header_field(rng: Random, d: Declaration) -> Mutant:
    assert d.header is not None
    field = plain_field(rng, d.header)
    fields = tuple(replace(f, name=f"{f.name}_now") if f is field else f for f in d.header.fields)
    return mutant(_header(d, fields), ("header-field-renamed", C))


@mutation
def repurpose_header_field(rng: Random, d: Declaration) -> Mutant:
    assert d.header is not None
    field = plain_field(rng, d.header)
    fields = tuple(replace(f, name="zzyzx") if f is field else f for f in d.header.fields)
    return mutant(_header(d, fields), ("header-field-repurposed", B))


@mutation
def resize_header_field(rng: Random, d: Declaration) -> Mutant:
    assert d.header is not None
    field = plain_field(rng, d.header)
    fields = tuple(
        replace(f, size=f.size + 4, type="u8", count=f.size + 4)
        if f is field
        else replace(f, offset=f.offset + 4)
        if f.offset > field.offset
        else f
        for f in d.header.fields
    )
    return mutant(_header(d, fields, d.header.size + 4), ("header-field-resized", B))


@mutation
def move_header_field(rng: Random, d: Declaration) -> Mutant | None:
    """Everything from a field on lies elsewhere, behind reserved bytes that weren't there."""
    assert d.header is not None
    field = plain_field(rng, d.header)
    if field.offset == 0:
        return None
    spare = Field("spare_front", field.offset, 4, "u8", 4, reserved=True)
    fields = tuple(
        replace(f, offset=f.offset + 4) if f.offset >= field.offset else f for f in d.header.fields
    )
    return mutant(_header(d, (*fields, spare), d.header.size + 4), ("header-field-moved", B))


@mutation
def grow_header(rng: Random, d: Declaration) -> Mutant:
    assert d.header is not None
    what = rng.choice(("header-field-added", "header-size"))
    if what == "header-size":
        return mutant(_header(d, d.header.fields, d.header.size + 8), (what, B))
    new = Field("fresh_thing", d.header.size, 4, "u32")
    return mutant(_header(d, (*d.header.fields, new), d.header.size + 4), (what, C))


@mutation
def remove_header_field(rng: Random, d: Declaration) -> Mutant | None:
    assert d.header is not None
    field = plain_field(rng, d.header)
    fields = tuple(
        replace(f, offset=f.offset - field.size) if f.offset > field.offset else f
        for f in d.header.fields
        if f is not field
    )
    return mutant(_header(d, fields, d.header.size - field.size), ("header-field-removed", B))


@mutation
def retype_header_field(rng: Random, d: Declaration) -> Mutant | None:
    assert d.header is not None
    field = plain_field(rng, d.header)
    if field.type not in ("u8", "u16", "u32") or field.count is not None:
        return None
    fields = tuple(replace(f, type=f"s{f.type[1:]}") if f is field else f for f in d.header.fields)
    return mutant(_header(d, fields), ("header-field-type", R))


@mutation
def fix_header_field(rng: Random, d: Declaration) -> Mutant | None:
    assert d.header is not None
    field = plain_field(rng, d.header)
    fields = tuple(replace(f, const=9) if f is field else f for f in d.header.fields)
    if any(word in field.name for word in ("signature", "vendor", "device", "license")):
        return None  # that is identity
    return mutant(_header(d, fields), ("header-field-const", R))
