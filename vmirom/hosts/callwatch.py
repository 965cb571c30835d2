"""Sees the calls a guest makes, where they enter the ROM.

A call enters through its slot, under either alias of the ROM, or through its second entry, which get_reloc
answers at the usual alias. A routine may be reached from its slot, too: an entry right behind a slot of
the same call is that same call. What get_reloc lets the guest do itself (NONE, NOP) is no call.
"""

from __future__ import annotations

from typing import Final, Protocol

from vmirom.bundle.inspect import BundleFile
from vmirom.machine.engine import Engine
from vmirom.overlays import vmi

__all__ = ["ToldOfCalls", "watch_calls"]

_NONE: Final = -1


class ToldOfCalls(Protocol):
    """Who is told."""

    def call(self, number: int) -> None:
        """The guest entered slot ``number``."""


def watch_calls(engine: Engine, bundle: BundleFile, tally: ToldOfCalls) -> None:
    """Tell ``tally`` of each call; set up before the guest runs."""
    rom = bundle.rom
    count, size = rom.private.slots_count, rom.private.slot_size
    slot_just_passed = _NONE

    for base in bundle.rom_aliases:
        first = base + rom.private.slots_offset

        def through_slot(address: int, first: int = first) -> None:
            nonlocal slot_just_passed
            number, within = divmod(address - first, size)
            if not within:
                slot_just_passed = number
                tally.call(number)

        engine.watch(first, count * size, through_slot)

    usual = int(vmi.Layout.LINEAR_BASE) + rom.private.rom_gpa
    for number in range(count):
        entry = rom.image.fast(number)
        if entry is None:
            continue

        def directly(address: int, number: int = number) -> None:
            nonlocal slot_just_passed
            if slot_just_passed != number:
                tally.call(number)
            slot_just_passed = _NONE

        engine.watch(usual + entry, 1, directly)
