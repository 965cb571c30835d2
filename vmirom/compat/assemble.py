"""What follows from a declaration's parts, whatever source they came from: header, mechanism, identity."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from vmirom.compat.model import Call, Clause, Declaration, Dispatch, Enumeration, Layout, Mechanism

__all__ = ["HEADER_SUFFIX", "IDENTITY_WORDS", "RELOC_ENUM", "assemble", "is_call_table"]

HEADER_SUFFIX = "rom_header"
"""The struct whose name ends so is the ROM's header."""
RELOC_ENUM = "Reloc"
"""The enumeration of that name holds the answers of relocation."""
IDENTITY_WORDS = ("signature", "vendor", "device", "license", "licence")
_ENTRIES = ("vmi_init", "get_reloc")


def assemble(
    line: str,
    version: str,
    source: str,
    *,
    calls: tuple[Call, ...],
    structs: tuple[Layout, ...],
    enums: tuple[Enumeration, ...],
    clauses: tuple[Clause, ...] | None = None,
    mechanism: Mechanism | None = None,
    hypercalls: bool = False,
    notes: tuple[str, ...] = (),
    unstated: frozenset[str] = frozenset(),
) -> Declaration:
    """A declaration of its parts. Calls are put in the order of their numbers."""
    header = next((each for each in structs if each.name.endswith(HEADER_SUFFIX)), None)
    own = tuple(each for each in enums if not is_call_table(each, calls))
    return Declaration(
        line,
        version,
        source,
        tuple(sorted(calls, key=lambda call: (call.number, call.name))),
        header,
        tuple(each for each in structs if each is not header),
        own,
        _mechanism(header, own, hypercalls) if mechanism is None else replace(mechanism, types=_types(own)),
        _identity(header, own),
        clauses,
        notes,
        unstated,
    )


def is_call_table(enumeration: Enumeration, calls: Iterable[Call]) -> bool:
    """Whether an enumeration only repeats the numbers of the calls."""
    return bool(enumeration.members) and dict(enumeration.members) == {c.name: c.number for c in calls}


def _mechanism(header: Layout | None, enums: tuple[Enumeration, ...], hypercalls: bool) -> Mechanism:
    if hypercalls:
        return Mechanism(Dispatch.HYPERCALL)
    fields = {} if header is None else {each.name: each.offset for each in header.fields}
    entries = tuple((name, fields[name]) for name in _ENTRIES if name in fields)
    types = _types(enums)
    if not entries and not types:
        return Mechanism(Dispatch.UNSTATED)
    return Mechanism(Dispatch.RELOCATION, entries=entries, types=types)


def _types(enums: tuple[Enumeration, ...]) -> tuple[tuple[str, int], ...]:
    return next((each.members for each in enums if each.name == RELOC_ENUM), ())


def _identity(header: Layout | None, enums: tuple[Enumeration, ...]) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for enumeration in enums:
        if enumeration.name == "RomHeader":
            for name, value in enumeration.members:
                if any(word in name.lower() for word in IDENTITY_WORDS):
                    found[name.lower()] = f"{value:#x}"
    for each in header.fields if header else ():
        if each.const is not None and any(word in each.name.lower() for word in IDENTITY_WORDS):
            found[each.name] = f"{each.const:#x}" if isinstance(each.const, int) else each.const
    return found
