"""Single changes of a declaration, each with the findings that it must give and none beside them.

A mutation takes a random source and a declaration and gives the changed declaration with what is expected, or
None where the part it drew can't take the change. The changed side's version is bumped as the change demands,
so that no finding about the version is mixed in.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random

from vmirom.compat import (
    Call,
    Clause,
    Declaration,
    Dispatch,
    Enumeration,
    Field,
    Layout,
    Mechanism,
    Severity,
    Value,
)
from vmirom.compat.model import registers_of

B, R, C = Severity.BREAKING, Severity.RISKY, Severity.COMPATIBLE
Expected = tuple[tuple[str, Severity], ...]
Mutation = Callable[[Random, Declaration], "Mutant | None"]


@dataclass(frozen=True)
class Mutant:
    """A changed declaration and the (rule, severity) of each finding that is due. ``version``: the one that
    the changed declaration has; where there is none, what its changes demand is due."""

    declaration: Declaration
    expected: Expected
    version: str | None = None
    start: Declaration | None = None
    """What was changed, where it is not the declaration that was given."""

    @property
    def released(self) -> Declaration:
        """The changed declaration under its version."""
        if self.version is not None:
            return replace(self.declaration, version=self.version)
        return bumped(self.declaration, self.severity)

    @property
    def severity(self) -> Severity:
        return max((severity for _, severity in self.expected), key=lambda each: each.rank)


MUTATIONS: dict[str, Mutation] = {}


def mutation(function: Mutation) -> Mutation:
    MUTATIONS[function.__name__] = function
    return function


def bumped(declaration: Declaration, severity: Severity) -> Declaration:
    major, minor = (int(part) for part in declaration.version.split(".")[:2])
    version = f"{major + 1}.0" if severity is B else f"{major}.{minor + 1}"
    return replace(declaration, version=version)


def _of(declaration: Declaration, *expected: tuple[str, Severity]) -> Mutant:
    return Mutant(declaration, expected)


def _put(d: Declaration, old: Call, new: Call) -> Declaration:
    calls = tuple(sorted((new if c is old else c for c in d.calls), key=lambda c: c.number))
    return replace(d, calls=calls)


def _published(rng: Random, d: Declaration) -> Call:
    return rng.choice([c for c in d.calls if c.published and c.clobbers is not None])


def _free(d: Declaration) -> int:
    return max(call.number for call in d.calls) + 1


def _fresh(rng: Random, d: Declaration) -> Call:
    """A call unlike any other."""
    name = f"Zq{rng.randrange(10**6):06d}"
    arguments = (Value("wobble", "UINT16", "EBX"), Value("quirk", "UINT32 *", "ESI"))
    return Call(
        _free(d),
        name,
        "procedure",
        arguments,
        (),
        frozenset(("EBP", "flags")),
        frozenset(("CS",)),
        frozenset(),
    )


@mutation
def remove_call(rng: Random, d: Declaration) -> Mutant:
    gone = rng.choice(d.calls)
    return _of(replace(d, calls=tuple(c for c in d.calls if c is not gone)), ("call-removed", B))


@mutation
def add_call(rng: Random, d: Declaration) -> Mutant:
    return _of(replace(d, calls=(*d.calls, _fresh(rng, d))), ("call-added", C))


@mutation
def rename_call(rng: Random, d: Declaration) -> Mutant:
    call = _published(rng, d)
    return _of(_put(d, call, replace(call, name=f"{call.name}Now")), ("call-renamed", C))


@mutation
def renumber_call(rng: Random, d: Declaration) -> Mutant:
    call = rng.choice(d.calls)
    return _of(_put(d, call, replace(call, number=_free(d))), ("call-renumbered", B))


@mutation
def rename_and_renumber_call(rng: Random, d: Declaration) -> Mutant | None:
    call = _published(rng, d)
    if len(call.arguments or ()) < 2:
        return None
    new = replace(call, name=f"{call.name}Now", number=_free(d))
    return _of(_put(d, call, new), ("call-renamed-and-renumbered", B))


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
    return _of(d, ("calls-swapped", B))


@mutation
def reuse_number(rng: Random, d: Declaration) -> Mutant:
    call = rng.choice(d.calls)
    return _of(_put(d, call, replace(_fresh(rng, d), number=call.number)), ("number-reused", B))


@mutation
def reuse_number_of_moved(rng: Random, d: Declaration) -> Mutant:
    call = rng.choice(d.calls)
    new = replace(_fresh(rng, d), number=call.number)
    moved = _put(d, call, replace(call, number=_free(d)))
    return _of(replace(moved, calls=(*moved.calls, new)), ("call-renumbered", B), ("number-reused", B))


@mutation
def reuse_name(rng: Random, d: Declaration) -> Mutant | None:
    call = _published(rng, d)
    if len(call.arguments or ()) < 2:
        return None
    other = replace(_fresh(rng, d), name=call.name)
    kept = _put(d, call, replace(call, name=f"{call.name}Now"))
    return _of(replace(kept, calls=(*kept.calls, other)), ("call-renamed", C), ("name-reused", R))


@mutation
def withdraw_contract(rng: Random, d: Declaration) -> Mutant:
    call = _published(rng, d)
    bare = replace(call, kind=None, arguments=None, results=None, clobbers=None, segments=None)
    return _of(_put(d, call, bare), ("contract-withdrawn", R))


@mutation
def publish_contract(rng: Random, d: Declaration) -> Mutant | None:
    silent = [c for c in d.calls if not c.published]
    if not silent:
        return None
    call = rng.choice(silent)
    fresh = _fresh(rng, d)
    return _of(_put(d, call, replace(fresh, number=call.number, name=call.name)), ("contract-published", C))


@mutation
def set_number_aside(rng: Random, d: Declaration) -> Mutant:
    call = rng.choice(d.calls)
    spare = Call(call.number, f"RESERVED{call.number}", None, None, None, None, None)
    return _of(_put(d, call, spare), ("call-removed", B))


@mutation
def keep_call_for_old_guests(rng: Random, d: Declaration) -> Mutant:
    """The 13.3 way: a successor takes the name, the old function stays at its number."""
    call = rng.choice([c for c in d.calls if not c.name[-1].isdigit()])
    kept = _put(d, call, replace(call, name=f"{call.name}{rng.choice(('0', '_compat', 'Old'))}"))
    heir = replace(_fresh(rng, d), name=call.name)
    return _of(replace(kept, calls=(*kept.calls, heir)), ("call-renamed", C), ("name-reused", R))


@mutation
def never_return(rng: Random, d: Declaration) -> Mutant | None:
    call = rng.choice([c for c in d.calls if c.kind == "procedure"])
    return _of(_put(d, call, replace(call, kind="jump")), ("call-kind-changed", B))


def _with_arguments(rng: Random, d: Declaration, least: int = 1) -> Call:
    return rng.choice([c for c in d.calls if len(c.arguments or ()) >= least])


def _swap_value(values: tuple[Value, ...], old: Value, new: Value) -> tuple[Value, ...]:
    return tuple(new if value is old else value for value in values)


@mutation
def add_argument(rng: Random, d: Declaration) -> Mutant | None:
    call = _published(rng, d)
    assert call.arguments is not None
    if any("EBX" in registers_of(v.place) for v in call.arguments):
        return None
    new = replace(call, arguments=(*call.arguments, Value("wobble", "UINT16", "EBX")))
    return _of(_put(d, call, new), ("argument-added", B))


@mutation
def add_optional_argument(rng: Random, d: Declaration) -> Mutant | None:
    call = _published(rng, d)
    assert call.arguments is not None
    if any("EBX" in registers_of(v.place) for v in call.arguments):
        return None
    more = Value("wobble", "UINT16", "EBX", (), True)
    return _of(_put(d, call, replace(call, arguments=(*call.arguments, more))), ("argument-added", C))


@mutation
def make_argument_optional(rng: Random, d: Declaration) -> Mutant:
    call = _with_arguments(rng, d)
    assert call.arguments is not None
    value = rng.choice(call.arguments)
    new = _swap_value(call.arguments, value, replace(value, optional=True))
    return _of(_put(d, call, replace(call, arguments=new)), ("argument-optional", C))


@mutation
def make_argument_required(rng: Random, d: Declaration) -> Mutant:
    call = _with_arguments(rng, d)
    assert call.arguments is not None
    value = rng.choice(call.arguments)
    new = _swap_value(call.arguments, value, replace(value, optional=True))
    start = _put(d, call, replace(call, arguments=new))
    return Mutant(d, (("argument-required", B),), start=start)


@mutation
def push_argument_in_front(rng: Random, d: Declaration) -> Mutant | None:
    call = rng.choice(
        [c for c in d.calls if [v.place for v in c.arguments or ()] in (["EAX"], ["EAX", "EDX"])]
    )
    assert call.arguments is not None
    shifted = tuple(replace(v, place=p) for v, p in zip(call.arguments, ("EDX", "ECX"), strict=False))
    new = replace(call, arguments=(Value("wobble", "UINT16", "EAX"), *shifted))
    return _of(_put(d, call, new), ("argument-added", B))


@mutation
def drop_argument(rng: Random, d: Declaration) -> Mutant | None:
    call = _with_arguments(rng, d)
    assert call.arguments is not None
    if call.arguments[-1].name == "dummy":
        return None
    return _of(_put(d, call, replace(call, arguments=call.arguments[:-1])), ("argument-dropped", B))


@mutation
def drop_dummy(rng: Random, d: Declaration) -> Mutant | None:
    calls = [c for c in d.calls if any(v.name == "dummy" for v in c.arguments or ())]
    if not calls:
        return None
    call = rng.choice(calls)
    left = tuple(v for v in call.arguments or () if v.name != "dummy")
    return _of(_put(d, call, replace(call, arguments=left)), ("argument-dropped", C))


@mutation
def move_argument(rng: Random, d: Declaration) -> Mutant | None:
    call = _with_arguments(rng, d)
    assert call.arguments is not None
    value = rng.choice(call.arguments)
    if ":" in value.place or any(v.place == "EBP" for v in call.arguments):
        return None
    new = replace(call, arguments=_swap_value(call.arguments, value, replace(value, place="EBP")))
    return _of(_put(d, call, new), ("argument-moved", B))


@mutation
def exchange_arguments(rng: Random, d: Declaration) -> Mutant | None:
    call = _with_arguments(rng, d, 2)
    assert call.arguments is not None
    a, b = rng.sample(call.arguments, 2)
    mapping = {a.name: b.place, b.name: a.place}
    values = tuple(replace(v, place=mapping.get(v.name, v.place)) for v in call.arguments)
    return _of(_put(d, call, replace(call, arguments=values)), ("argument-order", B))


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
    return _of(_put(d, call, new), ("argument-type", severity))


@mutation
def alias_argument_type(rng: Random, d: Declaration) -> Mutant | None:
    call = _with_arguments(rng, d)
    assert call.arguments is not None
    value = rng.choice(call.arguments)
    if value.type != "UINT32":
        return None
    new = replace(call, arguments=_swap_value(call.arguments, value, replace(value, type="UINT")))
    return _of(_put(d, call, new), ("argument-type", C))


@mutation
def repoint_argument(rng: Random, d: Declaration) -> Mutant | None:
    call = _with_arguments(rng, d)
    assert call.arguments is not None
    value = rng.choice(call.arguments)
    if value.type not in ("PTE *", "LONG_PTE *", "UINT32 *"):
        return None
    new = replace(call, arguments=_swap_value(call.arguments, value, replace(value, type="UINT8 *")))
    return _of(_put(d, call, new), ("argument-type", B))


@mutation
def mean_another_thing(rng: Random, d: Declaration) -> Mutant | None:
    call = _with_arguments(rng, d)
    assert call.arguments is not None
    value = rng.choice(call.arguments)
    if value.type not in ("UINT32", "INT", "UINT") or value.values:
        return None
    other = Value("xylograph", "void *", value.place)
    new = replace(call, arguments=_swap_value(call.arguments, value, other))
    return _of(_put(d, call, new), ("argument-meaning", B))


@mutation
def mean_perhaps_another_thing(rng: Random, d: Declaration) -> Mutant | None:
    call = _with_arguments(rng, d)
    assert call.arguments is not None
    value = rng.choice(call.arguments)
    if value.name == "dummy":
        return None
    new = replace(call, arguments=_swap_value(call.arguments, value, replace(value, name="zzyzx")))
    return _of(_put(d, call, new), ("argument-meaning", R))


@mutation
def rename_argument(rng: Random, d: Declaration) -> Mutant | None:
    call = _with_arguments(rng, d)
    assert call.arguments is not None
    value = rng.choice(call.arguments)
    if value.name == "dummy":
        return None
    new = replace(call, arguments=_swap_value(call.arguments, value, replace(value, name=f"{value.name}_in")))
    return _of(_put(d, call, new), ("argument-renamed", C))


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
    return _of(
        _put(d, call, replace(call, arguments=_swap_value(call.arguments or (), value, new))),
        ("argument-values", C),
    )


@mutation
def take_other_values(rng: Random, d: Declaration) -> Mutant | None:
    drawn = _valued(rng, d)
    if drawn is None:
        return None
    call, value = drawn
    new = replace(value, values=("Zq",))
    return _of(
        _put(d, call, replace(call, arguments=_swap_value(call.arguments or (), value, new))),
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
    return _of(_put(d, call, _result(call, value, new)), ("result-values", R))


@mutation
def give_other_values(rng: Random, d: Declaration) -> Mutant:
    call, value = _given_values(rng, d)
    return _of(_put(d, call, _result(call, value, replace(value, values=("Zq",)))), ("result-meaning", B))


def _with_one_result(rng: Random, d: Declaration) -> Call:
    return rng.choice([c for c in d.calls if len(c.results or ()) == 1 and c.kind == "function"])


@mutation
def move_result(rng: Random, d: Declaration) -> Mutant | None:
    call = _with_one_result(rng, d)
    assert call.results is not None
    value = call.results[0]
    if ":" in value.place:
        return None
    return _of(_put(d, call, replace(call, results=(replace(value, place="EBP"),))), ("result-moved", B))


@mutation
def retype_result(rng: Random, d: Declaration) -> Mutant | None:
    call = _with_one_result(rng, d)
    assert call.results is not None
    value = call.results[0]
    if value.type not in _WIDER:
        return None
    name, severity = _WIDER[value.type]
    return _of(_put(d, call, replace(call, results=(replace(value, type=name),))), ("result-type", severity))


@mutation
def rename_result(rng: Random, d: Declaration) -> Mutant:
    call = _with_one_result(rng, d)
    assert call.results is not None
    value = replace(call.results[0], name="outcome")
    return _of(_put(d, call, replace(call, results=(value,))), ("result-renamed", C))


@mutation
def drop_result(rng: Random, d: Declaration) -> Mutant:
    call = _with_one_result(rng, d)
    return _of(_put(d, call, replace(call, results=(), kind="procedure")), ("result-dropped", B))


@mutation
def add_result(rng: Random, d: Declaration) -> Mutant:
    call = rng.choice(
        [c for c in d.calls if c.kind == "procedure" and not c.results and c.clobbers is not None]
    )
    assert call.clobbers is not None
    new = replace(call, results=(Value("outcome", "INT32", "EAX"),), kind="function")
    return _of(_put(d, call, new), ("result-added", C if "EAX" in call.clobbers else B))


@mutation
def exchange_results(rng: Random, d: Declaration) -> Mutant | None:
    call = rng.choice([c for c in d.calls if len(c.results or ()) > 1])
    assert call.results is not None
    a, b = rng.sample(call.results, 2)
    if a.name == b.name:
        return None  # the defect of 6.1: nothing tells the two apart
    mapping = {a: b.place, b: a.place}
    values = tuple(replace(v, place=mapping.get(v, v.place)) for v in call.results)
    return _of(_put(d, call, replace(call, results=values)), ("result-order", B))


@mutation
def destroy_more(rng: Random, d: Declaration) -> Mutant | None:
    call = _published(rng, d)
    assert call.clobbers is not None
    lost = call.clobbers | {r for v in call.results or () for r in registers_of(v.place)}
    free = sorted({"EAX", "ECX", "EDX", "EBX", "ESI", "EDI", "EBP", "flags", "memory"} - lost)
    new = replace(call, clobbers=call.clobbers | {rng.choice(free)})
    return _of(_put(d, call, new), ("clobbers-grown", B))


@mutation
def list_result_as_destroyed(rng: Random, d: Declaration) -> Mutant | None:
    call = _with_one_result(rng, d)
    assert call.results is not None
    assert call.clobbers is not None
    more = set(registers_of(call.results[0].place)) - call.clobbers
    if not more:
        return None
    return _of(_put(d, call, replace(call, clobbers=call.clobbers | more)), ("clobbers-grown", C))


@mutation
def destroy_less(rng: Random, d: Declaration) -> Mutant | None:
    call = _published(rng, d)
    if not call.clobbers:
        return None
    new = replace(call, clobbers=call.clobbers - {rng.choice(sorted(call.clobbers))})
    return _of(_put(d, call, new), ("clobbers-shrunk", C))


@mutation
def tighten_segments(rng: Random, d: Declaration) -> Mutant | None:
    call = _published(rng, d)
    assert call.segments is not None
    free = sorted({"CS", "SS", "DS", "ES", "FS"} - call.segments)
    return _of(
        _put(d, call, replace(call, segments=call.segments | {rng.choice(free)})), ("segments-tightened", B)
    )


@mutation
def relax_segments(rng: Random, d: Declaration) -> Mutant | None:
    call = _published(rng, d)
    if not call.segments:
        return None
    new = replace(call, segments=call.segments - {rng.choice(sorted(call.segments))})
    return _of(_put(d, call, new), ("segments-relaxed", C))


@mutation
def change_dispatch(rng: Random, d: Declaration) -> Mutant:
    slots = Mechanism(Dispatch.SLOTS, 32, 128, 4, 0)
    looked_up = Mechanism(Dispatch.RELOCATION, entries=(("vmi_init", 128),), types=(("NONE", 0),))
    other = looked_up if d.mechanism.dispatch is Dispatch.SLOTS else slots
    return _of(replace(d, mechanism=other), ("dispatch-changed", B))


@mutation
def change_slots(rng: Random, d: Declaration) -> Mutant | None:
    if d.mechanism.dispatch is not Dispatch.SLOTS:
        return None
    if rng.random() < 0.5:
        return _of(replace(d, mechanism=replace(d.mechanism, slot_size=64)), ("slot-layout", B))
    return _of(replace(d, mechanism=replace(d.mechanism, slot_count=64)), ("slot-capacity", R))


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
    return _of(replace(d, mechanism=mechanism), (what, C if what == "entry-added" else B))


@mutation
def change_relocation(rng: Random, d: Declaration) -> Mutant | None:
    types = dict(d.mechanism.types)
    if not types:
        looked_up = replace(d.mechanism, types=(("NONE", 0), ("CALL_REL", 1)))
        due = ("relocation-type-added", C)
        return _of(replace(d, mechanism=looked_up), due, due)
    name = rng.choice(sorted(types))
    what = rng.choice(("added", "removed", "changed"))
    if what == "added":
        types["INDIRECT"] = 4
    elif what == "removed":
        del types[name]
    else:
        types[name] = 9
    mechanism = replace(d.mechanism, types=tuple(types.items()))
    return _of(replace(d, mechanism=mechanism), (f"relocation-type-{what}", C if what == "removed" else B))


@mutation
def change_identity(rng: Random, d: Declaration) -> Mutant:
    key = rng.choice(sorted(d.identity))
    tested = key in ("rom_signature", "vrom_signature")
    return _of(replace(d, identity={**d.identity, key: "0x1234"}), ("identity-changed", B if tested else R))


def _header(d: Declaration, fields: tuple[Field, ...], size: int | None = None) -> Declaration:
    assert d.header is not None
    ordered = tuple(sorted(fields, key=lambda f: f.offset))
    return replace(d, header=replace(d.header, fields=ordered, size=size or d.header.size))


def _plain(rng: Random, layout: Layout) -> Field:
    return rng.choice([f for f in layout.fields if not f.reserved and f.const is None])


@mutation
def take_header_field_from_reserved(rng: Random, d: Declaration) -> Mutant:
    assert d.header is not None
    space = rng.choice([f for f in d.header.fields if f.reserved])
    rest = [f for f in d.header.fields if f is not space]
    new = Field("fresh_thing", space.offset, 1, "u8")
    left = Field(space.name, space.offset + 1, space.size - 1, "u8", space.size - 1, reserved=True)
    fields = (*rest, new, *([left] if left.size else []))
    return _of(_header(d, fields), ("header-field-from-reserved", R))


@mutation
def retire_header_field(rng: Random, d: Declaration) -> Mutant:
    assert d.header is not None
    field = _plain(rng, d.header)
    spare = Field(f"spare{field.offset}", field.offset, field.size, "u8", field.size, reserved=True)
    fields = tuple(spare if f is field else f for f in d.header.fields)
    return _of(_header(d, fields), ("header-field-retired", B))


@mutation
def rename_header_field(rng: Random, d: Declaration) -> Mutant:
    assert d.header is not None
    field = _plain(rng, d.header)
    fields = tuple(replace(f, name=f"{f.name}_now") if f is field else f for f in d.header.fields)
    return _of(_header(d, fields), ("header-field-renamed", C))


@mutation
def repurpose_header_field(rng: Random, d: Declaration) -> Mutant:
    assert d.header is not None
    field = _plain(rng, d.header)
    fields = tuple(replace(f, name="zzyzx") if f is field else f for f in d.header.fields)
    return _of(_header(d, fields), ("header-field-repurposed", B))


@mutation
def resize_header_field(rng: Random, d: Declaration) -> Mutant:
    assert d.header is not None
    field = _plain(rng, d.header)
    fields = tuple(
        replace(f, size=f.size + 4, type="u8", count=f.size + 4)
        if f is field
        else replace(f, offset=f.offset + 4)
        if f.offset > field.offset
        else f
        for f in d.header.fields
    )
    return _of(_header(d, fields, d.header.size + 4), ("header-field-resized", B))


@mutation
def move_header_field(rng: Random, d: Declaration) -> Mutant | None:
    """Everything from a field on lies elsewhere, behind reserved bytes that weren't there."""
    assert d.header is not None
    field = _plain(rng, d.header)
    if field.offset == 0:
        return None
    spare = Field("spare_front", field.offset, 4, "u8", 4, reserved=True)
    fields = tuple(
        replace(f, offset=f.offset + 4) if f.offset >= field.offset else f for f in d.header.fields
    )
    return _of(_header(d, (*fields, spare), d.header.size + 4), ("header-field-moved", B))


