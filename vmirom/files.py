"""Files are written whole or not at all: one function for everything that writes one."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

__all__ = ["whole_file", "write_whole"]


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
