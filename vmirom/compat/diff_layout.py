"""What became of the header and the structs: fields that came, went, moved, grew, or mean something else.

Fields are matched by name, then by place. A field that lies elsewhere only because another one before it
came, went or grew is no finding of its own: the cause is reported, and says what else moved. Reserved bytes
are no fields; they are what fields are taken from.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from vmirom.compat.assemble import IDENTITY_WORDS
from vmirom.compat.emit import found
from vmirom.compat.findings import Breaks, Finding, Severity
from vmirom.compat.model import Call, Field, Layout
from vmirom.compat.naming import Naming
from vmirom.compat.natures import pointee, type_change
from vmirom.compat.words import halves, same_meaning

__all__ = ["header_findings", "struct_findings"]

_Pairs = list[tuple[Field, Field]]


@dataclass(frozen=True, slots=True)
class _Style:
    """Where findings are placed, and how their rules are called."""

    place: str
    rules: str
    names: Naming
    sized: bool = False
    """Is each side told the struct's size whenever it is handed over?"""

    def rule(self, what: str) -> str:
        return f"{self.rules}-{what}"


def header_findings(old: Layout | None, new: Layout | None, names: Naming) -> Iterator[Finding]:
    """Findings about the ROM's header."""
    if old is None or new is None or old == new:
        if old is not None and new is None:
            yield found("header-field-removed", "header", old.name, None, why="the whole header is gone")
        if new is not None and old is None:
            yield found("header-field-added", "header", None, new.name)
        return
    yield from _layout(old, new, _Style("header", "header-field", names))


_HEADS = frozenset(("magic", "signature", "sig", "version", "revision", "type", "id"))
_SAFE = "the struct's size is told with it, or guests are only handed it"
"""Why a struct may grow."""
_SIZE_TOLD = re.compile(r"size|length|cb|(?:header|hdr|struct|table|total)_(?:size|length|len)", re.ASCII)
"""Fields that tell how large their own struct is."""
_SIZES = frozenset(("size", "length", "len", "bytes", "nbytes", "room", "buflen", "bufsize"))
"""Arguments that tell how much room there is for what another argument points to."""


def told_by_calls(calls: Sequence[Call]) -> frozenset[str]:
    """Structs that each call which is given one is told the size of, too; and those that guests are only
    handed: whoever hands them out made room for them."""
    told: dict[str, bool] = {}
    for call in calls:
        for value in call.results or ():
            if value.type.endswith("*"):
                told[pointee(value.type)] = True
    for call in calls:
        sized = any(value.name.lower() in _SIZES for value in call.arguments or ())
        for value in call.arguments or ():
            if value.type.endswith("*"):
                name = pointee(value.type)
                told[name] = told.get(name, True) and sized
    return frozenset(name for name, sized in told.items() if sized)


def struct_findings(
    old: Sequence[Layout],
    new: Sequence[Layout],
    names: Naming,
    told: tuple[frozenset[str], frozenset[str]],
) -> Iterator[Finding]:
    """Findings about all other structs. ``told``: those whose size the calls of either side are told."""
    olds, news = {each.name: each for each in old}, {each.name: each for each in new}
    renamed = {before: after for after, before in names.structs.items()}
    for name, layout in olds.items():
        other = news.get(renamed.get(name, name))
        if other is None:
            yield found("struct-removed", f"struct/{name}", f"{layout.size} bytes", None)
            continue
        if name in renamed:
            yield found("struct-renamed", f"struct/{name}", name, other.name)
        if layout is not other and (layout.size, layout.fields) != (other.size, other.fields):
            sized = name in told[0] and other.name in told[1]
            yield from _layout(layout, other, _Style(f"struct/{name}", "field", names, sized))
    for name, layout in news.items():
        if name not in olds and name not in renamed.values():
            yield found("struct-added", f"struct/{name}", None, f"{layout.size} bytes")