@mutation
def grow_header(rng: Random, d: Declaration) -> Mutant:
    assert d.header is not None
    what = rng.choice(("header-field-added", "header-size"))
    if what == "header-size":
        return _of(_header(d, d.header.fields, d.header.size + 8), (what, B))
    new = Field("fresh_thing", d.header.size, 4, "u32")
    return _of(_header(d, (*d.header.fields, new), d.header.size + 4), (what, C))


@mutation
def remove_header_field(rng: Random, d: Declaration) -> Mutant | None:
    assert d.header is not None
    field = _plain(rng, d.header)
    fields = tuple(
        replace(f, offset=f.offset - field.size) if f.offset > field.offset else f
        for f in d.header.fields
        if f is not field
    )
    return _of(_header(d, fields, d.header.size - field.size), ("header-field-removed", B))


@mutation
def retype_header_field(rng: Random, d: Declaration) -> Mutant | None:
    assert d.header is not None
    field = _plain(rng, d.header)
    if field.type not in ("u8", "u16", "u32") or field.count is not None:
        return None
    fields = tuple(replace(f, type=f"s{f.type[1:]}") if f is field else f for f in d.header.fields)
    return _of(_header(d, fields), ("header-field-type", R))


@mutation
def fix_header_field(rng: Random, d: Declaration) -> Mutant | None:
    assert d.header is not None
    field = _plain(rng, d.header)
    fields = tuple(replace(f, const=9) if f is field else f for f in d.header.fields)
    if any(word in field.name for word in ("signature", "vendor", "device", "license")):
        return None  # that is identity
    return _of(_header(d, fields), ("header-field-const", R))


