"""The seal of a lock: what was recorded when its version was frozen, and a hash over all it says.

The hash guards against no attacker: it makes an edit by hand visible, because whoever edits a lock by hand
does not compute it, and whoever computes it is told by ``vmirom abi check`` that lock and tree differ. The
hashes of ROMs and the clauses are recorded when a version is frozen and carried along afterwards; the rest
of a lock is always what ``abi/`` says.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["CONTENT", "Recorded", "content_hash", "recorded_in", "sealed", "text"]

CONTENT = "content"
"""The key of the hash."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a lock says beyond its declaration: whether its version is frozen, sha256 of each ROM of it by
    file name, and its clauses by id (as plain data)."""

    frozen: bool = False
    roms: Mapping[str, str] = field(default_factory=dict)
    clauses: Mapping[str, Any] = field(default_factory=dict)


def text(data: Mapping[str, Any]) -> str:
    """Canonical JSON: keys sorted, one space deep, ASCII, a newline at the end."""
    return json.dumps(data, indent=1, sort_keys=True, ensure_ascii=True) + "\n"


def content_hash(data: Mapping[str, Any]) -> str:
    """``sha256:...`` over the canonical text of ``data`` without its own hash."""
    rest = {key: value for key, value in data.items() if key != CONTENT}
    return "sha256:" + hashlib.sha256(text(rest).encode("ascii")).hexdigest()


def sealed(data: Mapping[str, Any], recorded: Recorded) -> dict[str, Any]:
    """``data`` with what was recorded, and the hash over both."""
    whole: dict[str, Any] = {**data, "frozen": recorded.frozen}
    if recorded.roms:
        whole["roms"] = dict(recorded.roms)
    if recorded.clauses:
        whole["clauses"] = dict(recorded.clauses)
    whole[CONTENT] = content_hash(whole)
    return whole


def recorded_in(file: Path) -> Recorded:
    """What the lock at ``file`` records; nothing where there is no lock, or none that can be read (whoever
    compares the lock with its declaration finds that it differs)."""
    try:
        data = json.loads(file.read_bytes())
    except (OSError, ValueError, RecursionError):
        return Recorded()
    if not isinstance(data, dict):
        return Recorded()
    frozen = data.get("frozen") is True
    roms, clauses = data.get("roms", {}), data.get("clauses", {})
    edited = data.get(CONTENT) != content_hash(data)
    if edited or not isinstance(roms, dict) or not isinstance(clauses, dict):
        return Recorded(frozen)
    return Recorded(frozen, roms, clauses)
