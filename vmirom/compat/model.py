"""A line at one version, as plain values: what is compared, and nothing that only explains.

The values know nothing of where they came from. What a source doesn't state is None, and is never taken
for an empty list.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from vmirom.compat.findings import Identity

__all__ = [
    "Call",
    "Clause",
    "Declaration",
    "Dispatch",
    "Enumeration",
    "Field",
    "Layout",
    "Mechanism",
    "Value",
    "registers_of",
]


class Dispatch(enum.Enum):
    """How a guest finds a call."""

    SLOTS = "fixed slots"
    RELOCATION = "relocation"
    HYPERCALL = "hypercall number"
    UNSTATED = "unstated"


@dataclass(frozen=True, slots=True)
class Value:
    """An argument or a result. ``place`` is a register, a pair high:low, ``stN``, or empty where a value
    is bound to nothing. ``values`` names enumerations that its bits come from. ``optional``: an argument
    that is read only when another one asks for it."""

    name: str
    type: str
    place: str
    values: tuple[str, ...] = ()
    optional: bool = False

    def __str__(self) -> str:
        what = "optional " if self.optional else ""
        return f"{what}{self.name}: {self.type} in {self.place or 'nothing'}"


@dataclass(frozen=True, slots=True)
class Call:
    """A call or hypercall. ``kind`` is function, procedure or jump; parts that no source states are None.
    ``results`` are all registers that carry something back, the value returned first. ``when``: features
    (``Feature.PV_SEND_IPI``) that must be set for the call to be there at all."""

    number: int
    name: str
    kind: str | None
    arguments: tuple[Value, ...] | None
    results: tuple[Value, ...] | None
    clobbers: frozenset[str] | None
    segments: frozenset[str] | None
    clauses: frozenset[str] | None = None
    doc: str | None = None
    when: tuple[str, ...] = ()

    @property
    def contract(self) -> tuple[object, ...]:
        """All that binds, without name and number."""
        return (self.kind, self.arguments, self.results, self.clobbers, self.segments)

    @property
    def published(self) -> bool:
        """Whether anything of a contract is stated."""
        return any(part is not None for part in (self.kind, self.arguments, self.clobbers, self.segments))


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a struct; offset and size in bytes, ``size`` that of the whole array."""

    name: str
    offset: int
    size: int
    type: str
    count: int | None = None
    values: str | None = None
    reserved: bool = False
    const: int | str | None = None

    @property
    def end(self) -> int:
        """Offset of the first byte behind."""
        return self.offset + self.size


@dataclass(frozen=True, slots=True)
class Layout:
    """A struct: fields in the order of their offsets, size in bytes."""

    name: str
    size: int
    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class Enumeration:
    """Named values; ``flags`` if they are bits that are combined."""

    name: str
    members: tuple[tuple[str, int], ...]
    flags: bool = False


@dataclass(frozen=True, slots=True)
class Clause:
    """A promise (``who`` is "ROM") or a duty (``who`` is "guest"); ``when`` in words, empty for always;
    ``calls`` that it binds, as far as the source names them."""

    id: str
    text: str
    who: str
    revision: str = ""
    when: str = ""
    calls: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Mechanism:
    """How calls are reached. Slot sizes and offsets in bytes; ``entries`` are code at fixed offsets of the
    header, ``types`` the answers of relocation."""

    dispatch: Dispatch
    slot_size: int | None = None
    slot_count: int | None = None
    first_slot: int | None = None
    base: int | None = None
    entries: tuple[tuple[str, int], ...] = ()
    types: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Declaration:
    """One version of a line. ``identity`` is what guests recognise a ROM by; ``clauses`` is None where the
    source has none to state; ``unstated`` names other parts (calls, structs, enums) that the source has no
    word of; ``notes`` say what the source leaves out."""

    line: str
    version: str
    source: str
    calls: tuple[Call, ...] = ()
    header: Layout | None = None
    structs: tuple[Layout, ...] = ()
    enums: tuple[Enumeration, ...] = ()
    mechanism: Mechanism = field(default_factory=lambda: Mechanism(Dispatch.UNSTATED))
    identity: Mapping[str, str] = field(default_factory=dict)
    clauses: tuple[Clause, ...] | None = None
    notes: tuple[str, ...] = ()
    unstated: frozenset[str] = frozenset()

    @property
    def name(self) -> Identity:
        """Line, version and source."""
        return Identity(self.line, self.version, self.source)

    def with_source(self, source: str) -> Declaration:
        """The same, read from elsewhere."""
        return replace(self, source=source)


def registers_of(place: str) -> tuple[str, ...]:
    """Registers of a place; none for a stack word or for nothing."""
    return () if not place or place.startswith("st") else tuple(place.split(":"))
