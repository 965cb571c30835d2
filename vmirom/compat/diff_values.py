"""What became of a call's arguments and results.

Values are matched by name. What is left is matched by place where the type allows it: a name may change,
but a value that is something else now is a change of meaning, the worst kind, because nothing fails.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from vmirom.compat.emit import found
from vmirom.compat.findings import Breaks, Finding, Severity
from vmirom.compat.machines import convention, word_bits
from vmirom.compat.model import Call, Value, registers_of
from vmirom.compat.naming import Members, Naming
from vmirom.compat.natures import Nature, nature, pointee, type_change
from vmirom.compat.words import contradiction, halves, is_unused, same_meaning, says_address

__all__ = ["argument_changes", "result_changes"]


@dataclass(frozen=True, slots=True)
class _Match:
    """Values that are one, and those without a partner."""

    pairs: tuple[tuple[Value, Value], ...]
    dropped: tuple[Value, ...]
    added: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class _Values:
    """What the bits of a value come from, on one side and not on the other. Numbers are what crosses: where
    every enumeration is declared their members are compared, so that regrouping them is no change."""

    gone: frozenset[str]
    came: frozenset[str]
    disjoint: bool

    @staticmethod
    def of(old: Value, new: Value, names: Naming) -> _Values:
        before, after = frozenset(old.values), frozenset(new.values)
        disjoint = bool(before) and bool(after) and not before & after
        if before == after or not before or not after:
            return _Values(before - after, after - before, disjoint)
        if not before <= names.before.keys() or not after <= names.after.keys():
            return _Values(before - after, after - before, disjoint)
        # What an enumeration of one name holds is told where the enumeration is.
        olds, news = _together(before - after, names.before), _together(after - before, names.after)
        old_all, new_all = _together(before, names.before), _together(after, names.after)
        gone = frozenset(name for name, value in olds if (name, value) not in new_all)
        came = frozenset(name for name, value in news if (name, value) not in old_all)
        return _Values(gone, came, not old_all & new_all)

    @property
    def changed(self) -> bool:
        """Whether there is anything to tell."""
        return bool(self.gone or self.came)


def _together(names: frozenset[str], table: Mapping[str, Members]) -> Members:
    return frozenset(member for name in names for member in table[name])


def _type_change(old: Value, new: Value, names: Naming) -> tuple[Severity, str] | None:
    """How bad it is that a value's type changed. A struct that is declared is known to be another one."""
    change = type_change(old.type, new.type, word_bits(old.place))
    if change is not None and old.type.endswith("*") and new.type.endswith("*"):
        before, after = pointee(old.type), pointee(new.type)
        if before != after and before in names.declared[0] and after in names.declared[1]:
            return Severity.BREAKING, "the address points to another struct"
    if change is not None and old.type.endswith("*") != new.type.endswith("*"):
        address = old.type if old.type.endswith("*") else new.type
        told = says_address(old.name) or says_address(new.name)
        if not told and nature(pointee(address)) is not Nature.UNKNOWN:
            return Severity.BREAKING, "the value itself on one side, the address of one on the other"
    return change


def argument_changes(
    old: tuple[Value, ...], new: tuple[Value, ...], place: str, names: Naming
) -> Iterator[Finding]:
    """Findings about arguments. ``names``: what the enumerations of either side hold."""
    if old == new:
        return
    old, new, told = _in_one_form(old, new, place)
    yield from told
    match = _match(old, new)
    moved = [(a, b) for a, b in match.pairs if a.place != b.place]
    count = len(match.added) + len(match.dropped)
    order = convention([each.place for each in old], [each.place for each in new])
    shifted = moved and count and _only_shifted(match, order)
    if moved and not shifted:
        yield from _moves("argument", moved, place)
    for value in match.dropped:
        yield _came_or_went("argument-dropped", value, moved if shifted else [], place)
    for value in match.added:
        yield _came_or_went("argument-added", value, moved if shifted else [], place)
    for a, b in match.pairs:
        yield from _value("argument", a, b, place, names)
        if a.optional != b.optional:
            rule = "argument-optional" if b.optional else "argument-required"
            yield found(rule, f"{place}/argument/{a.name}", a, b)


