"""The host's corner of the guest's address space, in the hole at the top.

While the guest runs the processor needs its GDT mapped; besides, lguest's host has its switcher code there,
the page the guest's registers are saved in, and the guest's IDT. As on the real host the kernel of a guest
can read all of it, and write the page with the registers (from which, here, nothing is ever read back).
"""

from __future__ import annotations

from typing import Final

from vmirom.hypervisors.lguest.host_pages import HostPages
from vmirom.hypervisors.lguest.paging_format import ACCESSED, DIRTY, PRESENT, RW, PagingFormat
from vmirom.machine.engine import Engine
from vmirom.overlays import lguest as abi

__all__ = ["Switcher"]

_CODE, _REGISTERS, _STATE = 0, 1, 2
_GDT_LIMIT: Final = 8 * abi.Gdt.ENTRIES - 1
_IDT_OFFSET: Final = 0x800
_IDT_LIMIT: Final = 8 * abi.Constants.IDT_ENTRIES - 1


class Switcher:
    """``table`` is the page table every shadow has for the hole, ``gdt`` the engine address of the GDT."""

    def __init__(self, engine: Engine, pages: HostPages, paging: PagingFormat) -> None:
        self.table = pages.take()
        self.gdt = 0
        for index in (_CODE, _REGISTERS, _STATE):
            page = pages.take()
            flags = PRESENT | ACCESSED | (RW | DIRTY if index == _REGISTERS else 0)
            at = self.table + index * paging.entry_size
            if paging.pae:
                engine.memory.put64(at, page | flags)
            else:
                engine.memory.put32(at, page | flags)
            self.gdt = page
        state = paging.hole + _STATE * 0x1000
        engine.gdtr = (state, _GDT_LIMIT)
        engine.idtr = (state + _IDT_OFFSET, _IDT_LIMIT)