def _layout(old: Layout, new: Layout, style: _Style) -> Iterator[Finding]:
    old, new, told = _in_one_form(old, new, style)
    yield from told
    pairs, gone, came = _match(old, new)
    swapped = _swapped(pairs) if style.rules == "field" else []
    yield from _swaps(swapped, style)
    in_swaps = {a.name for pair in swapped for a, _ in pair}
    misplaced = _out_of_order([pair for pair in pairs if pair[0].name not in in_swaps])
    yield from _moves(misplaced, style)
    moved = misplaced + [pair for both in swapped for pair in both]
    moved_names = {a.name for a, _ in moved}
    causes: list[tuple[str, Field]] = []
    spare = _reserved(new) - _reserved(old)
    for a, b in pairs:
        yield from _pair(a, b, (old, new), style)
    for a in gone:
        if _inside_reserved(a, new) and spare >= a.size:
            yield found(style.rule("retired"), f"{style.place}/{a.name}", _at(a), "reserved")
        else:
            causes.append(("removed", a))
    for b in came:
        if _inside_reserved(b, old) and -spare >= b.size:
            yield found(style.rule("from-reserved"), f"{style.place}/{b.name}", "reserved", _at(b))
        else:
            causes.append(("added", b))
    steady = [(a, b) for a, b in pairs if a.name not in moved_names]
    removed = [each for what, each in causes if what == "removed"]
    added = [each for what, each in causes if what == "added"]
    yield from _shifts(old, new, steady, moved, removed, added, style)
    for what, each in causes:
        yield _cause(what, each, old, new, style)


def _in_one_form(old: Layout, new: Layout, style: _Style) -> tuple[Layout, Layout, list[Finding]]:
    """Both sides with an integer told as one field, where one side tells its halves: the same bytes."""
    told = []
    for rule, wholes, parts in (("split", old, new), ("joined", new, old)):
        left = parts
        for whole in wholes.fields:
            for low, high in pairwise(left.fields):
                if (low.offset, high.offset, high.end) != (whole.offset, low.end, whole.end):
                    continue
                if low.size != high.size or not halves(whole.name, low.name, high.name):
                    continue
                shown = (_at(whole), f"{_at(low)}, {_at(high)}")
                place = f"{style.place}/{whole.name}"
                told.append(found(f"field-{rule}", place, *(shown if rule == "split" else shown[::-1])))
                one = (whole if each is low else each for each in left.fields if each is not high)
                left = replace(left, fields=tuple(one))
                break
        old, new = (old, left) if rule == "split" else (left, new)
    return old, new, told


def _match(old: Layout, new: Layout) -> tuple[_Pairs, list[Field], list[Field]]:
    """Fields that are one (by name, then by place), and those without a partner."""
    olds = [each for each in old.fields if not each.reserved]
    news = [each for each in new.fields if not each.reserved]
    by_name = {each.name: each for each in news}
    pairs = [(each, by_name[each.name]) for each in olds if each.name in by_name]
    taken = {a.name for a, _ in pairs}
    gone, came = [a for a in olds if a.name not in taken], [b for b in news if b.name not in taken]
    for same in (_same_place, _same_shape):
        for a in tuple(gone):
            for b in came:
                if same(a, b):
                    pairs.append((a, b))
                    gone.remove(a)
                    came.remove(b)
                    break
    pairs.sort(key=lambda pair: pair[0].offset)
    return pairs, gone, came


def _same_place(a: Field, b: Field) -> bool:
    return (a.offset, a.size) == (b.offset, b.size)


def _same_shape(a: Field, b: Field) -> bool:
    return (a.size, a.type) == (b.size, b.type) and same_meaning(a.name, b.name)


def _inside_reserved(field: Field, layout: Layout) -> bool:
    """Whether all bytes of a field are reserved on the other side."""
    at = field.offset
    for each in sorted(layout.fields, key=lambda f: f.offset):
        if each.reserved and each.offset <= at < each.end:
            at = each.end
    return field.size > 0 and at >= field.end


def _reserved(layout: Layout) -> int:
    return sum(each.size for each in layout.fields if each.reserved)


def _out_of_order(pairs: _Pairs) -> _Pairs:
    """Pairs that would have to be taken out for the rest to be in the same order on both sides."""
    length, before = [1] * len(pairs), [-1] * len(pairs)
    for at, (_, b) in enumerate(pairs):
        for earlier in range(at):
            if pairs[earlier][1].offset < b.offset and length[earlier] + 1 > length[at]:
                length[at], before[at] = length[earlier] + 1, earlier
    keep = set()
    at = max(range(len(pairs)), key=length.__getitem__, default=-1)
    while at >= 0:
        keep.add(at)
        at = before[at]
    return [pair for at, pair in enumerate(pairs) if at not in keep]


