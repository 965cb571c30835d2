"""Reads a lock: JSON whose every key, type and range is checked, so that nothing behind it has to."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import Annotated, Any, Final

import msgspec

from vmirom.compat.assemble import assemble
from vmirom.compat.errors import CompatError
from vmirom.compat.machines import REGISTERS, WORDS, everything, of_one_machine
from vmirom.compat.model import (
    Call,
    Clause,
    Declaration,
    Dispatch,
    Enumeration,
    Field,
    Layout,
    Mechanism,
    Value,
    registers_of,
)
from vmirom.compat.tables import as_lock, is_table

__all__ = ["read_lock"]

LIMIT: Final = 8 << 20
"""Bytes of the largest lock that is read; real ones have some hundred thousand."""

_Name = Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
_Text = Annotated[str, msgspec.Meta(max_length=8192)]
_Number = Annotated[int, msgspec.Meta(ge=0, lt=1 << 32)]
_Bytes = Annotated[int, msgspec.Meta(ge=0, lt=1 << 31)]
_Names = Annotated[list[_Name], msgspec.Meta(max_length=128)]
_Constant = int | Annotated[str, msgspec.Meta(max_length=4096)]
_Version = Annotated[str, msgspec.Meta(pattern=r"^(0|[1-9][0-9]{0,5})(\.(0|[1-9][0-9]{0,5})){0,3}$")]

_CLOBBERS: Final = REGISTERS | WORDS
_SEGMENTS: Final = frozenset(("CS", "SS", "DS", "ES", "FS", "GS"))
_STACK: Final = re.compile(r"st([0-9]|[1-9][0-9])", re.ASCII)


class _Part(msgspec.Struct, forbid_unknown_fields=True):
    name: _Name
    type: _Name
    place: Annotated[str, msgspec.Meta(max_length=16)]
    values: list[_Name] = []
    optional: bool = False


_Parts = Annotated[list[_Part], msgspec.Meta(max_length=64)]


class _CallRow(msgspec.Struct, forbid_unknown_fields=True):
    number: _Number
    name: _Name
    arguments: _Parts | None = None
    kind: _Name | None = None
    group: str = ""
    result: _Part | None = None
    outputs: _Parts = []
    clobbers: _Names | None = None
    segments: _Names | None = None
    since: _Version = "0"
    clauses: list[_Name] | None = None
    doc: _Text | None = None
    when: Annotated[list[_Name], msgspec.Meta(max_length=64)] = []


class _FieldRow(msgspec.Struct, forbid_unknown_fields=True):
    name: _Name
    offset: _Bytes
    size: _Bytes
    type: _Name
    count: _Bytes | None = None
    values: _Name | None = None
    reserved: bool = False
    const: _Constant | None = None


class _StructRow(msgspec.Struct, forbid_unknown_fields=True):
    size: _Bytes
    fields: Annotated[list[_FieldRow], msgspec.Meta(max_length=1024)]


class _EnumRow(msgspec.Struct, forbid_unknown_fields=True):
    members: Annotated[dict[_Name, int], msgspec.Meta(max_length=4096)]
    flags: bool = False


class _SlotsRow(msgspec.Struct, forbid_unknown_fields=True):
    size: _Bytes
    count: _Bytes
    first: _Bytes = 0
    base: _Bytes = 0


_Calls = Annotated[list[_CallRow], msgspec.Meta(max_length=1024)]


class _Lock(msgspec.Struct, forbid_unknown_fields=True):
    line: _Name
    version: _Version
    structs: Annotated[dict[_Name, _StructRow], msgspec.Meta(max_length=1024)] = {}
    enums: Annotated[dict[_Name, _EnumRow], msgspec.Meta(max_length=1024)] = {}
    calls: _Calls = []
    hypercalls: _Calls = []
    slots: _SlotsRow | None = None
    clauses: dict[_Name, Any] | None = None
    roms: dict[str, Any] = {}
    frozen: bool = False
    content: str = ""


class _Clause(msgspec.Struct):
    text: _Text = ""
    sentence: _Text = ""
    who: Annotated[str, msgspec.Meta(max_length=32)] = "ROM"
    revision: Any = ""
    when: Any = ""
    calls: list[_Name] = []


def read_lock(data: bytes, name: str) -> Declaration:
    """The declaration in a lock. Raises CompatError: file, place in it, rule."""
    if len(data) > LIMIT:
        raise CompatError(f"{name}: size: more than {LIMIT >> 20} MiB, which no lock has")
    lock, keys, notes = _parsed(data, name)
    for key, rows in (("calls", lock.calls), ("hypercalls", lock.hypercalls)):
        _check_calls(f"{name}: {key}", rows)
    _check_structs(name, lock)
    _check_numbers(name, lock)
    bound = _bound(lock)
    return assemble(
        lock.line,
        lock.version,
        name,
        calls=tuple(_call(row, bound) for row in (*lock.calls, *lock.hypercalls)),
        structs=tuple(
            Layout(
                key,
                row.size,
                tuple(
                    Field(f.name, f.offset, f.size, f.type, f.count, f.values, f.reserved, f.const)
                    for f in sorted(row.fields, key=lambda each: each.offset)
                ),
            )
            for key, row in lock.structs.items()
        ),
        enums=tuple(
            Enumeration(key, tuple(row.members.items()), row.flags) for key, row in lock.enums.items()
        ),
        clauses=_clauses(name, lock),
        mechanism=_mechanism(lock),
        hypercalls=bool(lock.hypercalls),
        notes=notes,
        unstated=_unstated(keys),
    )


def _unstated(keys: frozenset[str]) -> frozenset[str]:
    """Parts whose key isn't there at all: an empty one says that there is none."""
    missing = {"structs", "enums"} - keys
    return frozenset(missing if keys & {"calls", "hypercalls"} else {*missing, "calls"})


