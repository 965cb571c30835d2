"""Names for addresses in a guest: from the symbol table of its ELF file."""

from __future__ import annotations

import io
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from vmirom.overlays import vmi

__all__ = ["NO_SYMBOLS", "Symbols", "read_symbols"]

_ENTRIES: Final = "vmi_entry"
"""The kit's table of pointers to calls, indexed by the call's number."""
_FAR: Final = 0x4000
_TEXT_MIN, _TEXT_MAX = 3, 72
_CALLS: Final = {int(call): call.name for call in vmi.Call}


@dataclass(frozen=True, slots=True)
class Symbols:
    """Functions and objects as (gva, name), sorted; ``entries`` is the gva of the table of calls, or 0;
    ``data`` are read-only sections."""

    rows: Sequence[tuple[int, str]] = ()
    entries: int = 0
    data: Sequence[tuple[int, bytes]] = ()

    def place(self, gva: int) -> str:
        """``name+0x12``, or empty where no symbol is near."""
        at = bisect_right(self.rows, (gva, "\x7f")) - 1
        if at < 0 or gva - self.rows[at][0] > _FAR:
            return ""
        start, name = self.rows[at]
        return f"{name}+{gva - start:#x}" if gva > start else name

    def call(self, gva: int) -> str:
        """The paravirt call whose pointer lies at ``gva``, or empty."""
        number, rest = divmod(gva - self.entries, 4)
        return _CALLS.get(number, "") if self.entries and not rest and number >= 0 else ""

    def words(self, gva: int) -> str:
        """The beginning of a text at ``gva`` in quotes, or empty."""
        for start, content in self.data:
            if start <= gva < start + len(content):
                text = content[gva - start : gva - start + _TEXT_MAX].partition(b"\0")[0]
                if len(text) >= _TEXT_MIN and all(0x20 <= c < 0x7F for c in text):
                    return f'"{text.decode()}"'
        return ""


NO_SYMBOLS: Final = Symbols()


def read_symbols(data: bytes) -> Symbols:
    """The symbols of an ELF file; none where it has none, or is no ELF file."""
    from elftools.common.exceptions import ELFError
    from elftools.elf.elffile import ELFFile
    from elftools.elf.sections import SymbolTableSection

    try:
        file = ELFFile(io.BytesIO(data))
        table = file.get_section_by_name(".symtab")
        if not isinstance(table, SymbolTableSection):
            return NO_SYMBOLS
        found = {
            (symbol["st_value"], symbol.name)
            for symbol in table.iter_symbols()
            if symbol.name and symbol["st_value"] and symbol["st_shndx"] != "SHN_ABS"
        }
        texts = [(s["sh_addr"], s.data()) for s in file.iter_sections() if s.name.startswith(".rodata")]
    except (ELFError, ValueError, KeyError, AttributeError):
        return NO_SYMBOLS
    entries = next((gva for gva, name in found if name == _ENTRIES), 0)
    return Symbols(sorted(found), entries, texts)
