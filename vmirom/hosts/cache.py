"""What hosts keep on this machine between runs: built hypervisors, appliances, answers of self-tests.

A thing is installed whole or not at all: it is built in a folder beside its place, tested there, and
renamed. A setup that was interrupted leaves a folder that nobody uses and the next setup removes. Two
setups of the same thing wait for each other.
"""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from vmirom.files import write_whole

__all__ = ["SetupFailed", "advised", "cache_dir", "install", "installed", "note", "noted"]

_BUILDING: Final = ".building-"


class SetupFailed(Exception):
    """A setup that can't be completed; the text is one line that says why and what to do."""


def cache_dir() -> Path:
    """$VMIROM_CACHE, or ``vmirom`` in $XDG_CACHE_HOME or ~/.cache. Not created by asking."""
    if own := os.environ.get("VMIROM_CACHE"):
        return Path(own)
    above = os.environ.get("XDG_CACHE_HOME")
    return (Path(above) if above else Path("~/.cache").expanduser()) / "vmirom"


def installed(name: str, key: str) -> Path | None:
    """The folder of ``name`` that was installed under ``key`` (a file name), or None."""
    place = cache_dir() / name / key
    return place if place.is_dir() else None


def install(
    name: str,
    key: str,
    build: Callable[[Path], None],
    test: Callable[[Path], None],
    whole: Callable[[Path], bool] = lambda folder: True,
    say: Callable[[str], None] = lambda line: None,
) -> Path:
    """The folder of ``name`` under ``key``; unless it is there, and ``whole``, ``build`` fills an empty
    folder, ``test`` tries what is in it, and only then it gets its name. What else was installed of ``name``
    is removed after. ``say`` is told where another setup must be waited for.

    Both raise :class:`SetupFailed`, which passes through; OSError (disk full, no right) becomes one.
    """
    above = cache_dir() / name
    try:
        above.mkdir(parents=True, exist_ok=True)
        with _alone(above, say):
            for left_over in above.glob(f"{_BUILDING}*"):
                shutil.rmtree(left_over, ignore_errors=True)
            found = installed(name, key)
            if found is not None and not whole(found):  # somebody took a part away
                shutil.rmtree(found)
                found = None
            return found or _build(above, key, build, test)
    except OSError as error:
        raise SetupFailed(_sentence(error, above)) from error


def _build(above: Path, key: str, build: Callable[[Path], None], test: Callable[[Path], None]) -> Path:
    folder = Path(tempfile.mkdtemp(dir=above, prefix=_BUILDING))
    try:
        build(folder)
        test(folder)
        folder.chmod(0o755)
        place = folder.rename(above / key)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    for older in above.iterdir():
        if older.is_dir() and older != place:
            shutil.rmtree(older, ignore_errors=True)
    return place


@contextmanager
def _alone(above: Path, say: Callable[[str], None]) -> Iterator[None]:
    """Hold the lock of one thing; it falls with the process, however that ends."""
    with (above / ".lock").open("ab") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"another setup is at {above}: waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _sentence(error: OSError, above: Path) -> str:
    where = error.filename or above
    why = error.strerror or str(error)
    return advised(f"{where}: {why}", error.errno in (errno.ENOSPC, errno.EDQUOT))


def advised(complaint: str, full: bool = False) -> str:
    """A program's or the system's complaint, with what to do where it says that the disk is full."""
    if full or "No space left" in complaint:
        return f"{complaint}; make room, or name another folder in VMIROM_CACHE"
    return complaint


def note(name: str, text: str) -> None:
    """Remember ``text`` (an answer of a self-test, a version) under ``name``, if possible."""
    path = cache_dir() / "notes" / name
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, text.encode())
    except OSError:
        return  # only a convenience: the next one asks anew


def noted(name: str) -> str:
    """What was remembered under ``name``; empty if nothing was."""
    try:
        return (cache_dir() / "notes" / name).read_text()
    except (OSError, UnicodeDecodeError):
        return ""
