"""The two page-table formats a host is built for, and the hole at the top that belongs to the host."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from vmirom.overlays import lguest as abi

__all__ = [
    "ACCESSED",
    "DIRTY",
    "GLOBAL",
    "NO_EXECUTE",
    "PAE",
    "PRESENT",
    "PSE",
    "RW",
    "TWO_LEVEL",
    "USER",
    "PagingFormat",
]

PRESENT: Final = 1
RW: Final = 2
USER: Final = 4
ACCESSED: Final = 0x20
DIRTY: Final = 0x40
PSE: Final = 0x80
GLOBAL: Final = 0x100
NO_EXECUTE: Final = 1 << 63
_TABLE_FLAGS: Final = int(abi.EntryFlag.ALLOWED)


@dataclass(frozen=True, slots=True)
class PagingFormat:
    """Sizes, shifts and rules of one format.

    ``upper_shifts`` are the levels above the page table, top first: ``top_shift`` is of the index into the
    top table, ``table_shift`` of the one that selects a page table. ``frame_mask`` is the bits of an entry
    that name a frame, all others being flags; ``hole`` the lowest gva that is the host's, ``reserved`` its
    size in bytes.
    """

    pae: bool
    entry_size: int
    upper_shifts: tuple[int, ...]
    top_shift: int
    table_shift: int
    index_mask: int
    frame_mask: int
    hole: int
    hole_top_index: int
    reserved: int

    def offset(self, gva: int, shift: int) -> int:
        """Byte offset of the entry for ``gva`` in a table whose index starts at bit ``shift``."""
        return (gva >> shift & self.index_mask) * self.entry_size

    def frame(self, entry: int) -> int:
        """Frame number in an entry."""
        return (entry & self.frame_mask) >> 12

    def address(self, entry: int) -> int:
        """gpa of that frame as the host, whose words have 32 bits, has it: the upper part is lost."""
        return entry & self.frame_mask & 0xFFFFFFFF

    def flags(self, entry: int) -> int:
        """Everything in an entry but the frame number."""
        return entry & ~self.frame_mask

    def upper_rule(self, shift: int) -> tuple[int, str]:
        """Flags an entry at ``shift`` may have, and what the guest is killed with otherwise."""
        if shift == self.top_shift:
            return (PRESENT if self.pae else _TABLE_FLAGS), "bad page directory entry"
        return _TABLE_FLAGS, "bad page middle directory entry"


TWO_LEVEL: Final = PagingFormat(
    pae=False,
    entry_size=4,
    upper_shifts=(22,),
    top_shift=22,
    table_shift=22,
    index_mask=0x3FF,
    frame_mask=0xFFFFF000,
    hole=int(abi.Hole.START),
    hole_top_index=int(abi.Hole.TOP_INDEX),
    reserved=int(abi.Hole.SIZE),
)
PAE: Final = PagingFormat(
    pae=True,
    entry_size=8,
    upper_shifts=(30, 21),
    top_shift=30,
    table_shift=21,
    index_mask=0x1FF,
    frame_mask=0x00000FFFFFFFF000,
    hole=int(abi.Hole.PAE_START),
    hole_top_index=int(abi.Hole.PAE_TOP_INDEX),
    reserved=int(abi.Hole.PAE_SIZE),
)
