"""How an ABI is declared, and how a declaration becomes rows.

The names below are imported when they are first asked for: whoever needs a type's width, or the place of
``abi/``, does not pay for construct.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vmirom.schema.calls import (
        ALL_SEGMENTS,
        CODE_STACK,
        FLAGS_ONLY,
        MEMORY_ONLY,
        NOTHING,
        STANDARD,
        STANDARD_MEMORY,
        Argument,
        Call,
        Hypercall,
        Kind,
        Result,
        function,
        jump,
        procedure,
        published,
        unpublished,
    )
    from vmirom.schema.errors import AbiError, SchemaError
    from vmirom.schema.fields import (
        AnyConstruct,
        Array,
        Bytes,
        Choice,
        Fixed,
        Flags,
        Reserved,
        Since,
        Text,
        s8,
        s16,
        s32,
        s64,
        struct,
        u8,
        u16,
        u32,
        u64,
    )
    from vmirom.schema.lines import Line, Resolved, Slots, group, resolve
    from vmirom.schema.rows import EnumRow, FieldRow, StructRow, upper_snake
    from vmirom.schema.versions import Version
    from vmirom.schema.walking import resolve_struct, walk
    from vmirom.schema.wire import build, parse, violations

__all__ = [
    "ALL_SEGMENTS",
    "CODE_STACK",
    "FLAGS_ONLY",
    "MEMORY_ONLY",
    "NOTHING",
    "STANDARD",
    "STANDARD_MEMORY",
    "AbiError",
    "AnyConstruct",
    "Argument",
    "Array",
    "Bytes",
    "Call",
    "Choice",
    "EnumRow",
    "FieldRow",
    "Fixed",
    "Flags",
    "Hypercall",
    "Kind",
    "Line",
    "Reserved",
    "Resolved",
    "Result",
    "SchemaError",
    "Since",
    "Slots",
    "StructRow",
    "Text",
    "Version",
    "build",
    "function",
    "group",
    "jump",
    "parse",
    "procedure",
    "published",
    "resolve",
    "resolve_struct",
    "s8",
    "s16",
    "s32",
    "s64",
    "struct",
    "u8",
    "u16",
    "u32",
    "u64",
    "unpublished",
    "upper_snake",
    "violations",
    "walk",
]

_MODULES = ("errors", "rows", "versions", "calls", "fields", "lines", "walking", "wire")
"""Where the names stand, the modules that cost least first."""


def __getattr__(name: str) -> Any:
    """One of the names above, from the module that declares it."""
    if name in __all__:
        for module in _MODULES:
            declared = importlib.import_module(f"{__name__}.{module}")
            if name in declared.__all__:
                globals()[name] = getattr(declared, name)
                return globals()[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
