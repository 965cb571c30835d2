"""Types of the contract: what each is in C, and how wide."""

from __future__ import annotations

from vmirom.schema.errors import SchemaError

__all__ = ["C_TYPES", "width"]

C_TYPES: dict[str, tuple[str, int]] = {
    "UINT": ("u32", 32),
    "INT": ("s32", 32),
    "UINT8": ("u8", 8),
    "UINT16": ("u16", 16),
    "UINT32": ("u32", 32),
    "UINT64": ("u64", 64),
    "INT32": ("s32", 32),
    "int": ("s32", 32),
    "BOOL": ("u32", 32),
    "SELECTOR": ("u16", 16),
    "PTE": ("u32", 32),
    "LONG_PTE": ("u64", 64),
    "PAE_PTE": ("u64", 64),
    "CYCLES": ("u64", 64),
    "NANOSECS": ("u64", 64),
}
"""The contract's type names: C type and width in bits. Anything that ends in ``*`` is a 32-bit address."""


def width(type_name: str) -> int:
    """Bits of a type of the contract. Raises SchemaError."""
    if type_name.endswith("*"):
        return 32
    if type_name not in C_TYPES:
        raise SchemaError(f"type {type_name!r} is not one of the contract's")
    return C_TYPES[type_name][1]
