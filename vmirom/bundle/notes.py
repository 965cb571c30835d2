"""ELF notes: owner, type, description, each padded to four bytes."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from vmirom.bundle.elf import PT_NOTE, ElfError, ElfImage

__all__ = ["VMI_OWNER", "XEN_OWNER", "Note", "notes_of", "pack_notes", "parse_notes"]

VMI_OWNER: Final = "VMI"
XEN_OWNER: Final = "Xen"
_HEAD: Final = struct.Struct("<3I")


@dataclass(frozen=True, slots=True)
class Note:
    """One note. ``owner`` without its NUL; ``description`` without padding."""

    owner: str
    type: int
    description: bytes

    def pack(self) -> bytes:
        """The note as it stands in a PT_NOTE segment."""
        owner = self.owner.encode("ascii") + b"\0"
        return _HEAD.pack(len(owner), len(self.description), self.type) + _pad(owner) + _pad(self.description)


def _pad(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)


def pack_notes(notes: Iterable[Note]) -> bytes:
    """All notes, one behind the other."""
    return b"".join(note.pack() for note in notes)


def parse_notes(data: bytes) -> tuple[Note, ...]:
    """Notes of one PT_NOTE segment, in order. Raises ElfError where a note is cut short."""
    notes = []
    at = 0
    while at < len(data):
        if at + _HEAD.size > len(data):
            if not any(data[at:]):
                break  # linkers pad the segment with zeros
            raise ElfError("PT_NOTE", "a note is cut short")
        owner_size, size, kind = _HEAD.unpack_from(data, at)
        start = at + _HEAD.size
        description = start + owner_size + -owner_size % 4
        if description + size > len(data):
            raise ElfError("PT_NOTE", "a note reaches past the end of its segment")
        owner = data[start : start + owner_size].rstrip(b"\0").decode("ascii", "replace")
        notes.append(Note(owner, kind, data[description : description + size]))
        at = description + size + -size % 4
    return tuple(notes)


def notes_of(image: ElfImage) -> tuple[Note, ...]:
    """All notes of a file, in the order of its headers. Raises ElfError."""
    return tuple(note for h in image.headers if h.type == PT_NOTE for note in parse_notes(image.content(h)))
