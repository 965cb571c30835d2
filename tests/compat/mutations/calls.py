"""Calls that come, go, move and change their names; and versions that don't tell it."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from tests.compat.mutations.frame import (
    B,
    C,
    Mutant,
    R,
    bumped,
    free_number,
    fresh_call,
    mutant,
    mutation,
    published,
    with_call,
)
from vmirom.compat import Call, Declaration


@mutation
def remove_call(rng: Random, d: Declaration) -> Mutant:
    gone = rng.choice(d.calls)
    return mutant(replace(d, calls=tuple(c for c in d.calls if c is not gone)), ("call-removed", B))


@mutation
def add_call(rng: Random, d: Declaration) -> Mutant:
    return mutant(replace(d, calls=(*d.calls, fresh_call(rng, d))), ("call-added", C))


def _feature(rng: Random, d: Declaration) -> str:
    kind = rng.choice(d.enums)
    return f"{kind.name}.{rng.choice(kind.members)[0]}"


@mutation
def gate_call(rng: Random, d: Declaration) -> Mutant:
    call = rng.choice(d.calls)
    return mutant(with_call(d, call, replace(call, when=(_feature(rng, d),))), ("gate-added", B))


@mutation
def ungate_call(rng: Random, d: Declaration) -> Mutant:
    call = rng.choice(d.calls)
    start = with_call(d, call, replace(call, when=(_feature(rng, d),)))
    return Mutant(d, (("gate-lifted", C),), start=start)


@mutation
def gate_otherwise(rng: Random, d: Declaration) -> Mutant | None:
    call, kind = rng.choice(d.calls), rng.choice(d.enums)
    numbers = dict(kind.members)
    one, other = (rng.choice(list(numbers)) for _ in "12")
    if numbers[one] == numbers[other]:
        return None
    start = with_call(d, call, replace(call, when=(f"{kind.name}.{one}",)))
    changed = with_call(d, call, replace(call, when=(f"{kind.name}.{other}",)))
    return Mutant(changed, (("gate-changed", B),), start=start)


@mutation
def rename_call(rng: Random, d: Declaration) -> Mutant:
    call = published(rng, d)
    return mutant(with_call(d, call, replace(call, name=f"{call.name}Now")), ("call-renamed", C))


@mutation
def renumber_call(rng: Random, d: Declaration) -> Mutant:
    call = rng.choice(d.calls)
    return mutant(with_call(d, call, replace(call, number=free_number(d))), ("call-renumbered", B))


@mutation
def rename_and_renumber_call(rng: Random, d: Declaration) -> Mutant | None:
    call = published(rng, d)
    if len(call.arguments or ()) < 2:
        return None
    new = replace(call, name=f"{call.name}Now", number=free_number(d))
    return mutant(with_call(d, call, new), ("call-renamed-and-renumbered", B))


@mutation
def swap_calls(rng: Random, d: Declaration) -> Mutant:
    a, b = rng.sample(d.calls, 2)
    d = replace(
        d,
        calls=tuple(
            sorted(
                (
                    replace(c, number=b.number) if c is a else replace(c, number=a.number) if c is b else c
                    for c in d.calls
                ),
                key=lambda c: c.number,
            )
        ),
    )
    return mutant(d, ("calls-swapped", B))


@mutation
def reuse_number(rng: Random, d: Declaration) -> Mutant:
    call = rng.choice(d.calls)
    return mutant(with_call(d, call, replace(fresh_call(rng, d), number=call.number)), ("number-reused", B))


@mutation
def reuse_number_of_moved(rng: Random, d: Declaration) -> Mutant:
    call = rng.choice(d.calls)
    new = replace(fresh_call(rng, d), number=call.number)
    moved = with_call(d, call, replace(call, number=free_number(d)))
    return mutant(replace(moved, calls=(*moved.calls, new)), ("call-renumbered", B), ("number-reused", B))


@mutation
def reuse_name(rng: Random, d: Declaration) -> Mutant | None:
    call = published(rng, d)
    if len(call.arguments or ()) < 2:
        return None
    other = replace(fresh_call(rng, d), name=call.name)
    kept = with_call(d, call, replace(call, name=f"{call.name}Now"))
    return mutant(replace(kept, calls=(*kept.calls, other)), ("call-renamed", C), ("name-reused", R))


@mutation
def withdraw_contract(rng: Random, d: Declaration) -> Mutant:
    call = published(rng, d)
    bare = replace(call, kind=None, arguments=None, results=None, clobbers=None, segments=None)
    return mutant(with_call(d, call, bare), ("contract-withdrawn", R))


@mutation
def publish_contract(rng: Random, d: Declaration) -> Mutant | None:
    silent = [c for c in d.calls if not c.published]
    if not silent:
        return None
    call = rng.choice(silent)
    fresh = fresh_call(rng, d)
    return mutant(
        with_call(d, call, replace(fresh, number=call.number, name=call.name)), ("contract-published", C)
    )


@mutation
def set_number_aside(rng: Random, d: Declaration) -> Mutant:
    call = rng.choice(d.calls)
    spare = Call(call.number, f"RESERVED{call.number}", None, None, None, None, None)
    return mutant(with_call(d, call, spare), ("call-removed", B))


@mutation
def keep_call_for_old_guests(rng: Random, d: Declaration) -> Mutant:
    """The 13.3 way: a successor takes the name, the old function stays at its number."""
    call = rng.choice([c for c in d.calls if not c.name[-1].isdigit()])
    kept = with_call(d, call, replace(call, name=f"{call.name}{rng.choice(('0', '_compat', 'Old'))}"))
    heir = replace(fresh_call(rng, d), name=call.name)
    return mutant(replace(kept, calls=(*kept.calls, heir)), ("call-renamed", C), ("name-reused", R))


@mutation
def never_return(rng: Random, d: Declaration) -> Mutant | None:
    call = rng.choice([c for c in d.calls if c.kind == "procedure"])
    return mutant(with_call(d, call, replace(call, kind="jump")), ("call-kind-changed", B))


@mutation
def say_nothing_of_a_break(rng: Random, d: Declaration) -> Mutant:
    gone = rng.choice(d.calls)
    fewer = replace(d, calls=tuple(c for c in d.calls if c is not gone))
    version = rng.choice((d.version, bumped(d, C).version))
    return Mutant(fewer, (("call-removed", B), ("version-not-bumped", B)), version)


@mutation
def say_nothing_of_an_addition(rng: Random, d: Declaration) -> Mutant:
    more = replace(d, calls=(*d.calls, fresh_call(rng, d)))
    return Mutant(more, (("call-added", C), ("version-not-bumped", R)), d.version)


@mutation
def raise_major_for_nothing(rng: Random, d: Declaration) -> Mutant:
    more = replace(d, calls=(*d.calls, fresh_call(rng, d)))
    return Mutant(more, (("call-added", C), ("version-overbumped", R)), bumped(d, B).version)