def _parsed(data: bytes, name: str) -> tuple[_Lock, frozenset[str], tuple[str, ...]]:
    """The lock, the keys that its source has, and what there is to say of the source."""

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            twice = Counter(key for key, _ in pairs).most_common(1)[0][0]
            raise CompatError(f"{name}: key {twice[:80]!r}: occurs twice in one object")
        return found

    try:
        plain = json.loads(data.decode(), object_pairs_hook=unique)
        if b"\\ud" in data.lower():
            json.dumps(plain, ensure_ascii=False).encode()  # half a pair of surrogates is no text
        notes: tuple[str, ...] = ()
        if is_table(plain):
            plain = as_lock(plain)
            notes = (f"{name}: a table, whose constants are grouped by their names alone",)
        return msgspec.convert(plain, _Lock), frozenset(plain), notes
    except msgspec.ValidationError as error:
        words, _, where = str(error).partition(" - at `$")
        place = where.rstrip("`").lstrip(".") or "lock"
        raise CompatError(f"{name}: {place}: {words}") from None
    except json.JSONDecodeError as error:
        raise CompatError(
            f"{name}: line {error.lineno}, column {error.colno}: not JSON: {error.msg}"
        ) from None
    except UnicodeDecodeError as error:
        raise CompatError(f"{name}: byte {error.start}: not UTF-8") from None
    except UnicodeEncodeError as error:
        half = f"\\u{ord(error.object[error.start]):04x}"
        raise CompatError(f"{name}: {half}: half of a surrogate pair is no text") from None
    except RecursionError:
        raise CompatError(f"{name}: nested too deeply") from None
    except ValueError as error:  # an integer of thousands of digits
        raise CompatError(f"{name}: {' '.join(str(error).split())}") from None


def _check_numbers(name: str, lock: _Lock) -> None:
    """Constants are what 64 bits can hold, with a sign or without."""
    for key, row in lock.enums.items():
        for member, value in row.members.items():
            _check_number(f"{name}: enums.{key}.{member}", value)
    for key, struct in lock.structs.items():
        for field in struct.fields:
            if isinstance(field.const, int):
                _check_number(f"{name}: structs.{key}.{field.name}.const", field.const)


def _check_number(where: str, value: int) -> None:
    if not -(1 << 63) <= value < 1 << 64:
        raise CompatError(f"{where}: a number of {value.bit_length()} bits; 64 are the most")


def _check_calls(where: str, rows: list[_CallRow]) -> None:
    names: set[str] = set()
    for at, row in enumerate(rows):
        here = f"{where}[{at}] ({row.name})"
        if row.name in names:
            raise CompatError(f"{here}: name: used twice")
        names.add(row.name)
        if row.kind not in (None, "function", "procedure", "jump"):
            raise CompatError(f"{here}: kind: {row.kind!r} is none of function, procedure, jump")
        for key, parts in (("arguments", row.arguments or []), ("outputs", row.outputs)):
            for number, part in enumerate(parts):
                _check_place(f"{here}: {key}[{number}].place", part.place)
        if row.result is not None:
            _check_place(f"{here}: result.place", row.result.place)
        _check_words(f"{here}: clobbers", row.clobbers, _CLOBBERS, "no register, nor flags, memory or all")
        _check_words(f"{here}: segments", row.segments, _SEGMENTS, "none of CS, SS, DS, ES, FS and GS")


