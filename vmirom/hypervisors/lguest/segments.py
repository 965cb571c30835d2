"""The guest's GDT: 32 entries, a copy of which the processor uses while the guest runs.

The guest is told nothing about what became of a descriptor: DPL 0 becomes 1, the accessed bit is set (the
table is read-only to the processor), and entries 10, 11, 16 and 31 are kept for the host. A descriptor
that can't be used is noticed when it is loaded, as a fault of the guest. Each entry to the guest reloads
the segment registers, so a changed descriptor is in force at once; one that a register holds and that
can't be loaded any more faults in the host's own code there, and the guest is dead of "trap 256".
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from vmirom.hypervisors.lguest.death import Killed, c_hex
from vmirom.machine.engine import Engine, Segment, SegmentName
from vmirom.machine.memory import Memory
from vmirom.overlays import lguest as abi

__all__ = ["SegmentTable", "unreturned"]

_PRESENT: Final = 1 << 15
_CODE_OR_DATA: Final = 1 << 12
_ACCESSED: Final = 1 << 8
_DPL: Final = 3 << 13
_GRANULAR: Final = 1 << 23
_ATTRIBUTES: Final = 0x00F0FF00

_FLAT_CODE: Final = (0x0000FFFF, 0x00CF9B00)
_FLAT_DATA: Final = (0x0000FFFF, 0x00CF9300)
_HOST_ENTRIES: Final = frozenset(
    {abi.Gdt.HOST_CODE, abi.Gdt.HOST_DATA, abi.Gdt.TSS, abi.Gdt.DOUBLE_FAULT_TSS}
)
_TLS: Final = range(abi.Gdt.TLS_FIRST, abi.Gdt.TLS_FIRST + abi.Gdt.TLS_COUNT)
_CODE: Final = 1 << 11
_CONFORMING: Final = 1 << 10
_READABLE: Final = 1 << 9
"""Of code; of data the same bit says writable."""
_NO_TRAP: Final = 256
"""What the host puts where the trap's number comes to stand; a fault in its own code leaves it there."""
_SWITCHER_EFLAGS: Final = 0x82
"""Those of the switcher at its iret: they come to stand where the error code is."""
_RETURNED: Final = (SegmentName.CS, SegmentName.SS)
_RELOADED: Final = (SegmentName.DS, SegmentName.ES, SegmentName.FS, SegmentName.GS)


def unreturned(eip: int) -> str:
    """What a guest is killed with whose CS or SS an iret can't load."""
    return f"unhandled trap {_NO_TRAP} at {c_hex(eip)} ({c_hex(_SWITCHER_EFLAGS)})"


@lru_cache(maxsize=1024)
def _described(selector: int, low: int, high: int) -> Segment:
    """The segment that the two words of a descriptor describe."""
    if not high & _PRESENT or not high & _CODE_OR_DATA:
        return Segment(selector, 0, 0, 0)
    base = low >> 16 | (high & 0xFF) << 16 | high & 0xFF000000
    limit = low & 0xFFFF | high & 0xF0000
    if high & _GRANULAR:
        limit = limit << 12 | 0xFFF
    return Segment(selector, base, limit, high & _ATTRIBUTES)


class SegmentTable:
    """The table at engine address ``page``; at boot it holds the kernel's two flat segments only."""

    def __init__(self, engine: Engine, page: int) -> None:
        self._engine = engine
        self._memory: Memory = engine.memory
        self._page = page
        self.changed = False
        """A descriptor is another one since the last :meth:`check`."""
        self._put(abi.Gdt.HOST_CODE, *_FLAT_CODE)
        self._put(abi.Gdt.HOST_DATA, *_FLAT_DATA)
        self.load(abi.Gdt.KERNEL_CODE, *_FLAT_CODE)
        self.load(abi.Gdt.KERNEL_DATA, *_FLAT_DATA)

    def load(self, index: int, low: int, high: int) -> None:
        """LOAD_GDT_ENTRY. Raises Killed for an index outside the table."""
        if index >= abi.Gdt.ENTRIES:
            raise Killed(f"too many gdt entries {_signed(index)}")
        if index in _HOST_ENTRIES:
            return
        if not high & _DPL:
            high |= abi.Constants.GUEST_PRIVILEGE << 13
        self._put(index, low, high | _ACCESSED)
        self._reload(index)
        self.changed = True

    def load_tls(self, descriptors: bytes) -> None:
        """LOAD_TLS: three descriptors of 8 bytes for entries 6 to 8."""
        for position, index in enumerate(_TLS):
            low = int.from_bytes(descriptors[8 * position : 8 * position + 4], "little")
            high = int.from_bytes(descriptors[8 * position + 4 : 8 * position + 8], "little")
            self.load(index, low, high)

    def check(self) -> None:
        """Before an entry, if :attr:`changed`: what the registers hold can be loaded, data segments at level
        0, code and stack by an iret. Raises Killed."""
        self.changed = False
        held = {name: self._engine.selector(name) for name in (*_RELOADED, *_RETURNED)}
        if not all(self._data_loads(held[name]) for name in _RELOADED):
            raise Killed(f"unhandled trap {_NO_TRAP} at {c_hex(self._engine.eip)} (0x0)")
        if not (self._returns(held[SegmentName.CS], _CODE) and self._returns(held[SegmentName.SS], 0)):
            raise Killed(unreturned(self._engine.eip))

    def _data_loads(self, selector: int) -> bool:
        if not selector & ~3:
            return True
        kind = self._high(selector)
        if kind & (_CODE | _READABLE) == _CODE:
            return False
        conforming = kind & (_CODE | _CONFORMING) == _CODE | _CONFORMING
        return bool(kind) and (conforming or selector & 3 <= kind >> 13 & 3)

    def _returns(self, selector: int, code: int) -> bool:
        kind = self._high(selector)
        writable = bool(code) or bool(kind & _READABLE)
        return bool(kind) and kind & _CODE == code and writable and selector & 3 == kind >> 13 & 3

    def _high(self, selector: int) -> int:
        """Upper word of a present code or data descriptor in the table, 0 of anything else."""
        index = (selector & 0xFFFF) >> 3
        if index >= abi.Gdt.ENTRIES or selector & 4:
            return 0
        high = self._memory.u32(self._page + 8 * index + 4)
        return high if high & _PRESENT and high & _CODE_OR_DATA else 0

    def segment(self, selector: int) -> Segment:
        """What loading ``selector`` puts into a segment register; a null or unusable one has attributes 0."""
        index = (selector & 0xFFFF) >> 3
        if index == 0 or index >= abi.Gdt.ENTRIES or selector & 4:
            return Segment(selector & 0xFFFF, 0, 0, 0)
        low, high = self._memory.u32(self._page + 8 * index), self._memory.u32(self._page + 8 * index + 4)
        return _described(selector & 0xFFFF, low, high)

    def _put(self, index: int, low: int, high: int) -> None:
        self._memory.put32(self._page + 8 * index, low)
        self._memory.put32(self._page + 8 * index + 4, high)

    def _reload(self, index: int) -> None:
        for name in _RELOADED:
            held = self._engine.segment(name)
            if held.selector >> 3 == index and not held.selector & 4:
                self._engine.set_segment(name, self.segment(held.selector))


def _signed(value: int) -> int:
    return value - (1 << 32) if value >> 31 else value
