"""The calls that unicorn's library makes of its own functions, and how to come between.

A shared library calls what it exports through slots of its procedure linkage table. What is written into such
a slot is called instead, from everywhere in the library and for the whole process.
"""

from __future__ import annotations

import ctypes
import mmap
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from vmirom.machine.unicorn.library import library

__all__ = ["address_of", "leads_to", "slot"]

_DYNAMIC_SYMBOLS, _RELOCATIONS, _JUMP_SLOT = 11, 4, 7
_READ_ONLY_LATER: Final = 0x6474E552  # PT_GNU_RELRO


def address_of(name: str) -> int:
    """Where unicorn's function ``name`` begins. Raises AttributeError if it exports none."""
    return ctypes.cast(getattr(library().c, name), ctypes.c_void_p).value or 0


def slot(name: str) -> ctypes.c_uint64:
    """The slot through which unicorn, an ELF library, calls its own function ``name``. Raises AttributeError
    if there is no such function, ValueError if it has no slot that can be written, struct.error or OSError if
    the file can't be read."""
    return ctypes.c_uint64.from_address(_slot(Path(library().c._name), name, address_of(name)))


def leads_to(place: ctypes.c_uint64, address: int, works: Callable[[], bool]) -> bool:
    """Have the slot ``place`` lead to ``address`` from now on; as before if it turns out not to work."""
    before, place.value = place.value, address
    if works():
        return True
    place.value = before
    return False


def _slot(path: Path, name: str, address: int) -> int:
    """The address of the slot through which a loaded ELF library calls its own function ``name``, which is at
    ``address``. Raises ValueError if there is none that can be written, OSError if the file can't be read."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as elf:
        headers, sections = struct.unpack_from("<QQ", elf, 0x20)
        headers_count, _, sections_count = struct.unpack_from("<HHH", elf, 0x38)
        rows = [struct.unpack_from("<IIQQQQII", elf, sections + 64 * i) for i in range(sections_count)]
        _, _, _, _, symbols, symbols_size, link, _ = next(r for r in rows if r[1] == _DYNAMIC_SYMBOLS)
        names, names_size = rows[link][4:6]
        rows_of_name = (
            _row(elf, symbols, symbols_size, 0, struct.pack("<I", at))
            for at in _ends(elf, name, names, names_size)
        )
        number = next((row for row in rows_of_name if row is not None), None)
        if number is None:
            raise ValueError(f"{path}: no symbol {name}")
        (value,) = struct.unpack_from("<Q", elf, symbols + 24 * number + 8)
        later = [
            range(begin, begin + length)
            for kind, _, _, begin, _, _, length, _ in (
                struct.unpack_from("<IIQQQQQQ", elf, headers + 56 * i) for i in range(headers_count)
            )
            if kind == _READ_ONLY_LATER
        ]
        for _, kind, _, _, start, size, _, applied in rows:
            if kind == _RELOCATIONS and applied:
                row = _row(elf, start, size, 8, struct.pack("<II", _JUMP_SLOT, number))
                if row is not None:
                    (offset,) = struct.unpack_from("<Q", elf, start + 24 * row)
                    if not any(offset in part for part in later):
                        return int(address - value + offset)
    raise ValueError(f"{path}: no slot for {name}")


def _ends(elf: mmap.mmap, name: str, start: int, size: int) -> Iterator[int]:
    """Where in a table of names one ends in ``name``: a name may be kept as the end of a longer one."""
    at = elf.find(name.encode() + b"\0", start, start + size)
    while at >= 0:
        yield at - start
        at = elf.find(name.encode() + b"\0", at + 1, start + size)


def _row(elf: mmap.mmap, start: int, size: int, offset: int, wanted: bytes) -> int | None:
    """Number of the first 24-byte row of a table that has ``wanted`` at ``offset``."""
    at = elf.find(wanted, start, start + size)
    while at >= 0 and (at - start) % 24 != offset:
        at = elf.find(wanted, at + 1, start + size)
    return (at - start) // 24 if at >= 0 else None
