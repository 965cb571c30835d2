"""What a call is: number, name, registers in and out, what it may destroy, since when, and its promise.

The same rows describe a VMI call (the guest's side) and, with fewer duties, a hypercall (the
hypervisor's side).
"""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass, field

from vmirom.schema.errors import SchemaError
from vmirom.schema.names import check_member_name, refuse_twins
from vmirom.schema.types import C_TYPES, width
from vmirom.schema.versions import Version

__all__ = [
    "ALL_SEGMENTS",
    "CODE_STACK",
    "FLAGS_ONLY",
    "MEMORY_ONLY",
    "NOTHING",
    "STANDARD",
    "STANDARD_MEMORY",
    "Argument",
    "Call",
    "Hypercall",
    "Kind",
    "Result",
    "function",
    "jump",
    "procedure",
    "published",
    "unpublished",
    "width",
]


class Kind(enum.Enum):
    """What becomes of the caller: it gets a value, it goes on, or it never returns."""

    FUNCTION = "function"
    PROCEDURE = "procedure"
    JUMP = "jump"


STANDARD = ("EAX", "ECX", "EDX", "flags")
STANDARD_MEMORY = ("EAX", "ECX", "EDX", "flags", "memory")
FLAGS_ONLY = ("flags",)
MEMORY_ONLY = ("memory",)
NOTHING: tuple[str, ...] = ()
ALL_SEGMENTS = ("CS", "SS", "DS", "ES")
CODE_STACK = ("CS", "SS")

GENERAL = ("EAX", "ECX", "EDX", "EBX", "EBP", "ESI", "EDI")

_CLAUSE = re.compile(r"VMI-[A-Z]+-[0-9]{2}", re.ASCII)
_STACK = re.compile(r"st([0-9]|[1-9][0-9])", re.ASCII)


def registers(place: str) -> tuple[str, ...]:
    """Registers of a place, low word first: ``EDX:EAX`` -> (EAX, EDX); none for a stack word, or where a
    historic list binds a value to nothing."""
    return () if not place or place.startswith("st") else tuple(reversed(place.split(":")))


def stack_words(place: str, type_name: str) -> tuple[int, ...]:
    """Stack words (0 is at ESP+4 on entry) that a place takes."""
    if not (match := _STACK.fullmatch(place)):
        return ()
    first = int(match[1])
    return tuple(range(first, first + (2 if width(type_name) == 64 else 1)))


@dataclass(frozen=True, slots=True)
class Argument:
    """One input. ``place`` is a register (``EAX``), a pair high:low (``EDX:EAX``) or ``stN``, the stack
    word at ESP+4+4*N on entry. ``values`` names enumerations its bits come from. ``optional``: it is read
    only when another argument asks for it, so that a caller who never heard of it is understood."""

    name: str
    type: str
    place: str
    values: tuple[str, ...] = ()
    optional: bool = False

    @property
    def ctype(self) -> str:
        """C type; addresses are u32, for host code may be 64-bit."""
        return "u32" if self.type.endswith("*") else C_TYPES[self.type][0]


@dataclass(frozen=True, slots=True)
class Result:
    """The value a function returns, or one of several registers that carry results."""

    name: str
    type: str
    place: str
    values: tuple[str, ...] = ()

    @property
    def ctype(self) -> str:
        return "u32" if self.type.endswith("*") else C_TYPES[self.type][0]


