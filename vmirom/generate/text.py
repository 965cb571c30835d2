"""How numbers and names are written, alike in every view."""

from __future__ import annotations

from vmirom.schema.rows import EnumRow, FieldRow

__all__ = ["BANNER", "c_comment", "c_declaration", "docstring", "member_text", "number", "with_array"]

BANNER = "Generated from abi/ by `python -m vmirom.generate`; do not edit."


def number(value: int, flags: bool = False) -> str:
    """Small numbers in decimal, flags, masks and addresses in hexadecimal."""
    return f"{value:#x}" if flags or value > 255 else str(value)


def with_array(field: FieldRow) -> str:
    """``name`` or ``name[count]``."""
    return field.name if field.count is None else f"{field.name}[{field.count}]"


def c_declaration(field: FieldRow) -> str:
    """``u32 args[6];``"""
    return f"{field.ctype} {with_array(field)};"


def c_comment(text: str) -> str:
    """``/* text */``, whatever the text holds."""
    return f"/* {' '.join(text.split()).replace('*/', '* /').replace('/*', '/ *')} */"


def docstring(text: str) -> str:
    """A docstring on one line, whatever the text holds."""
    words = " ".join(text.split()).replace("\\", "/").replace('"', "'")
    return f'"""{words}"""'


def member_text(row: EnumRow, value: int) -> str:
    """A member's value as its enumeration shows it."""
    return number(value, row.flags)
