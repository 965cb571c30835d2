"""How alike two names are, and which arguments' names mean the same thing."""

from __future__ import annotations

import functools
import re

__all__ = [
    "ALIKE",
    "alike",
    "is_kept_under",
    "is_spare",
    "is_unused",
    "is_vacant_name",
    "numbers_differ",
    "same_meaning",
]

ALIKE = 0.6
"""From this likeness on, one name is taken for another's successor."""

_TOKEN = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_NUMBER = re.compile(r"[0-9]+")
_VERBS = frozenset(
    [
        "get",
        "set",
        "update",
        "write",
        "read",
        "enable",
        "disable",
        "allocate",
        "release",
        "swap",
        "test",
        "cancel",
        "in",
        "out",
    ]
)
_VERB = re.compile(
    r"(Get|Set|Update|Write|Read|Enable|Disable|Allocate|Release|Swap|Test|Cancel|IN|OUT)(?=[A-Z_])"
)
_SYNONYMS = (
    "val value",
    "sel selector",
    "func function",
    "num number index nr idx",
    "pfn ppn gpfn frame",
    "addr address ptr pointer",
    "sub subfunction subleaf",
    "how mode flags",
    "msr register reg",
    "orig original source src clonepfn",
    "base start first",
    "count entries nr length len size",
    "dest destination dst",
    "arg argument",
    "bit bitnr",
    "mask bits",
    "port portnr",
    "old previous prev",
)
_GROUPS: dict[str, set[int]] = {}
for _at, _line in enumerate(_SYNONYMS):
    for _word in _line.split():
        _GROUPS.setdefault(_word, set()).add(_at)
_UNUSED = re.compile(r"(dummy|unused|reserved|ignored|pad)[0-9]*", re.IGNORECASE)
_VACANT = re.compile(
    r"(?:[a-z0-9]+_)*(reserved|unused|unassigned|spare|rsvd|removed|obsolete|hole|ni)_?(?:[0-9]*|call|sys\w*)",
    re.IGNORECASE | re.ASCII,
)
_SPARE = re.compile(r"(?:\w+_)?(?:reserved|pad|padding|spare|unused|rsvd)(?:[0-9]|_\w+)*", re.IGNORECASE)
_KEPT = re.compile(r"_?(?:0|1|v[01]|old|orig|compat|legacy|deprecated|obsolete)", re.IGNORECASE | re.ASCII)
"""What a name is given, behind or (with an underscore) in front, when a successor takes it over."""


@functools.lru_cache(maxsize=1 << 14)
def alike(one: str, other: str) -> float:
    """From 0 (nothing in common) to 1 (equal but for case and underscores): the better of Dice's measure over
    pairs of letters, and the share of words in common (but for
    verbs). A prefix, as in ``IN`` and ``INL``, counts."""
    a, b = one.replace("_", "").lower(), other.replace("_", "").lower()
    if a == b:
        return 1.0
    if _told_apart(one, other):
        return 0.3
    pairs, others = _pairs(a), _pairs(b)
    dice = 2 * len(pairs & others) / (len(pairs) + len(others)) if pairs and others else 0.0
    words, more = _words(one) - _VERBS, _words(other) - _VERBS
    shared = 2 * len(words & more) / (len(words) + len(more)) if words and more else 0.0
    prefix = 0.6 if (a.startswith(b) or b.startswith(a)) and min(len(a), len(b)) >= 2 else 0.0
    return max(dice, shared, prefix)


def _told_apart(one: str, other: str) -> bool:
    """Whether a verb or a number in the names says that they are siblings: GetCR0, SetCR0, SetCR4."""
    if numbers_differ(one, other):
        return True
    verb, second = _VERB.match(one), _VERB.match(other)
    return verb is not None and second is not None and verb[0] != second[0]


def _pairs(text: str) -> set[str]:
    return {text[at : at + 2] for at in range(len(text) - 1)}


def _words(text: str) -> set[str]:
    return {word.lower() for word in _TOKEN.findall(text)}


def same_meaning(one: str, other: str) -> bool:
    """Whether two names of arguments, of one type in one place, say the same."""
    a, b = one.replace("_", "").lower(), other.replace("_", "").lower()
    if a == b or _GROUPS.get(a, set()) & _GROUPS.get(b, set()):
        return True
    short, long = sorted((a, b), key=len)
    return (len(short) >= 2 and long.startswith(short)) or alike(one, other) >= ALIKE


def is_kept_under(name: str, before: str) -> bool:
    """Whether ``name`` says that it is what was called ``before``, kept for those who use it: SetPxE0,
    sched_op_compat, old_mmap."""
    if name.startswith(before) and _KEPT.fullmatch(name[len(before) :]):
        return True
    head = name[: -len(before)].removesuffix("_") if name.endswith(before) else ""
    return bool(head) and _KEPT.fullmatch(head) is not None


def is_spare(name: str) -> bool:
    """Whether a field's name says that nothing is kept in it: reserved2, rom_pad0."""
    return _SPARE.fullmatch(name) is not None


def is_vacant_name(name: str) -> bool:
    """Whether a name says that nothing is there: RESERVED3, unused."""
    return _VACANT.fullmatch(name) is not None


def numbers_differ(one: str, other: str) -> bool:
    """Whether numbers in two names say that they are siblings: GetCR0 and GetCR4."""
    numbers, more = _NUMBER.findall(one), _NUMBER.findall(other)
    return bool(numbers and more) and numbers != more


def is_unused(name: str) -> bool:
    """Whether a name says that the value means nothing (``dummy``)."""
    return _UNUSED.fullmatch(name) is not None
