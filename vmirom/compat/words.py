"""How alike two names are, and which arguments' names mean the same thing."""

from __future__ import annotations

import functools
import re

__all__ = [
    "ALIKE",
    "alike",
    "contradiction",
    "halves",
    "is_kept_under",
    "is_spare",
    "is_unused",
    "is_vacant_name",
    "numbers_differ",
    "same_meaning",
    "says_address",
]

ALIKE = 0.6
"""From this likeness on, one name is taken for another's successor."""

_SPELT = 0.8
"""And from this on where they have no word in common, so that one is only spelt otherwise."""

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
    "count entries nr",
    "length len size",
    "dest destination dst",
    "arg argument",
    "bit bitnr",
    "mask bits",
    "port portnr",
    "old previous prev",
)
_KINDS: dict[str, tuple[tuple[str, str], ...]] = {
    "unit": (
        ("nanoseconds", "ns nsec nsecs nanosec nanosecs nanoseconds"),
        ("microseconds", "us usec usecs microsec microsecs microseconds"),
        ("milliseconds", "ms msec msecs millisec millisecs milliseconds"),
        ("seconds", "sec secs seconds"),
        ("ticks", "tick ticks jiffies"),
        ("cycles", "cycle cycles tsc"),
        ("Hz", "hz"),
        ("kHz", "khz"),
        ("MHz", "mhz"),
        ("bits", "bits"),
        ("bytes", "byte bytes octets"),
        ("words", "words dwords longs"),
        ("pages", "pages frames"),
        ("sectors", "sectors blocks"),
    ),
    "address": (
        ("virtual address", "va gva vaddr virt virtual linear laddr"),
        ("physical address", "pa gpa paddr phys physical"),
        ("machine address", "ma maddr machine hpa"),
        ("frame number", "pfn ppn gpfn gfn"),
        ("machine frame number", "mfn gmfn"),
    ),
    "time": (
        ("relative", "rel relative delta interval period"),
        ("absolute", "abs absolute deadline expiry expires"),
    ),
    "bound": (
        ("the last one", "limit last"),
        ("the one behind the last", "end"),
        ("how many there are", "size length len count entries"),
    ),
    "half": (("the low half", "lo low lower"), ("the high half", "hi high upper")),
}
"""What a word in a name says of the value, by the question that it answers."""
_SAID = {
    word: (question, answer)
    for question, answers in _KINDS.items()
    for answer, words in answers
    for word in words.split()
}
_OPPOSITES = """
set/clear read/write in/out src/dst source/destination first/last min/max old/new guest/host user/kernel
signed/unsigned start/stop start/end push/pop present/absent shared/private tx/rx send/receive input/output
suspend/resume save/restore acquire/release on/off inc/dec add/remove alloc/free get/put left/right
parent/child next/prev local/remote base/limit
"""
_OPPOSITE = frozenset(frozenset(pair.split("/")) for pair in _OPPOSITES.split())
_NOT = ("un", "dis", "de", "non", "not")
"""What a word is turned into its opposite by, in front."""
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
    if numbers_differ(one, other) or contradiction(one, other) is not None:
        return True
    verb, second = _VERB.match(one), _VERB.match(other)
    return verb is not None and second is not None and verb[0] != second[0]


def _pairs(text: str) -> set[str]:
    return {text[at : at + 2] for at in range(len(text) - 1)}


def _words(text: str) -> set[str]:
    return {word.lower() for word in _TOKEN.findall(text)}


def same_meaning(one: str, other: str) -> bool:
    """Whether two names of arguments, of one type in one place, say the same."""
    if contradiction(one, other) is not None:
        return False
    a, b = one.replace("_", "").lower(), other.replace("_", "").lower()
    if a == b or _GROUPS.get(a, set()) & _GROUPS.get(b, set()):
        return True
    words, others = _list(one), _list(other)
    least = ALIKE if set(words) & set(others) else _SPELT
    return _abbreviates(words, others) or _abbreviates(others, words) or alike(one, other) >= least


def _abbreviates(short: list[str], long: list[str]) -> bool:
    """Whether words are the first of the others, or their beginnings: nr, nr_frames; len, length."""
    first = long[: len(short)]
    return len(first) == len(short) > 0 and all(
        a == b or (len(a) >= 3 and 2 * len(a) >= len(b) and b.startswith(a))
        for a, b in zip(short, first, strict=True)
    )


def contradiction(one: str, other: str) -> tuple[str, str] | None:
    """What two names say of their values that can't both be: nanoseconds and microseconds, the last one and
    the one behind it. None where they agree, or one of them doesn't say."""
    before, after = _said(one), _said(other)
    for question in before.keys() & after.keys():
        if before[question] != after[question]:
            return before[question], after[question]
    words, others = _list(one), _list(other)
    apart = [word for word in words if word not in others], [word for word in others if word not in words]
    if len(apart[0]) == len(apart[1]) == 1 and _opposite(apart[0][0], apart[1][0]):
        return apart[0][0], apart[1][0]
    return None


def _opposite(one: str, other: str) -> bool:
    """Whether one word says what the other denies: mask and unmask, enabled and disabled, set and clear."""
    if frozenset((one, other)) in _OPPOSITE:
        return True
    stems = {one, one.removeprefix("en")} - {""}, {other, other.removeprefix("en")} - {""}
    return any(
        long == f"{negation}{stem}"
        for long, short in ((one, stems[1]), (other, stems[0]))
        for stem in short
        for negation in _NOT
    )


def halves(whole: str, low: str, high: str) -> bool:
    """Whether two names are those of the halves of a third: desc, desc_lo, desc_hi."""
    if _said(low).get("half") != "the low half" or _said(high).get("half") != "the high half":
        return False
    stems = [[word for word in _list(name) if _SAID.get(word, ("",))[0] != "half"] for name in (low, high)]
    return stems[0] == stems[1] == _list(whole)


def says_address(name: str) -> bool:
    """Whether a name says that the value is an address."""
    words = set(_list(name))
    return "address" in _said(name) or bool(words & {"addr", "address", "ptr", "pointer"})


def _said(name: str) -> dict[str, str]:
    """What a name's words say, by question; where two of them answer one, the last."""
    return dict(_SAID[word] for word in _list(name) if word in _SAID)


def _list(name: str) -> list[str]:
    return [word.lower() for word in _TOKEN.findall(name)]


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
