"""Defects of one declaration: what two people who read it could not agree on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import pairwise

from vmirom.compat.findings import Finding, Report
from vmirom.compat.lint_layouts import layout_findings
from vmirom.compat.lint_rules import LINT_RULES
from vmirom.compat.machines import word_bits
from vmirom.compat.model import Call, Declaration, Dispatch, Enumeration, Value, registers_of
from vmirom.schema.types import C_TYPES

__all__ = ["lint"]


def lint(declaration: Declaration) -> Report:
    """Findings about one declaration, as a report whose two sides are the same."""
    findings = [
        *_numbers(declaration),
        *_calls(declaration),
        *_enums(declaration),
        *layout_findings(declaration),
        *_clauses(declaration),
    ]
    findings.sort(key=lambda each: (-each.severity.rank, each.place, each.rule))
    return Report(declaration.name, declaration.name, tuple(findings), declaration.notes)


def _found(rule: str, place: str, what: object, why: str = "") -> Finding:
    info = LINT_RULES[rule]
    text = f"{why}. {info.explanation}" if why else info.explanation
    return Finding(rule, info.severity, place, None, str(what), text, info.breaks)


def _numbers(declaration: Declaration) -> Iterator[Finding]:
    calls = declaration.calls
    by_number: dict[int, list[str]] = {}
    for call in calls:
        by_number.setdefault(call.number, []).append(call.name)
    for number, names in by_number.items():
        if len(names) > 1:
            yield _found("number-shared", f"number/{number}", ", ".join(names))
    for name, count in Counter(call.name for call in calls).items():
        if count > 1:
            yield _found("name-shared", f"call/{name}", f"{count} calls")
    numbers = sorted(by_number)
    for low, high in pairwise(numbers):
        if high - low > 1:
            gap = f"{low + 1}" if high - low == 2 else f"{low + 1} to {high - 1}"
            yield _found("number-gap", f"number/{low + 1}", gap)
    mechanism = declaration.mechanism
    if mechanism.dispatch is Dispatch.SLOTS and mechanism.slot_count is not None:
        for call in calls:
            if not (mechanism.first_slot or 0) <= call.number < mechanism.slot_count:
                yield _found("slot-outside", f"call/{call.name}", f"slot {call.number}")


def _calls(declaration: Declaration) -> Iterator[Finding]:
    usual = _usual_clobbers(declaration.calls)
    known = {each.name for each in declaration.enums}
    features = {f"{each.name}.{name}" for each in declaration.enums for name, _ in each.members}
    structs = {each.name for each in declaration.structs}
    if declaration.header is not None:
        structs.add(declaration.header.name)
    hypercalls = declaration.mechanism.dispatch is Dispatch.HYPERCALL
    for call in declaration.calls:
        place = f"call/{call.name}"
        if not hypercalls:
            yield from _contract(call, place)
        for feature in call.when:
            if feature not in features:
                yield _found("gate-unknown", f"{place}/when", feature)
        yield from _arguments(call, place)
        yield from _results(call, place)
        yield from _lost(call, usual, place)
        for value in (*(call.arguments or ()), *(call.results or ())):
            yield from _type(value, place, structs)
            for name in value.values:
                if name not in known:
                    yield _found("values-unknown", f"{place}/{value.name}", name)
        if call.doc is not None and not call.doc.strip():
            yield _found("doc-missing", place, call.name)


def _usual_clobbers(calls: Iterable[Call]) -> frozenset[str]:
    """Registers that most calls destroy: the convention of the line."""
    sets = Counter(call.clobbers for call in calls if call.clobbers is not None)
    most = max(sets, key=lambda each: (sets[each], sorted(each)), default=frozenset())
    return most | {"flags", "memory"}


def _contract(call: Call, place: str) -> Iterator[Finding]:
    parts = (call.kind, call.arguments, call.clobbers, call.segments)
    if all(part is None for part in parts):
        yield _found("contract-unpublished", place, call.name)
        return
    if any(part is None for part in parts):
        names = ("kind", "arguments", "clobbers", "segments")
        missing = ", ".join(name for name, part in zip(names, parts, strict=True) if part is None)
        yield _found("contract-partial", place, f"without {missing}")
    if call.kind == "function" and not call.results:
        yield _found("kind-result", place, "a function without a result")
    if call.kind == "jump" and call.results:
        yield _found("kind-result", place, "a jump with a result")


def _arguments(call: Call, place: str) -> Iterator[Finding]:
    taken: dict[str, str] = {}
    words: set[int] = set()
    for value in call.arguments or ():
        where = f"{place}/argument/{value.name}"
        if not value.place:
            yield _found("argument-unbound", where, value.name)
        for spot in _spots(value):
            if spot in taken:
                yield _found("argument-place-shared", where, f"{spot}: {taken[spot]} and {value.name}")
            taken[spot] = value.name
            if spot.startswith("st"):
                words.add(int(spot[2:]))
    if words and words != set(range(max(words) + 1)):
        missing = sorted(set(range(max(words) + 1)) - words)
        yield _found("stack-gap", place, ", ".join(f"st{word}" for word in missing))
    for name, count in Counter(value.name for value in call.arguments or ()).items():
        if count > 1:
            yield _found("argument-name-twice", f"{place}/argument/{name}", f"{count} times")


def _spots(value: Value) -> tuple[str, ...]:
    """Registers and stack words that a value takes."""
    if value.place.startswith("st"):
        first = int(value.place[2:])
        count = 2 if _bits(value.type) == 64 else 1
        return tuple(f"st{first + at}" for at in range(count))
    return registers_of(value.place)


def _results(call: Call, place: str) -> Iterator[Finding]:
    taken: dict[str, str] = {}
    for value in call.results or ():
        where = f"{place}/result/{value.name}"
        if not value.place:
            yield _found("result-unbound", where, value.name)
        for spot in registers_of(value.place):
            if spot in taken:
                yield _found("result-place-shared", where, f"{spot}: {taken[spot]} and {value.name}")
            taken[spot] = value.name
    for name, count in Counter(value.name for value in call.results or ()).items():
        if count > 1:
            places = ", ".join(value.place for value in call.results or () if value.name == name)
            yield _found("result-bound-twice", f"{place}/result/{name}", f"{name} is {places}")


def _lost(call: Call, usual: frozenset[str], place: str) -> Iterator[Finding]:
    """Inputs in registers that this call destroys although most calls don't."""
    back = {spot for value in call.results or () for spot in registers_of(value.place)}
    for value in call.arguments or ():
        for spot in registers_of(value.place):
            if spot in (call.clobbers or ()) and spot not in usual and spot not in back:
                yield _found("input-clobbered", f"{place}/argument/{value.name}", spot)


