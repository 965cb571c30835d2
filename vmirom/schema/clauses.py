"""What an ABI promises, as rows: one clause a promise, with a stable id.

A clause names its subject (the calls it binds), who owes it (the ROM with what stands behind it, or the
guest), when it applies, where it comes from, and which revisions it holds in. Declarations stand in
``abi/clauses``; the walk here is strict, so that no clause binds a call that does not exist and no condition
is one that nobody reads.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from vmirom.schema.calls import STANDARD, Call
from vmirom.schema.errors import AbiError, SchemaError
from vmirom.schema.tree import AbiTree, load_abi, load_part

__all__ = [
    "ADDED",
    "ALL",
    "BOTH",
    "CARRIED",
    "DOCUMENT",
    "EVERY",
    "EXECUTABLE",
    "NO_CLAUSES",
    "OLDEST",
    "SLOTS",
    "STD",
    "THREE",
    "Area",
    "Clause",
    "ClauseSet",
    "Counting",
    "Cpus",
    "Declared",
    "Feature",
    "Paging",
    "Revision",
    "When",
    "Who",
    "duty",
    "load_clauses",
    "promise",
    "walk_clauses",
]

_ID: Final = re.compile(r"VMI-([A-Z]+)-([0-9]{2})", re.ASCII)
_FEATURE: Final = re.compile(r"[a-z][a-z0-9-]*", re.ASCII)
EXECUTABLE: Final = ("3.0", "3.1")
"""Revisions that ROMs here are made for; the others are history."""
_REVISIONS: Final = ("6.1", "13.0", *EXECUTABLE)
EVERY: Final = ("*",)
"""Binds every call that has a published contract."""
STD: Final = ("std",)
"""Binds every call of the standard class: EAX, ECX, EDX and flags may change, memory perhaps."""


class Who(enum.Enum):
    """Who owes it."""

    ROM = "ROM"
    GUEST = "guest"


class Paging(enum.Enum):
    """Page-table format that must be in use."""

    ANY = "any paging"
    TWO_LEVEL = "32-bit page tables"
    PAE = "PAE page tables"


class Cpus(enum.Enum):
    """Number of processors there must be."""

    ANY = "any number of CPUs"
    ONE = "one CPU"
    SEVERAL = "several CPUs"


class Counting(enum.Enum):
    """Whether SetCounters must have switched counting on."""

    ANY = "counting on or off"
    ON = "counting on"
    OFF = "counting off"


@dataclass(frozen=True, slots=True)
class Feature:
    """Something that a ROM and its host may honestly lack. It is there if every call of ``calls`` is native
    or translated, every one of ``translated`` translated, and the backend is one of ``backends`` (no names:
    any)."""

    name: str
    doc: str
    calls: tuple[str, ...] = ()
    backends: tuple[str, ...] = ()
    translated: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class When:
    """Conditions, all of which must hold for a clause to apply."""

    features: tuple[str, ...] = ()
    paging: Paging = Paging.ANY
    cpus: Cpus = Cpus.ANY
    counting: Counting = Counting.ANY

    @property
    def words(self) -> str:
        """For people; empty for a clause that always applies."""
        modes = (self.paging, self.cpus, self.counting)
        return ", ".join([*self.features, *(mode.value for mode in modes if mode.name != "ANY")])


ALWAYS: Final = When()


@dataclass(frozen=True, slots=True)
class Revision:
    """Revisions whose sources state a clause. ``carried``: holds in 3.x too, where nobody wrote a
    specification, because the call is the same one."""

    stated: tuple[str, ...]
    carried: bool = False

    def binds(self, version: str) -> bool:
        """Whether a clause of this revision holds in ``version``; 3.1 keeps all of 3.0."""
        if version == "3.1" and self.binds("3.0"):
            return True
        return version in self.stated or (self.carried and version == "3.0")


SLOTS: Final = Revision(("6.1", "13.0"))
OLDEST: Final = Revision(("6.1",))
DOCUMENT: Final = Revision(("13.0",))
CARRIED: Final = Revision(("13.0",), carried=True)
BOTH: Final = Revision(("13.0", "3.0"))
THREE: Final = Revision(("3.0",))
ALL: Final = Revision(("6.1", "13.0", "3.0"))
ADDED: Final = Revision(("3.1",))


@dataclass(frozen=True, slots=True)
class Area:
    """A chapter of the contract: the middle part of its clauses' ids. Without ``calls`` its clauses speak
    of the image, of an entry or of an instruction, and need not bind a call."""

    name: str
    title: str
    calls: bool = True


@dataclass(frozen=True, slots=True)
class Clause:
    """One promise. ``decided`` says on what evidence a clause stands that its source only implies."""

    id: str
    sentence: str
    who: Who
    source: str
    revision: Revision
    calls: tuple[str, ...] = ()
    when: When = ALWAYS
    decided: str = ""

    @property
    def area(self) -> str:
        """The middle part of the id."""
        return self.id.split("-")[1]

    def binds(self, version: str) -> bool:
        """Whether it holds in a revision (``3.1``)."""
        return self.revision.binds(version)


@dataclass(frozen=True, slots=True)
class Declared:
    """What ``abi/clauses`` declares. ``historic`` are names of calls that only older revisions have."""

    areas: tuple[Area, ...]
    features: tuple[Feature, ...]
    historic: tuple[str, ...]
    clauses: tuple[Clause, ...]


@dataclass(frozen=True)
class ClauseSet:
    """Clauses that were walked: by id, in the order of areas and numbers, their calls spelt out."""

    clauses: Mapping[str, Clause]
    areas: Mapping[str, Area] = field(default_factory=dict)
    features: Mapping[str, Feature] = field(default_factory=dict)

    def of_call(self, name: str) -> tuple[Clause, ...]:
        """Clauses of an executable revision that bind a call."""
        return tuple(
            clause
            for clause in self.clauses.values()
            if name in clause.calls and any(clause.binds(version) for version in EXECUTABLE)
        )


NO_CLAUSES: Final = ClauseSet({})
"""Of a tree that declares none."""


def _clause(
    who: Who,
    identity: str,
    sentence: str,
    calls: tuple[str, ...],
    source: str,
    revision: Revision,
    when: When,
    decided: str,
) -> Clause:
    text, evidence = " ".join(sentence.split()), " ".join(decided.split())
    return Clause(identity, text, who, source, revision, calls, when, evidence)


def promise(
    identity: str,
    sentence: str,
    *calls: str,
    source: str,
    rev: Revision,
    when: When = ALWAYS,
    decided: str = "",
) -> Clause:
    """What the ROM, or the hypervisor behind it, owes the guest."""
    return _clause(Who.ROM, identity, sentence, calls, source, rev, when, decided)


def duty(
    identity: str,
    sentence: str,
    *calls: str,
    source: str,
    rev: Revision,
    when: When = ALWAYS,
    decided: str = "",
) -> Clause:
    """What the guest owes."""
    return _clause(Who.GUEST, identity, sentence, calls, source, rev, when, decided)


def walk_clauses(declared: Declared, calls: tuple[Call, ...]) -> ClauseSet:
    """Check every rule and spell calls out. Raises SchemaError."""
    areas = {area.name: area for area in declared.areas}
    features: dict[str, Feature] = {}
    names = tuple(call.name for call in calls)
    known = {*names, *declared.historic}
    for feature in declared.features:
        _check_feature(feature, known, features)
        features[feature.name] = feature
    found: dict[str, Clause] = {}
    for clause in declared.clauses:
        _check_words(clause)
        if clause.id in found:
            raise SchemaError(f"clause {clause.id}: declared twice")
        area = areas.get(clause.area)
        if area is None:
            raise SchemaError(f"clause {clause.id}: area {clause.area} is not one of {', '.join(areas)}")
        for name in clause.when.features:
            if name not in features:
                raise SchemaError(f"clause {clause.id}: feature {name!r} is not declared")
        found[clause.id] = _spelt_out(clause, area, calls, known, set(names))
    order = {name: at for at, name in enumerate(areas)}
    ordered = sorted(found.values(), key=lambda clause: (order[clause.area], clause.id))
    return ClauseSet({clause.id: clause for clause in ordered}, areas, features)


def _check_feature(feature: Feature, known: set[str], before: Mapping[str, Feature]) -> None:
    if not _FEATURE.fullmatch(feature.name):
        raise SchemaError(f"feature {feature.name!r}: not of the form some-thing")
    if feature.name in before:
        raise SchemaError(f"feature {feature.name}: declared twice")
    for call in (*feature.calls, *feature.translated):
        if call not in known:
            raise SchemaError(f"feature {feature.name}: no call is named {call!r}")


def _check_words(clause: Clause) -> None:
    if not _ID.fullmatch(clause.id):
        raise SchemaError(f"clause {clause.id!r}: not of the form VMI-AREA-NN")
    where = f"clause {clause.id}"
    if not clause.sentence.endswith("."):
        raise SchemaError(f"{where}: its sentence does not end with a full stop")
    if not clause.source.strip():
        raise SchemaError(f"{where}: no source")
    if "der." in clause.source and not clause.decided:
        raise SchemaError(f"{where}: derived, and nothing says how it was decided")
    stated = clause.revision.stated
    if not stated or any(name not in _REVISIONS for name in stated):
        given = ", ".join(stated) or "none"
        raise SchemaError(f"{where}: revisions {given} are not of {', '.join(_REVISIONS)}")


def _spelt_out(
    clause: Clause, area: Area, calls: tuple[Call, ...], known: set[str], current: set[str]
) -> Clause:
    where = f"clause {clause.id}"
    if not clause.calls:
        if area.calls:
            raise SchemaError(f"{where}: binds no call, and area {area.name} is about calls")
        return clause
    names = clause.calls
    if names == EVERY:
        names = tuple(call.name for call in calls if call.kind is not None)
    elif names == STD:
        names = tuple(call.name for call in calls if set(STANDARD) <= set(call.clobbers or ()))
    if len(set(names)) != len(names):
        raise SchemaError(f"{where}: names a call twice")
    allowed = current if any(clause.binds(version) for version in EXECUTABLE) else known
    for name in names:
        if name not in allowed:
            raise SchemaError(f"{where}: no call is named {name!r}")
    return Clause(
        clause.id,
        clause.sentence,
        clause.who,
        clause.source,
        clause.revision,
        names,
        clause.when,
        clause.decided,
    )


_walked: dict[Path, ClauseSet] = {}


def load_clauses(tree: AbiTree | None = None) -> ClauseSet:
    """The clauses of an ABI tree (default: the project's own); none for a tree without ``clauses``.

    Raises AbiError.
    """
    tree = tree or load_abi()
    if not tree.own:
        return _load(tree)
    if tree.folder not in _walked:
        _walked[tree.folder] = _load(tree)
    return _walked[tree.folder]


def _load(tree: AbiTree) -> ClauseSet:
    file = tree.folder / "clauses" / "__init__.py"
    if not file.is_file():
        return NO_CLAUSES
    declared = getattr(load_part(tree.folder, "clauses"), "CLAUSES", None)
    if not isinstance(declared, Declared):
        raise AbiError(f"{file}: CLAUSES is not a vmirom.schema.clauses.Declared")
    current = [line for line in tree.lines.values() if line.executable]
    calls = tuple(call for line in current for call in tree.resolve(line.name).calls)
    older = (line for line in tree.lines.values() if not line.executable)
    history = tuple(call.name for line in older for call in tree.resolve(line.name).calls)
    try:
        return walk_clauses(replace(declared, historic=declared.historic + history), calls)
    except SchemaError as error:
        raise AbiError(f"{file.parent}: {error}") from None
    except (TypeError, AttributeError, KeyError) as error:
        raise AbiError(f"{file}: CLAUSES: {type(error).__name__}: {' '.join(str(error).split())}") from None
