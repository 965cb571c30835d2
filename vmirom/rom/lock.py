"""The shipped ROMs and the lock over them: ``romsrc/blobs/vmi3-<abi>-<backend>.rom`` and ``roms.json``.

The lock records, for each ROM, what it is (name, size, sha256, ABI version), what it was made from (sha256 of
each source, toolchain), and what it answers for each call. Anyone can verify the first without a toolchain;
whoever has the pinned one can make the bits again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from vmirom.files import write_whole
from vmirom.overlays.vmi import Answer
from vmirom.rom.build import ABIS, BuiltRom, backend_names, build_versions
from vmirom.rom.errors import BuildError, RomError
from vmirom.rom.toolchain import Toolchain, find_toolchain
from vmirom.schema.errors import AbiError
from vmirom.schema.places import source_tree

__all__ = [
    "LOCK_NAME",
    "BuildReport",
    "Lock",
    "LockedRom",
    "blob_name",
    "blobs_folder",
    "build_all",
    "read_lock",
    "verify",
]

LOCK_NAME = "roms.json"
_LOCK_MAX = 4 << 20


class LockedRom(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One shipped ROM. ``answers`` is by call: native, nothing or translated; absent calls are left out."""

    name: str
    backend: str
    abi: str
    size: int
    sha256: str
    toolchain: str
    inputs: dict[str, str]
    answers: dict[str, str]


class Lock(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file ``roms.json``."""

    roms: list[LockedRom]


@dataclass(frozen=True, slots=True)
class BuildReport:
    """What a build of shipped ROMs found or did: one line each, and whether nothing had to change."""

    good: bool
    lines: tuple[str, ...]


def blobs_folder() -> Path:
    """Where the shipped ROMs are. Raises AbiError."""
    return source_tree("romsrc") / "blobs"


def blob_name(backend: str, abi: str) -> str:
    """File name of a shipped ROM."""
    return f"vmi3-{abi}-{backend}.rom"


def _locked(built: BuiltRom) -> LockedRom:
    answers = {
        slot.name: slot.answer.name.lower() for slot in built.slots if slot.answer is not Answer.ABSENT
    }
    return LockedRom(
        blob_name(built.backend, built.abi),
        built.backend,
        built.abi,
        len(built.data),
        hashlib.sha256(built.data).hexdigest(),
        built.toolchain,
        built.inputs,
        answers,
    )


def read_lock(folder: Path | None = None) -> Lock:
    """Read ``roms.json``. Raises RomError if it is missing or malformed."""
    path = (folder or blobs_folder()) / LOCK_NAME
    try:
        data = path.read_bytes()
    except OSError as error:
        raise RomError(str(path), "file", error.strerror or "can't be read") from None
    if len(data) > _LOCK_MAX:
        raise RomError(str(path), "size", f"more than {_LOCK_MAX} bytes")
    try:
        return msgspec.json.decode(data, type=Lock)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RomError(str(path), "json", str(error)) from None


def verify(folder: Path | None = None) -> tuple[str, ...]:
    """What does not agree between the lock and the files beside it, one line each. Raises RomError if there
    is no lock to compare with."""
    where = folder or blobs_folder()
    lock = read_lock(where)
    wrong: list[str] = []
    for rom in lock.roms:
        try:
            data = (where / rom.name).read_bytes()
        except OSError as error:
            wrong.append(f"{rom.name}: file: {error.strerror}")
            continue
        if len(data) != rom.size:
            wrong.append(f"{rom.name}: size: {len(data)}, the lock says {rom.size}")
        elif hashlib.sha256(data).hexdigest() != rom.sha256:
            wrong.append(f"{rom.name}: sha256: not the one in the lock")
    known = {rom.name for rom in lock.roms}
    present = [each.name for each in sorted(where.glob("*.rom"))]
    wrong += [f"{name}: not in the lock" for name in present if name not in known]
    return tuple(wrong)


def _difference(built: BuiltRom, old: bytes) -> str:
    """Where a ROM differs from the shipped one: the first byte, named by the slot or symbol it lies in."""
    new = built.data
    at = next((i for i, (a, b) in enumerate(zip(new, old, strict=False)) if a != b), min(len(new), len(old)))
    below = [(offset, name) for name, offset in built.symbols.items() if 0 < offset <= at]
    inside = f" in {max(below)[1]}" if below else " in the header"
    return f"differs from {at:#x} on{inside} ({len(old)} bytes before, {len(new)} now)"


def _compare(built: BuiltRom, folder: Path, check: bool) -> tuple[bool, str]:
    path = folder / blob_name(built.backend, built.abi)
    old = path.read_bytes() if path.is_file() else None
    if old == built.data:
        return True, f"{path.name}: {len(built.data)} bytes, unchanged"
    if check:
        return False, f"{path.name}: " + ("is missing" if old is None else _difference(built, old))
    write_whole(path, built.data)
    return True, f"{path.name}: {len(built.data)} bytes, " + ("new" if old is None else "changed")


def build_all(
    backends: Sequence[str] | None = None, *, toolchain: Toolchain | None = None, check: bool = False
) -> BuildReport:
    """Make the ROMs of these backends (default: all whose sources are there) for every ABI version and bring
    blobs and lock up to date, or with ``check`` only say what would change.

    Only the pinned toolchain makes shipped bits: with another, ``check`` is refused, and so is writing.
    Raises BuildError, OSError.
    """
    tools = toolchain or find_toolchain()
    if tools.name != "zig":
        raise BuildError(f"shipped ROMs are made by the pinned toolchain, not by {tools.name}; give -o FILE")
    try:
        folder = blobs_folder()
        names = tuple(backends) if backends is not None else backend_names()
    except AbiError as error:
        raise BuildError(str(error)) from None
    entries = {rom.name: rom for rom in _present(folder)}
    good, lines = True, []
    for built in (built for name in names for built in build_versions(name, ABIS, tools)):
        same, line = _compare(built, folder, check)
        lines.append(line)
        good &= same
        entry = _locked(built)
        if check and entries.get(entry.name) != entry:
            good = False
            lines.append(f"{LOCK_NAME}: {entry.name}: not what the sources make")
        entries[entry.name] = entry
    if not check:
        lock = Lock([entries[name] for name in sorted(entries)])
        write_whole(folder / LOCK_NAME, msgspec.json.format(msgspec.json.encode(lock), indent=1) + b"\n")
    return BuildReport(good, tuple(lines))


def _present(folder: Path) -> list[LockedRom]:
    return read_lock(folder).roms if (folder / LOCK_NAME).is_file() else []
