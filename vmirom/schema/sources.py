"""A hash over all that a declaration is made of: the tree's sources, and the code that reads them.

What was read once may stand in for reading it again exactly as long as this hash is the same.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from vmirom.schema.places import PACKAGE

__all__ = ["sources_hash"]


def sources_hash(folder: Path) -> str:
    """``sha256:...`` over name and bytes of every module below ``folder``, and of the code that makes rows
    of them and writes those down. Raises OSError."""
    found = hashlib.sha256()
    readers = [*(PACKAGE / "schema").glob("*.py"), PACKAGE / "generate" / "ready.py"]
    for top, files in ((folder, [*folder.rglob("*.py")]), (PACKAGE, readers)):
        for file in sorted(files):
            data = file.read_bytes()
            found.update(f"{file.relative_to(top).as_posix()} {len(data)}\n".encode())
            found.update(data)
    return f"sha256:{found.hexdigest()}"
