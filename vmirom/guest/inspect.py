"""What a guest's file says: the note, segments as a loader sees them, sections and call sites."""

from __future__ import annotations

import io
import struct
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from elftools.common.exceptions import ELFError
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from vmirom.bundle.guest import Guest, GuestNote, read_guest
from vmirom.bundle.refused import GuestError
from vmirom.overlays import vmi

__all__ = ["GuestFile", "SectionInfo", "inspect", "inspect_bytes"]

_BROKEN: Final = (ELFError, struct.error, ValueError, KeyError, AttributeError, OverflowError)
_SITE: Final = struct.Struct("<IBBH")
_ALLOCATED: Final = 2
_WRITE: Final = 1
_EXECUTE: Final = 4


@dataclass(frozen=True, slots=True)
class SectionInfo:
    """One section that takes part in the image; ``permissions`` as in ``r-x``."""

    name: str
    gva: int
    size: int
    permissions: str


@dataclass(frozen=True, slots=True)
class GuestFile:
    """A guest. ``sites`` are the patchable call sites by call name; empty if the file has no symbols."""

    guest: Guest
    size: int
    sections: tuple[SectionInfo, ...]
    symbols: int
    sites: Mapping[str, int]

    @property
    def note(self) -> GuestNote:
        """The ABI note."""
        return self.guest.note

    @property
    def entry(self) -> int:
        """gva at which the ROM enters the guest."""
        return self.guest.note.entry


def inspect(path: Path | str) -> GuestFile:
    """The guest in the file ``path``. Raises GuestError (field and rule) or OSError."""
    return inspect_bytes(Path(path).read_bytes())


def inspect_bytes(data: bytes) -> GuestFile:
    """The guest in ``data``. Raises GuestError."""
    guest = read_guest(data)
    try:
        elf = ELFFile(io.BytesIO(data))
        sections = tuple(
            SectionInfo(s.name, s["sh_addr"], s["sh_size"], _permissions(s["sh_flags"]))
            for s in elf.iter_sections()
            if s["sh_flags"] & _ALLOCATED and s["sh_size"]
        )
        symbols = _symbols(elf)
    except _BROKEN as error:
        raise GuestError("section headers", f"can't be read ({type(error).__name__})") from None
    return GuestFile(guest, len(data), sections, len(symbols), _sites(guest, symbols))


def _permissions(flags: int) -> str:
    return "r" + ("w" if flags & _WRITE else "-") + ("x" if flags & _EXECUTE else "-")


def _symbols(elf: ELFFile) -> dict[str, int]:
    table = elf.get_section_by_name(".symtab")
    if not isinstance(table, SymbolTableSection):
        return {}
    return {symbol.name: symbol["st_value"] for symbol in table.iter_symbols() if symbol.name}


def _sites(guest: Guest, symbols: Mapping[str, int]) -> dict[str, int]:
    start, end = symbols.get("vmi_sites_start", 0), symbols.get("vmi_sites_end", 0)
    for header in guest.segments:
        if header.vaddr <= start <= end <= header.vaddr + header.filesz:
            table = guest.image.content(header)[start - header.vaddr : end - header.vaddr]
            break
    else:
        return {}
    names = {int(call): call.name for call in vmi.Call}
    whole = len(table) - len(table) % _SITE.size
    found = Counter(call for _, call, _, _ in _SITE.iter_unpack(table[:whole]))
    return {names.get(call, f"call {call}"): count for call, count in sorted(found.items())}