def _swapped(pairs: _Pairs) -> list[tuple[tuple[Field, Field], tuple[Field, Field]]]:
    """Pairs of fields that exchanged their offsets."""
    moves = {(a.offset, b.offset): (a, b) for a, b in pairs if a.offset != b.offset}
    return [
        (pair, moves[new, old]) for (old, new), pair in moves.items() if old < new and (new, old) in moves
    ]


def _swaps(
    swapped: list[tuple[tuple[Field, Field], tuple[Field, Field]]], style: _Style
) -> Iterator[Finding]:
    for (a, b), (c, d) in swapped:
        place = f"{style.place}/{a.name}+{c.name}"
        yield found("fields-swapped", place, f"{_at(a)}, {_at(c)}", f"{_at(b)}, {_at(d)}")


def _moves(moved: _Pairs, style: _Style) -> Iterator[Finding]:
    for a, b in moved:
        yield found(style.rule("moved"), f"{style.place}/{a.name}", _at(a), _at(b))


def _shifts(
    old: Layout,
    new: Layout,
    steady: _Pairs,
    moved: _Pairs,
    removed: list[Field],
    added: list[Field],
    style: _Style,
) -> Iterator[Finding]:
    """Fields whose distance from the one before changed by what no other finding explains; at last, the
    struct's size."""
    before, after = removed + [a for a, _ in moved], added + [b for _, b in moved]
    old_end = new_end = 0
    ends: list[tuple[Field | None, int, int]] = [(a, a.offset, b.offset) for a, b in steady]
    after_of = {a.name: b for a, b in steady}
    for a, old_at, new_at in [*ends, (None, old.size, new.size)]:
        lost = sum(f.size for f in before if old_end <= f.offset < old_at)
        won = sum(f.size for f in after if new_end <= f.offset < new_at)
        change = (new_at - new_end) - (old_at - old_end)
        if change and old_at != new_at and (change != won - lost or not (won or lost)):
            if a is None:
                yield _size(old, new, style)
            else:
                yield found(style.rule("moved"), f"{style.place}/{a.name}", _at(a), _at(after_of[a.name]))
        if a is not None:
            old_end, new_end = a.end, after_of[a.name].end


def _size(old: Layout, new: Layout, style: _Style) -> Finding:
    rule = "header-size" if style.rules == "header-field" else "struct-size"
    sizes = (f"{old.size} bytes", f"{new.size} bytes")
    if new.size > old.size and (style.sized or _tells_size(old)):
        why = f"{_SAFE}, and it only grew"
        mild = Severity.COMPATIBLE
        return found(rule, f"{style.place}/size", *sizes, severity=mild, breaks=Breaks.NEW_GUEST, why=why)
    return found(rule, f"{style.place}/size", *sizes)


def _tells_size(layout: Layout) -> bool:
    """Whether the struct carries its own size at its head, so that readers of an old one can know. Behind
    anything but what only says what it is, a size is that of something else: of what an address points to."""
    for each in layout.fields:
        if _SIZE_TOLD.fullmatch(each.name):
            return True
        if each.name not in _HEADS and not each.reserved:
            return False
    return False


def _cause(what: str, field: Field, old: Layout, new: Layout, style: _Style) -> Finding:
    """A field that came or went, and what that does to the fields behind it."""
    place = f"{style.place}/{field.name}"
    header = style.rules == "header-field"
    if what == "removed":
        behind = [each for each in old.fields if each.offset >= field.end and not each.reserved]
        rule = "header-field-removed" if header else "field-removed"
        why = f"{len(behind)} fields behind it may lie elsewhere" if behind else ""
        return found(rule, place, _at(field), None, why=why)
    last = all(each.end <= field.offset for each in old.fields)
    if header:
        if last:
            return found("header-field-added", place, None, _at(field))
        why = "it lies among the fields of before, not behind them"
        worse = Severity.BREAKING
        return found(
            "header-field-added", place, None, _at(field), severity=worse, breaks=Breaks.BOTH, why=why
        )
    if not last:
        return found("field-inserted", place, None, _at(field))
    if style.sized or _tells_size(old):
        why = _SAFE
        mild = Severity.COMPATIBLE
        return found(
            "field-appended", place, None, _at(field), severity=mild, breaks=Breaks.NEW_GUEST, why=why
        )
    return found("field-appended", place, None, _at(field))