def _check_place(where: str, place: str) -> None:
    names = registers_of(place)
    if _STACK.fullmatch(place) or not place:
        return
    if not names or len(names) > 2 or len(set(names)) != len(names) or not of_one_machine(names):
        raise CompatError(f"{where}: {place!r} is neither a register, a pair, nor a stack word")


def _check_words(where: str, words: list[str] | None, known: frozenset[str], what: str) -> None:
    for word in words or ():
        if word not in known:
            raise CompatError(f"{where}: {word!r} is {what}")


def _check_structs(name: str, lock: _Lock) -> None:
    inside = {
        key: [f.type.removeprefix("struct ") for f in row.fields if f.type.startswith("struct ")]
        for key, row in lock.structs.items()
    }
    for key, row in lock.structs.items():
        twice = {f.name for f in row.fields if sum(g.name == f.name for g in row.fields) > 1}
        if twice:
            raise CompatError(f"{name}: structs.{key}: field {min(twice)!r} is there twice")
    done: set[str] = set()
    for start in inside:
        path: list[str] = []
        stack = [(start, 0)]
        while stack:
            key, at = stack.pop()
            del path[at:]
            if key in path:
                raise CompatError(f"{name}: structs.{key}: contains itself ({' > '.join([*path, key])})")
            if key in done:
                continue
            path.append(key)
            if not inside.get(key):
                done.add(key)
            stack += [(each, at + 1) for each in inside.get(key, ())]
        done.add(start)


def _value(part: _Part) -> Value:
    return Value(part.name, part.type, part.place, tuple(part.values), part.optional)


def _bound(lock: _Lock) -> dict[str, set[str]] | None:
    """Clauses by the call that they bind, where a frozen lock's clauses name their calls."""
    rows = [(key, row) for key, row in (lock.clauses or {}).items() if isinstance(row, dict)]
    if not any("calls" in row for _, row in rows):
        return None
    found: dict[str, set[str]] = {}
    for key, row in rows:
        calls = row.get("calls", [])
        for call in calls if isinstance(calls, list) else ():
            found.setdefault(str(call), set()).add(key)
    return found


def _call(row: _CallRow, bound: dict[str, set[str]] | None) -> Call:
    results: tuple[Value, ...] | None = None
    if row.kind is not None:
        first = () if row.result is None else (_value(row.result),)
        taken = {value.place for value in first}
        results = first + tuple(_value(each) for each in row.outputs if each.place not in taken)
    return Call(
        row.number,
        row.name,
        row.kind,
        None if row.arguments is None else tuple(_value(part) for part in row.arguments),
        results,
        _clobbers(row),
        None if row.segments is None else frozenset(row.segments),
        _clauses_of(row, bound),
        row.doc,
        tuple(row.when),
    )


def _clobbers(row: _CallRow) -> frozenset[str] | None:
    if row.clobbers is None or "all" not in row.clobbers:
        return None if row.clobbers is None else frozenset(row.clobbers)
    parts = [*(row.arguments or ()), *row.outputs, *([row.result] if row.result else [])]
    return everything(part.place for part in parts)


def _clauses_of(row: _CallRow, bound: dict[str, set[str]] | None) -> frozenset[str] | None:
    if row.clauses is not None:
        return frozenset(row.clauses)
    return None if bound is None else frozenset(bound.get(row.name, ()))


def _mechanism(lock: _Lock) -> Mechanism | None:
    if lock.slots is None:
        return None
    row = lock.slots
    return Mechanism(Dispatch.SLOTS, row.size, row.count, row.first, row.base)


def _clauses(name: str, lock: _Lock) -> tuple[Clause, ...] | None:
    if lock.clauses is None:
        return None
    found = []
    for key, plain in lock.clauses.items():
        try:
            row = _Clause(text=plain) if isinstance(plain, str) else msgspec.convert(plain, _Clause)
        except msgspec.ValidationError as error:
            raise CompatError(f"{name}: clauses.{key}: {str(error).partition(' - at')[0]}") from None
        text, revision, when = row.sentence or row.text, _words(row.revision), _words(row.when)
        found.append(Clause(key, text, row.who, revision, when, tuple(row.calls)))
    return tuple(found)


def _words(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(str(each) for each in value)
    return "" if value is None else str(value)
