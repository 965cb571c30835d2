"""What became of enumerations and flags: the numbers are what crosses the interface, names only tell them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from vmirom.compat.assemble import IDENTITY_WORDS, RELOC_ENUM
from vmirom.compat.emit import found
from vmirom.compat.findings import Breaks, Finding, Severity
from vmirom.compat.model import Call, Enumeration
from vmirom.compat.naming import regrouped, renamed_enums
from vmirom.compat.words import same_meaning

__all__ = ["enum_findings", "relocation_findings"]

_KINDS = ("values", "flags")
_Members = tuple[tuple[str, int], ...]


class _Uses:
    """In which direction the values of each enumeration cross, and which meet in one value."""

    def __init__(self, calls: Sequence[Call]) -> None:
        self.passed: set[str] = set()
        self.given: set[str] = set()
        self.meeting: dict[str, set[str]] = {}
        for call in calls:
            for value in call.arguments or ():
                self.passed.update(value.values)
                self._meet(value.values)
            for value in call.results or ():
                self.given.update(value.values)
                self._meet(value.values)

    def _meet(self, names: tuple[str, ...]) -> None:
        for name in names:
            self.meeting.setdefault(name, set()).update(set(names) - {name})

    def only_given(self, name: str) -> bool:
        """Whether guests are given the values and never pass them."""
        return name in self.given and name not in self.passed


def enum_findings(
    old: Sequence[Enumeration], new: Sequence[Enumeration], calls: Sequence[Call]
) -> Iterator[Finding]:
    """Findings about enumerations. ``calls`` are the new side's: they say how values are used."""
    if tuple(old) == tuple(new):
        return
    olds = {each.name: each for each in old if each.name != RELOC_ENUM}
    news = {each.name: each for each in new if each.name != RELOC_ENUM}
    uses = _Uses(calls)
    renamed = renamed_enums(tuple(olds.values()), tuple(news.values()))
    gone, came = regrouped(tuple(olds.values()), tuple(news.values()))
    yield from _regrouped([olds[name] for name in sorted(gone)], [news[name] for name in sorted(came)])
    for name, each in olds.items():
        other = news.get(renamed.get(name, name))
        if name in gone:
            continue
        if other is None:
            yield found("enum-removed", f"enum/{name}", _names(each), None)
            continue
        if name in renamed:
            yield found("enum-renamed", f"enum/{name}", name, other.name)
        if each is not other and (each.flags, each.members) != (other.flags, other.members):
            yield from _members(each, other, uses, news)
    for name, each in news.items():
        if name not in olds and name not in renamed.values() and name not in came:
            yield found("enum-added", f"enum/{name}", None, _names(each))


def _regrouped(gone: list[Enumeration], came: list[Enumeration]) -> Iterator[Finding]:
    """One finding for each set of enumerations that share members."""
    while gone:
        left, right = [gone.pop(0)], list[Enumeration]()
        while True:
            members = {member for each in (*left, *right) for member in each.members}
            more = [each for each in came if members & set(each.members)]
            back = [each for each in gone if members & set(each.members)]
            if not more and not back:
                break
            left, right = left + back, right + more
            gone = [each for each in gone if each not in back]
            came = [each for each in came if each not in more]
        place = f"enum/{'+'.join(each.name for each in left)}"
        names = [", ".join(each.name for each in side) for side in (left, right)]
        yield found("enum-regrouped", place, names[0], names[1])
        kinds = [", ".join(sorted({_KINDS[each.flags] for each in side})) for side in (left, right)]
        if kinds[0] != kinds[1]:
            yield found("enum-kind", place, kinds[0], kinds[1])


def _members(
    old: Enumeration, new: Enumeration, uses: _Uses, news: Mapping[str, Enumeration]
) -> Iterator[Finding]:
    place = f"enum/{old.name}"
    if old.flags != new.flags:
        yield found("enum-kind", place, _KINDS[old.flags], _KINDS[new.flags])
    before, after = dict(old.members), dict(new.members)
    if old.name == "RomHeader":
        before = {name: value for name, value in before.items() if not _is_identity(name)}
        after = {name: value for name, value in after.items() if not _is_identity(name)}
    changed = {name for name in before.keys() & after.keys() if before[name] != after[name]}
    yield from _changed(changed, before, after, place)
    gone = [name for name in before if name not in after]
    came = [name for name in after if name not in before]
    yield from _inherited(gone, came, before, after, place)
    moved_from = {before[name]: name for name in sorted(changed)}
    for name in gone:
        yield _removed(name, before[name], old, uses, place)
    for name in came:
        value = after[name]
        if value in moved_from and moved_from[value] != name:
            yield found(
                "enum-value-reused",
                f"{place}/{name}",
                f"{moved_from[value]} = {value:#x}",
                f"{name} = {value:#x}",
            )
        else:
            yield _added(name, value, new, uses, news, place)