def _in_one_form(
    old: tuple[Value, ...], new: tuple[Value, ...], place: str
) -> tuple[tuple[Value, ...], tuple[Value, ...], list[Finding]]:
    """Both sides with a value of two registers told as one, where one side tells its halves."""
    told = []
    for rule, wholes, parts in (("split", old, new), ("joined", new, old)):
        left = list(parts)
        for whole in wholes:
            high, _, low = whole.place.partition(":")
            lower = next((each for each in left if low and each.place == low), None)
            upper = next((each for each in left if low and each.place == high), None)
            if lower is None or upper is None or not halves(whole.name, lower.name, upper.name):
                continue
            shown = (str(whole), f"{lower}, {upper}")
            where = f"{place}/argument/{whole.name}"
            told.append(found(f"argument-{rule}", where, *(shown if rule == "split" else shown[::-1])))
            left[left.index(lower)] = whole
            left.remove(upper)
        old, new = (old, tuple(left)) if rule == "split" else (tuple(left), new)
    return old, new, told


def result_changes(old: Call, new: Call, place: str, names: Naming) -> Iterator[Finding]:
    """Findings about results."""
    assert old.results is not None
    assert new.results is not None
    if old.results == new.results:
        if old.kind != new.kind and "jump" not in (old.kind, new.kind):
            yield found("call-kind-changed", place, old.kind, new.kind)
        return
    match = _match(old.results, new.results)
    moved = [(a, b) for a, b in match.pairs if a.place != b.place]
    if moved:
        yield from _moves("result", moved, place)
    for value in match.dropped:
        yield found("result-dropped", f"{place}/result/{value.name}", value, None)
    lost = (old.clobbers or frozenset()) | {r for v in old.results for r in registers_of(v.place)}
    for value in match.added:
        taken = set(registers_of(value.place)) - lost
        if taken:
            why = f"{' '.join(sorted(taken))} was preserved before"
            yield found(
                "result-added", f"{place}/result/{value.name}", None, value,
                severity=Severity.BREAKING, breaks=Breaks.BOTH, why=why,
            )  # fmt: skip
        else:
            yield found("result-added", f"{place}/result/{value.name}", None, value)
    for a, b in match.pairs:
        yield from _value("result", a, b, place, names)


def _match(old: tuple[Value, ...], new: tuple[Value, ...]) -> _Match:
    """By name, each name's first occurrence with the other side's; then by place, then by name and type."""
    olds, news = list(old), list(new)
    pairs: list[tuple[Value, Value]] = []

    def take(a: Value, b: Value) -> None:
        pairs.append((a, b))
        olds.remove(a)
        news.remove(b)

    for a in tuple(olds):
        same = [b for b in news if b.name == a.name]
        if same:
            take(a, next((b for b in same if b.place == a.place), same[0]))
    for a in tuple(olds):
        for b in news:
            if a.place == b.place and _compatible(a, b):
                take(a, b)
                break
    for a in tuple(olds):
        for b in news:
            if same_meaning(a.name, b.name) and nature(a.type) is nature(b.type):
                take(a, b)
                break
    for a in tuple(olds):
        for b in news:
            if a.place == b.place and not is_unused(a.name) and not is_unused(b.name):
                take(a, b)
                break
    return _Match(tuple(pairs), tuple(olds), tuple(news))


def _compatible(a: Value, b: Value) -> bool:
    if is_unused(a.name) != is_unused(b.name):
        return False
    return nature(a.type) is nature(b.type) and (a.type == b.type or same_meaning(a.name, b.name))


def _rank(place: str, order: tuple[str, ...]) -> int:
    """Place in the order of the calling convention; pairs count by the register that comes first."""
    if place.startswith("st"):
        return len(order) + int(place[2:])
    return min((order.index(name) for name in place.split(":") if name in order), default=len(order))


def _only_shifted(match: _Match, order: tuple[str, ...]) -> bool:
    """Whether arguments moved only because others came before them, or went: their order stayed."""
    by_old = sorted(match.pairs, key=lambda pair: _rank(pair[0].place, order))
    ranks = [_rank(new.place, order) for _, new in by_old]
    if ranks != sorted(ranks) or len(set(ranks)) != len(ranks):
        return False
    edges = [_rank(value.place, order) for value in (*match.added, *match.dropped)]
    moved = [min(_rank(a.place, order), _rank(b.place, order)) for a, b in match.pairs if a.place != b.place]
    return min(edges) <= min(moved)


def _moves(what: str, moved: list[tuple[Value, Value]], place: str) -> Iterator[Finding]:
    """One finding for values that exchanged places, one for each that went elsewhere."""
    left, right = {a.place for a, _ in moved}, {b.place for _, b in moved}
    if len(moved) > 1 and left == right:
        names = "+".join(sorted(a.name for a, _ in moved))
        old = ", ".join(f"{a.name} in {a.place}" for a, _ in moved)
        new = ", ".join(f"{b.name} in {b.place}" for _, b in moved)
        yield found(f"{what}-order", f"{place}/{what}/{names}", old, new)
        return
    for a, b in moved:
        yield found(f"{what}-moved", f"{place}/{what}/{a.name}", a.place or "nothing", b.place or "nothing")


