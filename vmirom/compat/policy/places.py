"""Where in the files of a tree the thing that a finding's place names is declared."""

from __future__ import annotations

import os
from functools import cached_property
from pathlib import Path
from typing import Final

from vmirom.compat.formats.sheet import Spot

__all__ = ["Places"]

_NEAR: Final = 120
"""Lines below a call or struct in which its parts are looked for."""
_LARGEST: Final = 1 << 20


class Places:
    """The declarations of one tree, read once, when the first place is asked for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @cached_property
    def _files(self) -> list[tuple[str, list[str]]]:
        found = []
        for path in sorted(self._folder.rglob("*.py")):
            try:
                if path.stat().st_size <= _LARGEST:
                    found.append((shown(path), path.read_text("utf-8", "replace").splitlines()))
            except OSError:
                continue
        return found

    def spot(self, place: str, line: str) -> Spot | None:
        """The line on which ``call/NAME/argument/PART`` stands: that of PART below NAME, or of NAME.
        Files of the ABI's own line come first."""
        parts = [part for part in place.split("/") if part]
        if len(parts) < 2:
            return None
        name = parts[1].split("+")[0].strip()
        for file, lines in sorted(self._files, key=lambda each: f"/{line}" not in each[0]):
            for number, text in enumerate(lines):
                if f'"{name}"' in text or f"class {name}(" in text:
                    return Spot(file, 1 + _inner(lines, number, parts[2:]))
        return None


def _inner(lines: list[str], number: int, parts: list[str]) -> int:
    """Line of the last part that can be found below ``number``."""
    for part in parts:
        for at in range(number, min(number + _NEAR, len(lines))):
            if f'"{part}"' in lines[at] or lines[at].strip().startswith(f"{part} ="):
                number = at
                break
    return number


def shown(path: Path) -> str:
    """A file's name relative to the working folder where it lies below it, as CI systems want it."""
    try:
        return path.resolve().relative_to(Path.cwd()).as_posix()
    except (ValueError, OSError):
        return Path(os.path.normpath(path)).as_posix()
