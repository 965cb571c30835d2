"""How an entry of a page table comes to be stored: never so that a processor could find it present and half
written, since another one may look at any moment."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final

from vmirom.conform.hostside.machines import Machines
from vmirom.conform.hostside.made import How, Made
from vmirom.conform.hostside.sheet import scene_of
from vmirom.conform.hostside.stand import Stand
from vmirom.conform.model.arena import LINEAR
from vmirom.overlays.vmi import PageType

__all__ = ["ENTRIES", "examine_entries"]

ENTRIES: Final = "entries"
_LINE: Final = "SetPxELong never leaves an entry present and half written"
_ENTRY: Final = struct.Struct("<Q")
_PRESENT: Final = 1
_NX: Final = 1 << 63
_CHANGES: Final = (
    (0, 0x1_0000_0067),
    (0, _NX | 0x3067),
    (0x1_0000_0067, _NX | 0x2_0000_3067),
    (_NX | 0x2_0000_3067, 0x3067),
    (_NX | 0x2_0000_3067, 0x1_0000_0000),
    (_NX | 0x1_0000_3067, 0),
)
"""What is there, and what is stored over it."""


def examine_entries(machines: Machines) -> None:
    """Write down the line."""
    stand, sheet = machines.stand, machines.sheet
    roads = {road: getattr(stand, road)("SetPxELong") for road in ("entry", "slot")}
    if roads["entry"] is None:
        sheet.skipped(ENTRIES, _LINE, "get_reloc names no entry for it")
        return
    wrong: list[str] = []
    for road, eip in roads.items():
        for old, new in _CHANGES if eip is not None else ():
            sheet.check_time()
            wrong += [f"{one}, by its {road}" for one in _changed(stand, eip, old, new)]
    sheet.judge(ENTRIES, _LINE, wrong, scene_of(stand) if wrong else None)


def _changed(stand: Stand, eip: int, old: int, new: int) -> Iterator[str]:
    at = stand.places.entry
    stand.put(at, _ENTRY.pack(old))
    registers = {"EAX": new & 0xFFFFFFFF, "EDX": new >> 32, "ECX": at}
    made = stand.call(eip, registers, (int(PageType.PT),))
    if made.how is not How.RETURNED:
        yield f"{made.how.value}: {made.why}"
        return
    for between in _between(stand, made, old):
        if between & _PRESENT and between not in (old, new):
            yield f"{between:016X} on the way from {old:016X} to {new:016X}"
    (left,) = _ENTRY.unpack(stand.get(at, _ENTRY.size))
    if left != new:
        yield f"{left:016X} is left, not {new:016X}"


def _between(stand: Stand, made: Made, old: int) -> Iterator[int]:
    """What the entry holds behind each store to it."""
    gpa = stand.places.entry - LINEAR
    held = bytearray(_ENTRY.pack(old))
    for store in made.stores:
        if store.gpa is None or not gpa - store.size < store.gpa < gpa + len(held):
            continue
        for n, byte in enumerate((store.value & (1 << 8 * store.size) - 1).to_bytes(store.size, "little")):
            if 0 <= store.gpa + n - gpa < len(held):
                held[store.gpa + n - gpa] = byte
        yield _ENTRY.unpack(held)[0]
