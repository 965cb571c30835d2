"""Arguments, results, and what a call destroys or needs."""

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
    published,
    with_call,
)
from vmirom.compat import Call, Declaration, Value
from vmirom.compat.model import registers_of


def _with_arguments(rng: Random, d: Declaration, least: int = 1) -> Call:
    return rng.choice([c for c in d.calls if len(c.arguments or ()) >= least])


def _swap_value(values: tuple[Value, ...], old: Value, new: Value) -> tuple[Value, ...]:
    return tuple(new if value is old else value for value in values)


@mutation
def add_argument(rng: Random, d: Declaration) -> Mutant | None:
    call = published(rng, d)
    assert call.arguments is not None
    if any("EBX" in registers_of(v.place) for v in call.arguments):
        return None
    new = replace(call, arguments=(*call.arguments, Value("wobble", "UINT16", "EBX")))
    return mutant(with_call(d, call, new), ("argument-added", B))


@mutation
def add_optional_argument(rng: Random, d: Declaration) -> Mutant | None:
    call = published(rng, d)
    assert call.arguments is not None
    if any("EBX" in registers_of(v.place) for v in call.arguments):
        return None
    more = Value("wobble", "UINT16", "EBX", (), True)
    return mutant(with_call(d, call, replace(call, arguments=(*call.arguments, more))), ("argument-added", C))


@mutation
def make_argument_optional(rng: Random, d: Declaration) -> Mutant:
    call = _with_arguments(rng, d)
    assert call.arguments is not None
    value = rng.choice(call.arguments)
    new = _swap_value(call.arguments, value, replace(value, optional=True))
    return mutant(with_call(d, call, replace(call, arguments=new)), ("argument-optional", C))


@mutation
def make_argument_required(rng: Random, d: Declaration) -> Mutant:
    call = _with_arguments(rng, d)
    assert call.arguments is not None
    value = rng.choice(call.arguments)
    new = _swap_value(call.arguments, value, replace(value, optional=True))
    start = with_call(d, call, replace(call, arguments=new))
    return Mutant(d, (("argument-required", B),), start=start)


@mutation
def push_argument_in_front(rng: Random, d: Declaration) -> Mutant | None:
    call = rng.choice(
        [c for c in d.calls if [v.place for v in c.arguments or ()] in (["EAX"], ["EAX", "EDX"])]
    )
    assert call.arguments is not None
    shifted = tuple(replace(v, place=p) for v, p in zip(call.arguments, ("EDX", "ECX"), strict=False))
    new = replace(call, arguments=(Value("wobble", "UINT16", "EAX"), *shifted))
    return mutant(with_call(d, call, new), ("argument-added", B))


@mutation
def drop_argument(rng: Random, d: Declaration) -> Mutant | None:
    call = _with_arguments(rng, d)
    assert call.arguments is not None
    if call.arguments[-1].name == "dummy":
        return None
    return mutant(with_call(d, call, replace(call, arguments=call.arguments[:-1])), ("argument-dropped", B))


@mutation
def drop_dummy(rng: Random, d: Declaration) -> Mutant | None:
    calls = [c for c in d.calls if any(v.name == "dummy" for v in c.arguments or ())]
    if not calls:
        return None
    call = rng.choice(calls)
    left = tuple(v for v in call.arguments or () if v.name != "dummy")
    return mutant(with_call(d, call, replace(call, arguments=left)), ("argument-dropped", C))


@mutation
def move_argument(rng: Random, d: Declaration) -> Mutant | None:
    call = _with_arguments(rng, d)
    assert call.arguments is not None
    value = rng.choice(call.arguments)
    if ":" in value.place or any(v.place == "EBP" for v in call.arguments):
        return None
    new = replace(call, arguments=_swap_value(call.arguments, value, replace(value, place="EBP")))
    return mutant(with_call(d, call, new), ("argument-moved", B))


@mutation
def exchange_arguments(rng: Random, d: Declaration) -> Mutant | None:
    call = _with_arguments(rng, d, 2)
    assert call.arguments is not None
    a, b = rng.sample(call.arguments, 2)
    mapping = {a.name: b.place, b.name: a.place}
    values = tuple(replace(v, place=mapping.get(v.name, v.place)) for v in call.arguments)
    return mutant(with_call(d, call, replace(call, arguments=values)), ("argument-order", B))


_WIDER = {"UINT32": ("UINT16", B), "UINT": ("INT", R), "INT": ("UINT", R), "UINT8": ("UINT32", B)}


@mutation
def retype_argument(rng: Random, d: Declaration) -> Mutant | None:
    call = _with_arguments(rng, d)
    assert call.arguments is not None
    value = rng.choice(call.arguments)
    if value.type not in _WIDER:
        return None
    name, severity = _WIDER[value.type]
    new = replace(call, arguments=_swap_value(call.arguments, value, replace(value, type=name)))
    return mutant(with_call(d, call, new), ("argument-type", severity))