def _came_or_went(rule: str, value: Value, shifted: list[tuple[Value, Value]], place: str) -> Finding:
    old, new = (None, value) if rule == "argument-added" else (value, None)
    where = f"{place}/argument/{value.name}"
    if shifted:
        names = ", ".join(a.name for a, _ in shifted)
        return found(rule, where, old, new, why=f"places of {names} moved with it")
    if value.optional and new is not None:
        why = "it is read only when another argument asks for it"
        mild = Severity.COMPATIBLE
        return found(rule, where, old, new, severity=mild, breaks=Breaks.NEW_GUEST, why=why)
    if is_unused(value.name):
        why = "its name says that it means nothing"
        return found(rule, where, old, new, severity=Severity.COMPATIBLE, breaks=Breaks.NONE, why=why)
    return found(rule, where, old, new)


def _value(what: str, old: Value, new: Value, place: str, names: Naming) -> Iterator[Finding]:
    """Name, type and values of one argument or result."""
    where = f"{place}/{what}/{old.name}"
    change = _type_change(old, new, names)
    values = _Values.of(old, new, names)
    meaning = _meaning(what, old, new, values)
    if meaning is not None:
        severity, why = meaning
        if change is not None and change[0] > severity:
            severity = change[0]
        breaks = Breaks.BOTH
        yield found(f"{what}-meaning", where, old, new, severity=severity, breaks=breaks, why=why)
    else:
        if change is not None:
            breaks = Breaks.NONE if change[0] is Severity.COMPATIBLE else Breaks.BOTH
            yield found(
                f"{what}-type", where, old.type, new.type, severity=change[0], breaks=breaks, why=change[1]
            )
        if old.name != new.name:
            yield found(f"{what}-renamed", where, old.name, new.name)
    if values.changed and not (meaning and values.disjoint):
        yield _values(what, old, new, where, values)


def _meaning(what: str, old: Value, new: Value, values: _Values) -> tuple[Severity, str] | None:
    """Whether the value is something else now, and how sure that is."""
    before, after = nature(old.type), nature(new.type)
    if old.name == new.name:
        if values.disjoint:
            return Severity.BREAKING, "its values come from other enumerations altogether"
        return None
    if same_meaning(old.name, new.name):
        return None
    if (apart := contradiction(old.name, new.name)) is not None:
        return Severity.BREAKING, f"{old.name} says {apart[0]}, {new.name} says {apart[1]}"
    if before is not after and Nature.UNKNOWN not in (before, after):
        return Severity.BREAKING, f"{before.value} {old.name} became {after.value} {new.name}"
    if values.disjoint:
        return Severity.BREAKING, "its values come from other enumerations altogether"
    if is_unused(old.name) or is_unused(new.name):
        return Severity.RISKY, "a value that meant nothing on one side has a meaning on the other"
    if what == "result":
        return None  # nothing but the declaration ever calls a result by name
    return Severity.RISKY, f"only the names {old.name} and {new.name} say what it is, and they don't agree"


def _values(what: str, old: Value, new: Value, where: str, values: _Values) -> Finding:
    """Enumerations came or went. A guest passes arguments and is given results, so they differ in which
    way is the harmless one."""
    gone, came = values.gone, values.came
    shown = (" ".join(sorted(old.values)) or "none", " ".join(sorted(new.values)) or "none")
    if what == "argument":
        if gone and new.values:
            why = f"no longer taken: {' '.join(sorted(gone))}"
            return found("argument-values", where, *shown, why=why)
        if gone:
            why = "which values it takes is no longer said"
            return found("argument-values", where, *shown, severity=Severity.RISKY, why=why)
        why = f"now taken: {' '.join(sorted(came))}"
        mild = Severity.COMPATIBLE
        return found("argument-values", where, *shown, severity=mild, breaks=Breaks.NEW_GUEST, why=why)
    if came and old.values:
        return found("result-values", where, *shown, why=f"may now be given: {' '.join(sorted(came))}")
    why = "said more closely" if came else f"no longer given: {' '.join(sorted(gone))}"
    severity = Severity.COMPATIBLE if came else Severity.RISKY
    breaks = Breaks.NEW_GUEST if came else Breaks.OLD_GUEST
    return found("result-values", where, *shown, severity=severity, breaks=breaks, why=why)
