"""Which names a contract may use: each ends up in C, in assembly, in Python and in Markdown."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterable

from vmirom.schema.errors import SchemaError

__all__ = ["check_field_name", "check_member_name", "refuse_twins"]

_FIELD = re.compile(r"[a-z_][a-z0-9_]*", re.ASCII)
_MEMBER = re.compile(r"[A-Za-z][A-Za-z0-9_]*", re.ASCII)

_C_KEYWORDS = (
    "auto break case char const continue default do double else enum extern float for goto if inline int "
    "long register restrict return short signed sizeof static struct switch typedef union unsigned void "
    "volatile while asm typeof bool true false nullptr thread_local alignas alignof constexpr "
    "static_assert linux unix i386"
)
_ASM_KEYWORDS = (
    "byte word dword qword oword tbyte near far flat and or xor not shl shr mod eq ne lt le gt ge st"
)
_C = frozenset(_C_KEYWORDS.split())
_ASM = frozenset(_ASM_KEYWORDS.split())


def _reserved(name: str) -> str | None:
    if name in _C:
        return "a C keyword"
    if name in _ASM:
        return "an assembler keyword"
    if keyword.iskeyword(name):
        return "a Python keyword"
    return None


def check_field_name(where: str, name: str | None) -> str:
    """``name`` if it can be a field or struct tag everywhere. Raises SchemaError."""
    if name is None:
        raise SchemaError(f"{where}: a field without a name (padding is declared as a named Reserved)")
    if not _FIELD.fullmatch(name):
        raise SchemaError(f"{where}: name {name!r} is not of the form [a-z_][a-z0-9_]*")
    if (why := _reserved(name)) is not None:
        raise SchemaError(f"{where}: name {name!r} is {why}")
    return name


def check_member_name(where: str, name: str) -> str:
    """``name`` if it can be a call or the member of an enumeration. Raises SchemaError."""
    if not _MEMBER.fullmatch(name):
        raise SchemaError(f"{where}: name {name!r} is not of the form [A-Za-z][A-Za-z0-9_]*")
    if (why := _reserved(name)) is not None:
        raise SchemaError(f"{where}: name {name!r} is {why}")
    return name


def refuse_twins(where: str, names: Iterable[str]) -> None:
    """Refuse a name that occurs twice, or twice but for the case of its letters. Raises SchemaError."""
    seen: dict[str, str] = {}
    for name in names:
        twin = seen.get(name.lower())
        if twin == name:
            raise SchemaError(f"{where}: name {name!r} is used twice")
        if twin is not None:
            raise SchemaError(f"{where}: names {twin!r} and {name!r} differ by case only")
        seen[name.lower()] = name
