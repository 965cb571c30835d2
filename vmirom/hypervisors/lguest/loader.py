"""The launcher's boot protocol: what lies where in guest memory before the first instruction.

An ELF kernel's PT_LOADs go to their p_paddr and e_entry is a physical address; a bzImage goes to 1 MiB whole.
The zero page is at gpa 0 with the command line straight after it, an initrd at the end of RAM. The host then
builds boot page tables inside RAM, from what it reads back out of the zero page.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any, Final

from vmirom.hypervisors.hypervisor import LoadError
from vmirom.hypervisors.lguest import launcher
from vmirom.hypervisors.lguest.paging_format import PRESENT, PagingFormat
from vmirom.machine.addresses import PAGE_SIZE, Gpa
from vmirom.machine.memory import BadAddress, Memory
from vmirom.overlays import lguest as abi

__all__ = ["BootImage", "build_page_tables", "place"]

_COMMAND_LINE_MAX: Final = 2048
_BZIMAGE_AT: Final = 0x100000
_PAE_MOST: Final = 1 << 30
_TABLE: Final = int(abi.EntryFlag.BOOT)


@dataclass(frozen=True, slots=True)
class BootImage:
    """Where the guest starts (gpa) and how long the initrd is, page-rounded."""

    entry: int
    initrd_size: int


def place(memory: Memory, ram: int, kernel: bytes, command_line: str, initrd: bytes) -> BootImage:
    """Fill the ``ram`` bytes of guest RAM. Raises LoadError."""
    if kernel[:4] == b"\x7fELF":
        entry = _place_elf(memory, ram, kernel)
    elif kernel[0x202:0x206] == b"HdrS":
        entry = _place_bzimage(memory, ram, kernel)
    else:
        raise LoadError("bundle: neither an ELF file nor a bzImage")
    rounded = -(-len(initrd) // PAGE_SIZE) * PAGE_SIZE
    if rounded > ram // 2:
        raise LoadError(f"initrd: {rounded:#x} bytes do not fit {ram:#x} bytes of memory")
    memory.write(ram - rounded, initrd)
    _boot_params(memory, ram, command_line, rounded)
    return BootImage(entry, rounded)


def _place_elf(memory: Memory, ram: int, kernel: bytes) -> int:
    """As the launcher does it, which is not as a careful loader would: see ``launcher``."""
    try:
        entry, found = launcher.pieces(kernel)
    except launcher.Malformed as malformed:
        raise LoadError(f"bundle: {malformed}") from None
    for piece in found:
        if piece.gpa + len(piece.data) > ram:
            raise LoadError(
                f"bundle: PT_LOAD {piece.number} at {piece.gpa:#x} lies outside {ram:#x} bytes of memory"
            )
        memory.write(piece.gpa, piece.data)
    return entry


def _place_bzimage(memory: Memory, ram: int, kernel: bytes) -> int:
    body = kernel[(kernel[0x1F1] + 1) * 512 :]
    if _BZIMAGE_AT + len(body) > ram or len(kernel) < 0x218:
        raise LoadError(f"bzImage: does not fit {ram:#x} bytes of memory")
    memory.write(_BZIMAGE_AT, body)
    return int.from_bytes(kernel[0x214:0x218], "little")


def _boot_params(memory: Memory, ram: int, command_line: str, initrd_size: int) -> None:
    """The zero page; every field that isn't named here stays 0, kernel_alignment too."""
    text = command_line.encode("utf-8", "replace")
    if len(text) >= _COMMAND_LINE_MAX:
        raise LoadError(f"command line: {len(text)} bytes, at most {_COMMAND_LINE_MAX - 1}")
    memory.write(abi.Boot.COMMAND_LINE_GPA, text + b"\0")
    params: Any = memory.view(Gpa(0), abi.ffi, "struct lguest_boot_params")
    params.e820_entries = 1
    params.e820_map[0].addr = 0
    params.e820_map[0].size = ram
    params.e820_map[0].type = abi.Boot.E820_RAM
    params.version = abi.Boot.VERSION
    params.loadflags = abi.Boot.KEEP_SEGMENTS
    params.cmd_line_ptr = abi.Boot.COMMAND_LINE_GPA
    params.hardware_subarch = abi.Subarch.LGUEST
    if initrd_size:
        params.type_of_loader = abi.Boot.LOADER_TYPE
        params.ramdisk_image, params.ramdisk_size = ram - initrd_size, initrd_size


def build_page_tables(memory: Memory, paging: PagingFormat) -> int:
    """The first tables, below the initrd: all RAM at gva 0 and at 0xC0000000. Gives the gpa of the top table.

    Raises LoadError where RAM is too large for the format.
    """
    params: Any = memory.view(Gpa(0), abi.ffi, "struct lguest_boot_params")
    ram, initrd_size = int(params.e820_map[0].size), int(params.ramdisk_size)
    if paging.pae and ram > _PAE_MOST:
        raise LoadError("memory: at most 1024 MiB with PAE, one page of middle entries maps them")
    top = ram - initrd_size - PAGE_SIZE
    each = PAGE_SIZE // paging.entry_size
    frames = ram // PAGE_SIZE
    tables = -(-frames // each)
    first = top - tables * PAGE_SIZE
    form = "<Q" if paging.pae else "<I"
    if first - PAGE_SIZE < 0x2000:
        raise LoadError(f"memory: {ram >> 20} MiB is too little for the boot tables")
    try:
        memory.write(first, b"".join(struct.pack(form, n << 12 | _TABLE) for n in range(frames)))
        links = b"".join(struct.pack(form, first + n * PAGE_SIZE | _TABLE) for n in range(tables))
        if paging.pae:
            middle = first - PAGE_SIZE
            memory.write(middle, links)
            for index in (0, abi.Boot.LINEAR_BASE >> 30):
                memory.put64(top + 8 * index, middle | PRESENT)
        else:
            memory.write(top, links)
            memory.write(top + 4 * (abi.Boot.LINEAR_BASE >> 22), links[: 4 * 256])
    except BadAddress as outside:
        raise LoadError(f"memory: {outside}") from outside
    return top
