"""Reads a bundle back: what it was made from and where everything goes.

This is what ``vmirom bundle inspect`` prints and what a host asks before it boots; it trusts nothing
that composing promised.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from vmirom.bundle.elf import ElfError, ElfImage, ProgramHeader, read_elf
from vmirom.bundle.notes import VMI_OWNER, Note, notes_of
from vmirom.bundle.refused import BundleError
from vmirom.bundle.romfile import RomFile, read_rom
from vmirom.machine.addresses import PAGE_SIZE
from vmirom.overlays import vmi

__all__ = ["BundleFile", "is_bundle", "read_bundle"]


@dataclass(frozen=True, slots=True)
class BundleFile:
    """A bundle. Digests are of the guest file and the blob that went in; ``entry`` is e_entry;
    ``guest_entry`` is the gva at which the ROM enters the guest; ``data`` is the file."""

    backend: str
    abi: tuple[int, int]
    guest_sha256: str
    rom_sha256: str
    entry: int
    guest_entry: int
    segments: tuple[ProgramHeader, ...]
    notes: tuple[Note, ...]
    rom: RomFile
    data: bytes = field(repr=False)

    @property
    def abi_text(self) -> str:
        """``3.1`` and the like."""
        return f"{self.abi[0]}.{self.abi[1]}"

    @property
    def rom_aliases(self) -> tuple[int, ...]:
        """Addresses at which the ROM's first byte can be called: linear, and physical before paging."""
        return (self.rom.private.rom_gpa + vmi.Layout.LINEAR_BASE, self.rom.private.rom_gpa)


def is_bundle(data: bytes) -> bool:
    """Whether ``data`` says that it is a bundle; it may still be a broken one."""
    try:
        return any(_is_record(note) for note in notes_of(read_elf(data)))
    except ElfError:
        return False


def read_bundle(data: bytes) -> BundleFile:
    """The bundle in ``data``. Raises BundleError or RomRefused."""
    try:
        image = read_elf(data)
        notes = notes_of(image)
    except ElfError as error:
        raise BundleError(error.field, error.rule) from None
    record = _record(notes)
    names = {int(member): member.name.lower() for member in vmi.Backend}
    if record.backend not in names:
        raise BundleError("note VMI", f"backend number {record.backend} is unknown")
    backend = names[record.backend]
    state_page, rom_bytes = _parts(image)
    state = _state(state_page)
    rom = read_rom(rom_bytes, backend)
    return BundleFile(
        backend=backend,
        abi=(record.abi_major, record.abi_minor),
        guest_sha256=bytes(record.guest_sha256).hex(),
        rom_sha256=bytes(record.rom_sha256).hex(),
        entry=image.entry,
        guest_entry=state.entry,
        segments=image.loads,
        notes=notes,
        rom=rom,
        data=data,
    )


def _is_record(note: Note) -> bool:
    return note.owner == VMI_OWNER and note.type == vmi.NoteType.BUNDLE


def _record(notes: tuple[Note, ...]) -> Any:
    found = [note for note in notes if _is_record(note)]
    if len(found) != 1:
        raise BundleError("note VMI", "missing: not a bundle" if not found else "present more than once")
    if len(found[0].description) != vmi.ffi.sizeof("struct vmi_bundle_note"):
        raise BundleError("note VMI", "has another size than struct vmi_bundle_note")
    return vmi.ffi.from_buffer("struct vmi_bundle_note *", found[0].description)


def _parts(image: ElfImage) -> tuple[bytes, bytes]:
    """First state page and ROM: each where it belongs, or both behind the guest, where the entry is."""
    for header in image.loads:
        if vmi.Layout.GUEST_GPA <= header.paddr <= image.entry < header.paddr + header.filesz:
            content = image.content(header)
            return content[:PAGE_SIZE], content[PAGE_SIZE:]
    state = image.content(_load_at(image, vmi.Layout.STATE_GPA, "state pages"))
    return state, image.content(_load_at(image, vmi.Layout.ROM_GPA, "ROM"))


def _state(content: bytes) -> Any:
    if len(content) < vmi.ffi.sizeof("struct vmi_bundle"):
        raise BundleError("state page", "is shorter than struct vmi_bundle")
    return vmi.ffi.from_buffer("struct vmi_bundle *", content)


def _load_at(image: ElfImage, gpa: int, what: str) -> ProgramHeader:
    for header in image.loads:
        if header.paddr == gpa:
            return header
    raise BundleError("PT_LOAD", f"no {what} at gpa {gpa:#x}")
