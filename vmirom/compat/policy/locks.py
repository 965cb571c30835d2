"""The locks beside a tree: found, read, and refused if anybody edited them."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from vmirom.compat.errors import CompatError
from vmirom.compat.load import LIMIT
from vmirom.compat.locks import read_lock
from vmirom.compat.model import Declaration
from vmirom.files import read_bounded
from vmirom.generate.seals import CONTENT, Recorded, content_hash
from vmirom.schema.versions import Version

__all__ = ["FrozenLock", "read_locks", "read_sealed"]

_NAME: Final = re.compile(r"(?P<line>[A-Za-z0-9_]+)-(?P<version>[0-9]+(\.[0-9]+){0,3})\.json", re.ASCII)


@dataclass(frozen=True, slots=True)
class FrozenLock:
    """A lock whose seal is whole: the declaration in it, and what was recorded when it was frozen. The
    lock of a version that is still being worked on is not ``recorded.frozen``."""

    path: Path
    declaration: Declaration
    recorded: Recorded

    @property
    def version(self) -> Version:
        return Version.parse(self.declaration.version)


def read_locks(folder: Path) -> dict[str, list[FrozenLock]]:
    """Every lock in ``folder`` by line, oldest version first; none where there is no folder. Raises
    CompatError."""
    if not folder.is_dir():
        return {}
    found: dict[str, list[FrozenLock]] = {}
    for path in sorted(folder.glob("*.json")):
        match = _NAME.fullmatch(path.name)
        if match is None:
            raise CompatError(f"{path}: name: a lock is called LINE-VERSION.json")
        lock = read_sealed(path)
        if (lock.declaration.line, lock.declaration.version) != (match["line"], match["version"]):
            raise CompatError(
                f"{path}: line, version: it is {lock.declaration.name}, its name says otherwise"
            )
        found.setdefault(match["line"], []).append(lock)
    for locks in found.values():
        locks.sort(key=lambda each: each.version)
    return found


def read_sealed(path: Path) -> FrozenLock:
    """One lock. Raises CompatError if it is malformed, has no hash, or was edited."""
    try:
        data = read_bounded(path, LIMIT)
    except OSError as error:
        raise CompatError(f"{path}: {error.strerror or 'can not be read'}") from None
    if len(data) > LIMIT:
        raise CompatError(f"{path}: size: more than {LIMIT >> 20} MiB")
    declaration = read_lock(data, str(path))
    plain: dict[str, Any] = json.loads(data)
    if not plain.get(CONTENT):
        raise CompatError(f"{path}: {CONTENT}: missing: this lock was not written by vmirom abi freeze")
    if plain[CONTENT] != content_hash(plain):
        raise CompatError(f"{path}: {CONTENT}: the hash is not that of the lock: it was edited by hand")
    roms = plain.get("roms", {})
    for name, digest in roms.items():
        if not isinstance(digest, str) or not re.fullmatch(r"[0-9a-f]{64}", digest):
            raise CompatError(f"{path}: roms.{name}: not a sha256")
    return FrozenLock(
        path, declaration, Recorded(plain.get("frozen") is True, roms, plain.get("clauses") or {})
    )