@mutation
def alias_argument_type(rng: Random, d: Declaration) -> Mutant | None:
    call = _with_arguments(rng, d)
    assert call.arguments is not None
    value = rng.choice(call.arguments)
    if value.type != "UINT32":
        return None
    new = replace(call, arguments=_swap_value(call.arguments, value, replace(value, type="UINT")))
    return mutant(with_call(d, call, new), ("argument-type", C))


@mutation
def repoint_argument(rng: Random, d: Declaration) -> Mutant | None:
    call = _with_arguments(rng, d)
    assert call.arguments is not None
    value = rng.choice(call.arguments)
    if value.type not in ("PTE *", "LONG_PTE *", "UINT32 *"):
        return None
    new = replace(call, arguments=_swap_value(call.arguments, value, replace(value, type="UINT8 *")))
    return mutant(with_call(d, call, new), ("argument-type", B))


@mutation
def mean_another_thing(rng: Random, d: Declaration) -> Mutant | None:
    call = _with_arguments(rng, d)
    assert call.arguments is not None
    value = rng.choice(call.arguments)
    if value.type not in ("UINT32", "INT", "UINT") or value.values:
        return None
    other = Value("xylograph", "void *", value.place)
    new = replace(call, arguments=_swap_value(call.arguments, value, other))
    return mutant(with_call(d, call, new), ("argument-meaning", B))


@mutation
def mean_perhaps_another_thing(rng: Random, d: Declaration) -> Mutant | None:
    call = _with_arguments(rng, d)
    assert call.arguments is not None
    value = rng.choice(call.arguments)
    if value.name == "dummy":
        return None
    new = replace(call, arguments=_swap_value(call.arguments, value, replace(value, name="zzyzx")))
    return mutant(with_call(d, call, new), ("argument-meaning", R))


@mutation
def rename_argument(rng: Random, d: Declaration) -> Mutant | None:
    call = _with_arguments(rng, d)
    assert call.arguments is not None
    value = rng.choice(call.arguments)
    if value.name == "dummy":
        return None
    new = replace(call, arguments=_swap_value(call.arguments, value, replace(value, name=f"{value.name}_in")))
    return mutant(with_call(d, call, new), ("argument-renamed", C))


def _valued(rng: Random, d: Declaration) -> tuple[Call, Value] | None:
    found = [(c, v) for c in d.calls for v in c.arguments or () if v.values]
    return rng.choice(found) if found else None


@mutation
def take_more_values(rng: Random, d: Declaration) -> Mutant | None:
    drawn = _valued(rng, d)
    if drawn is None:
        return None
    call, value = drawn
    new = replace(value, values=(*value.values, "Zq"))
    return mutant(
        with_call(d, call, replace(call, arguments=_swap_value(call.arguments or (), value, new))),
        ("argument-values", C),
    )


@mutation
def take_other_values(rng: Random, d: Declaration) -> Mutant | None:
    drawn = _valued(rng, d)
    if drawn is None:
        return None
    call, value = drawn
    new = replace(value, values=("Zq",))
    return mutant(
        with_call(d, call, replace(call, arguments=_swap_value(call.arguments or (), value, new))),
        ("argument-meaning", B),
    )


def _given_values(rng: Random, d: Declaration) -> tuple[Call, Value]:
    return rng.choice([(c, v) for c in d.calls for v in c.results or () if v.values])


def _result(call: Call, old: Value, new: Value) -> Call:
    return replace(call, results=_swap_value(call.results or (), old, new))


@mutation
def give_more_values(rng: Random, d: Declaration) -> Mutant:
    call, value = _given_values(rng, d)
    new = replace(value, values=(*value.values, "Zq"))
    return mutant(with_call(d, call, _result(call, value, new)), ("result-values", R))


@mutation
def give_other_values(rng: Random, d: Declaration) -> Mutant:
    call, value = _given_values(rng, d)
    return mutant(
        with_call(d, call, _result(call, value, replace(value, values=("Zq",)))), ("result-meaning", B)
    )


def _with_one_result(rng: Random, d: Declaration) -> Call:
    return rng.choice([c for c in d.calls if len(c.results or ()) == 1 and c.kind == "function"])


@mutation
def move_result(rng: Random, d: Declaration) -> Mutant | None:
    call = _with_one_result(rng, d)
    assert call.results is not None
    value = call.results[0]
    if ":" in value.place:
        return None
    return mutant(
        with_call(d, call, replace(call, results=(replace(value, place="EBP"),))), ("result-moved", B)
    )


@mutation
def retype_result(rng: Random, d: Declaration) -> Mutant | None:
    call = _with_one_result(rng, d)
    assert call.results is not None
    value = call.results[0]
    if value.type not in _WIDER:
        return None
    name, severity = _WIDER[value.type]
    return mutant(
        with_call(d, call, replace(call, results=(replace(value, type=name),))), ("result-type", severity)
    )


