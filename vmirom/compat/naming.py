"""Structs and enumerations that only changed their names, or were grouped otherwise.

Names don't cross the interface. So before calls and fields are compared, the new side's are told in the words
of the old side: a struct that was renamed is one finding, and not one for each argument that points to it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from vmirom.compat.model import Call, Declaration, Enumeration, Layout, Value

__all__ = ["Members", "Naming", "naming", "regrouped", "renamed_enums", "renamed_structs"]

Members = frozenset[tuple[str, int]]
"""Names and numbers of an enumeration, or of several together."""

_ENOUGH = 0.75
"""Share of fields or members that must be as they were for a thing to be known under another name."""


@dataclass(frozen=True, slots=True)
class Naming:
    """``structs`` and ``enums``: old names by new ones, of those that were renamed. ``before`` and ``after``:
    what each enumeration of a side holds; ``after`` has those that were renamed under their old names."""

    structs: Mapping[str, str] = field(default_factory=dict)
    enums: Mapping[str, str] = field(default_factory=dict)
    before: Mapping[str, Members] = field(default_factory=dict)
    after: Mapping[str, Members] = field(default_factory=dict)
    declared: tuple[frozenset[str], frozenset[str]] = (frozenset(), frozenset())
    """Names of the structs of either side, the new side's in the old side's words."""

    def calls(self, calls: tuple[Call, ...]) -> tuple[Call, ...]:
        """The new side's calls in the old side's words."""
        return tuple(self._call(call) for call in calls) if self.structs or self.enums else calls

    def layouts(self, layouts: tuple[Layout, ...]) -> tuple[Layout, ...]:
        """The new side's structs, their fields' types and values in the old side's words."""
        return tuple(self._layout(each) for each in layouts) if self.structs or self.enums else layouts

    def layout(self, layout: Layout | None) -> Layout | None:
        """One struct, its name as it is."""
        return None if layout is None else self.layouts((layout,))[0]

    def _call(self, call: Call) -> Call:
        def told(values: tuple[Value, ...] | None) -> tuple[Value, ...] | None:
            return None if values is None else tuple(self._value(each) for each in values)

        when = tuple(self._feature(each) for each in call.when)
        return replace(call, arguments=told(call.arguments), results=told(call.results), when=when)

    def _feature(self, name: str) -> str:
        kind, dot, member = name.rpartition(".")
        return f"{self.enums.get(kind, kind)}{dot}{member}"

    def _value(self, value: Value) -> Value:
        values = tuple(self.enums.get(name, name) for name in value.values)
        return replace(value, type=self._type(value.type), values=values)

    def _type(self, name: str) -> str:
        """``struct X``, ``X *`` or ``struct X *``, with X told anew."""
        bare = name.removesuffix("*").strip()
        plain = bare.removeprefix("struct ")
        return name.replace(plain, self.structs[plain]) if plain in self.structs else name

    def _layout(self, layout: Layout) -> Layout:
        fields = tuple(
            replace(
                each,
                type=self._type(each.type),
                values=each.values and self.enums.get(each.values, each.values),
            )
            for each in layout.fields
        )
        return replace(layout, fields=fields)


def naming(left: Declaration, right: Declaration) -> Naming:
    """What the new side calls otherwise."""
    enums = {new: old for old, new in renamed_enums(left.enums, right.enums).items()}
    structs = {new: old for old, new in renamed_structs(left.structs, right.structs).items()}
    return Naming(
        structs,
        enums,
        {each.name: frozenset(each.members) for each in left.enums},
        {enums.get(each.name, each.name): frozenset(each.members) for each in right.enums},
        (
            frozenset(each.name for each in left.structs),
            frozenset(structs.get(each.name, each.name) for each in right.structs),
        ),
    )


def renamed_structs(old: Sequence[Layout], new: Sequence[Layout]) -> dict[str, str]:
    """New names by old ones: all fields as they were, or failing that most of them."""
    gone, came = _apart([each.name for each in old], [each.name for each in new])
    olds, news = [each for each in old if each.name in gone], [each for each in new if each.name in came]
    found: dict[str, str] = {}
    for least in (1.0, _ENOUGH):
        for layout in tuple(olds):
            for other in news:
                if _fields_alike(layout, other) >= least:
                    found[layout.name] = other.name
                    olds.remove(layout)
                    news.remove(other)
                    break
    return found


def _apart(old: list[str], new: list[str]) -> tuple[set[str], set[str]]:
    return set(old) - set(new), set(new) - set(old)


def _fields_alike(one: Layout, other: Layout) -> float:
    """1 for equal fields and sizes; else the share of fields with the same name, place and type, if there are
    three of them at least."""
    if (one.size, one.fields) == (other.size, other.fields):
        return 1.0
    shapes = {(each.name, each.offset, each.size, each.type) for each in one.fields if not each.reserved}
    others = {(each.name, each.offset, each.size, each.type) for each in other.fields if not each.reserved}
    same = len(shapes & others)
    return min(same / max(len(shapes), len(others)), 0.99) if same >= 3 else 0.0


def renamed_enums(old: Sequence[Enumeration], new: Sequence[Enumeration]) -> dict[str, str]:
    """New names by old ones: all members as they were, or failing that most of them."""
    gone, came = _apart([each.name for each in old], [each.name for each in new])
    olds, news = [each for each in old if each.name in gone], [each for each in new if each.name in came]
    found: dict[str, str] = {}
    for least in (1.0, _ENOUGH):
        for each in tuple(olds):
            for other in news:
                if _members_alike(each, other) >= least:
                    found[each.name] = other.name
                    olds.remove(each)
                    news.remove(other)
                    break
    return found


def _members_alike(one: Enumeration, other: Enumeration) -> float:
    if (one.flags, dict(one.members)) == (other.flags, dict(other.members)):
        return 1.0
    same = len(set(one.members) & set(other.members))
    most = max(len(one.members), len(other.members))
    return min(same / most, 0.99) if same >= 3 and one.flags == other.flags else 0.0


def regrouped(old: Sequence[Enumeration], new: Sequence[Enumeration]) -> tuple[set[str], set[str]]:
    """Enumerations that went and came, of which every member is on the other side under the same name and
    number: one was split, or several were joined."""
    names = renamed_enums(old, new)
    gone, came = _apart([each.name for each in old], [each.name for each in new])
    olds = {each.name: frozenset(each.members) for each in old if each.name in gone - set(names)}
    news = {each.name: frozenset(each.members) for each in new if each.name in came - set(names.values())}
    while True:
        before = {member for members in olds.values() for member in members}
        after = {member for members in news.values() for member in members}
        kept = {name: members for name, members in olds.items() if members and members <= after}
        left = {name: members for name, members in news.items() if members and members <= before}
        if len(kept) == len(olds) and len(left) == len(news):
            return set(olds), set(news)
        olds, news = kept, left
