"""Where a declaration comes from: a line of an ABI tree, a lock, a ROM, or a guest."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from vmirom.compat.assemble import assemble
from vmirom.compat.errors import CompatError
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
)
from vmirom.files import read_bounded

if TYPE_CHECKING:
    from vmirom.schema import Argument, Resolved, Result
    from vmirom.schema.calls import Call as SchemaCall
    from vmirom.schema.tree import AbiTree

__all__ = ["LIMIT", "from_bytes", "from_resolved", "from_tree", "load"]

LIMIT: Final = 64 << 20
"""Bytes of the largest file that is read."""


def load(what: str, abi_dir: Path | None = None) -> Declaration:
    """The declaration that ``what`` names: ``LINE@VERSION``, ``LINE`` (its newest), or a file that is a
    lock, a ROM or a guest. ROMs and guests name a version, which is looked up in the tree. Raises
    CompatError, one line."""
    path = Path(what)
    if not _is_there(path):
        line, at, version = what.partition("@")
        if "/" in line or not line or (at and not version):
            raise CompatError(f"{_shown(what)}: no such file, and not of the form LINE@VERSION")
        return from_tree(line, version or None, abi_dir)
    return from_bytes(_read(path), _shown(what), abi_dir)


def from_bytes(data: bytes, name: str, abi_dir: Path | None = None) -> Declaration:
    """The declaration in a file's bytes. Raises CompatError."""
    if data.startswith(b"\x7fELF"):
        from vmirom.compat.images import from_guest

        return from_guest(data, name, abi_dir)
    if data.startswith(b"\x55\xaa"):
        from vmirom.compat.images import from_rom

        return from_rom(data, name, abi_dir)
    if data.lstrip()[:1] in (b"{", b"["):
        from vmirom.compat.locks import read_lock

        return read_lock(data, name)
    raise CompatError(f"{name}: neither a lock (JSON), nor a ROM (55 AA), nor a guest (ELF)")


def from_tree(line: str, version: str | None = None, abi_dir: Path | None = None) -> Declaration:
    """A line of an ABI tree (default: the project's own) at a version (default: the newest). Raises
    CompatError."""
    from vmirom.compat.ready import ready

    if abi_dir is None and (known := ready(line, version)) is not None:
        return known
    from vmirom.schema.errors import AbiError
    from vmirom.schema.tree import load_abi, load_own

    try:
        tree = load_own(line) if abi_dir is None else load_abi(abi_dir)
        resolved = tree.resolve(line, version)
        return from_resolved(resolved, tree)
    except AbiError as error:
        raise CompatError(" ".join(str(error).split())) from None


def from_resolved(resolved: Resolved, tree: AbiTree | None = None) -> Declaration:
    """A resolved line; with its tree, its clauses too. Raises AbiError for clauses that can't be loaded."""
    line, version = resolved.line, str(resolved.version)
    clauses = None if tree is None or line.name not in tree.lines else _clauses(tree, version)
    bound = None if tree is None or clauses is None else _bound(tree, version)
    slots = line.slots
    mechanism = None
    if slots is not None:
        mechanism = Mechanism(Dispatch.SLOTS, slots.size, slots.count, slots.first, slots.base)
    calls = tuple(_call(call, bound) for call in resolved.calls) + tuple(
        Call(
            each.number,
            each.name,
            None,
            tuple(_value(argument) for argument in each.arguments),
            None,
            None,
            None,
            when=each.when,
        )
        for each in resolved.hypercalls
    )
    return assemble(
        line.name,
        version,
        f"{line.name}@{version}",
        calls=calls,
        structs=tuple(
            Layout(
                row.name,
                row.size,
                tuple(
                    Field(f.name, f.offset, f.size, f.ctype, f.count, f.values, f.reserved, _const(f.const))
                    for f in row.fields
                ),
            )
            for row in resolved.structs
        ),
        enums=tuple(Enumeration(row.name, row.members, row.flags) for row in resolved.enums),
        clauses=clauses,
        mechanism=mechanism,
        hypercalls=bool(resolved.hypercalls) or not resolved.calls,
    )


def _const(value: int | bytes | None) -> int | str | None:
    return value.hex() if isinstance(value, bytes) else value


def _value(part: Argument | Result) -> Value:
    return Value(part.name, part.type, part.place, part.values, getattr(part, "optional", False))


def _call(call: SchemaCall, bound: dict[str, set[str]] | None) -> Call:
    results: tuple[Value, ...] | None = None
    if call.kind is not None:
        first = () if call.result is None else (_value(call.result),)
        taken = {value.place for value in first}
        results = first + tuple(_value(each) for each in call.outputs if each.place not in taken)
    return Call(
        call.number,
        call.name,
        None if call.kind is None else call.kind.value,
        None if call.arguments is None else tuple(_value(each) for each in call.arguments),
        results,
        None if call.clobbers is None else frozenset(call.clobbers),
        None if call.segments is None else frozenset(call.segments),
        None if bound is None else frozenset(bound.get(call.name, ())),
        call.doc,
    )


def _clauses(tree: AbiTree, version: str) -> tuple[Clause, ...] | None:
    from vmirom.schema.clauses import load_clauses

    found = load_clauses(tree).clauses
    if not found:
        return None
    return tuple(
        Clause(
            each.id,
            each.sentence,
            each.who.value,
            ", ".join(each.revision.stated),
            each.when.words,
            each.calls,
        )
        for each in found.values()
        if each.binds(version)
    )


def _bound(tree: AbiTree, version: str) -> dict[str, set[str]]:
    """Clauses that hold in a version, by the calls they bind."""
    from vmirom.schema.clauses import load_clauses

    bound: dict[str, set[str]] = {}
    for clause in load_clauses(tree).clauses.values():
        for name in clause.calls if clause.binds(version) else ():
            bound.setdefault(name, set()).add(clause.id)
    return bound


def _is_there(path: Path) -> bool:
    """Whether anything is called so, be it a link that leads nowhere."""
    try:
        path.lstat()
    except (OSError, ValueError):
        return False
    return True


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > LIMIT:
            raise CompatError(f"{_shown(path)}: size: more than {LIMIT >> 20} MiB")
        data = read_bounded(path, LIMIT)
    except IsADirectoryError:
        raise CompatError(f"{_shown(path)}: a folder, where a lock, a ROM or a guest is needed") from None
    except OSError as error:
        raise CompatError(f"{_shown(path)}: {error.strerror or 'can not be read'}") from None
    if len(data) > LIMIT:
        raise CompatError(f"{_shown(path)}: size: more than {LIMIT >> 20} MiB")
    return data


def _shown(path: Path | str) -> str:
    return str(path).encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