@mutation
def say_nothing_of_a_break(rng: Random, d: Declaration) -> Mutant:
    gone = rng.choice(d.calls)
    fewer = replace(d, calls=tuple(c for c in d.calls if c is not gone))
    version = rng.choice((d.version, bumped(d, C).version))
    return Mutant(fewer, (("call-removed", B), ("version-not-bumped", B)), version)


@mutation
def say_nothing_of_an_addition(rng: Random, d: Declaration) -> Mutant:
    more = replace(d, calls=(*d.calls, _fresh(rng, d)))
    return Mutant(more, (("call-added", C), ("version-not-bumped", R)), d.version)


@mutation
def raise_major_for_nothing(rng: Random, d: Declaration) -> Mutant:
    more = replace(d, calls=(*d.calls, _fresh(rng, d)))
    return Mutant(more, (("call-added", C), ("version-overbumped", R)), bumped(d, B).version)


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
    return _of(replace(d, structs=tuple(s for s in d.structs if s is not gone)), ("struct-removed", B))


@mutation
def add_struct(rng: Random, d: Declaration) -> Mutant:
    new = Layout("vmi_fresh", 4, (Field("value", 0, 4, "u32"),))
    return _of(replace(d, structs=(*d.structs, new)), ("struct-added", C))


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
    return _of(_replaced(d, old, replace(old, name=f"{old.name}_now")), ("struct-renamed", C))


