"""``vmirom abi freeze X.Y``: the lock of a version that is given out from now on.

A lock is what the tree says, in canonical form, with the hashes of the ROMs of that version, its clauses,
and a hash over all of it. Once frozen a version never changes: freezing it again does nothing if the tree
still says the same, and is refused if it does not. A historic line is frozen without clauses: those are our
own words for what it was.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vmirom.compat.errors import CompatError
from vmirom.compat.findings import Identity, Severity
from vmirom.compat.formats.sheet import Entry, Section, Sheet
from vmirom.compat.load import from_resolved
from vmirom.compat.model import Declaration
from vmirom.compat.policy.check import Compare, Verdict, compare_all
from vmirom.compat.policy.locks import read_locks
from vmirom.compat.policy.places import shown
from vmirom.files import write_whole
from vmirom.generate.locks import lock
from vmirom.generate.seals import Recorded
from vmirom.schema.tree import AbiTree
from vmirom.schema.versions import Version

__all__ = ["Frozen", "freeze"]


@dataclass(frozen=True, slots=True)
class Frozen:
    """What came of freezing: the lock's path, whether it was written, how many ROMs and clauses it
    records; or, with ``refused``, the difference to the version before that its number does not allow."""

    path: Path
    written: bool
    roms: int = 0
    clauses: int = 0
    refused: Verdict | None = None


def freeze(
    tree: AbiTree,
    line: str,
    version: str,
    *,
    locks: Path,
    blobs: Path,
    compare: Compare = compare_all,
) -> Frozen:
    """Write the lock of one declared version. Raises AbiError and CompatError."""
    resolved = tree.resolve(line, version)
    text_version = str(resolved.version)
    path = locks / f"{line}-{text_version}.json"
    now = from_resolved(resolved, tree).with_source(shown(tree.folder))
    known = read_locks(locks).get(line, [])
    old = next((each for each in known if each.version == resolved.version), None)
    clauses = _clauses(now) if resolved.line.executable else {}
    recorded = Recorded(True, _roms(blobs, line, text_version), clauses)
    if old is not None and old.recorded.frozen:
        same = lock(resolved, old.recorded) == path.read_text(encoding="utf-8")
        if not same or (old.recorded.clauses and old.recorded.clauses != clauses):
            what = "the tree says something else" if not same else "its clauses say something else"
            rule = f"{line} {version} is frozen, and {what}; declare a new version"
            raise CompatError(f"{path}: {rule}")
        if old.recorded.roms or old.recorded.clauses or not (recorded.roms or recorded.clauses):
            return Frozen(path, False, len(old.recorded.roms), len(old.recorded.clauses))
    before = [each for each in known if each.recorded.frozen and each.version < resolved.version]
    if before and before[-1].version.major == resolved.version.major:
        refused = _bump(compare, before[-1].declaration, now, resolved.version, before[-1].version)
        if refused is not None:
            return Frozen(path, False, refused=refused)
    try:
        locks.mkdir(parents=True, exist_ok=True)
        write_whole(path, lock(resolved, recorded).encode("ascii"))
    except OSError as error:
        raise CompatError(f"{path}: {error.strerror or 'can not be written'}") from None
    return Frozen(path, True, len(recorded.roms), len(recorded.clauses))


def _bump(
    compare: Compare, left: Declaration, right: Declaration, version: Version, before: Version
) -> Verdict | None:
    """What a version of the same major may not have frozen into it."""
    report = compare(left, right)
    bad = tuple(Entry(each) for each in report.findings if each.severity is Severity.BREAKING)
    if not bad:
        return None
    side = Identity(left.line, str(before), left.source)
    return Verdict(Sheet("abi freeze", (Section(side, right.name, bad, report.notes),)))


def _roms(blobs: Path, line: str, version: str) -> dict[str, str]:
    """sha256 of each shipped ROM of the version by file name. Raises CompatError if one is not what the
    ROMs' own lock says."""
    table = blobs / "roms.json"
    if not table.is_file():
        return {}
    try:
        rows = json.loads(table.read_bytes())["roms"]
        wanted = {row["name"]: row["sha256"] for row in rows if row["abi"] == version}
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        raise CompatError(f"{table}: not a lock of ROMs; run vmirom rom build") from None
    found: dict[str, str] = {}
    for name, digest in sorted(wanted.items()):
        if not str(name).startswith(f"{line}-{version}-"):
            continue
        try:
            found[name] = hashlib.sha256((blobs / name).read_bytes()).hexdigest()
        except OSError as error:
            raise CompatError(f"{blobs / name}: {error.strerror}") from None
        if found[name] != digest:
            raise CompatError(f"{blobs / name}: sha256: not the one in roms.json; run vmirom rom build")
    return found


def _clauses(declaration: Declaration) -> Mapping[str, Any]:
    return {
        clause.id: {
            "text": clause.text,
            "who": clause.who,
            "revision": clause.revision,
            "when": clause.when,
            "calls": list(clause.calls),
        }
        for clause in declaration.clauses or ()
    }
