"""The shipped guests and the lock over them: ``romsrc/blobs/NAME.elf`` and ``guests.json``.

As for ROMs: anyone can verify the sha256 without a toolchain, and whoever has the pinned one makes
the bits again.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from vmirom.files import write_whole
from vmirom.guest.build import BuiltGuest, build_guest, kit_sources
from vmirom.rom.errors import BuildError
from vmirom.schema.errors import AbiError
from vmirom.schema.places import source_tree

__all__ = [
    "LockedGuest",
    "build_one",
    "guest_blob",
    "guest_names",
    "guest_sources",
    "main",
    "read_guest_lock",
]

_CONFORM: Final = "conform-"
_CHECKING: Final = "checking"
_PROBING: Final = "probing"
_PROBES: Final = ("probe-xen", "probe-kvm", "probe-lguest")
_WHOLE_FOLDERS: Final = ("reference", "player", *_PROBES, "probe-option")
"""A folder with a linker script of its own holds a bare kernel for one hypervisor."""
_REPLACED: Final = ("start.S", "attach.c")
"""Of the kit: what a folder with an ``entry.S`` brings a form of its own of."""
_LOCK: Final = "guests.json"


class LockedGuest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One shipped guest: what it is, and what it was made from and with."""

    name: str
    size: int
    sha256: str
    toolchain: str
    inputs: dict[str, str]


class _Lock(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    guests: list[LockedGuest]


def guest_names() -> tuple[str, ...]:
    """All shipped guests; those that check conformance are found by their sources. Raises AbiError."""
    folder = source_tree("romsrc") / "guest" / "conform"
    return (*_WHOLE_FOLDERS, *sorted(f"{_CONFORM}{source.stem}" for source in folder.glob("*.c")))


def guest_sources(name: str) -> tuple[Path, ...]:
    """Sources of a guest, sorted; those of a folder that guests share come with them. Raises AbiError."""
    folder = source_tree("romsrc") / "guest"
    if name.startswith(_CONFORM):
        own = (folder / "conform").glob(f"{name.removeprefix(_CONFORM)}.[cS]")
    else:
        own = (folder / name).glob("*.[cS]")
    shared = _shared_folder(name)
    return tuple(sorted((*own, *((folder / shared).glob("*.[cS]") if shared else ()))))


def _shared_folder(name: str) -> str | None:
    """The folder whose sources a guest has besides its own."""
    if name in _PROBES:
        return _PROBING
    return _CHECKING if name.startswith(_CONFORM) or name == "reference" else None


def guest_blob(name: str) -> Path:
    """Where a shipped guest is. Raises AbiError."""
    return source_tree("romsrc") / "blobs" / f"{name}.elf"


def read_guest_lock() -> tuple[LockedGuest, ...]:
    """The lock. Raises BuildError if it is missing or malformed."""
    path = source_tree("romsrc") / "blobs" / _LOCK
    try:
        return tuple(msgspec.json.decode(path.read_bytes(), type=_Lock).guests)
    except (OSError, msgspec.DecodeError) as error:
        raise BuildError(f"{path}: {error}") from None


def _locked(name: str, built: BuiltGuest) -> LockedGuest:
    return LockedGuest(f"{name}.elf", len(built.data), built.sha256, built.toolchain, built.inputs)


def build_one(name: str, toolchain: str = "zig") -> BuiltGuest:
    """Build a shipped guest, warnings being errors. Raises BuildError, AbiError."""
    folder = source_tree("romsrc") / "guest" / name
    script, sources = folder / "guest.ld", guest_sources(name)
    if (folder / "entry.S").is_file():
        kit = [source for source in kit_sources() if source.name not in _REPLACED]
        return build_guest([*kit, *sources], toolchain, kit=False, strict=True)
    bare = script.is_file()
    return build_guest(sources, toolchain, kit=not bare, strict=True, script=script if bare else None)


def build_shipped(check: bool) -> tuple[bool, list[str]]:
    """Make all shipped guests with the pinned toolchain; with ``check`` write nothing. Whether nothing had to
    change, and a line for each. Raises BuildError, OSError.
    """
    good, lines, locked = True, [], []
    for name in guest_names():
        built = build_one(name)
        path = guest_blob(name)
        same = path.is_file() and path.read_bytes() == built.data
        good &= same
        if not same and not check:
            write_whole(path, built.data)
        state = "current" if same else ("differs from its sources" if check else "written")
        lines.append(f"{path.name}: {len(built.data)} bytes, {state}")
        locked.append(_locked(name, built))
    text = msgspec.json.format(msgspec.json.encode(_Lock(locked)), indent=2) + b"\n"
    lock = source_tree("romsrc") / "blobs" / _LOCK
    if not lock.is_file() or lock.read_bytes() != text:
        good = False
        lines.append(f"{_LOCK}: " + ("differs from what was built" if check else "written"))
        if not check:
            write_whole(lock, text)
    return good, lines


def main(arguments: Sequence[str] | None = None) -> int:
    """``python -m vmirom.guest.shipped [--check]``: make the shipped guests again."""
    about = (main.__doc__ or "").strip()
    parser = argparse.ArgumentParser(prog="python -m vmirom.guest.shipped", description=about)
    parser.add_argument("--check", action="store_true", help="write nothing; fail if anything would change")
    options = parser.parse_args(arguments)
    try:
        good, lines = build_shipped(options.check)
    except (AbiError, BuildError, OSError) as error:
        print(f"vmirom: {error}", file=sys.stderr)
        return 2
    print("\n".join(lines))
    return 0 if good or not options.check else 1


if __name__ == "__main__":
    sys.exit(main())
