"""Which call of one side is which call of the other.

A call is the same call if name and number agree. Beyond that, evidence decides, strongest first: the name;
within one line the number together with the contract; a contract that only one call on each side has; a
name that is alike together with a contract that is. What is left was removed, or is new. So a call that was
renamed and moved is one pair, and every pair that was not made by name says why.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from vmirom.compat.model import Call, Value
from vmirom.compat.natures import nature
from vmirom.compat.words import ALIKE, alike, contradiction, is_kept_under, is_vacant_name, numbers_differ

__all__ = ["Matching", "Pair", "is_vacant", "is_weak", "match_calls"]

_ENOUGH = 1.35
"""Likeness of name and of contract, added up, from which on a pair across numbers is taken."""
_CERTAIN = 0.8
"""Likeness from which on two names alone are taken for one."""
_PAIRS_MAX = 100_000
"""Beyond that many possible pairs, likeness is not asked: a real ABI has some hundred calls."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Two calls that are one. ``reason`` is empty where the name says it."""

    old: Call
    new: Call
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Matching:
    """All pairs, in the order of the old numbers, and what has no partner."""

    pairs: tuple[Pair, ...]
    removed: tuple[Call, ...]
    added: tuple[Call, ...]


def match_calls(old: tuple[Call, ...], new: tuple[Call, ...], numbered: bool) -> Matching:
    """Match the calls of two sides. ``numbered``: numbers of the two sides mean the same (one line)."""
    if old == new:
        return Matching(tuple(Pair(call, call) for call in old), (), ())
    search = _Search(old, new)
    search.by_name(numbered)
    if search.olds and search.news:
        if numbered:
            search.by_number()
        search.by_contract()
        search.by_likeness()
    pairs = sorted(search.pairs, key=lambda pair: (pair.old.number, pair.old.name))
    return Matching(tuple(pairs), tuple(search.olds.values()), tuple(search.news.values()))


class _Search:
    """What is matched so far, and what is left, by name."""

    def __init__(self, old: Iterable[Call], new: Iterable[Call]) -> None:
        self.olds = {call.name: call for call in old}
        self.news = {call.name: call for call in new}
        self.pairs: list[Pair] = []

    def take(self, old: Call, new: Call, reason: str = "") -> None:
        self.pairs.append(Pair(old, new, reason))
        del self.olds[old.name]
        del self.news[new.name]

    def by_name(self, numbered: bool) -> None:
        """Equal names, but for a name that was given to another function while the old one stayed (or,
        seen backwards, that one call gives back to another)."""
        heirs = {call.number: call for call in self.news.values() if call.name not in self.olds}
        elders = {call.number: call for call in self.olds.values() if call.name not in self.news}
        for call in list(self.olds.values()):
            same = self.news.get(call.name)
            if same is None:
                continue
            moved = numbered and same.number != call.number
            heir = heirs.get(call.number) if moved else None
            elder = elders.get(same.number) if moved else None
            if heir is not None and _stayed(call, same, heir):
                words = f"number {call.number} and contract stayed; the name went to number {same.number}"
                self.take(call, heir, words)
            elif elder is not None and _stayed(same, call, elder):
                words = f"number {same.number} and contract stayed; the name came from number {call.number}"
                self.take(elder, same, words)
            else:
                self.take(call, same)

    def by_number(self) -> None:
        """Equal number, and a contract or name that says it is still the same function."""
        there = {call.number: call for call in self.news.values()}
        for call in list(self.olds.values()):
            other = there.get(call.number)
            if other is None or other.name not in self.news:
                continue
            close = alike(call.name, other.name)
            if call.contract == other.contract and _may_be_one(call, other, close):
                self.take(call, other, f"same number {call.number}, same contract, names {close:.0%} alike")
            elif close >= ALIKE and likeness(call, other) >= ALIKE:
                self.take(call, other, f"same number {call.number}, names {close:.0%} alike")
            elif is_kept_under(other.name, call.name) and not other.published:
                self.take(call, other, f"same number {call.number}, and its name says what it was")

    def by_contract(self) -> None:
        """A telling contract that only one call left on either side has."""
        olds, news = _unique(self.olds.values()), _unique(self.news.values())
        for contract, call in olds.items():
            other = news.get(contract)
            apart = other is not None and contradiction(call.name, other.name) is not None
            if other is not None and (_same_doc(call, other) or (_telling(call) and not apart)):
                self.take(call, other, f"the only calls left with this contract ({_brief(call)})")

    def by_likeness(self) -> None:
        """Names and contracts that are alike, best first."""
        if len(self.olds) * len(self.news) > _PAIRS_MAX:
            return
        found = []
        for call in self.olds.values():
            for other in self.news.values():
                close = alike(call.name, other.name)
                if close >= 0.5:
                    total = close + likeness(call, other)
                    if total >= _ENOUGH:
                        found.append((-total, call.name, other.name, close))
        for _, name, other_name, close in sorted(found):
            if name in self.olds and other_name in self.news:
                old, new = self.olds[name], self.news[other_name]
                alike_too = f"contracts {likeness(old, new):.0%} alike"
                self.take(old, new, f"names {close:.0%} and {alike_too}")