@mutation
def rename_result(rng: Random, d: Declaration) -> Mutant:
    call = _with_one_result(rng, d)
    assert call.results is not None
    value = replace(call.results[0], name="outcome")
    return mutant(with_call(d, call, replace(call, results=(value,))), ("result-renamed", C))


@mutation
def drop_result(rng: Random, d: Declaration) -> Mutant:
    call = _with_one_result(rng, d)
    return mutant(with_call(d, call, replace(call, results=(), kind="procedure")), ("result-dropped", B))


@mutation
def add_result(rng: Random, d: Declaration) -> Mutant:
    call = rng.choice(
        [c for c in d.calls if c.kind == "procedure" and not c.results and c.clobbers is not None]
    )
    assert call.clobbers is not None
    new = replace(call, results=(Value("outcome", "INT32", "EAX"),), kind="function")
    return mutant(with_call(d, call, new), ("result-added", C if "EAX" in call.clobbers else B))


@mutation
def exchange_results(rng: Random, d: Declaration) -> Mutant | None:
    call = rng.choice([c for c in d.calls if len(c.results or ()) > 1])
    assert call.results is not None
    a, b = rng.sample(call.results, 2)
    if a.name == b.name:
        return None  # the defect of 6.1: nothing tells the two apart
    mapping = {a: b.place, b: a.place}
    values = tuple(replace(v, place=mapping.get(v, v.place)) for v in call.results)
    return mutant(with_call(d, call, replace(call, results=values)), ("result-order", B))


@mutation
def destroy_more(rng: Random, d: Declaration) -> Mutant | None:
    call = published(rng, d)
    assert call.clobbers is not None
    lost = call.clobbers | {r for v in call.results or () for r in registers_of(v.place)}
    free = sorted({"EAX", "ECX", "EDX", "EBX", "ESI", "EDI", "EBP", "flags", "memory"} - lost)
    new = replace(call, clobbers=call.clobbers | {rng.choice(free)})
    return mutant(with_call(d, call, new), ("clobbers-grown", B))


@mutation
def list_result_as_destroyed(rng: Random, d: Declaration) -> Mutant | None:
    call = _with_one_result(rng, d)
    assert call.results is not None
    assert call.clobbers is not None
    more = set(registers_of(call.results[0].place)) - call.clobbers
    if not more:
        return None
    return mutant(with_call(d, call, replace(call, clobbers=call.clobbers | more)), ("clobbers-grown", C))


@mutation
def destroy_less(rng: Random, d: Declaration) -> Mutant | None:
    call = published(rng, d)
    if not call.clobbers:
        return None
    new = replace(call, clobbers=call.clobbers - {rng.choice(sorted(call.clobbers))})
    return mutant(with_call(d, call, new), ("clobbers-shrunk", C))


@mutation
def tighten_segments(rng: Random, d: Declaration) -> Mutant | None:
    call = published(rng, d)
    assert call.segments is not None
    free = sorted({"CS", "SS", "DS", "ES", "FS"} - call.segments)
    return mutant(
        with_call(d, call, replace(call, segments=call.segments | {rng.choice(free)})),
        ("segments-tightened", B),
    )


@mutation
def relax_segments(rng: Random, d: Declaration) -> Mutant | None:
    call = published(rng, d)
    if not call.segments:
        return None
    new = replace(call, segments=call.segments - {rng.choice(sorted(call.segments))})
    return mutant(with_call(d, call, new), ("segments-relaxed", C))


def _halved(rng: Random, d: Declaration) -> Declaration | None:
    """With one argument of two registers told as its halves; None where the call drawn has none."""
    call = _with_arguments(rng, d)
    assert call.arguments is not None
    whole = next((each for each in call.arguments if ":" in each.place and not each.values), None)
    if whole is None:
        return None
    high, low = whole.place.split(":")
    parts = (Value(f"{whole.name}Low", "UINT32", low), Value(f"{whole.name}High", "UINT32", high))
    arguments = tuple(part for each in call.arguments for part in (parts if each is whole else (each,)))
    return with_call(d, call, replace(call, arguments=arguments))


@mutation
def split_argument(rng: Random, d: Declaration) -> Mutant | None:
    changed = _halved(rng, d)
    return None if changed is None else mutant(changed, ("argument-split", C))


@mutation
def join_argument(rng: Random, d: Declaration) -> Mutant | None:
    start = _halved(rng, d)
    return None if start is None else Mutant(d, (("argument-joined", C),), start=start)


@mutation
def change_unit(rng: Random, d: Declaration) -> Mutant:
    """The same bits, counted in something else: nothing fails, and everything is wrong."""
    call = _with_arguments(rng, d)
    assert call.arguments is not None
    old = rng.choice(call.arguments)
    units = rng.sample(("ns", "us", "ms", "ticks", "pages", "bytes"), 2)
    before, after = (
        with_call(
            d,
            call,
            replace(call, arguments=_swap_value(call.arguments, old, replace(old, name=f"amount_{unit}"))),
        )
        for unit in units
    )
    return Mutant(after, (("argument-meaning", B),), start=before)
