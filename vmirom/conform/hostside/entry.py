"""The state in which a ROM enters its guest (3.1): registers, segments, boot info, the first page tables.

A guest looks at some of this itself, but one that is entered wrongly may not come so far as to say so.
Segments and flags are the processor's; tables are read as the guest would read them, by the root that boot
info tells.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from functools import cache
from typing import Any, Final

from elftools.elf.elffile import ELFFile

from vmirom.conform.hostside.contract import DF
from vmirom.conform.hostside.sheet import Sheet
from vmirom.conform.hostside.stand import Stand
from vmirom.conform.model.arena import LINEAR, PAGE
from vmirom.conform.model.player import MEMORY_MIB
from vmirom.machine.engine import SegmentName
from vmirom.overlays.native import Pte
from vmirom.overlays.vmi import Const, ffi
from vmirom.schema.places import source_tree

__all__ = ["ENTRY", "examine_entry", "wrong_root"]

ENTRY: Final = "entry"
_FLAT: Final = (0, 0xFFFFFFFF)
_PRESENT, _WRITE, _NX = int(Pte.PRESENT), int(Pte.WRITE), int(Pte.NX)
_MET: Final = int(Pte.ACCESSED | Pte.DIRTY)
_LARGE: Final = 0x80
_FRAME: Final = 0x000FFFFFFFFFF000
_PF_WRITE, _PF_EXECUTE = 2, 1
_TABLE: Final = 512
_Leaves = dict[int, int]
"""Entry by gva."""


def examine_entry(stand: Stand, sheet: Sheet) -> Any:
    """Write down a line each. The guest has just been entered. A copy of its boot info, None if there is
    none."""
    engine = stand.engine
    sheet.judge(ENTRY, "the guest is entered with ESP at the top of 4 KiB of stack", _stack(stand))
    wrong = [f"EAX is {engine.eax:08X}"] if engine.eax != int(Const.ENTRY_MAGIC) else []
    sheet.judge(ENTRY, "EAX holds the magic word", wrong)
    sheet.judge(ENTRY, "DF is clear", ["it is set"] if engine.eflags & DF else [])
    sheet.judge(ENTRY, "CS, SS, DS and ES are flat, of one RPL, 0 or 1", list(_not_flat(stand)))
    null = [name.name for name in (SegmentName.FS, SegmentName.GS) if engine.segment(name).selector & ~3]
    sheet.judge(ENTRY, "FS and GS are null", [f"{name} is not" for name in null])
    info = _boot_info(stand)
    line = "ESI leads to a boot info with its magic and its size"
    if info is None:
        sheet.failed(ENTRY, line, [f"{engine.esi:08X} leads to none"])
        return None
    sheet.passed(ENTRY, line)
    sheet.judge(ENTRY, "boot info tells version, memory and the ROM as they are", list(_untrue(stand, info)))
    sheet.judge(ENTRY, "the command line is of the length told, and ends there", list(_line(stand, info)))
    _judge_tables(stand, info, sheet)
    return info


def wrong_root(stand: Stand, info: Any) -> list[str]:
    """Whether GetCR3, or the processor where that is native, tells another root than boot info. Raises
    Died."""
    eip = stand.entry("GetCR3")
    told = stand.engine.cr3 if eip is None else stand.call(eip, {}, see=False)["EAX"]
    return [] if info is not None and told == info.root_gpa else [f"it tells {told:08X}"]


def _stack(stand: Stand) -> list[str]:
    esp = stand.engine.esp
    if esp % PAGE:
        return [f"ESP is {esp:08X}"]
    try:
        stand.get(esp - PAGE, PAGE)
    except KeyError:
        return [f"below {esp:08X} is no memory"]
    return []


def _not_flat(stand: Stand) -> Iterator[str]:
    segments = {name: stand.engine.segment(name) for name in SegmentName}
    for name in (SegmentName.CS, SegmentName.SS, SegmentName.DS, SegmentName.ES):
        one = segments[name]
        if (one.base, one.limit) != _FLAT or not one.selector & ~3:
            yield f"{name.name} {one.selector:04X} of base {one.base:08X}, limit {one.limit:08X}"
    levels = segments[SegmentName.CS].selector & 3, segments[SegmentName.SS].selector & 3
    if levels not in ((0, 0), (1, 1)):
        yield f"CS of RPL {levels[0]}, SS of {levels[1]}"


def _boot_info(stand: Stand) -> Any:
    """None where ESI leads to none."""
    size = ffi.sizeof("struct vmi_boot_info")
    try:
        info = ffi.new("struct vmi_boot_info *")
        ffi.memmove(info, stand.get(stand.engine.esi, size), size)
    except (KeyError, IndexError):
        return None
    return info if info.magic == int(Const.BOOT_INFO_MAGIC) and info.size >= size else None


def _untrue(stand: Stand, info: Any) -> Iterator[str]:
    image = stand.image
    pages, room = MEMORY_MIB << 8, range(1, len(stand.frames) + 1)
    told = {
        "version": ((info.abi_major, info.abi_minor), image.abi),
        "place of the ROM": (LINEAR + info.rom_gpa, stand.rom),
        "length of the ROM": (info.rom_length, image.length),
        "virtual_top": (info.virtual_top, image.virtual_top),
    }
    for what, (said, true) in told.items():
        if said != true:
            yield f"{what}: {said}, not {true}"
    if not info.mem_pages <= pages or info.mem_pages not in room:
        yield f"memory: {info.mem_pages} pages of {pages}, {len(stand.frames)} there"
    if not _image_end() <= info.first_free_pfn << 12 < info.mem_pages << 12:
        yield f"first free frame: {info.first_free_pfn:X}"


def _line(stand: Stand, info: Any) -> Iterator[str]:
    try:
        text = stand.get(LINEAR + info.command_line_gpa, info.command_line_length + 1)
    except (KeyError, IndexError):
        yield f"there is none at {info.command_line_gpa:X}"
        return
    if text.find(b"\0") != info.command_line_length:
        yield f"{info.command_line_length} bytes are told of, {text[:16].hex()}"


def _judge_tables(stand: Stand, info: Any, sheet: Sheet) -> None:
    lines = (
        "all memory from C0000000h on is mapped in pages of 4 KiB, by guest-physical frames, and no more",
        "the guest's pages have the rights of its segments",
        "the ROM's pages are executable and not writable, and what is no segment's is not executable",
        "accessed and dirty are set in all entries",
    )
    try:
        leaves = dict(_leaves(stand, info.root_gpa))
    except (KeyError, IndexError):
        for line in lines:
            sheet.failed(ENTRY, line, [f"no tables can be read from {info.root_gpa:X} on"])
        return
    found = (_mapped(leaves, info), _rights(leaves), _others(leaves, info), _unmet(leaves))
    for line, wrong in zip(lines, found, strict=True):
        sheet.judge(ENTRY, line, list(wrong))


def _leaves(stand: Stand, root: int) -> Iterator[tuple[int, int]]:
    """Address and entry of all that is mapped. Raises KeyError where a table is no memory of the guest's."""

    def table(gpa: int, entries: int = _TABLE) -> tuple[int, ...]:
        return struct.unpack(f"<{entries}Q", stand.get(LINEAR + gpa, 8 * entries))

    for top, directory in enumerate(table(root, 4)):
        if not directory & _PRESENT:
            continue
        for middle, entry in enumerate(table(directory & _FRAME)):
            if not entry & _PRESENT:
                continue
            if entry & _LARGE:
                yield top << 30 | middle << 21, entry
                continue
            for low, leaf in enumerate(table(entry & _FRAME)):
                if leaf & _PRESENT:
                    yield top << 30 | middle << 21 | low << 12, leaf


