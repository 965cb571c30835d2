"""Promises and duties."""

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
    with_call,
)
from vmirom.compat import Clause, Declaration


def _clauses(d: Declaration, old: Clause | None, new: Clause | None) -> Declaration:
    kept = tuple(c for c in d.clauses or () if c is not old)
    return replace(d, clauses=(*kept, *([new] if new else [])))


@mutation
def take_back_clause(rng: Random, d: Declaration) -> Mutant | None:
    if not d.clauses:
        return None
    gone = rng.choice(d.clauses)
    if gone.who == "guest":
        return mutant(_clauses(d, gone, None), ("semantics-strengthened", C))
    return mutant(_clauses(d, gone, None), ("semantics-weakened", B))


@mutation
def add_clause(rng: Random, d: Declaration) -> Mutant | None:
    if not d.clauses:
        return None
    chapter = rng.choice(d.clauses).id.rpartition("-")[0]
    if rng.random() < 0.5:
        new = Clause(f"{chapter}-99", "Zq holds.", "ROM")
        return mutant(_clauses(d, None, new), ("semantics-strengthened", C))
    new = Clause(f"{chapter}-99", "Zq is done first.", "guest")
    return mutant(_clauses(d, None, new), ("semantics-weakened", B))


@mutation
def add_chapter(rng: Random, d: Declaration) -> Mutant | None:
    if d.clauses is None:
        return None
    more = (Clause("VMI-ZQ-01", "Zq holds.", "ROM"), Clause("VMI-ZQ-02", "Zq is asked for.", "guest"))
    return mutant(
        replace(d, clauses=(*d.clauses, *more)), ("semantics-strengthened", C), ("semantics-weakened", C)
    )


@mutation
def hedge_clause(rng: Random, d: Declaration) -> Mutant | None:
    if not d.clauses:
        return None
    old = rng.choice(d.clauses)
    new = replace(old, text=old.text.rstrip(".") + ", or may not.")
    if old.who == "guest":
        return mutant(_clauses(d, old, new), ("semantics-strengthened", C))
    return mutant(_clauses(d, old, new), ("semantics-weakened", B))


@mutation
def condition_clause(rng: Random, d: Declaration) -> Mutant | None:
    if not d.clauses:
        return None
    old = rng.choice(d.clauses)
    new = replace(old, when=", ".join(part for part in (old.when, "zq is on") if part))
    if old.who == "guest":
        return mutant(_clauses(d, old, new), ("semantics-strengthened", C))
    return mutant(_clauses(d, old, new), ("semantics-weakened", B))


@mutation
def rewrite_clause(rng: Random, d: Declaration) -> Mutant | None:
    if not d.clauses:
        return None
    old = rng.choice(d.clauses)
    new = replace(old, text=f"{old.text} Zq 77.")
    return mutant(_clauses(d, old, new), ("semantics-changed", R))


@mutation
def shift_blame(rng: Random, d: Declaration) -> Mutant | None:
    if not d.clauses:
        return None
    old = rng.choice(d.clauses)
    if old.who == "guest":
        return mutant(_clauses(d, old, replace(old, who="ROM")), ("semantics-strengthened", C))
    return mutant(_clauses(d, old, replace(old, who="guest")), ("semantics-weakened", B))


@mutation
def bind_clause(rng: Random, d: Declaration) -> Mutant | None:
    calls = [c for c in d.calls if c.clauses]
    if not d.clauses or not calls:
        return None
    call = rng.choice(calls)
    assert call.clauses is not None
    if rng.random() < 0.5:
        new = replace(call, clauses=call.clauses - {rng.choice(sorted(call.clauses))})
        return mutant(with_call(d, call, new), ("clause-detached", R))
    free = sorted({c.id for c in d.clauses} - call.clauses)
    return mutant(
        with_call(d, call, replace(call, clauses=call.clauses | {rng.choice(free)})), ("clause-attached", C)
    )
