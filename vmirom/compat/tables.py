"""Reads a published call table: JSON as the lists of history are handed on, with calls, header and constants.

A table is no lock: it has ``abi`` where a lock has ``line``, tells a version in two numbers, and groups its
constants by their names only. It is told as a lock and then read as one, so that every rule of locks holds.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

import msgspec

from vmirom.compat.words import is_spare

__all__ = ["as_lock", "is_table"]

_Size = Annotated[int, msgspec.Meta(ge=0, lt=1 << 31)]
_TYPES: Final = {1: "u8", 2: "u16", 4: "u32", 8: "u64"}
_KINDS: Final = {"func": "function", "proc": "procedure", "jump": "jump", None: None}


class _Version(msgspec.Struct):
    major: _Size
    minor: _Size = 0


class _Dispatch(msgspec.Struct):
    kind: str = ""
    slot_size: _Size = 0
    table_offset: _Size = 0
    table_slots: _Size = 0
    reserved_slots: list[_Size] = []
    relocation_types: dict[str, int] = {}


class _Part(msgspec.Struct):
    name: str = "value"
    type: str = "UINT32"
    register: str | None = None
    stack: int | None = None

    @property
    def place(self) -> str:
        return self.register or (f"st{self.stack}" if self.stack is not None else "")


class _Call(msgspec.Struct):
    number: int
    name: str
    kind: Literal["func", "proc", "jump"] | None = None
    args: list[_Part] | None = None
    returns: _Part | None = None
    outputs: list[_Part] | None = None
    clobbers: list[str] | None = None
    segments: list[str] | None = None


class _Field(msgspec.Struct):
    name: str
    offset: _Size
    size: _Size


class _Layout(msgspec.Struct):
    size: _Size
    fields: list[_Field]


class _Table(msgspec.Struct):
    abi: str
    version: _Version
    dispatch: _Dispatch = msgspec.field(default_factory=_Dispatch)
    header: _Layout | None = None
    structs: dict[str, _Layout] = {}
    constants: dict[str, int] = {}
    signature: Annotated[str, msgspec.Meta(pattern="^(0x[0-9A-Fa-f]{1,8})?$")] = ""
    calls: list[_Call] = []


def is_table(plain: object) -> bool:
    """Whether JSON is a table and no lock."""
    return isinstance(plain, dict) and "abi" in plain and "line" not in plain


def as_lock(plain: object) -> dict[str, Any]:
    """The same as a lock's plain data. Raises msgspec.ValidationError."""
    table = msgspec.convert(plain, _Table)
    version = table.version
    structs = dict(table.structs)
    if table.header is not None:
        structs[f"{table.abi.lower()}_rom_header"] = table.header
    lock: dict[str, Any] = {
        "line": f"{table.abi.lower()}{version.major}",
        "version": f"{version.major}.{version.minor}",
        "calls": [_call(each) for each in table.calls],
    }
    if structs:
        lock["structs"] = {name: _struct(each) for name, each in structs.items()}
    if enums := _enums(table):
        lock["enums"] = enums
    if table.dispatch.kind == "slots":
        first = max(table.dispatch.reserved_slots, default=-1) + 1
        dispatch = table.dispatch
        slots = {"size": dispatch.slot_size, "count": dispatch.table_slots, "first": first}
        lock["slots"] = {**slots, "base": dispatch.table_offset}
    return lock


def _call(call: _Call) -> dict[str, Any]:
    row: dict[str, Any] = {"number": call.number, "name": call.name, "kind": _KINDS[call.kind]}
    row["arguments"] = None if call.args is None else [_part(each) for each in call.args]
    row["result"] = None if call.returns is None else _part(call.returns)
    row["outputs"] = [_part(each) for each in call.outputs or ()]
    return {**row, "clobbers": call.clobbers, "segments": call.segments}


def _part(part: _Part) -> dict[str, Any]:
    return {"name": part.name, "type": part.type, "place": part.place}


def _struct(layout: _Layout) -> dict[str, Any]:
    return {"size": layout.size, "fields": [_field(each) for each in layout.fields]}


def _field(field: _Field) -> dict[str, Any]:
    row: dict[str, Any] = {"name": field.name, "offset": field.offset, "size": field.size}
    plain = _TYPES.get(field.size)
    row |= {"type": plain or "u8", "count": None if plain else field.size}
    return {**row, "reserved": is_spare(field.name)}


def _enums(table: _Table) -> dict[str, Any]:
    """Constants by the word behind their prefix: VMI_PAGE_PT is PT of PAGE."""
    groups: dict[str, dict[str, int]] = {}
    for name, value in table.constants.items():
        words = name.split("_", 2)
        group, member = (words[1], words[2]) if len(words) == 3 else ("OTHER", name)
        groups.setdefault(group, {})[member] = value
    found: dict[str, Any] = {name: {"members": members} for name, members in groups.items()}
    if table.signature:
        found["RomHeader"] = {"members": {"VROM_SIGNATURE": int(table.signature, 16)}}
    if table.dispatch.relocation_types:
        found["Reloc"] = {"members": table.dispatch.relocation_types}
    return found