@mutation
def rename_struct_and_append(rng: Random, d: Declaration) -> Mutant | None:
    old = _struct(rng, d)
    if len([f for f in old.fields if not f.reserved]) < 4:
        return None
    fields = (*old.fields, Field("fresh_thing", old.size, 4, "u32"))
    new = Layout("fresh_struct", old.size + 4, fields)
    due = ("field-appended", C if _tells(old) else B)
    return _of(_replaced(d, old, new), ("struct-renamed", C), due)


def _tells(layout: Layout) -> bool:
    """Those of the lines at hand that tell their own size at their head."""
    return layout.name in ("vmi_pnp_header", "vmi_boot_info", "vmi_bundle", "vmi_rom_info")


@mutation
def append_field(rng: Random, d: Declaration) -> Mutant:
    old = _struct(rng, d)
    fields = (*old.fields, Field("fresh_thing", old.size, 4, "u32"))
    return _of(_put_struct(d, old, fields, old.size + 4), ("field-appended", C if _tells(old) else B))


@mutation
def grow_struct(rng: Random, d: Declaration) -> Mutant:
    old = _struct(rng, d)
    return _of(_put_struct(d, old, old.fields, old.size + 4), ("struct-size", C if _tells(old) else B))


@mutation
def insert_field(rng: Random, d: Declaration) -> Mutant | None:
    old = _struct(rng, d)
    at = _plain(rng, old)
    fields = tuple(replace(f, offset=f.offset + 4) if f.offset >= at.offset else f for f in old.fields)
    new = Field("fresh_thing", at.offset, 4, "u32")
    return _of(_put_struct(d, old, (*fields, new), old.size + 4), ("field-inserted", B))