@dataclass(frozen=True, slots=True)
class Call:
    """A paravirt call. ``kind``, ``arguments``, ``clobbers`` and ``segments`` are None for a number that
    was assigned without a published contract. ``verbatim``: history, kept as it was published with its
    defects (values bound to no register, two results in one place), which ``vmirom abi lint`` names."""

    number: int
    name: str
    kind: Kind | None
    arguments: tuple[Argument, ...] | None
    result: Result | None
    outputs: tuple[Result, ...]
    clobbers: tuple[str, ...] | None
    segments: tuple[str, ...] | None
    doc: str
    since: Version
    group: str = ""
    clauses: tuple[str, ...] = ()
    verbatim: bool = False

    def __post_init__(self) -> None:
        _check_call(self)

    @property
    def preserved(self) -> tuple[str, ...] | None:
        """General registers that survive the call; ESP always does."""
        if self.clobbers is None:
            return None
        changed = set(self.clobbers)
        for result in (*self.outputs, *((self.result,) if self.result else ())):
            changed.update(registers(result.place))
        return tuple(name for name in GENERAL if name not in changed)

    @property
    def stack_bytes(self) -> int:
        """Bytes of stack arguments; the caller removes them."""
        words = [word for arg in self.arguments or () for word in stack_words(arg.place, arg.type)]
        return 4 * (max(words) + 1) if words else 0


@dataclass(frozen=True, slots=True)
class Hypercall:
    """One number of a hypervisor's ABI; ``subops`` names the enumeration its first argument is from.
    ``when``: features (``Feature.PV_SEND_IPI``, a member of an enumeration of the line) without which the
    number answers as one that doesn't exist; a guest asks for them before it makes the call."""

    number: int
    name: str
    arguments: tuple[Argument, ...] = ()
    doc: str = ""
    subops: str = ""
    since: Version = field(default_factory=lambda: Version((0,)))
    when: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        where = f"hypercall {self.name}"
        check_member_name(where, self.name)
        _check_number(where, self.number)
        _check_places(where, self.arguments)
        for feature in self.when:
            if feature.count(".") != 1:
                raise SchemaError(f"{where}: when {feature!r} is not of the form ENUMERATION.MEMBER")
        refuse_twins(f"{where}, when", self.when)


def _check_number(where: str, number: int) -> None:
    if not 0 <= number < 1 << 32:
        raise SchemaError(f"{where}: number {number!r} is not a 32-bit unsigned integer")


def _check_place(where: str, what: str, place: str, type_name: str) -> None:
    bits = width(type_name)
    if _STACK.fullmatch(place):
        return
    names = registers(place)
    if not names or len(set(names)) != len(names) or any(name not in GENERAL for name in names):
        raise SchemaError(f"{where}, {what}: {place!r} is neither a register, a pair, nor a stack word")
    if len(names) != (2 if bits == 64 else 1):
        raise SchemaError(f"{where}, {what}: {type_name} of {bits} bits in {place}")


def _check_places(where: str, arguments: tuple[Argument, ...]) -> None:
    taken: dict[str | int, str] = {}
    for argument in arguments:
        try:
            _check_place(where, f"argument {argument.name}", argument.place, argument.type)
        except SchemaError as error:
            text = str(error)
            raise SchemaError(text if text.startswith(where) else f"{where}: {text}") from None
        used: tuple[str | int, ...] = registers(argument.place)
        used += stack_words(argument.place, argument.type)
        for place in used:
            if place in taken:
                shown = f"st{place}" if isinstance(place, int) else place
                raise SchemaError(f"{where}: {shown} holds both {taken[place]} and {argument.name}")
            taken[place] = argument.name
    words = sorted(place for place in taken if isinstance(place, int))
    if words != list(range(len(words))):
        raise SchemaError(f"{where}: stack words {words} leave a gap")
    if len({argument.name for argument in arguments}) != len(arguments):
        raise SchemaError(f"{where}: two arguments have the same name")


