"""ABI trees that users name with ``--abi-dir``."""

from __future__ import annotations

from pathlib import Path

from vmirom.cli.failing import Fault

__all__ = ["tried"]


def tried(folder: Path | None) -> Path | None:
    """The folder again, known to load within bounds; None for the project's own tree. Raises Fault."""
    if folder is not None:
        from vmirom.schema.errors import AbiError
        from vmirom.schema.trial import try_tree

        try:
            try_tree(folder)
        except AbiError as error:
            raise Fault(" ".join(str(error).split())) from None
    return folder