def _bits(type_name: str) -> int | None:
    if type_name.endswith("*"):
        return 32
    return C_TYPES[type_name][1] if type_name in C_TYPES else None


def _type(value: Value, place: str, structs: set[str]) -> Iterator[Finding]:
    where = f"{place}/{value.name}"
    bits, word = _bits(value.type), word_bits(value.place)
    if bits is None:
        yield _found("type-unknown", where, value.type)
    elif registers_of(value.place) and len(registers_of(value.place)) != (2 if bits > word else 1):
        yield _found("place-width", where, f"{value.type} of {bits} bits in {value.place}")
    pointee = value.type.removesuffix("*").strip()
    if value.type.endswith("*") and pointee.startswith("vmi_") and pointee not in structs:
        yield _found("struct-unknown", where, pointee)


def _enums(declaration: Declaration) -> Iterator[Finding]:
    by_name = {each.name: each for each in declaration.enums}
    for each in declaration.enums:
        yield from _within(each)
    yield from _ambiguous(declaration)
    seen: set[tuple[str, str]] = set()
    for call in declaration.calls:
        for value in call.arguments or ():
            kinds = [by_name[name] for name in value.values if name in by_name]
            for at, one in enumerate(kinds):
                for other in kinds[at + 1 :]:
                    if one.flags and other.flags and (one.name, other.name) not in seen:
                        seen.add((one.name, other.name))
                        yield from _between(one, other, f"call/{call.name}/argument/{value.name}")


def _ambiguous(declaration: Declaration) -> Iterator[Finding]:
    """Kinds of flags that never meet, but each meet a third: a reader of the third takes them for one."""
    flags = {each.name: each for each in declaration.enums if each.flags}
    meet: dict[str, set[str]] = {name: set() for name in flags}
    for call in declaration.calls:
        for value in call.arguments or ():
            kinds = [name for name in value.values if name in flags]
            for name in kinds:
                meet[name].update(other for other in kinds if other != name)
    names = sorted(name for name in flags if meet[name])
    for at, one in enumerate(names):
        for other in names[at + 1 :]:
            if other in meet[one] or not meet[one] & meet[other]:
                continue
            shared = sorted(meet[one] & meet[other])
            for name, bit in flags[one].members:
                for twin, another in flags[other].members:
                    if bit == another and _single(bit):
                        what = f"{one}.{name} and {other}.{twin} are both {bit:#x}, each beside {shared[0]}"
                        yield _found("flag-bit-ambiguous", f"enum/{one}/{name}", what)


def _single(value: int) -> bool:
    return value > 0 and value & (value - 1) == 0


def _within(each: Enumeration) -> Iterator[Finding]:
    """One value with two names. A flag of several bits that others name one by one is a mask, and fine."""
    first: dict[int, str] = {}
    for name, value in each.members:
        if value in first and value:
            rule = "flags-overlap" if each.flags else "value-shared"
            if each.flags or _is_choice(each):
                yield _found(rule, f"enum/{each.name}/{name}", f"{first[value]} and {name} are {value:#x}")
        first.setdefault(value, name)
    if not each.flags:
        return
    single = 0
    for _, value in each.members:
        single |= value if _single(value) else 0
    for name, value in each.members:
        partly = value & single
        if value and not _single(value) and partly and partly != value:
            what = f"{name} is {value:#x}; {partly:#x} of it are flags by themselves, the rest is not"
            yield _found("flags-overlap", f"enum/{each.name}/{name}", what)


def _is_choice(each: Enumeration) -> bool:
    """Whether an enumeration lists alternatives (0, 1, 2 ...), rather than constants of all sorts."""
    values = [value for _, value in each.members]
    return max(values) < 4 * len(values)


def _between(one: Enumeration, other: Enumeration, place: str) -> Iterator[Finding]:
    for name, value in one.members:
        for twin, bits in other.members:
            if value & bits and _single(value) and _single(bits):
                what = f"{one.name}.{name} and {other.name}.{twin} are both {value:#x}"
                yield _found("flag-bit-shared", place, what)


def _clauses(declaration: Declaration) -> Iterator[Finding]:
    if declaration.clauses is None:
        return
    known = {each.id for each in declaration.clauses}
    for call in declaration.calls:
        for identity in sorted((call.clauses or frozenset()) - known):
            yield _found("clause-unknown", f"call/{call.name}/clause/{identity}", identity)
        if call.published and not call.clauses and call.clauses is not None:
            yield _found("call-without-clause", f"call/{call.name}", call.name)
    names = {call.name for call in declaration.calls}
    for each in declaration.clauses:
        if not each.text.strip():
            yield _found("clause-empty", f"clause/{each.id}", each.id)
        if each.calls and not names & set(each.calls):
            yield _found("clause-without-call", f"clause/{each.id}", ", ".join(each.calls))