def _is_identity(name: str) -> bool:
    """Constants of the header that are compared as identity, or are the version itself."""
    return name == "API_MAJOR" or any(word in name.lower() for word in IDENTITY_WORDS)


def _changed(
    changed: set[str], before: Mapping[str, int], after: Mapping[str, int], place: str
) -> Iterator[Finding]:
    """Members that have another value; two that exchanged theirs are one finding."""
    done: set[str] = set()
    for name in sorted(changed, key=lambda each: (before[each], each)):
        if name in done:
            continue
        twin = next(
            (
                each
                for each in sorted(changed - done - {name})
                if (before[each], after[each]) == (after[name], before[name])
            ),
            None,
        )
        old, new = f"{name} = {before[name]:#x}", f"{name} = {after[name]:#x}"
        if twin is None:
            yield found("enum-value-changed", f"{place}/{name}", old, new)
            continue
        done.add(twin)
        old, new = f"{old}, {twin} = {before[twin]:#x}", f"{new}, {twin} = {after[twin]:#x}"
        yield found("enum-values-swapped", f"{place}/{name}+{twin}", old, new)


def _inherited(
    gone: list[str], came: list[str], before: Mapping[str, int], after: Mapping[str, int], place: str
) -> Iterator[Finding]:
    """A value whose name went and that has another name now: the same thing renamed, or another thing."""
    for name in tuple(gone):
        heirs = [each for each in came if after[each] == before[name]]
        if not heirs:
            continue
        heir = next((each for each in heirs if same_meaning(name, each)), heirs[0])
        gone.remove(name)
        came.remove(heir)
        rule = "enum-member-renamed" if same_meaning(name, heir) else "enum-value-reused"
        value = f"{before[name]:#x}"
        yield found(rule, f"{place}/{name}", f"{name} = {value}", f"{heir} = {value}")


def _removed(name: str, value: int, old: Enumeration, uses: _Uses, place: str) -> Finding:
    shown = f"{name} = {value:#x}"
    if old.flags and not value:
        why = "it named the absence of flags"
        mild = Severity.COMPATIBLE
        return found(
            "enum-member-removed", f"{place}/{name}", shown, None, severity=mild, breaks=Breaks.NONE, why=why
        )
    if uses.only_given(old.name):
        why = "guests are only ever given it, and now never are"
        mild = Severity.RISKY
        return found("enum-member-removed", f"{place}/{name}", shown, None, severity=mild, why=why)
    return found("enum-member-removed", f"{place}/{name}", shown, None)


def _added(
    name: str, value: int, new: Enumeration, uses: _Uses, news: Mapping[str, Enumeration], place: str
) -> Finding:
    shown = f"{name} = {value:#x}"
    if new.flags and value:
        meeting = [news[each] for each in sorted(uses.meeting.get(new.name, ())) if each in news]
        for other in (new, *meeting):
            for twin, bits in other.members:
                if (other is not new or twin != name) and bits & value and _single(bits) and _single(value):
                    why = f"bit {value:#x} is {other.name}.{twin}, too, in the same value"
                    return found("flag-bit-shared", f"{place}/{name}", f"{other.name}.{twin}", shown, why=why)
    if uses.only_given(new.name) and new.flags:
        why = "guests are given it, and old ones don't test the bit"
        return found("enum-member-added", f"{place}/{name}", None, shown, why=why)
    if uses.only_given(new.name):
        why = "guests are given it, and old ones have no name for it"
        breaks = Breaks.OLD_GUEST
        return found(
            "enum-member-added",
            f"{place}/{name}",
            None,
            shown,
            severity=Severity.RISKY,
            breaks=breaks,
            why=why,
        )
    return found("enum-member-added", f"{place}/{name}", None, shown)


def _single(value: int) -> bool:
    return value > 0 and value & (value - 1) == 0


def _names(each: Enumeration) -> str:
    names = [name for name, _ in each.members]
    return ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")


def relocation_findings(old: _Members, new: _Members) -> Iterator[Finding]:
    """Findings about the answers of relocation. Where there were none, no guest in the field asks for one."""
    before, after = dict(old), dict(new)
    if not before or not after:
        for name, value in new:
            yield found(
                "relocation-type-added",
                f"relocation/{name}",
                None,
                value,
                severity=Severity.COMPATIBLE,
                breaks=Breaks.NEW_GUEST,
                why="no guest in the field asks for relocation",
            )
        for name, value in old:
            yield found(
                "relocation-type-removed",
                f"relocation/{name}",
                value,
                None,
                severity=Severity.BREAKING,
                breaks=Breaks.OLD_GUEST,
                why="nothing answers a guest that asks for relocation",
            )
        return
    for name in sorted(before.keys() | after.keys()):
        place = f"relocation/{name}"
        if name not in after:
            yield found("relocation-type-removed", place, before[name], None)
        elif name not in before:
            yield found("relocation-type-added", place, None, after[name])
        elif before[name] != after[name]:
            yield found("relocation-type-changed", place, before[name], after[name])