@mutation
def remove_field(rng: Random, d: Declaration) -> Mutant | None:
    old = _struct(rng, d)
    field = _plain(rng, old)
    fields = tuple(
        replace(f, offset=f.offset - field.size) if f.offset > field.offset else f
        for f in old.fields
        if f is not field
    )
    return _of(_put_struct(d, old, fields, old.size - field.size), ("field-removed", B))


@mutation
def resize_field(rng: Random, d: Declaration) -> Mutant:
    old = _struct(rng, d)
    field = _plain(rng, old)
    fields = tuple(
        replace(f, size=f.size + 4, type="u8", count=f.size + 4)
        if f is field
        else replace(f, offset=f.offset + 4)
        if f.offset > field.offset
        else f
        for f in old.fields
    )
    return _of(_put_struct(d, old, fields, old.size + 4), ("field-resized", B))


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
    return _of(_put_struct(d, old, fields), ("fields-swapped", B))


@mutation
def move_fields(rng: Random, d: Declaration) -> Mutant | None:
    old = _struct(rng, d)
    field = _plain(rng, old)
    spare = Field("spare_front", field.offset, 4, "u8", 4, reserved=True)
    fields = tuple(replace(f, offset=f.offset + 4) if f.offset >= field.offset else f for f in old.fields)
    return _of(_put_struct(d, old, (*fields, spare), old.size + 4), ("field-moved", B))


