"""Where the source trees ``abi/`` and ``romsrc/`` are: beside the package, or in a wheel inside it."""

from __future__ import annotations

from pathlib import Path

from vmirom.schema.errors import AbiError

__all__ = ["PACKAGE", "source_tree"]

PACKAGE = Path(__file__).resolve().parent.parent
"""The folder of vmirom itself."""


def source_tree(name: str) -> Path:
    """The folder ``abi`` or ``romsrc``, in a wheel or a checkout. Raises AbiError."""
    for folder in (PACKAGE / f"_{name}", PACKAGE.parent / name):
        if folder.is_dir():
            return folder
    raise AbiError(f"{name}/: found neither in the installed package nor beside it in a checkout")
