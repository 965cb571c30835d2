"""What the ROM build makes slots.S from."""

from __future__ import annotations

from vmirom.schema.tree import AbiTree, load_abi

__all__ = ["slot_rows"]


def slot_rows(version: str | None = None, tree: AbiTree | None = None) -> list[tuple[int, str, str]]:
    """(number, name, kind) of every call of one version (default: the newest), by number without a gap.

    ``kind`` is ``function``, ``procedure``, ``jump``, or ``unpublished`` for a number without a contract.
    Raises AbiError.
    """
    line = (tree or load_abi()).resolve("vmi3", version)
    return [(call.number, call.name, call.kind.value if call.kind else "unpublished") for call in line.calls]