def _check_call(call: Call) -> None:
    where = f"call {call.name}"
    check_member_name(where, call.name)
    _check_number(where, call.number)
    for clause in call.clauses:
        if not _CLAUSE.fullmatch(clause):
            raise SchemaError(f"{where}: clause {clause!r} is not of the form VMI-AREA-NN")
    if not call.doc.strip():
        raise SchemaError(f"{where}: no doc says what is promised")
    if call.verbatim:
        return
    if call.arguments is None or call.clobbers is None or call.segments is None or call.kind is None:
        if any(part is not None for part in (call.arguments, call.clobbers, call.segments, call.kind)):
            raise SchemaError(f"{where}: a contract is published whole or not at all")
        return
    _check_places(where, call.arguments)
    for name in call.clobbers:
        if name not in (*GENERAL, "flags", "memory"):
            raise SchemaError(f"{where}: clobber {name!r} is neither a register, flags nor memory")
    for name in call.segments:
        if name not in ALL_SEGMENTS:
            raise SchemaError(f"{where}: segment {name!r} is not one of CS SS DS ES")
    if call.kind is Kind.FUNCTION and call.result is None:
        raise SchemaError(f"{where}: a function has a result")
    if call.kind is not Kind.FUNCTION and call.result is not None:
        raise SchemaError(f"{where}: a {call.kind.value} has no result")
    bound: set[str] = set()
    for result in call.outputs or ((call.result,) if call.result else ()):
        _check_place(where, f"result {result.name}", result.place, result.type)
        for name in registers(result.place):
            if name in bound:
                raise SchemaError(f"{where}: {name} carries two results")
            bound.add(name)


def _call(
    number: int,
    name: str,
    kind: Kind,
    arguments: tuple[Argument, ...],
    result: Result | None,
    outputs: tuple[Result, ...],
    clobbers: tuple[str, ...],
    segments: tuple[str, ...],
    doc: str,
    since: str,
    clauses: tuple[str, ...],
) -> Call:
    version = Version.parse(since)
    text = " ".join(doc.split())
    return Call(
        number, name, kind, arguments, result, outputs, clobbers, segments, text, version, "", clauses
    )


def function(
    number: int,
    name: str,
    *arguments: Argument,
    returns: Result,
    outputs: tuple[Result, ...] = (),
    clobbers: tuple[str, ...] = STANDARD,
    segments: tuple[str, ...] = ALL_SEGMENTS,
    doc: str,
    since: str = "3.0",
    clauses: tuple[str, ...] = (),
) -> Call:
    """A call that returns a value."""
    return _call(
        number, name, Kind.FUNCTION, arguments, returns, outputs, clobbers, segments, doc, since, clauses
    )


def procedure(
    number: int,
    name: str,
    *arguments: Argument,
    outputs: tuple[Result, ...] = (),
    clobbers: tuple[str, ...] = STANDARD,
    segments: tuple[str, ...] = ALL_SEGMENTS,
    doc: str,
    since: str = "3.0",
    clauses: tuple[str, ...] = (),
) -> Call:
    """A call that returns nothing."""
    return _call(
        number, name, Kind.PROCEDURE, arguments, None, outputs, clobbers, segments, doc, since, clauses
    )


def jump(
    number: int,
    name: str,
    *arguments: Argument,
    clobbers: tuple[str, ...] = NOTHING,
    segments: tuple[str, ...] = CODE_STACK,
    doc: str,
    since: str = "3.0",
    clauses: tuple[str, ...] = (),
) -> Call:
    """A call that does not come back to its caller."""
    return _call(number, name, Kind.JUMP, arguments, None, (), clobbers, segments, doc, since, clauses)


def published(
    number: int,
    name: str,
    kind: str | None,
    arguments: tuple[Argument, ...] | None,
    returns: Result | None = None,
    outputs: tuple[Result, ...] = (),
    *,
    clobbers: tuple[str, ...] | None,
    segments: tuple[str, ...] | None,
    doc: str,
    since: str,
) -> Call:
    """A call of a historic list, as that list has it: defects stay, what no source states is None."""
    text, which = " ".join(doc.split()), None if kind is None else Kind(kind)
    version = Version.parse(since)
    return Call(
        number,
        name,
        which,
        arguments,
        returns,
        outputs,
        clobbers,
        segments,
        text,
        version,
        verbatim=True,
    )


def unpublished(number: int, name: str, *, doc: str, since: str = "3.0") -> Call:
    """A number that was assigned and never got a published contract."""
    text = " ".join(doc.split())
    return Call(number, name, None, None, None, (), None, None, text, Version.parse(since))
