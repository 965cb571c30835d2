"""How the launcher of Linux 2.6.32 to 2.6.35 loads an ELF kernel, as rules that a file keeps or breaks.

The launcher checks little (type, machine, program headers) and then, segment by segment in the file's order,
maps the file at its gpa where offset and address stand on pages, and reads it there where they don't. A
mapping takes whole pages: what the file holds behind a segment comes along, and what an earlier segment had
put into those pages is gone. It clears nothing: memory is zero because it is new. Facts: lguest.md section
2.1 and Documentation/lguest/lguest.c (map_elf, map_at) of those releases.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from vmirom.machine.addresses import PAGE_SIZE
from vmirom.overlays import lguest as abi

__all__ = ["RELEASES", "Malformed", "Piece", "Rule", "judge", "pieces"]

RELEASES: Final = "Linux 2.6.32 to 2.6.35"
_HEADER: Final = struct.Struct("<16sHHIIIIIHHHHHH")
_PROGRAM: Final = struct.Struct("<8I")
_MAGIC: Final = b"\x7fELF"
_EXEC, _I386, _LOAD = 2, 3, 1
_HEADERS_MOST: Final = 65536 // 32
_LOW_END: Final = abi.Boot.COMMAND_LINE_GPA + 2048
"""The launcher fills in boot parameters and command line last, over whatever lies there."""


class Malformed(Exception):
    """The launcher ends, or is killed, over this file; the text is one line: field and rule."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Bytes that get to ``gpa``, whole pages where the file was ``mapped``. The kernel asked for ``wanted``
    of them and for ``memory`` in all, the rest as zeros."""

    number: int
    gpa: int
    data: bytes
    mapped: bool
    wanted: int
    memory: int


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: ``fault`` says how the file breaks it, and is empty where it keeps it."""

    subject: str
    rule: str
    fault: str = ""


def pieces(kernel: bytes) -> tuple[int, tuple[Piece, ...]]:
    """(entry, what gets where, in order). Raises Malformed where the launcher ends."""
    if len(kernel) < _HEADER.size:
        raise Malformed("ELF header is cut off")
    _, kind, machine, _, entry, at, _, _, _, size, count, *_ = _HEADER.unpack_from(kernel)
    if kind != _EXEC or machine != _I386 or size != _PROGRAM.size:
        raise Malformed("lguest wants ET_EXEC, EM_386 and 32-byte program headers")
    if not 1 <= count <= _HEADERS_MOST:
        raise Malformed(f"e_phnum {count} is not between 1 and {_HEADERS_MOST}")
    if at + count * size > len(kernel):
        raise Malformed("program headers are cut off")
    loads = (_PROGRAM.unpack_from(kernel, at + number * size) for number in range(count))
    found = tuple(_piece(kernel, number, load) for number, load in enumerate(loads) if load[0] == _LOAD)
    return int(entry), found


def _piece(kernel: bytes, number: int, load: tuple[int, ...]) -> Piece:
    _, offset, _, gpa, size, memory, *_ = load
    if offset + size > len(kernel):
        raise Malformed(f"PT_LOAD {number} is cut off")
    mapped = size > 0 and offset % PAGE_SIZE == 0 and gpa % PAGE_SIZE == 0
    whole = -(-size // PAGE_SIZE) * PAGE_SIZE if mapped else size
    data = kernel[offset : offset + whole].ljust(whole, b"\0")
    return Piece(number, gpa, data, mapped, size, memory)


def judge(kernel: bytes, ram: int | None = None) -> tuple[Rule, ...]:
    """All rules, for a guest of ``ram`` bytes if that is known. Nothing is raised."""
    identity = Rule("e_ident", "an ELF file (else it is taken for a bzImage)", _not_elf(kernel))
    if identity.fault:
        return (identity,)
    try:
        entry, found = pieces(kernel)
    except Malformed as malformed:
        return identity, Rule("headers", _HEADERS, str(malformed))
    return (
        identity,
        Rule("headers", _HEADERS),
        Rule("p_paddr", "clear of boot parameters and command line", _low(found)),
        Rule("order", "no segment is mapped over a part of an earlier one", _covered(found)),
        Rule("zeros", "what is to be zero is not mapped from the file's next bytes", _dirty(found)),
        Rule("e_entry", "a gpa within a segment's bytes", _astray(entry, found)),
        Rule("memory", f"needs {_least(found) >> 20} MiB or more", _outside(found, ram)),
    )


_HEADERS: Final = "ET_EXEC, EM_386, 1 to 2048 program headers of 32 bytes, whole in the file"


def _not_elf(kernel: bytes) -> str:
    return "" if kernel[:4] == _MAGIC else "does not begin with 7f 45 4c 46"


def _end(piece: Piece) -> int:
    return piece.gpa + max(len(piece.data), piece.memory)


def _low(found: tuple[Piece, ...]) -> str:
    hit = next((p for p in found if p.data and p.gpa < _LOW_END), None)
    return f"PT_LOAD {hit.number} at {hit.gpa:#x} lies below {_LOW_END:#x}" if hit else ""


def _overlaps(found: tuple[Piece, ...]) -> Iterator[tuple[Piece, Piece]]:
    """(earlier, later) where the later one's bytes fall into what the earlier one asked for."""
    for position, later in enumerate(found):
        for earlier in found[:position]:
            start = earlier.gpa + max(earlier.wanted, earlier.memory)
            if later.data and earlier.gpa < later.gpa + len(later.data) and later.gpa < start:
                yield earlier, later


def _covered(found: tuple[Piece, ...]) -> str:
    for earlier, later in _overlaps(found):
        return f"PT_LOAD {later.number} at {later.gpa:#x} covers a part of PT_LOAD {earlier.number}"
    return ""


def _dirty(found: tuple[Piece, ...]) -> str:
    for piece in found:
        tail = piece.data[piece.wanted : piece.memory]
        if any(tail):
            return f"PT_LOAD {piece.number}: the bytes behind it in the file land in its zeros"
    return ""


def _astray(entry: int, found: tuple[Piece, ...]) -> str:
    inside = any(p.gpa <= entry < p.gpa + p.wanted for p in found)
    return "" if inside else f"{entry:#x} lies in no segment"


def _least(found: tuple[Piece, ...]) -> int:
    """Bytes of RAM in MiB steps, with room for the first page tables above the image."""
    end = max((_end(p) for p in found), default=0)
    mib = 1
    while (mib << 20) - (mib * 256 // 512 + 3) * PAGE_SIZE < end:
        mib += 1
    return mib << 20


def _outside(found: tuple[Piece, ...], ram: int | None) -> str:
    if ram is None:
        return ""
    hit = next((p for p in found if p.gpa + len(p.data) > ram), None)
    return f"PT_LOAD {hit.number} at {hit.gpa:#x} lies outside {ram:#x} bytes of memory" if hit else ""
