"""What is made once for all processes of a test run: ROMs, and libraries of their C.

Under xdist each process would make them again. The folder of the run, which pytest removes in its time, holds
them; whoever comes first makes one under a lock of its own, and the others wait for it.
"""

from __future__ import annotations

import fcntl
import functools
import tempfile
from collections.abc import Callable
from pathlib import Path

__all__ = ["made_once", "use_folder"]

_FOLDER: list[Path] = []


def use_folder(folder: Path) -> None:
    """The folder that all processes of this run have; called before any test."""
    _FOLDER[:] = [folder]


@functools.cache
def _folder() -> Path:
    folder = (_FOLDER[0] if _FOLDER else Path(tempfile.mkdtemp(prefix="vmirom-made-"))) / "made"
    folder.mkdir(exist_ok=True)
    return folder


def made_once(name: str, make: Callable[[Path], None]) -> Path:
    """The folder ``name``, which ``make`` filled, here or in another process of the run. One that fails
    leaves nothing, and the next to ask tries again."""
    folder = _folder() / name
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            with tempfile.TemporaryDirectory(dir=_folder()) as new:
                make(Path(new))
                Path(new).rename(folder)
                Path(new).mkdir()
    return folder