def likeness(one: Call, other: Call) -> float:
    """How alike two contracts are, from 0 to 1; 0.3 where one is unknown."""
    if not one.published or not other.published:
        return 0.3
    if one.contract == other.contract:
        return 1.0
    parts = [
        1.0 if one.kind == other.kind else 0.0,
        _values_alike(one.arguments, other.arguments),
        _values_alike(one.results, other.results),
        1.0 if one.segments == other.segments else 0.5,
    ]
    return sum(parts) / len(parts)


def _values_alike(one: tuple[Value, ...] | None, other: tuple[Value, ...] | None) -> float:
    if not one and not other:
        return 1.0
    if not one or not other:
        return 0.0
    score = 0.0
    for value in one:
        best = 0.0
        for each in other:
            same = 0.4 * (each.name == value.name) + 0.3 * (each.place == value.place)
            best = max(best, same + 0.3 * (nature(each.type) is nature(value.type)))
        score += best
    return score / max(len(one), len(other))


def _may_be_one(one: Call, other: Call, close: float) -> bool:
    """Whether two calls with one number and one contract are the same function. Names that differ in a
    number say that they are not: GetCR0, GetCR4."""
    if is_vouched(one, other):
        return True
    if contradiction(one.name, other.name) is not None:
        return False
    return not numbers_differ(one.name, other.name) and (close >= 0.5 or _values(one) > 0)


def _stayed(old: Call, same_name: Call, heir: Call) -> bool:
    """Whether a function stayed at its number under a new name, and its name went elsewhere."""
    if is_kept_under(heir.name, old.name):
        return heir.contract == old.contract or not heir.published or not old.published
    return heir.contract == old.contract and same_name.contract != old.contract and _telling(old)


def is_vacant(call: Call) -> bool:
    """Whether a row only keeps its number free: no contract, and a name that says so."""
    return not call.published and is_vacant_name(call.name)


def _values(call: Call) -> int:
    return len(call.arguments or ()) + len(call.results or ())


def _telling(call: Call) -> bool:
    """Whether a contract says enough to know the call by: two values at least."""
    return _values(call) >= 2


def is_vouched(one: Call, other: Call) -> bool:
    """Whether more than name, number and registers says that two calls are one: clauses, or the doc."""
    return _shared_clauses(one, other) or _same_doc(one, other)


def is_weak(one: Call, other: Call) -> bool:
    """Whether two calls with different names were matched on little: one value, and names not alike; or
    no contract at all, and names that are no more than alike."""
    if not one.published and not other.published and not is_vouched(one, other):
        return alike(one.name, other.name) < _CERTAIN and not is_kept_under(other.name, one.name)
    return alike(one.name, other.name) < 0.5 and not _telling(one) and not is_vouched(one, other)


def _shared_clauses(one: Call, other: Call) -> bool:
    return bool(one.clauses and one.clauses == other.clauses)


def _same_doc(one: Call, other: Call) -> bool:
    return bool(one.doc and one.doc == other.doc and not _is_placeholder(one.doc))


def _is_placeholder(doc: str) -> bool:
    return "without a published contract" in doc


def _unique(calls: Iterable[Call]) -> dict[tuple[object, ...], Call]:
    found: dict[tuple[object, ...], list[Call]] = {}
    for call in calls:
        if call.published:
            found.setdefault(call.contract, []).append(call)
    return {contract: same[0] for contract, same in found.items() if len(same) == 1}


def _brief(call: Call) -> str:
    names = ", ".join(value.name for value in call.arguments or ())
    return f"{call.kind} of {names or 'no arguments'}"
