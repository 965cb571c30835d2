"""Python views: the enumerations of a family, and cffi overlays of its structs.

cffi's out-of-line ABI mode gives a plain Python file that imports in a millisecond or two and needs no
compiler, neither here nor where it is installed.
"""

from __future__ import annotations

import contextlib
import io
import tempfile
from pathlib import Path

from cffi import FFI

from vmirom.generate.text import BANNER, c_declaration, docstring, member_text
from vmirom.schema import EnumRow, Resolved, StructRow, upper_snake

__all__ = ["INIT", "cffi_overlay", "python_overlay"]

INIT = f'"""Views of the ABI for host code, one module a family. {BANNER}"""\n'

_TYPES = {
    "u8": "unsigned char",
    "u16": "unsigned short",
    "u32": "unsigned int",
    "u64": "unsigned long long",
    "s8": "signed char",
    "s16": "short",
    "s32": "int",
    "s64": "long long",
}


def cffi_overlay(line: Resolved) -> str:
    """``_F_cffi.py``."""
    ffi = FFI()
    ffi.cdef("".join(f"typedef {ctype} {name};\n" for name, ctype in _TYPES.items()))
    ffi.cdef("\n".join(_declaration(struct) for struct in line.structs), packed=True)
    ffi.set_source(f"vmirom.overlays._{line.line.family}_cffi", None)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "overlay.py"
        with contextlib.redirect_stdout(io.StringIO()):  # cffi announces the file
            ffi.emit_python_code(str(file))
        emitted = file.read_text(encoding="utf-8")
    return f"# {BANNER}\n# ruff: noqa\n{emitted}"


def _declaration(struct: StructRow) -> str:
    fields = "".join(f"    {c_declaration(field)}\n" for field in struct.fields)
    return f"struct {struct.name} {{\n{fields}}};"


def python_overlay(line: Resolved) -> str:
    """``F.py``."""
    family = line.line.family
    gates = _gates(line)
    names = sorted([*(row.name for row in line.enums), "ffi", *([_gates_name(line)] if gates else [])])
    out = [
        docstring(f"{_first_sentence(line)} {BANNER}"),
        "",
        "import enum",
        "from typing import Any",
        "",
        f"from vmirom.overlays import _{family}_cffi",
        "",
        "__all__ = [",
        *(f'    "{name}",' for name in names),
        "]",
        "",
        f"ffi: Any = _{family}_cffi.ffi  # fields of an overlay have no types that mypy knows",
    ]
    for row in line.enums:
        out += ["", "", *_enum(row)]
    return "\n".join([*out, *(["", "", *gates] if gates else []), ""])


def _gates_name(line: Resolved) -> str:
    return f"{upper_snake(line.line.call_enum)}_FEATURES"


def _gates(line: Resolved) -> list[str]:
    """Which features each hypercall is there with; nothing for a line whose hypercalls are always there."""
    gated = [call for call in line.hypercalls if call.when]
    if not gated:
        return []
    kinds = sorted({feature.partition(".")[0] for call in gated for feature in call.when})
    calls = line.line.call_enum
    return [
        f"{_gates_name(line)}: dict[{calls}, tuple[{' | '.join(kinds)}, ...]] = {{",
        *(f"    {calls}.{call.name}: ({', '.join(call.when)},)," for call in gated),
        "}",
        docstring("Features without which a hypercall answers as one that doesn't exist."),
    ]


def _first_sentence(line: Resolved) -> str:
    text = " ".join(line.line.doc.split())
    return text.split(". ")[0].rstrip(".") + "."


def _enum(row: EnumRow) -> list[str]:
    out = [f"class {row.name}(enum.{'IntFlag' if row.flags else 'IntEnum'}):"]
    if row.doc:
        out += [f"    {docstring(row.doc)}", ""]
    return [*out, *(f"    {name} = {member_text(row, value)}" for name, value in row.members)]
