"""What a change of a value's type means to the side that was made for the old one."""

from __future__ import annotations

import enum
import re

from vmirom.compat.findings import Severity
from vmirom.schema.types import C_TYPES

__all__ = ["Nature", "nature", "pointee", "type_change"]

_WIDTHS = {"u8": 8, "s8": 8, "u16": 16, "s16": 16, "u32": 32, "s32": 32, "u64": 64, "s64": 64, "char": 8}
_SPELLED = re.compile(r"(?:__)?(u|s|uint|int)(8|16|32|64)(?:_t)?", re.ASCII)
"""The other ways in which C headers write those: uint32_t, __u32, int32."""
_WORDS = {
    "unsigned char": "u8",
    "signed char": "s8",
    "unsigned short": "u16",
    "short": "s16",
    "unsigned": "u32",
    "unsigned int": "u32",
    "unsigned long long": "u64",
    "long long": "s64",
    "bool": "u8",
    "_Bool": "u8",
}


class Nature(enum.Enum):
    """What a value of a type is."""

    NUMBER = "number"
    ENTRY = "page-table entry"
    SELECTOR = "selector"
    ADDRESS = "address"
    CYCLES = "time in cycles"
    NANOSECONDS = "time in nanoseconds"
    UNKNOWN = "unknown type"


_NATURES = {
    "PTE": Nature.ENTRY,
    "LONG_PTE": Nature.ENTRY,
    "PAE_PTE": Nature.ENTRY,
    "SELECTOR": Nature.SELECTOR,
    "CYCLES": Nature.CYCLES,
    "NANOSECS": Nature.NANOSECONDS,
}


def nature(name: str) -> Nature:
    """What a value of this type is."""
    if name.endswith("*"):
        return Nature.ADDRESS
    if name in _NATURES:
        return _NATURES[name]
    return Nature.UNKNOWN if _plain(name) is None else Nature.NUMBER


def _plain(name: str) -> tuple[int, bool] | None:
    """Bits, and whether it has a sign; None for a type that isn't known."""
    ctype = C_TYPES[name][0] if name in C_TYPES else _WORDS.get(name, name)
    if (match := _SPELLED.fullmatch(ctype)) is not None:
        ctype = f"{'u' if match[1].startswith('u') else 's'}{match[2]}"
    return (_WIDTHS[ctype], ctype.startswith("s")) if ctype in _WIDTHS else None


def pointee(name: str) -> str:
    """What an address points to, without what only qualifies it."""
    words = [word for word in name.removesuffix("*").split() if word not in ("const", "volatile", "struct")]
    return "void" if words == ["VOID"] else " ".join(words)


def type_change(old: str, new: str, word: int = 32) -> tuple[Severity, str] | None:
    """How bad it is that a value's type changed, and in what way; None for the same type. ``word``: bits of
    an address."""
    if old == new:
        return None
    if old.endswith("*") and new.endswith("*"):
        return _pointee(pointee(old), pointee(new))
    if old.endswith("*") != new.endswith("*"):
        other = _plain(new if old.endswith("*") else old)
        if other is not None and other[0] != word:
            return Severity.BREAKING, f"an address of {word} bits against a value of {other[0]} bits"
        return Severity.RISKY, "an address on one side, a number on the other"
    before, after = _plain(old), _plain(new)
    if before is None or after is None:
        return Severity.RISKY, "what the type is can't be told from its name"
    if before[0] != after[0]:
        return Severity.BREAKING, f"{before[0]} bits became {after[0]}"
    if before[1] != after[1]:
        return Severity.RISKY, "the sign is read differently"
    if nature(old) is not nature(new) and Nature.NUMBER not in (nature(old), nature(new)):
        return Severity.BREAKING, f"{nature(old).value} became {nature(new).value}"
    return Severity.COMPATIBLE, "same width and sign under another name"


def _pointee(old: str, new: str) -> tuple[Severity, str]:
    if old == new:
        return Severity.COMPATIBLE, "the address points to the same, written in another way"
    if "void" in (old, new):
        return Severity.COMPATIBLE, "an address either way; what it points to is named on one side only"
    before, after = _plain(old), _plain(new)
    if before is None or after is None:
        return Severity.RISKY, "the address points to something else by name"
    if before[0] != after[0]:
        return Severity.BREAKING, f"the address pointed to {before[0]} bits, now to {after[0]}"
    if before[1] != after[1]:
        return Severity.RISKY, "what the address points to has another sign"
    return Severity.COMPATIBLE, "the address points to the same under another name"
