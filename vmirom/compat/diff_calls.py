"""What became of the calls: gone, new, moved, renamed, and contracts that changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from vmirom.compat.diff_values import argument_changes, result_changes
from vmirom.compat.emit import found
from vmirom.compat.findings import Breaks, Finding, Severity
from vmirom.compat.matching import Matching, Pair, is_vacant, is_weak
from vmirom.compat.model import Call, registers_of
from vmirom.compat.naming import Members, Naming

__all__ = ["call_findings"]


def call_findings(matching: Matching, numbered: bool, names: Naming) -> Iterator[Finding]:
    """Findings about calls. ``numbered``: the numbers of both sides mean the same."""
    yield from _numbers(matching, numbered)
    for pair in matching.pairs:
        if pair.old is not pair.new and pair.old != pair.new:
            yield from _contract(pair, names)


def _numbers(matching: Matching, numbered: bool) -> Iterator[Finding]:
    swapped = _swapped(matching.pairs)
    reused = dict(_reused(matching)) if numbered else {}
    stayed = {pair.old.name for pair in matching.pairs if pair.old.number == pair.new.number}
    before = {call.name for call in matching.removed} | {pair.old.name for pair in matching.pairs}
    for pair in matching.pairs:
        if pair.old.name in swapped:
            other = swapped[pair.old.name]
            if pair.old.number < other.old.number:
                yield _swap(pair, other)
        elif pair.old.name != pair.new.name or pair.old.number != pair.new.number:
            yield _moved(pair)
    after = {call.name for call in matching.added} | {pair.new.name for pair in matching.pairs}
    for call in matching.removed:
        if is_vacant(call) and call.number not in reused:
            mild = Severity.COMPATIBLE
            why = "nothing was ever behind it"
            place = f"call/{call.name}"
            yield found("call-removed", place, _shown(call), None, severity=mild, breaks=Breaks.NONE, why=why)
        elif call.name in after:
            yield found("name-reused", f"call/{call.name}", _shown(call), None)
        elif call.number in reused and is_vacant(reused[call.number]):
            why = f"its number is kept free as {reused[call.number].name}"
            yield found("call-removed", f"call/{call.name}", _shown(call), None, why=why)
        elif call.number in reused and is_vacant(call):
            why = f"its number was kept free as {call.name}"
            new = reused[call.number]
            yield found("call-added", f"call/{new.name}", None, _shown(new), why=why)
        elif call.number in reused:
            new = reused[call.number]
            yield found("number-reused", f"call/{call.name}", _shown(call), _shown(new))
        else:
            yield found("call-removed", f"call/{call.name}", _shown(call), None)
    gone = {call.number for call in matching.removed}
    moved = {pair.old.number: pair.old for pair in matching.pairs if pair.old.number != pair.new.number}
    for call in matching.added:
        if numbered and call.number in gone:
            continue
        if call.name in before and call.name in stayed:
            why = "what was called so keeps its number under another name, so that only source is misled"
            mild = Severity.RISKY
            yield found("name-reused", f"call/{call.name}", None, _shown(call), severity=mild, why=why)
        elif call.name in before:
            yield found("name-reused", f"call/{call.name}", None, _shown(call))
        elif numbered and call.number in moved:
            yield found("number-reused", f"call/{call.name}", _shown(moved[call.number]), _shown(call))
        else:
            yield found("call-added", f"call/{call.name}", None, _shown(call))


def _shown(call: Call) -> str:
    when = f", with {' and '.join(call.when)}" if call.when else ""
    return f"{call.name} = {call.number}{when}"


def _reused(matching: Matching) -> Iterator[tuple[int, Call]]:
    gone = {call.number for call in matching.removed}
    for call in matching.added:
        if call.number in gone:
            yield call.number, call


def _swapped(pairs: tuple[Pair, ...]) -> dict[str, Pair]:
    """Pairs by old name whose call exchanged numbers with the pair given."""
    moves = {
        (pair.old.number, pair.new.number): pair
        for pair in pairs
        if pair.old.name == pair.new.name and pair.old.number != pair.new.number
    }
    return {pair.old.name: moves[new, old] for (old, new), pair in moves.items() if (new, old) in moves}


def _swap(one: Pair, other: Pair) -> Finding:
    place = f"call/{one.old.name}+{other.old.name}"
    old = f"{_shown(one.old)}, {_shown(other.old)}"
    return found("calls-swapped", place, old, f"{_shown(one.new)}, {_shown(other.new)}")


def _moved(pair: Pair) -> Finding:
    place, old, new = f"call/{pair.old.name}", _shown(pair.old), _shown(pair.new)
    why = f"taken for one call: {pair.reason}" if pair.reason else ""
    if pair.old.name == pair.new.name:
        return found("call-renumbered", place, old, new)
    if pair.old.number != pair.new.number:
        return found("call-renamed-and-renumbered", place, old, new, why=why)
    if is_weak(pair.old, pair.new):
        why += "; but little else says so, so somebody must look whether it is still the same function"
        return found("call-renamed", place, old, new, severity=Severity.RISKY, breaks=Breaks.BOTH, why=why)
    return found("call-renamed", place, old, new, why=why)


def _contract(pair: Pair, names: Naming) -> Iterator[Finding]:
    old, new, place = pair.old, pair.new, f"call/{pair.old.name}"
    yield from _stated(old, new, place)
    yield from _gates(old, new, place, names)
    if old.kind != new.kind and "jump" in (old.kind, new.kind) and old.kind and new.kind:
        yield found("call-kind-changed", place, old.kind, new.kind)
    if old.arguments is not None and new.arguments is not None:
        yield from argument_changes(old.arguments, new.arguments, place, names)
    if old.results is not None and new.results is not None:
        yield from result_changes(old, new, place, names)
    elif old.kind != new.kind and "jump" not in (old.kind, new.kind) and old.kind and new.kind:
        yield found("call-kind-changed", place, old.kind, new.kind)
    if old.clobbers is not None and new.clobbers is not None:
        yield from _clobbers(old, new, place)
    if old.segments is not None and new.segments is not None:
        more, fewer = new.segments - old.segments, old.segments - new.segments
        if more:
            yield found("segments-tightened", f"{place}/segments", _set(old.segments), _set(new.segments))
        if fewer:
            yield found("segments-relaxed", f"{place}/segments", _set(old.segments), _set(new.segments))


def _gates(old: Call, new: Call, place: str, names: Naming) -> Iterator[Finding]:
    """Features that the call is there with. What crosses is the feature's number: another name for it is the
    same feature, and a feature that got another number is told where it is declared."""
    if old.when == new.when:
        return
    before = {name: _number(name, names.before) for name in old.when if name not in new.when}
    after = {name: _number(name, names.after) for name in new.when if name not in old.when}
    gone = [name for name, number in before.items() if number is None or number not in after.values()]
    came = [name for name, number in after.items() if number is None or number not in before.values()]
    if gone or came:
        rule = "gate-changed" if gone and came else "gate-lifted" if gone else "gate-added"
        shown = (" and ".join(each.when) or "always" for each in (old, new))
        yield found(rule, f"{place}/when", *shown)


def _number(feature: str, table: Mapping[str, Members]) -> tuple[str, int] | None:
    """Which enumeration a feature is of, and its number there, if that is declared."""
    kind, _, member = feature.rpartition(".")
    return next(((kind, value) for name, value in table.get(kind, ()) if name == member), None)


_PARTS = ("kind", "arguments", "results", "clobbers", "segments")


def _stated(old: Call, new: Call, place: str) -> Iterator[Finding]:
    """Parts of a contract that only one side states: one finding each way."""
    came = [part for part in _PARTS if getattr(old, part) is None and getattr(new, part) is not None]
    went = [part for part in _PARTS if getattr(old, part) is not None and getattr(new, part) is None]
    if came:
        yield found("contract-published", f"{place}/contract", None, ", ".join(came))
    if went:
        yield found("contract-withdrawn", f"{place}/contract", ", ".join(went), None)


def _clobbers(old: Call, new: Call, place: str) -> Iterator[Finding]:
    """What is lost over the call. A register that carries a result is lost anyway: naming it as destroyed
    too, or no longer, changes nothing for a guest."""
    assert old.clobbers is not None
    assert new.clobbers is not None
    if old.clobbers == new.clobbers:
        return
    before, after = old.clobbers | _carrying(old), new.clobbers | _carrying(new)
    shown = (_set(old.clobbers), _set(new.clobbers))
    if grown := new.clobbers - old.clobbers:
        if grown - before:
            yield found("clobbers-grown", f"{place}/clobbers", *shown, why=f"now lost: {_set(grown)}")
        else:
            why = f"{_set(grown)} carried a result before, and was lost anyway"
            mild = {"severity": Severity.COMPATIBLE, "breaks": Breaks.NONE}
            yield found("clobbers-grown", f"{place}/clobbers", *shown, why=why, **mild)  # type: ignore[arg-type]
    if shrunk := old.clobbers - new.clobbers:
        kept = "preserved" if shrunk - after else "carrying a result"
        why = f"no longer listed: {_set(shrunk)} ({kept})"
        breaks = Breaks.NEW_GUEST if shrunk - after else Breaks.NONE
        yield found("clobbers-shrunk", f"{place}/clobbers", *shown, why=why, breaks=breaks)


def _carrying(call: Call) -> frozenset[str]:
    return frozenset(name for value in call.results or () for name in registers_of(value.place))


def _set(names: frozenset[str]) -> str:
    return " ".join(sorted(names)) or "none"
