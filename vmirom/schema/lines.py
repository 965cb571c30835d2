"""A line: one ABI through all its versions, and what one version of it is.

A line is the guest's ABI (``vmi3``) or a hypervisor's (a backend). ``resolve`` flattens it: after that
nothing knows of other versions.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

from vmirom.schema.calls import Call, Hypercall
from vmirom.schema.errors import SchemaError
from vmirom.schema.fields import AnyConstruct
from vmirom.schema.names import check_field_name, check_member_name, refuse_twins
from vmirom.schema.rows import EnumRow, StructRow
from vmirom.schema.versions import Version
from vmirom.schema.walking import peel_name, resolve_struct, walk

__all__ = ["Line", "Resolved", "Slots", "group", "resolve"]

AnyEnum = type[enum.IntEnum] | type[enum.IntFlag]
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Slots:
    """Calls at fixed addresses: call n is entered at ROM base + ``base`` + ``size`` * n (bytes), for n from
    ``first`` up and below ``count``."""

    size: int
    count: int
    first: int = 0
    base: int = 0


@dataclass(frozen=True)
class Line:
    """An ABI as declared. ``structs`` and ``enums`` are keyed by the version they came with.

    ``family`` is the prefix of every C name (``xen`` -> ``struct xen_...``, ``XEN_...``); ``prefixes``
    are those of its structs where the field has other names for them. ``call_enum`` names the enumeration
    made from the numbers of ``calls`` or ``hypercalls``. Only an executable line becomes headers and
    overlays. ``slots`` is for lines whose calls stand at fixed addresses instead of being looked up.
    """

    name: str
    family: str
    versions: tuple[str, ...]
    doc: str
    calls: tuple[Call, ...] = ()
    hypercalls: tuple[Hypercall, ...] = ()
    call_enum: str = "Call"
    structs: Mapping[str, tuple[AnyConstruct, ...]] = field(default_factory=dict)
    enums: Mapping[str, tuple[AnyEnum, ...]] = field(default_factory=dict)
    executable: bool = True
    prefixes: tuple[str, ...] = ()
    slots: Slots | None = None

    @property
    def newest(self) -> Version:
        """The last version of the line."""
        return max(Version.parse(text) for text in self.versions)


@dataclass(frozen=True)
class Resolved:
    """One version of a line: flat rows, and the declarations they came from by struct name."""

    line: Line
    version: Version
    calls: tuple[Call, ...]
    hypercalls: tuple[Hypercall, ...]
    structs: tuple[StructRow, ...]
    enums: tuple[EnumRow, ...]
    declarations: Mapping[str, AnyConstruct]

    def call(self, key: int | str) -> Call:
        """A call by number or name. Raises KeyError."""
        for call in self.calls:
            if key in (call.number, call.name):
                return call
        raise KeyError(f"{self.line.name} {self.version} has no call {key!r}")

    def struct(self, name: str) -> StructRow:
        """A struct by name. Raises KeyError."""
        for row in self.structs:
            if row.name == name:
                return row
        raise KeyError(f"{self.line.name} {self.version} has no struct {name}")

    def enum(self, name: str) -> EnumRow:
        """An enumeration by name. Raises KeyError."""
        for row in self.enums:
            if row.name == name:
                return row
        raise KeyError(f"{self.line.name} {self.version} has no enumeration {name}")


def group(name: str, *calls: Call) -> tuple[Call, ...]:
    """Calls of one group (one file of the line)."""
    return tuple(replace(call, group=name) for call in calls)


def resolve(line: Line, version: str | Version | None = None) -> Resolved:
    """What ``line`` is in ``version`` (default: the newest). Raises SchemaError."""
    wanted = line.newest if version is None else version
    if isinstance(wanted, str):
        wanted = Version.parse(wanted)
    if wanted not in {Version.parse(text) for text in line.versions}:
        raise SchemaError(f"line {line.name} has no version {wanted} (it has {', '.join(line.versions)})")
    check_field_name(f"line {line.name}", line.family)
    calls = tuple(sorted((c for c in line.calls if c.since <= wanted), key=lambda call: call.number))
    hypercalls = tuple(
        sorted((h for h in line.hypercalls if h.since <= wanted), key=lambda call: call.number)
    )
    _check_numbers(line, calls or hypercalls)
    structs, declarations = _structs(line, wanted)
    enums = _enums(line, wanted, calls or hypercalls)
    _check_features(hypercalls, enums)
    return Resolved(line, wanted, calls, hypercalls, structs, enums, declarations)


def _check_features(hypercalls: Iterable[Hypercall], enums: Iterable[EnumRow]) -> None:
    """A call can't wait for a feature that nobody can ask for."""
    known = {f"{row.name}.{member}" for row in enums for member, _ in row.members}
    for call in hypercalls:
        for feature in call.when:
            if feature not in known:
                raise SchemaError(f"hypercall {call.name}: when {feature} is not a feature that is declared")


