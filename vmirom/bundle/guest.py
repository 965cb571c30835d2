"""Reads a guest: an i386 ET_EXEC linked at 0xC0000000 + its load address, with one ABI note.

The rules are the entry contract of VMI 3.1 seen from the loader: everything below 1 MiB belongs to the
ROM and to boot protocols, segments are identity plus the linear base, and a page has one set of
permissions. Whatever breaks one is refused here, with the field and the rule, so that no later part
has to wonder.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from vmirom.bundle.elf import PF_X, ElfError, ElfImage, ProgramHeader, read_elf
from vmirom.bundle.notes import VMI_OWNER, notes_of
from vmirom.bundle.refused import GuestError
from vmirom.machine.addresses import PAGE_SIZE
from vmirom.overlays import vmi

__all__ = ["Abi", "Guest", "GuestNote", "read_guest"]

Abi = tuple[int, int]
"""Major and minor of a version of the executable line, (3, 1) for VMI 3.1."""


@dataclass(frozen=True, slots=True)
class GuestNote:
    """What a guest says about itself; ``entry`` is a gva."""

    line: int
    major: int
    minor: int
    entry: int
    features: int


@dataclass(frozen=True, slots=True)
class Guest:
    """A guest that kept every rule. ``segments`` ascend by address."""

    note: GuestNote
    segments: tuple[ProgramHeader, ...]
    image: ElfImage
    sha256: str

    @property
    def start(self) -> int:
        """First gpa of the image, rounded down to a page."""
        return self.segments[0].paddr & -PAGE_SIZE

    @property
    def end(self) -> int:
        """First gpa behind the image, rounded up to a page."""
        last = self.segments[-1]
        return -(-(last.paddr + last.memsz) // PAGE_SIZE) * PAGE_SIZE


def read_guest(data: bytes, abi: Abi | None = None) -> Guest:
    """The guest in ``data``; with ``abi``, it must also be content with that version. Raises GuestError."""
    try:
        image = read_elf(data)
        note = _note(image)
    except ElfError as error:
        raise GuestError(error.field, error.rule) from None
    segments = tuple(sorted(image.loads, key=lambda h: h.paddr))
    _check_segments(segments)
    _check_note(note, segments)
    if abi is not None and note.major != abi[0]:
        raise GuestError("note VMI", f"wants a version {note.major}.x of the ABI, not {abi[0]}.{abi[1]}")
    if abi is not None and note.minor > abi[1]:
        raise GuestError("note VMI", f"wants ABI {note.major}.{note.minor} or newer, not {abi[0]}.{abi[1]}")
    return Guest(note, segments, image, hashlib.sha256(data).hexdigest())


def _note(image: ElfImage) -> GuestNote:
    found = [n for n in notes_of(image) if n.owner == VMI_OWNER and n.type == vmi.NoteType.GUEST]
    if not found:
        raise GuestError("note VMI", "missing; a guest names its ABI and its entry point in an ELF note")
    if len(found) > 1:
        raise GuestError("note VMI", f"present {len(found)} times; one is allowed")
    size = vmi.ffi.sizeof("struct vmi_guest_note")
    text = found[0].description
    if len(text) != size:
        raise GuestError("note VMI", f"has {len(text)} bytes; struct vmi_guest_note has {size}")
    raw = vmi.ffi.from_buffer("struct vmi_guest_note *", text)
    return GuestNote(raw.line, raw.abi_major, raw.abi_minor, raw.entry, raw.features)


def _check_segments(segments: tuple[ProgramHeader, ...]) -> None:
    if not segments:
        raise GuestError("PT_LOAD", "missing; there is nothing to load")
    if len(segments) > vmi.Const.SEGMENTS_MAX:
        raise GuestError(
            "PT_LOAD", f"{len(segments)} segments; at most {int(vmi.Const.SEGMENTS_MAX)} are allowed"
        )
    for s in segments:
        name = f"segment at gpa {s.paddr:#x}"
        for what, start, end in _TAKEN:
            if s.paddr < end and start < s.paddr + s.memsz:
                raise GuestError(name, f"lies over the {what} [{start:#x}, {end:#x})")
        if s.paddr < vmi.Layout.GUEST_GPA:
            raise GuestError(
                name, f"below {int(vmi.Layout.GUEST_GPA):#x}, where boot protocols put their own"
            )
        if s.vaddr != s.paddr + vmi.Layout.LINEAR_BASE:
            raise GuestError(name, f"p_vaddr {s.vaddr:#x} is not p_paddr + {int(vmi.Layout.LINEAR_BASE):#x}")
    for low, high in pairwise(segments):
        if high.paddr < low.paddr + low.memsz:
            raise GuestError(f"segment at gpa {high.paddr:#x}", "overlaps the segment before it")
        last = (low.paddr + low.memsz - 1) // PAGE_SIZE
        if high.paddr // PAGE_SIZE == last and high.flags != low.flags:
            raise GuestError(
                f"segment at gpa {high.paddr:#x}", "shares a page with a segment of other permissions"
            )


_TAKEN: Final = (
    (
        "ROM's state pages",
        int(vmi.Layout.STATE_GPA),
        int(vmi.Layout.STATE_GPA + vmi.Layout.STATE_PAGES * PAGE_SIZE),
    ),
    ("ROM", int(vmi.Layout.ROM_GPA), int(vmi.Layout.ROM_GPA + vmi.Layout.ROM_MAX)),
)


def _check_note(note: GuestNote, segments: tuple[ProgramHeader, ...]) -> None:
    if note.line != vmi.Const.LINE or note.major != vmi.Const.LINE:
        raise GuestError(
            "note VMI",
            f"ABI line {note.line}, major {note.major}: only line {int(vmi.Const.LINE)} can be executed",
        )
    if not any(s.flags & PF_X and s.vaddr <= note.entry < s.vaddr + s.filesz for s in segments):
        raise GuestError("note VMI", f"entry {note.entry:#x} is in no executable segment")
