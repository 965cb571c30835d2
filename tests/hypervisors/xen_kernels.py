"""Tiny kernels for the embedded Xen: an ELF file around hand-assembled code, and the domain built from it."""

from __future__ import annotations

import struct
import time
from dataclasses import dataclass, field

from vmirom.hypervisors.hypervisor import Ending
from vmirom.hypervisors.xen import XenHypervisor, make
from vmirom.hypervisors.xen.domain import Domain
from vmirom.machine.unicorn import UnicornEngine
from vmirom.overlays.xen import Domid, ElfNote, Hypercall, Schedop

VIRT_BASE = 0xC0000000
TEXT = 0xC0100000
"""Where the code of a kernel made here starts."""
PAGES = 16
"""Pages of its image."""
ARGUMENTS = TEXT + 4096

NOTES: dict[int, bytes] = {
    ElfNote.LOADER: b"generic\0",
    ElfNote.XEN_VERSION: b"xen-3.0\0",
    ElfNote.PAE_MODE: b"yes\0",
    ElfNote.VIRT_BASE: struct.pack("<I", VIRT_BASE),
    ElfNote.PADDR_OFFSET: struct.pack("<I", 0),
    ElfNote.ENTRY: struct.pack("<I", TEXT),
}

GUEST_SECTION = (
    "GUEST_OS=test,XEN_VER=xen-3.0,VIRT_BASE=0xC0000000,ELF_PADDR_OFFSET=0x0,VIRT_ENTRY=0xC0100000,"
    "HYPERCALL_PAGE=0x101,PAE=yes[extended-cr3],LOADER=generic,FEATURES=writable_page_tables"
)
"""What the notes say, for a builder that knows none."""


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


class Code:
    """Machine code that grows by hypercalls and bytes."""

    def __init__(self) -> None:
        self.bytes = bytearray()

    @property
    def here(self) -> int:
        """Virtual address of the next byte."""
        return TEXT + len(self.bytes)

    def raw(self, text: str) -> Code:
        """Bytes in hex."""
        self.bytes += bytes.fromhex(text)
        return self

    def hypercall(self, number: int, *args: int) -> Code:
        """Load the registers and ``int $0x82``."""
        for opcode, value in zip(b"\xbb\xb9\xba\xbe\xbf", args, strict=False):
            self.bytes += struct.pack("<BI", opcode, value & 0xFFFFFFFF)
        self.bytes += struct.pack("<BI", 0xB8, number) + b"\xcd\x82"
        return self

    def keep_eax(self, va: int) -> Code:
        """mov %eax, va"""
        self.bytes += b"\xa3" + struct.pack("<I", va)
        return self

    def store(self, va: int, value: int) -> Code:
        """movl $value, va"""
        self.bytes += b"\xc7\x05" + struct.pack("<II", va, value & 0xFFFFFFFF)
        return self

    def off(self) -> Code:
        """Power off."""
        return self.hypercall(Hypercall.SCHED_OP, Schedop.SHUTDOWN, ZERO)

    def image(self, at: dict[int, bytes] | None = None) -> bytes:
        """The code, and pieces of data at virtual addresses."""
        image = bytearray(self.bytes)
        for va, data in (at or {}).items():
            image = image.ljust(va - TEXT + len(data), b"\0")
            image[va - TEXT : va - TEXT + len(data)] = data
        return bytes(image)


ZERO = TEXT + 15 * 4096
"""A page that stays zero."""
RESULTS = TEXT + 14 * 4096
"""Where kernels leave what they found."""


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
        release: str = "4.17",
    ) -> None:
        if section is None and release == "3.0":
            section = GUEST_SECTION.encode() + b"\0"
        self.story = Story()
        self.hypervisor: XenHypervisor = make(
            UnicornEngine,
            memory_mib,
            self.story.console.extend,
            self.story,
            seed=seed,
            module=module,
            release=release,
        )
        self.hypervisor.load(elf(code, notes, section), command_line)

    @property
    def domain(self) -> Domain:
        return self.hypervisor.domain

    def call(self, number: int, *args: int) -> int:
        """One hypercall with the domain stopped; missing arguments are 0 (domid: SELF)."""
        if number in (Hypercall.MMU_UPDATE, Hypercall.MMUEXT_OP) and len(args) < 4:
            args = (*args, *(0,) * (3 - len(args)), Domid.SELF)
        return self.domain.hypercalls.call(number, (*args, *(0,) * (5 - len(args))))

    # The guest's memory. Pages 2 to 9 of the image are spare, page 1 is for arguments.

    def frame(self, va: int) -> int:
        """Machine frame behind a virtual address."""
        return self.domain.space.translate(va) >> 12

    def spare(self, number: int) -> int:
        """Virtual address of a spare page."""
        return TEXT + (2 + number) * 4096

    def argument(self, data: bytes, offset: int = 0) -> int:
        """Put an argument into memory; its address."""
        self.domain.space.write(ARGUMENTS + offset, data)
        return ARGUMENTS + offset

    def map(self, va: int, entry: int, flags: int = 0) -> int:
        """update_va_mapping."""
        return self.call(Hypercall.UPDATE_VA_MAPPING, va, entry & 0xFFFFFFFF, entry >> 32, flags)

    def read_only(self, va: int) -> int:
        """Map a page read-only; its frame."""
        frame = self.frame(va)
        assert self.map(va, frame << 12 | 1) == 0
        return frame

    def fill(self, frame: int, entries: dict[int, int]) -> None:
        """Make a frame a table of these entries, as a guest would before it maps it read-only."""
        self.domain.memory.write(frame << 12, bytes(4096))
        for slot, entry in entries.items():
            self.domain.memory.put64((frame << 12) + slot * 8, entry)

    def table(self, number: int, entries: dict[int, int]) -> int:
        """A spare page with entries, mapped read-only; its frame."""
        frame = self.frame(self.spare(number))
        self.fill(frame, entries)
        self.read_only(self.spare(number))
        return frame

    def extended(self, command: int, first: int = 0, second: int = 0) -> int:
        """One mmuext_op."""
        return self.call(Hypercall.MMUEXT_OP, self.argument(struct.pack("<3I", command, first, second)), 1)

    def update(self, pointer: int, value: int) -> int:
        """One mmu_update."""
        return self.call(Hypercall.MMU_UPDATE, self.argument(struct.pack("<QQ", pointer, value)), 1)

    def event(self, command: int, *words: int) -> tuple[int, tuple[int, ...]]:
        """One event_channel_op on a structure of 32-bit words: (result, words afterwards)."""
        at = self.argument(struct.pack(f"<{len(words)}I", *words))
        result = self.call(Hypercall.EVENT_CHANNEL_OP, command, at)
        return result, struct.unpack(f"<{len(words)}I", self.domain.space.read(at, 4 * len(words)))

    def run(self, seconds: float = 2.0) -> Ending:
        return self.hypervisor.run(time.monotonic_ns() + int(seconds * 1e9))

    def close(self) -> None:
        self.domain.engine.close()