def _check_numbers(line: Line, calls: Iterable[Call | Hypercall]) -> None:
    names: dict[int, str] = {}
    for call in calls:
        if call.number in names:
            raise SchemaError(
                f"line {line.name}: number {call.number} is used by {names[call.number]} and {call.name}"
            )
        names[call.number] = call.name
    refuse_twins(f"line {line.name}, calls", names.values())


def _since(table: Mapping[str, tuple[_T, ...]], wanted: Version) -> list[_T]:
    order = sorted(table, key=Version.parse)
    return [item for text in order if Version.parse(text) <= wanted for item in table[text]]


def _structs(line: Line, wanted: Version) -> tuple[tuple[StructRow, ...], dict[str, AnyConstruct]]:
    """Rows in an order in which C can take them: a nested struct stands before its user, once."""
    rows: dict[str, StructRow] = {}
    declarations: dict[str, AnyConstruct] = {}

    def add(row: StructRow) -> None:
        if not row.name.startswith(prefixes):
            raise SchemaError(f"line {line.name}: struct {row.name} does not begin with {prefixes[0]}")
        for field_row in row.fields:
            if field_row.nested is not None:
                add(field_row.nested)
        if rows.setdefault(row.name, row) != row:
            raise SchemaError(f"line {line.name}: struct {row.name} is declared twice, and differently")

    prefixes = line.prefixes or (f"{line.family}_",)
    for declaration in _since(line.structs, wanted):
        resolved = resolve_struct(declaration, wanted)
        row = walk(resolved)
        if row.name in declarations:
            raise SchemaError(f"line {line.name}: struct {row.name} is declared twice")
        add(row)
        declarations[peel_name(resolved)[0] or row.name] = resolved
    return tuple(rows.values()), declarations


def _enums(line: Line, wanted: Version, calls: Iterable[Call | Hypercall]) -> tuple[EnumRow, ...]:
    rows = []
    numbers = tuple((call.name, call.number) for call in calls)
    if numbers:
        doc = "Numbers of the paravirt calls." if line.calls else "Numbers of the hypercalls."
        rows.append(EnumRow(line.call_enum, numbers, doc=doc))
    for declared in _since(line.enums, wanted):
        rows.append(_enum_row(line, declared))
    refuse_twins(f"line {line.name}, enumerations", (row.name for row in rows))
    refuse_twins(
        f"line {line.name}, constants",
        (row.c_name(line.family, member) for row in rows for member, _ in row.members),
    )
    return tuple(rows)


def _enum_row(line: Line, declared: AnyEnum) -> EnumRow:
    where = f"line {line.name}, enumeration {declared.__name__}"
    members = []
    for name, value in declared.__members__.items():
        if line.executable and not 0 <= int(value) < 1 << 64:
            raise SchemaError(f"{where}, member {name}: {int(value)} is not an unsigned number")
        members.append((check_member_name(where, name), int(value)))
    if not members:
        raise SchemaError(f"{where}: no members")
    flags = issubclass(declared, enum.IntFlag)
    return EnumRow(declared.__name__, tuple(members), flags, " ".join((declared.__doc__ or "").split()))