@mutation
def retype_field(rng: Random, d: Declaration) -> Mutant | None:
    old = _struct(rng, d)
    field = _plain(rng, old)
    if field.type not in ("u8", "u16", "u32") or field.count is not None:
        return None
    fields = tuple(replace(f, type=f"s{f.type[1:]}") if f is field else f for f in old.fields)
    return _of(_put_struct(d, old, fields), ("field-type", R))


@mutation
def rename_field(rng: Random, d: Declaration) -> Mutant:
    old = _struct(rng, d)
    field = _plain(rng, old)
    fields = tuple(replace(f, name=f"{f.name}_now") if f is field else f for f in old.fields)
    return _of(_put_struct(d, old, fields), ("field-renamed", C))


@mutation
def repurpose_field(rng: Random, d: Declaration) -> Mutant:
    old = _struct(rng, d)
    field = _plain(rng, old)
    fields = tuple(replace(f, name="zzyzx") if f is field else f for f in old.fields)
    return _of(_put_struct(d, old, fields), ("field-repurposed", B))


@mutation
def retire_field(rng: Random, d: Declaration) -> Mutant:
    old = _struct(rng, d)
    field = _plain(rng, old)
    spare = Field(f"spare{field.offset}", field.offset, field.size, "u8", field.size, reserved=True)
    fields = tuple(spare if f is field else f for f in old.fields)
    return _of(_put_struct(d, old, fields), ("field-retired", B))


