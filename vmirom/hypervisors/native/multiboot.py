"""Multiboot 1: the header that an image must have, and the information that it gets.

The information (struct, command line, memory map, module list) is put into the lowest free page below
640 KiB, modules behind the image above 1 MiB, page-aligned. Left out, and refused if an image insists:
video modes and the address fields that replace ELF headers.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from vmirom.hypervisors.hypervisor import LoadError
from vmirom.hypervisors.native.image import Image
from vmirom.machine.addresses import PAGE_SIZE
from vmirom.machine.memory import Memory
from vmirom.overlays.native import MemoryType, Multiboot, MultibootHeaderFlag, MultibootInfoFlag, ffi

__all__ = [
    "HIGH",
    "HOLE",
    "LOW_END",
    "ROM_END",
    "ROM_START",
    "Module",
    "check_header",
    "place",
    "place_image",
]

LOW_END: Final = 0xA0000
"""End of conventional memory."""
ROM_START: Final = 0xC0000
ROM_END: Final = 0xC8000
HIGH: Final = 0x100000
HOLE: Final = ((LOW_END, ROM_START), (ROM_END, HIGH))
"""Where a PC has no memory: video memory, and the rest of the ROM area."""
_EBDA: Final = 0x9FC00
_NAME: Final = b"vmirom\0"
_FIRST_FREE: Final = 0x1000
_KIB: Final = 1024
_FOUR_GIB: Final = 1 << 32
_REQUIRED: Final = 0xFFFF
_OFFERED: Final = int(MultibootHeaderFlag.PAGE_ALIGN | MultibootHeaderFlag.MEMORY_INFO)


@dataclass(frozen=True, slots=True)
class Module:
    """A boot module and its command line."""

    data: bytes
    text: str = ""


def check_header(data: bytes) -> None:
    """Look for the header in the first 8192 bytes. Raises LoadError if there is none that can be served."""
    magic = int(Multiboot.HEADER_MAGIC)
    for at in range(0, min(len(data), Multiboot.HEADER_SEARCH) - 11, Multiboot.HEADER_ALIGN):
        found, flags, checksum = struct.unpack_from("<III", data, at)
        if found == magic and (found + flags + checksum) & 0xFFFFFFFF == 0:
            break
    else:
        raise LoadError(f"multiboot header: none in the first {int(Multiboot.HEADER_SEARCH)} bytes")
    if flags & MultibootHeaderFlag.ADDRESSES:
        raise LoadError("multiboot header: flag 16 (address fields) is not offered for an ELF image")
    if flags & _REQUIRED & ~_OFFERED:
        raise LoadError(
            f"multiboot header: required features {flags & _REQUIRED & ~_OFFERED:#x} are not offered"
        )


def _memory_map(size: int) -> list[tuple[int, int, int]]:
    return [
        (0, _EBDA, MemoryType.RAM),
        (_EBDA, LOW_END - _EBDA, MemoryType.RESERVED),
        (ROM_START, HIGH - ROM_START, MemoryType.RESERVED),
        (HIGH, size - HIGH, MemoryType.RAM),
    ]


class _Area:
    """Bytes that will stand at ``base``, put one behind the other."""

    def __init__(self, base: int) -> None:
        self.base = base
        self.data = bytearray()

    def put(self, data: bytes) -> int:
        """Append at a multiple of 8; the answer is the address."""
        self.data += bytes(-len(self.data) % 8)
        at = self.base + len(self.data)
        self.data += data
        return at


def place_image(memory: Memory, image: Image) -> None:
    """Put the image's segments where they say, with zeros behind. Raises LoadError where no memory is."""
    for segment in image.segments:
        for start, end in (*HOLE, (memory.size, _FOUR_GIB)):
            if segment.paddr < end and start < segment.end:
                raise LoadError(f"segment at {segment.paddr:#x}: [{start:#x}, {end:#x}) is not memory")
        memory.write(segment.paddr, segment.data)
        memory.write(segment.paddr + len(segment.data), bytes(segment.memsz - len(segment.data)))


def place(memory: Memory, image: Image, command_line: str, modules: Sequence[Module]) -> int:
    """Put modules and information into memory; the answer is the gpa for EBX.

    The image is in place already. Raises LoadError if something does not fit.
    """
    placed = _place_modules(memory, image, modules)
    info: Any = ffi.new("struct multiboot_info *")
    size = _size(info, command_line, modules)
    area = _Area(_free_page(image, size))
    area.put(bytes(ffi.sizeof("struct multiboot_info")))
    flag = MultibootInfoFlag
    info.flags = int(flag.MEMORY | flag.COMMAND_LINE | flag.MODULES | flag.MEMORY_MAP | flag.BOOT_LOADER_NAME)
    info.mem_lower = LOW_END // _KIB - 1
    info.mem_upper = (memory.size - HIGH) // _KIB
    info.cmdline = area.put(_text(command_line))
    info.boot_loader_name = area.put(_NAME)
    entries = b"".join(
        struct.pack("<IQQI", 20, start, length, kind) for start, length, kind in _memory_map(memory.size)
    )
    info.mmap_length = len(entries)
    info.mmap_addr = area.put(entries)
    texts = [area.put(_text(module.text)) for module in modules]
    info.mods_count = len(modules)
    info.mods_addr = area.put(
        b"".join(
            struct.pack("<IIII", start, start + len(module.data), text, 0)
            for start, module, text in zip(placed, modules, texts, strict=True)
        )
    )
    area.data[: ffi.sizeof("struct multiboot_info")] = bytes(ffi.buffer(info))
    memory.write(area.base, bytes(area.data))
    return area.base


def _text(text: str) -> bytes:
    if "\0" in text:
        raise LoadError("command line: contains a NUL")
    return text.encode() + b"\0"


def _size(info: Any, command_line: str, modules: Sequence[Module]) -> int:
    texts = sum(len(module.text.encode()) + 32 for module in modules)
    return int(ffi.sizeof(info[0])) + len(command_line.encode()) + texts + 256


def _place_modules(memory: Memory, image: Image, modules: Sequence[Module]) -> list[int]:
    at = max(HIGH, *(segment.end for segment in image.segments))
    placed = []
    for module in modules:
        at = at + PAGE_SIZE - 1 & -PAGE_SIZE
        if at + len(module.data) > memory.size:
            raise LoadError(f"module of {len(module.data)} bytes: does not fit into memory behind the image")
        memory.write(at, module.data)
        placed.append(at)
        at += len(module.data)
    return placed


def _free_page(image: Image, size: int) -> int:
    """The lowest page-aligned run of ``size`` bytes that the image does not use."""
    at = _FIRST_FREE
    for segment in sorted(image.segments, key=lambda s: s.paddr):
        if at + size <= segment.paddr:
            break
        at = max(at, segment.end + PAGE_SIZE - 1 & -PAGE_SIZE)
    if at + size > _EBDA:
        raise LoadError(f"multiboot information: no {size} free bytes below {_EBDA:#x}")
    return at
