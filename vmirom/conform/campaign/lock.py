"""One campaign at a time on a file: a lock beside it that falls with its holder, however that ends.

A lock on the file itself would be lost whenever this process closed another descriptor of it, and with it
SQLite's own. The lock file's name is left behind by a holder that was killed; that means nothing.
"""

from __future__ import annotations

import fcntl
import os
import weakref
from pathlib import Path
from types import TracebackType

__all__ = ["Busy", "FileLock"]


class Busy(Exception):
    """Somebody holds the lock: ``holder`` is the process's number, 0 if it has not said."""

    def __init__(self, holder: int) -> None:
        super().__init__(f"process {holder}" if holder else "another process")
        self.holder = holder


_held: weakref.WeakSet[FileLock] = weakref.WeakSet()


def _let_go_in_child() -> None:
    """A worker that outlives its parent by a moment must not hold what the parent held."""
    for lock in list(_held):
        lock.forget()


os.register_at_fork(after_in_child=_let_go_in_child)


class FileLock:
    """Held from creation to :meth:`release`. Raises Busy, and OSError where no lock can be made."""

    def __init__(self, path: Path) -> None:
        self._path = path.with_name(path.name + "-lock")
        self._handle = self._take()
        os.ftruncate(self._handle, 0)
        os.pwrite(self._handle, f"{os.getpid()}\n".encode(), 0)
        _held.add(self)

    def __enter__(self) -> FileLock:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def _take(self) -> int:
        while True:
            handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if self._is_named(handle):
                    return handle
            except BlockingIOError:
                said = os.pread(handle, 32, 0).strip()
                os.close(handle)
                raise Busy(int(said) if said.isdigit() else 0) from None
            except BaseException:
                os.close(handle)
                raise
            os.close(handle)  # its holder removed it while we waited to open it

    def _is_named(self, handle: int) -> bool:
        try:
            named = self._path.stat()
        except FileNotFoundError:
            return False
        mine = os.fstat(handle)
        return (named.st_dev, named.st_ino) == (mine.st_dev, mine.st_ino)

    def release(self) -> None:
        """Remove the lock file and let go."""
        if self._handle >= 0:
            self._path.unlink(missing_ok=True)
            self.forget()

    def forget(self) -> None:
        """Close this process's hold on it only."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1