@mutation
def take_field_from_reserved(rng: Random, d: Declaration) -> Mutant | None:
    found = [(s, f) for s in d.structs for f in s.fields if f.reserved]
    if not found:
        return None
    old, space = rng.choice(found)
    new = Field("fresh_thing", space.offset, space.size, "u8", space.size)
    fields = tuple(new if f is space else f for f in old.fields)
    return _of(_put_struct(d, old, fields), ("field-from-reserved", R))


@mutation
def change_field_values(rng: Random, d: Declaration) -> Mutant:
    old = _struct(rng, d)
    field = _plain(rng, old)
    fields = tuple(replace(f, values="Zq") if f is field else f for f in old.fields)
    return _of(_put_struct(d, old, fields), ("field-values", R))


@mutation
def change_field_const(rng: Random, d: Declaration) -> Mutant | None:
    found = [(s, f) for s in d.structs for f in s.fields if f.const is not None]
    if not found:
        return None
    old, field = rng.choice(found)
    const = rng.choice((0x77, None))
    fields = tuple(replace(f, const=const) if f is field else f for f in old.fields)
    return _of(_put_struct(d, old, fields), ("field-const", R if const is None else B))


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
    return _of(replace(d, enums=tuple(e for e in d.enums if e is not gone)), ("enum-removed", B))


@mutation
def add_enum(rng: Random, d: Declaration) -> Mutant:
    return _of(replace(d, enums=(*d.enums, Enumeration("Zq", (("A", 77),)))), ("enum-added", C))


@mutation
def rename_enum(rng: Random, d: Declaration) -> Mutant | None:
    """With all that name it."""
    old = _enum(rng, d)
    if any(e is not old and (e.flags, e.members) == (old.flags, old.members) for e in d.enums):
        return None
    enums = tuple(replace(old, name="Zq") if e is old else e for e in d.enums)
    return _of(_valued_by(replace(d, enums=enums), old.name, ("Zq",)), ("enum-renamed", C))


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
    return _of(_valued_by(replace(d, enums=enums), old.name, ("ZqOne", "ZqTwo")), ("enum-regrouped", C))


@mutation
def flip_enum_kind(rng: Random, d: Declaration) -> Mutant:
    old = _enum(rng, d)
    new = replace(old, flags=not old.flags)
    return _of(replace(d, enums=tuple(new if e is old else e for e in d.enums)), ("enum-kind", B))


@mutation
def add_member(rng: Random, d: Declaration) -> Mutant:
    old = _enum(rng, d)
    value = 1 << 30
    severity = R if _given(d, old.name) and not old.flags else C
    return _of(_put_enum(d, old, (*old.members, ("ZQ", value))), ("enum-member-added", severity))


@mutation
def share_a_bit(rng: Random, d: Declaration) -> Mutant | None:
    flags = [e for e in d.enums if e.flags and any(v and not v & (v - 1) for _, v in e.members)]
    if not flags:
        return None
    old = rng.choice(flags)
    value = rng.choice([v for _, v in old.members if v and not v & (v - 1)])
    return _of(_put_enum(d, old, (*old.members, ("ZQ", value))), ("flag-bit-shared", R))


@mutation
def remove_member(rng: Random, d: Declaration) -> Mutant | None:
    old = _enum(rng, d)
    if len(old.members) < 2:
        return None
    gone = rng.choice(old.members)
    members = tuple(m for m in old.members if m != gone)
    if _given(d, old.name):
        return _of(_put_enum(d, old, members), ("enum-member-removed", R))
    severity = C if old.flags and not gone[1] else B
    return _of(_put_enum(d, old, members), ("enum-member-removed", severity))


@mutation
def rename_member(rng: Random, d: Declaration) -> Mutant | None:
    old = _enum(rng, d)
    at = rng.randrange(len(old.members))
    name, value = old.members[at]
    if len(name) < 2:
        return None
    members = (*old.members[:at], (f"{name}_NOW", value), *old.members[at + 1 :])
    return _of(_put_enum(d, old, members), ("enum-member-renamed", C))