def _mapped(leaves: _Leaves, info: Any) -> Iterator[str]:
    wanted = {LINEAR + PAGE * pfn for pfn in range(info.mem_pages)}
    for gva in sorted(wanted ^ leaves.keys()):
        yield f"{gva:08X} is {'not mapped' if gva in wanted else 'mapped'}"
    for gva, entry in leaves.items():
        if entry & _FRAME != gva - LINEAR and gva in wanted:
            yield f"{gva:08X} leads to {entry & _FRAME:X}"


def _rights(leaves: _Leaves) -> Iterator[str]:
    """A host may lack no-execute: then no entry has it."""
    no_execute = any(entry & _NX for entry in leaves.values())
    for page, flags in _segments().items():
        entry = leaves.get(page, 0)
        if bool(entry & _WRITE) != bool(flags & _PF_WRITE):
            yield f"{page:08X} can {'' if entry & _WRITE else 'not '}be written"
        if no_execute and bool(entry & _NX) == bool(flags & _PF_EXECUTE):
            yield f"{page:08X} can {'not ' if entry & _NX else ''}be executed"


def _others(leaves: _Leaves, info: Any) -> Iterator[str]:
    no_execute = any(entry & _NX for entry in leaves.values())
    rom = range(LINEAR + info.rom_gpa, LINEAR + info.rom_gpa + info.rom_length)
    mine = _segments()
    for gva, entry in leaves.items():
        if gva in rom:
            if entry & (_WRITE | _NX):
                yield f"{gva:08X}, of the ROM: {entry:X}"
        elif gva not in mine and no_execute and not entry & _NX:
            yield f"{gva:08X} can be executed"


def _unmet(leaves: _Leaves) -> Iterator[str]:
    return (f"{gva:08X}: {entry:X}" for gva, entry in leaves.items() if entry & _MET != _MET)


@cache
def _segments() -> dict[int, int]:
    """Flags of the player's ELF segments by page; those of all that touch it."""
    found: dict[int, int] = {}
    with (source_tree("romsrc") / "blobs" / "player.elf").open("rb") as file:
        for one in ELFFile(file).iter_segments("PT_LOAD"):
            start, end = one["p_vaddr"] & ~(PAGE - 1), one["p_vaddr"] + one["p_memsz"]
            for page in range(start, end, PAGE):
                found[page] = found.get(page, 0) | one["p_flags"]
    return found


def _image_end() -> int:
    """gpa behind the player's image."""
    return max(_segments()) + PAGE - LINEAR
