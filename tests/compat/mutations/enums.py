"""Enumerations and flags."""

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
)
from vmirom.compat import Declaration, Enumeration, Value


def _enum(rng: Random, d: Declaration) -> Enumeration:
    return rng.choice([e for e in d.enums if e.name not in ("Reloc", "RomHeader")])


def _put_enum(d: Declaration, old: Enumeration, members: tuple[tuple[str, int], ...]) -> Declaration:
    new = replace(old, members=members)
    return replace(d, enums=tuple(new if e is old else e for e in d.enums))


def _given(d: Declaration, name: str) -> bool:
    passed = {n for c in d.calls for v in c.arguments or () for n in v.values}
    return name not in passed and name in {n for c in d.calls for v in c.results or () for n in v.values}


@mutation
def remove_enum(rng: Random, d: Declaration) -> Mutant:
    gone = _enum(rng, d)
    return mutant(replace(d, enums=tuple(e for e in d.enums if e is not gone)), ("enum-removed", B))


@mutation
def add_enum(rng: Random, d: Declaration) -> Mutant:
    return mutant(replace(d, enums=(*d.enums, Enumeration("Zq", (("A", 77),)))), ("enum-added", C))


@mutation
def rename_enum(rng: Random, d: Declaration) -> Mutant | None:
    """With all that name it."""
    old = _enum(rng, d)
    if any(e is not old and (e.flags, e.members) == (old.flags, old.members) for e in d.enums):
        return None
    enums = tuple(replace(old, name="Zq") if e is old else e for e in d.enums)
    return mutant(_valued_by(replace(d, enums=enums), old.name, ("Zq",)), ("enum-renamed", C))


def _valued_by(d: Declaration, name: str, names: tuple[str, ...]) -> Declaration:
    """Values of enumeration ``name`` come from ``names`` instead."""

    def told(parts: tuple[Value, ...] | None) -> tuple[Value, ...] | None:
        return parts and tuple(
            replace(part, values=tuple(n for v in part.values for n in (names if v == name else (v,))))
            for part in parts
        )

    calls = tuple(replace(c, arguments=told(c.arguments), results=told(c.results)) for c in d.calls)
    structs = tuple(
        replace(s, fields=tuple(replace(f, values=names[0]) if f.values == name else f for f in s.fields))
        for s in d.structs
    )
    return replace(d, calls=calls, structs=structs)


@mutation
def split_enum(rng: Random, d: Declaration) -> Mutant | None:
    """In two, and all that took its values take those of both."""
    old = rng.choice([e for e in d.enums if len(e.members) > 1 and e.name not in ("Reloc", "RomHeader")])
    if any(f.values == old.name for s in d.structs for f in s.fields):
        return None
    at = rng.randrange(1, len(old.members))
    parts = (
        Enumeration("ZqOne", old.members[:at], old.flags),
        Enumeration("ZqTwo", old.members[at:], old.flags),
    )
    others = {(e.flags, e.members) for e in d.enums}
    if (
        at / len(old.members) >= 0.75
        or at / len(old.members) <= 0.25
        or others & {(p.flags, p.members) for p in parts}
    ):
        return None  # that is a rename, and members that went
    enums = tuple(part for e in d.enums for part in (parts if e is old else (e,)))
    return mutant(_valued_by(replace(d, enums=enums), old.name, ("ZqOne", "ZqTwo")), ("enum-regrouped", C))


@mutation
def flip_enum_kind(rng: Random, d: Declaration) -> Mutant:
    old = _enum(rng, d)
    new = replace(old, flags=not old.flags)
    return mutant(replace(d, enums=tuple(new if e is old else e for e in d.enums)), ("enum-kind", B))


@mutation
def add_member(rng: Random, d: Declaration) -> Mutant:
    old = _enum(rng, d)
    value = 1 << 30
    severity = R if _given(d, old.name) and not old.flags else C
    return mutant(_put_enum(d, old, (*old.members, ("ZQ", value))), ("enum-member-added", severity))


@mutation
def share_a_bit(rng: Random, d: Declaration) -> Mutant | None:
    flags = [e for e in d.enums if e.flags and any(v and not v & (v - 1) for _, v in e.members)]
    if not flags:
        return None
    old = rng.choice(flags)
    value = rng.choice([v for _, v in old.members if v and not v & (v - 1)])
    return mutant(_put_enum(d, old, (*old.members, ("ZQ", value))), ("flag-bit-shared", R))


@mutation
def remove_member(rng: Random, d: Declaration) -> Mutant | None:
    old = _enum(rng, d)
    if len(old.members) < 2:
        return None
    gone = rng.choice(old.members)
    members = tuple(m for m in old.members if m != gone)
    if _given(d, old.name):
        return mutant(_put_enum(d, old, members), ("enum-member-removed", R))
    severity = C if old.flags and not gone[1] else B
    return mutant(_put_enum(d, old, members), ("enum-member-removed", severity))


@mutation
def rename_member(rng: Random, d: Declaration) -> Mutant | None:
    old = _enum(rng, d)
    at = rng.randrange(len(old.members))
    name, value = old.members[at]
    if len(name) < 2:
        return None
    members = (*old.members[:at], (f"{name}_NOW", value), *old.members[at + 1 :])
    return mutant(_put_enum(d, old, members), ("enum-member-renamed", C))


@mutation
def reuse_value(rng: Random, d: Declaration) -> Mutant | None:
    old = _enum(rng, d)
    at = rng.randrange(len(old.members))
    members = (*old.members[:at], ("QZZYZX", old.members[at][1]), *old.members[at + 1 :])
    return mutant(_put_enum(d, old, members), ("enum-value-reused", B))


@mutation
def change_value(rng: Random, d: Declaration) -> Mutant:
    old = _enum(rng, d)
    at = rng.randrange(len(old.members))
    members = (*old.members[:at], (old.members[at][0], 1 << 29), *old.members[at + 1 :])
    return mutant(_put_enum(d, old, members), ("enum-value-changed", B))


@mutation
def exchange_values(rng: Random, d: Declaration) -> Mutant | None:
    old = _enum(rng, d)
    if len({v for _, v in old.members}) < 2:
        return None
    (a, x), (b, y) = rng.sample(old.members, 2)
    if x == y:
        return None
    members = tuple((n, y if n == a else x if n == b else v) for n, v in old.members)
    return mutant(_put_enum(d, old, members), ("enum-values-swapped", B))
