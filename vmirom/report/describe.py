"""Guests, bundles and ROMs described: the same facts as plain values for JSON and as lines for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from vmirom.bundle.elf import ProgramHeader
from vmirom.bundle.inspect import BundleFile
from vmirom.bundle.notes import XEN_OWNER, Note
from vmirom.hypervisors.lguest import launcher

if TYPE_CHECKING:
    from vmirom.guest.inspect import GuestFile
    from vmirom.rom.inspect import Inspection

__all__ = ["bundle_facts", "bundle_lines", "guest_facts", "guest_lines", "rom_lines"]


def _segments(segments: Sequence[ProgramHeader]) -> list[dict[str, Any]]:
    return [
        {"gpa": s.paddr, "gva": s.vaddr, "filesz": s.filesz, "memsz": s.memsz, "permissions": s.permissions}
        for s in segments
    ]


def _segment_lines(segments: Sequence[ProgramHeader]) -> Iterator[str]:
    for s in segments:
        yield f"  {s.paddr:#010x}  {s.memsz:#9x} bytes ({s.filesz:#x} in the file)  {s.permissions}"


def guest_facts(file: GuestFile) -> dict[str, Any]:
    """What ``vmirom guest inspect --json`` prints."""
    note, guest = file.note, file.guest
    return {
        "abi_line": note.line,
        "abi_least": f"{note.major}.{note.minor}",
        "entry": note.entry,
        "features": note.features,
        "start": guest.start,
        "end": guest.end,
        "sha256": guest.sha256,
        "size": file.size,
        "segments": _segments(guest.segments),
        "sections": list(file.sections),
        "sites": dict(file.sites),
    }


def guest_lines(file: GuestFile) -> Iterator[str]:
    """The same for people."""
    note, guest = file.note, file.guest
    yield f"guest for ABI {note.major}.{note.minor} or newer, features {note.features:#x}"
    yield f"entry {note.entry:#x}"
    yield f"sha256 {guest.sha256}"
    yield f"image [{guest.start:#x}, {guest.end:#x})"
    yield from _segment_lines(guest.segments)
    if file.sites:
        sites = ", ".join(f"{name} {count}" for name, count in file.sites.items())
        yield f"call sites: {sites}"


def bundle_facts(bundle: BundleFile) -> dict[str, Any]:
    """What ``vmirom bundle inspect --json`` prints."""
    rom = bundle.rom
    return {
        "backend": bundle.backend,
        "abi": bundle.abi_text,
        "entry": bundle.entry,
        "guest_entry": bundle.guest_entry,
        "guest_sha256": bundle.guest_sha256,
        "rom_sha256": bundle.rom_sha256,
        "rom": {
            "length": rom.image.length,
            "gpa": rom.private.rom_gpa,
            "state_gpa": rom.private.state_gpa,
            "state_pages": rom.private.state_pages,
            "boot_entry": rom.private.boot_entry,
            "pvh_entry": rom.private.pvh_entry,
            "build_id": rom.build_id,
        },
        "segments": _segments(bundle.segments),
        "notes": [{"owner": n.owner, "type": n.type, "hex": n.description.hex()} for n in bundle.notes],
        **_launcher_facts(bundle),
    }


def _launcher_facts(bundle: BundleFile) -> dict[str, Any]:
    """Of a bundle for lguest: whether the launchers of its releases load it, rule by rule."""
    if bundle.backend != "lguest":
        return {}
    rules = launcher.judge(bundle.data)
    return {
        "launcher": {
            "releases": launcher.RELEASES,
            "loadable": not any(r.fault for r in rules),
            "rules": [{"subject": r.subject, "rule": r.rule, "fault": r.fault} for r in rules],
        }
    }


def bundle_lines(bundle: BundleFile) -> Iterator[str]:
    """The same for people."""
    yield f"bundle for {bundle.backend}, ABI {bundle.abi_text}"
    yield f"entry {bundle.entry:#x} (in the ROM), which enters the guest at {bundle.guest_entry:#x}"
    yield f"guest sha256 {bundle.guest_sha256}"
    yield f"ROM   sha256 {bundle.rom_sha256}, {bundle.rom.image.length} bytes, build {bundle.rom.build_id}"
    yield "segments"
    yield from _segment_lines(bundle.segments)
    yield "notes"
    for note in bundle.notes:
        yield f"  {note.owner:4} type {note.type:<3} {_value(note)}"
    if bundle.backend == "lguest":
        yield from _launcher_lines(bundle)


def _launcher_lines(bundle: BundleFile) -> Iterator[str]:
    rules = launcher.judge(bundle.data)
    broken = [rule for rule in rules if rule.fault]
    yield f"{'not ' if broken else ''}loadable by the launcher of {launcher.RELEASES}"
    for rule in rules:
        yield f"  {rule.subject:8} {rule.fault or 'kept: ' + rule.rule}"


def _value(note: Note) -> str:
    text = note.description
    if note.owner == XEN_OWNER and len(text) == 4 and not text.rstrip(b"\0").isalnum():
        return f"{int.from_bytes(text, 'little'):#x}"
    if text.endswith(b"\0") and text[:-1].isascii() and text[:-1].decode().isprintable():
        return f'"{text[:-1].decode()}"'
    return f"{len(text)} bytes"


def rom_lines(rom: Inspection, slots: bool) -> Iterator[str]:
    """A ROM for people: fields, rules, and with ``slots`` the code of each slot."""
    yield f"{rom.name}: {rom.size} bytes"
    structure = ""
    for field in rom.fields:
        if field.structure != structure:
            structure = field.structure
            yield f"{structure} at {field.offset:#x}"
        yield f"  {field.offset:#06x}  {field.name:20} {field.value}"
    yield "rules"
    for check in rom.checks:
        yield f"  {check.subject:18} {'kept' if check.kept else check.fault}"
    if not slots:
        return
    yield "slots"
    for slot in rom.slots:
        where = "no routine" if slot.target is None else f"to {slot.target:#x}"
        yield f"  {slot.number:3} {slot.name} at {slot.offset:#x}, {where}"
        if slot.target is not None:
            yield from (f"      {line}" for line in slot.code)