@mutation
def reuse_value(rng: Random, d: Declaration) -> Mutant | None:
    old = _enum(rng, d)
    at = rng.randrange(len(old.members))
    members = (*old.members[:at], ("QZZYZX", old.members[at][1]), *old.members[at + 1 :])
    return _of(_put_enum(d, old, members), ("enum-value-reused", B))


@mutation
def change_value(rng: Random, d: Declaration) -> Mutant:
    old = _enum(rng, d)
    at = rng.randrange(len(old.members))
    members = (*old.members[:at], (old.members[at][0], 1 << 29), *old.members[at + 1 :])
    return _of(_put_enum(d, old, members), ("enum-value-changed", B))


@mutation
def exchange_values(rng: Random, d: Declaration) -> Mutant | None:
    old = _enum(rng, d)
    if len({v for _, v in old.members}) < 2:
        return None
    (a, x), (b, y) = rng.sample(old.members, 2)
    if x == y:
        return None
    members = tuple((n, y if n == a else x if n == b else v) for n, v in old.members)
    return _of(_put_enum(d, old, members), ("enum-values-swapped", B))


def _clauses(d: Declaration, old: Clause | None, new: Clause | None) -> Declaration:
    kept = tuple(c for c in d.clauses or () if c is not old)
    return replace(d, clauses=(*kept, *([new] if new else [])))


@mutation
def take_back_clause(rng: Random, d: Declaration) -> Mutant | None:
    if not d.clauses:
        return None
    gone = rng.choice(d.clauses)
    if gone.who == "guest":
        return _of(_clauses(d, gone, None), ("semantics-strengthened", C))
    return _of(_clauses(d, gone, None), ("semantics-weakened", B))


@mutation
def add_clause(rng: Random, d: Declaration) -> Mutant | None:
    if not d.clauses:
        return None
    chapter = rng.choice(d.clauses).id.rpartition("-")[0]
    if rng.random() < 0.5:
        new = Clause(f"{chapter}-99", "Zq holds.", "ROM")
        return _of(_clauses(d, None, new), ("semantics-strengthened", C))
    new = Clause(f"{chapter}-99", "Zq is done first.", "guest")
    return _of(_clauses(d, None, new), ("semantics-weakened", B))


@mutation
def add_chapter(rng: Random, d: Declaration) -> Mutant | None:
    if d.clauses is None:
        return None
    more = (Clause("VMI-ZQ-01", "Zq holds.", "ROM"), Clause("VMI-ZQ-02", "Zq is asked for.", "guest"))
    return _of(
        replace(d, clauses=(*d.clauses, *more)), ("semantics-strengthened", C), ("semantics-weakened", C)
    )


@mutation
def hedge_clause(rng: Random, d: Declaration) -> Mutant | None:
    if not d.clauses:
        return None
    old = rng.choice(d.clauses)
    new = replace(old, text=old.text.rstrip(".") + ", or may not.")
    if old.who == "guest":
        return _of(_clauses(d, old, new), ("semantics-strengthened", C))
    return _of(_clauses(d, old, new), ("semantics-weakened", B))


@mutation
def condition_clause(rng: Random, d: Declaration) -> Mutant | None:
    if not d.clauses:
        return None
    old = rng.choice(d.clauses)
    new = replace(old, when=", ".join(part for part in (old.when, "zq is on") if part))
    if old.who == "guest":
        return _of(_clauses(d, old, new), ("semantics-strengthened", C))
    return _of(_clauses(d, old, new), ("semantics-weakened", B))


@mutation
def rewrite_clause(rng: Random, d: Declaration) -> Mutant | None:
    if not d.clauses:
        return None
    old = rng.choice(d.clauses)
    new = replace(old, text=f"{old.text} Zq 77.")
    return _of(_clauses(d, old, new), ("semantics-changed", R))


@mutation
def shift_blame(rng: Random, d: Declaration) -> Mutant | None:
    if not d.clauses:
        return None
    old = rng.choice(d.clauses)
    if old.who == "guest":
        return _of(_clauses(d, old, replace(old, who="ROM")), ("semantics-strengthened", C))
    return _of(_clauses(d, old, replace(old, who="guest")), ("semantics-weakened", B))


@mutation
def bind_clause(rng: Random, d: Declaration) -> Mutant | None:
    calls = [c for c in d.calls if c.clauses]
    if not d.clauses or not calls:
        return None
    call = rng.choice(calls)
    assert call.clauses is not None
    if rng.random() < 0.5:
        new = replace(call, clauses=call.clauses - {rng.choice(sorted(call.clauses))})
        return _of(_put(d, call, new), ("clause-detached", R))
    free = sorted({c.id for c in d.clauses} - call.clauses)
    return _of(
        _put(d, call, replace(call, clauses=call.clauses | {rng.choice(free)})), ("clause-attached", C)
    )
