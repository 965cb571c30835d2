"""Tiny kernels for the embedded Xen: an ELF file around hand-assembled code, and the domain built from it."""

from __future__ import annotations

import struct
import time
from dataclasses import dataclass, field

from vmirom.hypervisors.hypervisor import Ending
from vmirom.hypervisors.xen import XenHypervisor, make
from vmirom.hypervisors.xen.domain import Domain
from vmirom.machine.unicorn import UnicornEngine
from vmirom.overlays.xen import ElfNote

VIRT_BASE = 0xC0000000
TEXT = 0xC0100000
"""Where the code of a kernel made here starts."""
PAGES = 16
"""Pages of its image."""

NOTES: dict[int, bytes] = {
    ElfNote.LOADER: b"generic\0",
    ElfNote.XEN_VERSION: b"xen-3.0\0",
    ElfNote.PAE_MODE: b"yes\0",
    ElfNote.VIRT_BASE: struct.pack("<I", VIRT_BASE),
    ElfNote.PADDR_OFFSET: struct.pack("<I", 0),
    ElfNote.ENTRY: struct.pack("<I", TEXT),
}


def elf(code: bytes, notes: dict[int, bytes] | None = None, section: bytes | None = None) -> bytes:
    """A kernel whose image is ``code`` at TEXT, padded with zeros to PAGES pages."""
    packed = b""
    for kind, value in (NOTES if notes is None else notes).items():
        packed += struct.pack("<III4s", 4, len(value), kind, b"Xen\0") + value + bytes(-len(value) % 4)
    text_at, note_at = 0x1000, 0x200
    names = b"\0__xen_guest\0"
    section_at = note_at + len(packed)
    names_at = section_at + len(section or b"")
    table_at = (names_at + len(names) + 3) & ~3
    sections = 0 if section is None else 3
    header = struct.pack(
        "<16sHHIIIIIHHHHHH",
        b"\x7fELF\x01\x01\x01",
        2,
        3,
        1,
        TEXT,
        52,
        table_at if sections else 0,
        0,
        52,
        32,
        2,
        40,
        sections,
        2 if sections else 0,
    )
    paddr = TEXT - VIRT_BASE
    load = struct.pack("<8I", 1, text_at, TEXT, paddr, len(code), PAGES * 4096, 7, 0x1000)
    note = struct.pack("<8I", 4, note_at, 0, 0, len(packed), len(packed), 4, 4)
    image = bytearray(header + load + note)
    image = image.ljust(note_at, b"\0") + packed + (section or b"") + names
    image = image.ljust(table_at, b"\0")
    if sections:
        image += bytes(40)
        image += struct.pack("<10I", 1, 1, 0, 0, section_at, len(section or b""), 0, 0, 1, 0)
        image += struct.pack("<10I", 0, 3, 0, 0, names_at, len(names), 0, 0, 1, 0)
    return bytes(image.ljust(text_at, b"\0") + code)


@dataclass
class Story:
    """A trace that keeps everything, and the console."""

    hypercalls: list[tuple[str, tuple[int, ...], int | None, str]] = field(default_factory=list)
    events: list[tuple[str, str]] = field(default_factory=list)
    console: bytearray = field(default_factory=bytearray)

    def hypercall(self, name: str, arguments: tuple[int, ...], result: int | None, why: str = "") -> None:
        self.hypercalls.append((name, arguments, result, why))

    def event(self, kind: str, detail: str) -> None:
        self.events.append((kind, detail))


class Bench:
    """One loaded hypervisor with a kernel of ours."""

    def __init__(
        self,
        code: bytes = b"\x0f\x0b",
        memory_mib: int = 16,
        notes: dict[int, bytes] | None = None,
        section: bytes | None = None,
        command_line: str = "",
        seed: int = 0,
        module: bytes = b"",
    ) -> None:
        self.story = Story()
        self.hypervisor: XenHypervisor = make(
            UnicornEngine, memory_mib, self.story.console.extend, self.story, seed=seed, module=module
        )
        self.hypervisor.load(elf(code, notes, section), command_line)

    @property
    def domain(self) -> Domain:
        return self.hypervisor.domain

    def run(self, seconds: float = 2.0) -> Ending:
        return self.hypervisor.run(time.monotonic_ns() + int(seconds * 1e9))

    def close(self) -> None:
        self.domain.engine.close()
