"""Where each backend's ROM does a call: the source file of the routine ``vmi_NAME``."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

__all__ = ["routines"]

_ROUTINE = re.compile(r"^(?:\w+[ *]+)*ROMCALL vmi_(\w+)\(|^vmi_(\w+):|^\s*call_entry (\w+)", re.MULTILINE)


def routines(sources: Mapping[str, Sequence[Path]], root: Path) -> Mapping[str, Mapping[str, str]]:
    """By backend and call the file that has its routine, relative to ``root`` (``xen/mmu.c``). ``sources``
    are each ROM's files in the order of the build; the last that has a routine is told."""
    found: dict[str, dict[str, str]] = {}
    for backend, files in sources.items():
        calls = found.setdefault(backend, {})
        for file in files:
            for match in _ROUTINE.finditer(file.read_text(encoding="utf-8", errors="replace")):
                calls[match[1] or match[2] or match[3]] = file.relative_to(root).as_posix()
    return found
