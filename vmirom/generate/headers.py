"""C and assembler views: structs with proof of every offset, and #defines that both languages read."""

from __future__ import annotations

from vmirom.generate.text import BANNER, c_comment, c_declaration, member_text
from vmirom.schema import EnumRow, Resolved, StructRow

__all__ = ["asm_header", "c_header"]

_TYPES = """\
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int8_t s8;
typedef int16_t s16;
typedef int32_t s32;
typedef int64_t s64;
"""


def asm_header(line: Resolved) -> str:
    """``F_asm.h``: constants, sizes and offsets, for .S and C alike."""
    family = line.line.family
    guard = f"VMIROM_{family.upper()}_ASM_H"
    out = [f"/* {BANNER} */", f"#ifndef {guard}", f"#define {guard}", ""]
    for row in line.enums:
        out += _defines(family, row)
    for struct in line.structs:
        out += _offsets(struct)
    out += ["#endif", ""]
    return "\n".join(out)


def _comment(text: str) -> list[str]:
    return [c_comment(text)] if text else []


def _defines(family: str, row: EnumRow) -> list[str]:
    out = _comment(row.doc)
    out += [f"#define {row.c_name(family, name)} {member_text(row, value)}" for name, value in row.members]
    return [*out, ""]


def _offsets(struct: StructRow) -> list[str]:
    out = [f"/* struct {struct.name} */", f"#define {struct.name}_SIZE {struct.size}"]
    out += [f"#define {struct.name}_OFF_{field.name} {field.offset}" for field in struct.fields]
    return [*out, ""]


def c_header(line: Resolved) -> str:
    """``F.h``: the structs, packed, and a static assertion of each size and offset."""
    family = line.line.family
    guard = f"VMIROM_{family.upper()}_H"
    out = [f"/* {BANNER} */", f"#ifndef {guard}", f"#define {guard}", "", f'#include "{family}_asm.h"']
    out += _TYPES.splitlines()
    for struct in line.structs:
        out += ["", *_struct(struct)]
    out += ["", "#endif", ""]
    return "\n".join(out)


def _struct(struct: StructRow) -> list[str]:
    out = _comment(struct.doc)
    out.append(f"struct {struct.name} {{")
    for field in struct.fields:
        note = f" {c_comment(field.doc)}" if field.doc else ""
        out.append(f"\t{c_declaration(field)}{note}")
    out.append("} __attribute__((packed));")
    name = struct.name
    out.append(f'_Static_assert(sizeof(struct {name}) == {struct.size}, "{name}");')
    for field in struct.fields:
        out.append(
            f"_Static_assert(__builtin_offsetof(struct {name}, {field.name}) == {field.offset},"
            f' "{name}.{field.name}");'
        )
    return out
