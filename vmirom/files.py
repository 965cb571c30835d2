"""Files are written whole or not at all, by one function. Another reads what a user names, within bounds."""

from __future__ import annotations

import errno
import os
import select
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

__all__ = ["read_bounded", "whole_file", "write_whole"]


def read_bounded(path: Path, limit: int, patience: float = 10.0) -> bytes:
    """All of a file, or its first ``limit`` + 1 bytes: more than ``limit`` means that it is too large.

    A pipe is read as its writer writes (``<(command)`` of a shell), and not waited for longer than
    ``patience`` seconds. Raises OSError, also for a folder.
    """
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        if stat.S_ISDIR(os.fstat(handle).st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        pieces: list[bytes] = []
        left = limit + 1
        while left:
            try:
                piece = os.read(handle, min(left, 1 << 20))
            except BlockingIOError:
                if not select.select([handle], [], [], patience)[0]:
                    raise TimeoutError(errno.ETIMEDOUT, f"nothing came for {patience:g} s") from None
                continue
            if not piece:
                break
            pieces.append(piece)
            left -= len(piece)
        return b"".join(pieces)
    finally:
        os.close(handle)


@contextmanager
def whole_file(path: Path, *, executable: bool = False) -> Iterator[BinaryIO]:
    """A file to write to that becomes ``path`` when the block ends, and vanishes if it raises.

    What stood at ``path`` before stays until then. Raises OSError (no room, no such folder, no right).
    A path that names a device or a pipe is written straight.
    """
    if path.exists() and not path.is_file():
        with path.open("wb") as straight:
            yield straight
        return
    import tempfile  # costs a start of the program more than all else here

    target = path.resolve()
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as part:
            yield part
            part.flush()
            os.fsync(part.fileno())
        mask = os.umask(0)
        os.umask(mask)
        Path(name).chmod((0o777 if executable else 0o666) & ~mask)
        Path(name).replace(target)
    except BaseException:
        with suppress(OSError):
            Path(name).unlink()
        raise


def write_whole(path: Path, data: bytes | Iterable[bytes], *, executable: bool = False) -> None:
    """Write ``data`` to ``path``, whole or not at all. Raises OSError."""
    with whole_file(path, executable=executable) as out:
        for piece in (data,) if isinstance(data, bytes) else data:
            out.write(piece)