def _pair(old: Field, new: Field, whole: tuple[Layout, Layout], style: _Style) -> Iterator[Finding]:
    """Name, size, type, values and fixed value of one field of the two structs."""
    place = f"{style.place}/{old.name}"
    if old.size != new.size:
        yield _resized(old, new, whole, style)
    else:
        alike = old.count == new.count
        change = type_change(*((old.type, new.type) if alike else (_element(old), _element(new))))
        if change is not None and old.name == new.name:
            breaks = Breaks.NONE if change[0] is Severity.COMPATIBLE else Breaks.BOTH
            yield found(
                style.rule("type"),
                place,
                old.type,
                new.type,
                severity=change[0],
                breaks=breaks,
                why=change[1],
            )
    if old.name != new.name:
        if same_meaning(old.name, new.name) and old.type == new.type:
            yield found(style.rule("renamed"), place, old.name, new.name)
        else:
            yield found(style.rule("repurposed"), place, _at(old), _at(new))
    if old.values != new.values and style.rules == "field":
        yield from _values(old, new, place, style.names)
    if old.const != new.const and not _is_identity(old, style):
        yield _const(old, new, place, style)


def _resized(old: Field, new: Field, whole: tuple[Layout, Layout], style: _Style) -> Finding:
    rule, place = style.rule("resized"), f"{style.place}/{old.name}"
    if old.offset == new.offset and old.size < new.size:
        more = Field(old.name, old.end, new.size - old.size, "u8")
        if old.count is None and new.count is None and _inside_reserved(more, whole[0]):
            why = "it grew into reserved bytes: the same value as long as those were 0, and nothing moved"
            return found(rule, place, _at(old), _at(new), severity=Severity.RISKY, why=why)
        last = old.end == whole[0].size and new.end == whole[1].size and old.type == new.type
        if last and old.count is not None and (style.sized or _tells_size(whole[0])):
            why = f"it is an array at the end, and {_SAFE}"
            if old.type in ("u8", "char"):
                why += "; bytes are often one value, of which an old reader takes the first part"
                return found(rule, place, _at(old), _at(new), severity=Severity.RISKY, why=why)
            mild = Severity.COMPATIBLE
            return found(rule, place, _at(old), _at(new), severity=mild, breaks=Breaks.NEW_GUEST, why=why)
    return found(rule, place, _at(old), _at(new))


def _values(old: Field, new: Field, place: str, names: Naming) -> Iterator[Finding]:
    """Another enumeration. One that holds the same names and numbers, or more, changes nothing for who knows
    the old ones."""
    shown = (old.values or "none", new.values or "none")
    before, after = names.before.get(old.values or ""), names.after.get(new.values or "")
    if before and after and before <= after:
        if before != after:
            why = "all values of before are among them"
            mild = Severity.COMPATIBLE
            yield found("field-values", place, *shown, severity=mild, breaks=Breaks.NEW_GUEST, why=why)
    else:
        yield found("field-values", place, *shown)


def _is_identity(field: Field, style: _Style) -> bool:
    """Fixed values of the header by which a ROM is recognised are compared as its identity."""
    return style.rules == "header-field" and any(word in field.name for word in IDENTITY_WORDS)


def _element(field: Field) -> str:
    return field.type if field.count is None else f"{field.type}[{field.count}]"


def _const(old: Field, new: Field, place: str, style: _Style) -> Finding:
    rule = style.rule("const")
    shown = (_value(old.const), _value(new.const))
    if old.const is None or new.const is None:
        why = "the value is fixed on one side only"
        return found(rule, place, *shown, severity=Severity.RISKY, why=why)
    return found(rule, place, *shown)


def _value(const: int | str | None) -> str | None:
    return f"{const:#x}" if isinstance(const, int) else const


def _at(field: Field) -> str:
    return f"{field.name} at {field.offset}, {field.size} bytes"
